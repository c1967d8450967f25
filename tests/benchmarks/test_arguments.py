"""What is wrong with a benchmark's command line is told before anything is measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.messages import lacks

ROOT = Path(__file__).parents[2]
BAD = {
    "no such commit": (["beside", "--before", "nosuch"], ["--before", "'nosuch'", "a commit of this repository"]),
    "an option for git": (["judging", "--before=--help"], ["--before", "'--help'"]),
    "a long name": (["sooner", "--before", "x" * 5000], ["--before", "xxx..."]),
    "no repeats": (["judging", "--before", "HEAD", "--repeats", "0"], ["--repeats", "'0'", "1 to 1,000"]),
    "no seconds": (["beside", "--before", "HEAD", "--seconds", "nan"], ["--seconds", "'nan'", "above 0"]),
    "no seeds": (["sooner", "--before", "HEAD", "--seeds", "\u0663x"], ["--seeds", "\\u0663x"]),
    "no folder": (["training_step", "--before", "HEAD", "--json", "/nowhere/a"], ["--json", "'/nowhere/a'"]),
    "no firms": (["gpu", "--only", "equality", "--firms", "0"], ["--firms", "'0'"]),
    "no device": (["gpu", "--device", "cpu"], ["--device", "'cpu'"]),
    "nothing to compare with": (["foresight"], ["--before"]),
}


@pytest.mark.parametrize("case", list(BAD))
def test_a_bad_argument_is_named_with_what_is_allowed(case: str) -> None:
    (module, *words), expected = BAD[case]
    done = subprocess.run(  # noqa: S603  # our own interpreter and our own program
        [sys.executable, "-m", f"benchmarks.{module}", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert not lacks(done.stderr, *expected)
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 2500
