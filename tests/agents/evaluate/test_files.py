from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from tests.agents.evaluate.stand_ins import SCENARIOS, hindsight, read
from tests.messages import lacks

from thinmargin_agents.evaluate import run
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.evaluate.tables import show


@pytest.mark.usefixtures("here")
def test_a_file_is_whole_or_as_it_was(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("all.json")
    file.write_text("old")

    def full(_: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert main(["premium", "--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 1
    assert "could not be written: no space left" in capsys.readouterr().err
    assert file.read_text() == "old"
    assert [path for path in Path().iterdir() if path.suffix == ".tmp"] == []
    Path("link.json").symlink_to(file)
    assert main(["premium", "--n-worlds", "2", "--no-stress", "--json", "link.json"]) == 0
    assert Path("link.json").is_symlink()
    assert read("all.json")["worlds"] == 2


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices as files")  # noqa: PTH110  # a skip condition
def test_a_device_is_not_replaced_by_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["premium", "--n-worlds", "2", "--json", "/dev/null"]) == 2
    assert "not a file" in capsys.readouterr().err


@pytest.mark.slow
def test_markdown_pages_get_their_tables_and_the_command(here: Path) -> None:
    both, one = here / "both.md", here / "one.md"
    both.write_text("before\n<!-- results -->\nold\n<!-- end -->\n<!-- stress -->\n<!-- end -->\nafter\n")
    one.write_text("<!-- results -->\n<!-- end -->\n")
    arguments = ["premium", "--n-worlds", "3", "--n-stress-worlds", "2", "--json", "out.json"]
    assert main([*arguments, "--markdown", "both.md", "one.md", "new.md"]) == 0
    report = read("out.json")
    command = "thinmargin-evaluate premium --env ThinMargin/Ecosystem-v1 --split test --n-worlds 3 --n-stress-worlds 2"
    assert report["command"] == command
    text = both.read_text(encoding="utf-8")
    few = "[-]: no interval of fewer than 10, it would be too narrow"
    first = f"`{command} --markdown both.md`: 3 test worlds; {few}."
    assert text.startswith(f"before\n<!-- results -->\n{first}\n\n| policy | score [interval] |")
    assert text.endswith("\n<!-- end -->\nafter\n")
    assert "old" not in text
    assert f"| premium maker (premium) | - | {report['policies']['premium']['J_mean']:.1f} [" in text
    entry = report["stress"]["price_war"]["premium"]
    assert (
        f"| premium maker (premium) | {entry['J_benchmark']:.1f} | {entry['J_mean']:.1f},"
        f" {100 * entry['bankrupt_share']:.1f} % |" in text
    )
    results = text[text.index("<!-- results -->") : text.index("<!-- stress -->")]
    assert one.read_text(encoding="utf-8") == results.replace("both.md", "one.md")
    assert "price war" not in results
    assert "price war" in (here / "new.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_report_with_pictures_is_asked_for_with_all_that_was_played(
    here: Path, shipped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped(hindsight)
    asked: dict[str, Any] = {}

    def html_report(*arguments: Any) -> str:
        names = ("report", "results", "stress", "entrants", "playground", "command", "named")
        asked.update(zip(names, arguments, strict=True))
        return "<!doctype html>"

    monkeypatch.setitem(sys.modules, "thinmargin_agents.report", SimpleNamespace(html_report=html_report))
    names = ["outsiders.py:Tired", "premium"]
    assert main([*names, "--n-worlds", "2", "--html", "all.html", "--json", "all.json"]) == 1
    assert (here / "all.html").read_text() == "<!doctype html>"
    everybody = {"premium", "low_margin_ecosystem", "low_margin_tuned", "foresight"}
    assert {result.name for result in asked["results"]} == everybody
    assert {entrant.name for entrant in asked["entrants"]} == everybody
    assert set(asked["report"]["policies"]) == everybody
    assert list(asked["stress"]) == SCENARIOS
    assert {result.name for result in asked["stress"]["price_war"]} == everybody - {"foresight"}
    assert asked["playground"].worlds == "benchmark"
    assert asked["command"] == f"{read('all.json')['command']} --html all.html"
    assert asked["named"] == names


@pytest.mark.parametrize("library", ["matplotlib", "jinja2"])
def test_a_report_without_its_libraries_is_refused_before_anything_is_played(
    library: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "play_all", None)
    monkeypatch.setitem(sys.modules, library, None)
    assert main(["premium", "--html", "all.html"]) == 2
    assert f"--html needs {library}: pip install 'thinmargin[report]'" in capsys.readouterr().err
    assert not (here / "all.html").exists()


@pytest.mark.slow
def test_tables_fit_a_terminal(shipped: Any, here: Path) -> None:
    shipped(hindsight)
    main(["random", "outsiders.py:Still", "--n-worlds", "2", "--json", "all.json"])
    report = read("all.json")
    report["policies"] = {f"{here}/{name * 3}": summary for name, summary in report["policies"].items()}
    report["stress"] = {
        family: {f"{here}/{name * 3}": entry for name, entry in policies.items()}
        for family, policies in report["stress"].items()
    }
    for width in (80, 120):
        console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
        show(report, console)
        lines = console.file.getvalue().splitlines()
        assert max(map(len, lines)) <= width
        for head in ("score [interval]", "J [interval]", "P(better)", "95 %", "bankrupt", "price war", "entrant clone"):
            assert any(head in line for line in lines), head
        assert "…" not in "".join(lines)


@pytest.mark.parametrize("name", ["config.json", "best/state.safetensors", "evaluations.csv"])
@pytest.mark.parametrize("flag", ["--json", "--csv", "--html"])
def test_results_never_take_the_place_of_a_file_of_a_run(
    flag: str, name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = here / "run" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for file in (here / "run" / "config.json", path):
        file.write_text("mine", encoding="utf-8")
    assert main(["premium", "--n-worlds", "2", "--no-stress", flag, f"run/{name}"]) == 2
    assert not lacks(capsys.readouterr().err, flag, name, "file of a policy")
    assert path.read_text("utf-8") == "mine"


def test_results_never_take_the_place_of_a_policy(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (here / "outsiders.py").read_bytes()
    assert main(["outsiders.py:Still", "--n-worlds", "2", "--no-stress", "--json", "./outsiders.py"]) == 2
    assert not lacks(capsys.readouterr().err, "--json", "outsiders.py", "file of a policy")
    assert (here / "outsiders.py").read_bytes() == before
