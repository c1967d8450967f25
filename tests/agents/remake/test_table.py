"""The stages of this package: they cover what hangs on the economics, and their commands are commands of it."""

from __future__ import annotations

import dataclasses
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import tyro
from tests.messages import lacks, naming

from thinmargin.tuned import FOLDER as TUNED
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.evaluate.config import EvaluateConfig
from thinmargin_agents.foresight.plan_files import FOLDER as PLANS
from thinmargin_agents.policies.shipped import FOLDER as TRAINED
from thinmargin_agents.policies.shipped import manifest_of, trained_names
from thinmargin_agents.remake import table as package
from thinmargin_agents.remake.__main__ import main
from thinmargin_agents.remake.stage import MISSING, Stage, Table
from thinmargin_agents.remake.table import checkout_here, equations, shipped_table
from thinmargin_agents.runs.folder import RunFolder

ROOT = Path(__file__).parents[3]
LOGS = Path("logs/remake")
EXAMPLES = {"docs/images/episode.png"}
"""Pictures that show how something looks, and no result."""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    """The stages of this checkout."""
    monkeypatch.chdir(ROOT)
    return shipped_table(LOGS)


def outputs_of(table: Table) -> set[str]:
    return {output.name for stage in table.stages for output in stage.outputs}


def test_everything_that_follows_from_the_economics_has_a_stage(table: Table) -> None:
    files = [*TUNED.glob("*.json"), *PLANS.glob("*.npz"), *(ROOT / "docs").glob("algorithms/*.png")]
    files += [*(ROOT / "docs" / "images").glob("*.png"), TUNED.parent / "calibration.json"]
    made = outputs_of(table)
    assert {str(path.relative_to(ROOT)) for path in files} - EXAMPLES <= made
    for place in (
        "docs/question.md (phase map)", "docs/question.md (answer)", "docs/question.md (judgements)",
        "docs/question.md (years)", "docs/audit.md (audit)",
        "docs/mechanisms.md (mechanisms)", "docs/exact.md (exact)",
        "README.md (results)", "README.md (closing rules)",
        "docs/benchmark.md (results)", "docs/benchmark.md (closing rules)", "docs/benchmark.md (stress)",
    ):  # fmt: skip
        assert place in made
    assert {stage.name for stage in table.stages} >= {f"agent.{name}" for name in trained_names()}
    assert table.stages[-1].commands == (("python", "docs/tables.py"),)


def test_what_stages_make_and_read_is_there(table: Table) -> None:
    for stage in table.stages:
        assert MISSING not in table.made(stage).values(), stage.name
        assert MISSING not in table.parts(stage).values(), stage.name


def config_of(words: tuple[str, ...]) -> Any:
    """The flags of a command as it reads them; the process ends if it does not."""
    if words[1] == "-m":
        module = importlib.import_module(f"{words[2]}.__main__")
        if words[2].startswith("thinmargin."):
            return module._parser().parse_args(words[3:])
        kinds = [kind for kind in vars(module).values() if dataclasses.is_dataclass(kind) and isinstance(kind, type)]
        (kind,) = [kind for kind in kinds if kind.__name__.endswith("Config")]
        return tyro.cli(kind, args=words[3:])
    kind = {"train.py": TrainConfig, "evaluate.py": EvaluateConfig, "docs/tables.py": None}[words[1]]
    return None if kind is None else tyro.cli(kind, args=words[2:])


def test_every_command_takes_its_flags(table: Table) -> None:
    for stage in table.stages:
        for words in stage.commands:
            assert words[0] == "python"
            config_of(words)


def agent(table: Table, name: str) -> Stage:
    return next(stage for stage in table.stages if stage.name == f"agent.{name}")


def test_an_agent_is_trained_as_its_manifest_says_and_ships_the_folders_of_these_runs(
    table: Table, tmp_path: Path
) -> None:
    for name in trained_names():
        stage, manifest = agent(table, name), manifest_of(name)
        train, ship = stage.commands
        config = config_of(train)
        assert config.log_folder == Path(stage.scratch or "") == LOGS / "runs" / name
        runs = [dataclasses.replace(resolve(config), seed=one.seed) for one in manifest.seeds]
        made = [RunFolder.create(tmp_path / config.log_folder, run).path.relative_to(tmp_path) for run in runs]
        shipping = config_of(ship)
        assert (shipping.name, list(shipping.runs), shipping.meaning) == (name, made, manifest.meaning)
        assert stage.resumed is not None
        resumed = stage.resumed(tmp_path)
        assert resumed is not None
        assert list(config_of(resumed).resume) == made
        (tmp_path / made[-1] / "config.json").unlink()
        assert stage.resumed(tmp_path) is None, "a run whose folder was not finished is not resumed"


def test_every_file_of_an_agent_is_watched(table: Table) -> None:
    for name in trained_names():
        files = {str(path.relative_to(ROOT)) for path in (TRAINED / name).iterdir()}
        assert {output.name for output in agent(table, name).outputs} == files


def test_a_rule_is_tuned_by_the_command_that_its_file_names(table: Table, tmp_path: Path) -> None:
    for path in TUNED.glob("*.json"):
        stage = next(stage for stage in table.stages if stage.name == f"tune.{path.stem}")
        made = json.loads(path.read_text("utf-8"))["made"]["command"]
        assert " ".join(stage.commands[0]) == f"{made} --output {path.relative_to(ROOT)}"
    for text in ("no JSON", "{}", '{"made": {"command": "rm -rf /"}}'):
        (tmp_path / "plan.json").write_text(text, encoding="utf-8")
        found = package._tuning_command(tmp_path / "plan.json", "plan")
        assert found == ("python", "-m", "thinmargin_agents.tuning", "plan")
    names = [stage.name for stage in table.stages]
    assert names.index("tune.plan") < names.index("tune.plan_with_feedback")
    assert "tune.plan" in table.stages[names.index("tune.plan_with_feedback")].needs


def test_an_equation_and_what_is_played_are_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = equations()
    assert equations() == before
    monkeypatch.setattr(package, "source_digest", lambda: "another")
    assert equations() != before
    monkeypatch.undo()
    for name in package.PLAYED:
        (tmp_path / f"{name}.py").write_bytes((package.ENVIRONMENT / f"{name}.py").read_bytes())
    monkeypatch.setattr(package, "ENVIRONMENT", tmp_path)
    assert equations() == before
    (tmp_path / "scenarios.py").write_text("", encoding="utf-8")
    assert equations() != before


def test_elsewhere_than_at_the_top_of_a_checkout_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--list"]) == 2
    assert not lacks(capsys.readouterr().err, str(tmp_path), "docs/tables.py", "clone")
    for name in package.CHECKOUT:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=naming("imports thinmargin from", str(tmp_path), "pip install -e")):
        checkout_here()
    assert not (tmp_path / "logs").exists()
