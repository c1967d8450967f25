"""Names with a newline or a comma, and folders inside of runs: said on one line, whole, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.messages import lacks, said
from tests.tiny_training import FLAGS, NAMES

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.evaluate import run as evaluate_run
from thinmargin_agents.evaluate.command import main as evaluate
from thinmargin_agents.import_sb3.command import main as import_sb3
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.shipping.__main__ import main as ship
from thinmargin_agents.train import main as train

NAME = "one\nFAKE: line"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "use",
    [
        lambda: train(["--resume", NAME]),
        lambda: train(["--resume", NAME, "--total-timesteps", "9"]),
        lambda: train(["--preset", f"{NAME}.yml"]),
        lambda: evaluate([f"{NAME}.py:Rule"]),
        lambda: import_sb3([NAME, "--output", "run"]),
        lambda: ship(["tiny", NAME, "--meaning", "A test."]),
    ],
    ids=["resume", "lengthen", "preset", "evaluate", "import", "ship"],
)
@pytest.mark.parametrize("there", [False, True], ids=["absent", "there"])
def test_a_refusal_is_one_line_whatever_the_name_has_in_it(
    use: object, there: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    if there:
        Path(NAME).mkdir()
        Path(NAME, "config.json").write_text("{", encoding="utf-8")
        Path(f"{NAME}.yml").write_text("default: 3", encoding="utf-8")
        Path(f"{NAME}.py").write_text("", encoding="utf-8")
    assert callable(use)
    assert use() == 2
    lines = capsys.readouterr().err.splitlines()
    assert not any(line.startswith("FAKE") for line in lines)
    assert any(r"one\nFAKE: line" in line for line in lines)


def test_a_log_folder_without_a_run_is_said_on_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate_run, "play_all", lambda *_, **__: None)
    evaluate(["--log-folder", NAME, "--n-worlds", "2", "--no-stress"])
    lines = capsys.readouterr().err.splitlines()
    assert any(rf"No run in {NAME!r}:".replace("'", "") in line for line in lines)
    assert not any(line.startswith("FAKE") for line in lines)


@pytest.mark.usefixtures("quick_training")
def test_what_a_run_prints_of_its_folder_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--total-timesteps", "96", "--n-envs", "8", "--n-eval-episodes", "2", "--env-kwargs", "horizon=12",
        "--no-progress", "--hyperparams", *NAMES,
    ]  # fmt: skip
    assert train([*words, "-f", NAME]) == 0
    printed = capsys.readouterr().out
    assert r"run one\nFAKE: line/ppo/" in printed
    assert r"done: one\nFAKE: line/ppo/" in printed


@pytest.fixture
def made(here: Path) -> RunFolder:
    """A run whose events lie elsewhere."""
    board = here / "board"
    return RunFolder.create(here / "logs", resolve(TrainConfig(**FLAGS, hyperparams=NAMES, tensorboard_log=board)))


@pytest.mark.parametrize("inside", ["", "best", "a/b"])
@pytest.mark.parametrize("flag", ["--log-folder", "--tensorboard-log"])
def test_no_folder_is_made_inside_of_a_run_or_its_events(
    flag: str, inside: str, made: RunFolder, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "link").symlink_to(made.path)
    before = sorted(here.rglob("*"))
    for place in (made.path / inside, made.events() / inside, here / "link" / inside):
        assert train([flag, str(place), *([] if flag == "--log-folder" else ["-f", "other"])]) == 2
        assert not lacks(said(capsys), f"{flag} is ", str(place), "of a run", "outside")
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize("more", [[], ["--optimize"], ["--seeds", "1", "2"]], ids=["one", "search", "seeds"])
@pytest.mark.parametrize("flag", ["--log-folder", "--tensorboard-log"])
@pytest.mark.parametrize("place", ["/dev/full/logs", "file/logs"])
def test_a_place_where_no_folder_can_be_made_is_named_by_every_way_to_train(
    place: str, flag: str, more: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").touch()
    assert train([flag, place, *more]) == 2
    assert not lacks(said(capsys), f"{flag} is ", place, "is not a folder")
    assert [path.name for path in here.iterdir()] == ["file"]


def test_nothing_is_imported_into_a_run(made: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    Path("model.zip").touch()
    assert import_sb3(["model.zip", "--output", str(made.path / "other")]) == 2
    assert not lacks(said(capsys), "--output is ", "of a run")


def test_other_folders_beside_a_run_are_no_run(made: RunFolder, here: Path) -> None:
    """Another project's config.json makes none, nor do the folders that hold runs."""
    (here / "project").mkdir()
    shutil.copy(made.path / "config.json", here / "project")
    run = made.run()
    for place in (here / "logs", here / "logs" / "ppo", here / "project" / "logs"):
        try:
            RunFolder.create(place, run)
        except ConfigError as error:
            pytest.fail(str(error))


@pytest.mark.parametrize("words", [["--no-stress", ""], ["--n-worlds", "3", ""], ["", "--no-stress"]], ids=str)
def test_an_empty_policy_is_named_as_one(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(words) == 2
    printed = said(capsys)
    assert "policy '' is unknown" in printed or "POLICY is ''" in printed
    assert "--no-stress is" not in printed
    assert "--n-worlds is" not in printed


@pytest.mark.parametrize("name", ["my,name", "logs/a,b", "premium2,low"])
def test_an_unknown_name_with_a_comma_is_said_whole(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate([name, "--n-worlds", "2"]) == 2
    printed = said(capsys)
    assert not lacks(printed, f"policy {name!r}", "is unknown", "commas")
