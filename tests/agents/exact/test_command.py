from __future__ import annotations

import subprocess
import sys

import pytest

from thinmargin_agents.exact import backward_induction, contenders
from thinmargin_agents.exact.__main__ import main


def test_a_search_that_falls_short_is_said_and_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backward_induction, "USERS", 20)
    monkeypatch.setattr(backward_induction, "PRICES", 10)
    monkeypatch.setattr(contenders, "GENERATIONS", 1)
    assert main([]) == 1
    told = capsys.readouterr().err
    assert "plan reaches" in told
    assert "99 % is wanted" in told
    assert "less than 0.1 % is wanted" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "-1"], ("--seed", "-1", "0 to")),
        (["--ppo", "--timesteps", "-5"], ("--timesteps", "-5", "1 to")),
        (["--ppo", "--timesteps", "0"], ("--timesteps", "0", "1 to")),
        (["--timesteps", "5"], ("--timesteps", "5", "--ppo")),
        (["--json", "no/such/folder/file.json"], ("--json", "no/such/folder", "no folder")),
        (["--json", "."], ("--json", "not a file")),
    ],
)
def test_a_bad_argument_is_named_with_what_is_allowed(
    arguments: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert not told.out
    for word in words:
        assert word in told.err


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys\nfrom thinmargin_agents.exact.__main__ import main\nstatus = main(['--help'])\n"
        "print(status, sorted({'numba', 'numpy', 'torch', 'cma', 'gymnasium'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  # our own interpreter and code
    assert "--timesteps" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 []"
