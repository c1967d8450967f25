"""Commands that are printed can be run as they are printed, and judge a policy on the task it was trained on."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
from tests.messages import lacks, naming

from thinmargin.names import parts_of
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import evaluation_flags
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.evaluate.command import main as evaluate
from thinmargin_agents.policies.by_name import entrant_of
from thinmargin_agents.train import main as train

pytestmark = pytest.mark.usefixtures("quick_training")
LEARNER = ["paired_worlds=1", "n_steps=12", "batch_size=24", "policy_kwargs.net_arch=[8]"]
SHORT = ["--n-envs", "4", "--n-eval-episodes", "2", "--no-progress", "--total-timesteps", "48"]


def trained(logs: str, *flags: str, kwargs: tuple[str, ...] = ("horizon=12",)) -> int:
    return train([
        *SHORT, "--log-folder", logs, *flags, "--hyperparams", *LEARNER, "--env-kwargs", *kwargs,
    ])  # fmt: skip


def next_of(printed: str) -> tuple[list[str], list[str]]:
    """The words of the two commands after `next:`, as a shell reads them."""
    line = next(line for line in printed.splitlines() if line.startswith("next: "))
    judge, look = (shlex.split(part) for part in line.removeprefix("next: ").split("    "))
    assert judge[0] == "thinmargin-evaluate"  # no script is in the folder of the test
    assert look[:2] == ["tensorboard", "--logdir"]
    return judge[1:], look[2:]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("logs", ["moved here, v2", "a,b", 'it\'s $HOME; `x` & "y"', "./-logs", "ppo,premium"])
def test_what_a_training_prints_next_can_be_run(logs: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(logs) == 0
    judge, look = next_of(capsys.readouterr().out)
    assert Path(look[0]).is_dir()
    assert evaluate([*judge, "--n-worlds", "2", "--json", "all.json"]) == 0
    results = json.loads((here / "all.json").read_text("utf-8"))
    (run,) = [name for name, summary in results["policies"].items() if summary["seeds"]]
    assert Path(run) == Path(logs, "ppo", "Ecosystem-v1_1")
    assert results["notes"] == []
    capsys.readouterr()
    assert train(["--resume", judge[0], "--no-progress"]) == 0
    assert next_of(capsys.readouterr().out)[0] == judge


@pytest.mark.slow
def test_what_several_seeds_print_next_can_be_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained("logs, 2", "--seeds", "0", "1") == 0
    judge, look = next_of(capsys.readouterr().out)
    assert Path(look[0]).is_dir()
    assert evaluate([*judge, "--n-worlds", "2", "--json", "all.json"]) == 0
    results = json.loads((here / "all.json").read_text("utf-8"))
    assert [len(summary["seeds"]) for summary in results["policies"].values() if summary["seeds"]] == [2]


def test_what_is_a_path_is_one_policy_and_commas_join_the_others(here: Path) -> None:
    for name in ("a", "b", "a,b", "c, d", "x.py:y"):
        (here / name).mkdir()
    (here / "of, mine.py").touch()
    assert parts_of("a,b") == ["a,b"]
    assert parts_of("a, b") == ["a", "b"]
    assert parts_of("b,a") == ["b", "a"]
    assert parts_of("c, d,a,b") == ["c, d", "a,b"]
    assert parts_of("b,c, d,ppo:0") == ["b", "c, d", "ppo:0"]
    assert parts_of("ppo:0, ppo:1") == ["ppo:0", "ppo:1"]
    assert parts_of("of, mine.py:Rule") == ["of, mine.py:Rule"]
    assert parts_of("nothing,,x\0y") == ["nothing", "", "x\0y"]


def test_a_run_that_was_moved_to_a_folder_with_a_comma_is_one_policy(here: Path) -> None:
    assert trained("logs") == 0
    (here / "moved here, v2").mkdir()
    for name in ("one", "two, too"):
        shutil.copytree("logs/ppo/Ecosystem-v1_1", f"moved here, v2/{name}")
    assert len(entrant_of("moved here, v2/one").members) == 1
    with pytest.raises(ValueError, match="same seed"):
        entrant_of("moved here, v2/one,moved here, v2/two, too")


@pytest.mark.parametrize(
    ("kwargs", "flags"),
    [
        (("horizon=12",), ["--env-kwargs", "horizon=12"]),
        (("horizon=12", "closing=none"), ["--env-kwargs", "horizon=12", "closing=none"]),
        (("horizon=12", "worlds=calibrated"), ["--env-kwargs", "horizon=12", "worlds=calibrated"]),
    ],
)
def test_a_policy_is_judged_where_it_was_trained_or_the_difference_is_said(
    kwargs: tuple[str, ...], flags: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trained("logs", kwargs=kwargs) == 0
    judge, _ = next_of(capsys.readouterr().out)
    assert judge[1:] == flags
    few = ["--n-worlds", "2", "--no-stress", "--json", "all.json", "--markdown", "page.md"]
    assert evaluate([*judge, *few]) == 0
    own = json.loads((here / "all.json").read_text("utf-8"))
    assert own["notes"] == []
    assert "Note:" not in capsys.readouterr().out
    assert evaluate([judge[0], *few]) == 0
    other = json.loads((here / "all.json").read_text("utf-8"))
    printed = capsys.readouterr().out
    for place in (printed, *other["notes"], (here / "page.md").read_text("utf-8")):
        assert not lacks(place, judge[0], "was trained with", "horizon=12", "judged with", "horizon=180")
        for pair in kwargs:
            assert pair in place
    values = [report["policies"][str(Path(judge[0]))]["J_mean"] for report in (own, other)]
    assert values[0] != values[1]


def test_a_shipped_agent_in_worlds_that_it_was_not_trained_in_is_noted(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["ppo:0", "--env", "ThinMargin/EcosystemCalibrated-v1", "--n-worlds", "2"]
    assert evaluate(command) == 0
    assert not lacks(capsys.readouterr().out, "Note: ppo:0 was trained with worlds=benchmark", "worlds=calibrated")
    assert here.is_dir()


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (["split=test"], ["--env-kwargs has 'split'", "horizon"]),
        (["reward=shaped"], ["--env-kwargs has 'reward'", "J is money"]),
        (["parameters={}"], ["--env-kwargs has 'parameters'"]),
        (["horizon=0"], ["--env-kwargs: ", "horizon", "0"]),
        (["worlds=nowhere"], ["--env-kwargs: ", "nowhere"]),
        (["horizon"], ["--env-kwargs has 'horizon'", "NAME=VALUE"]),
        (["horizon=24", "--stress"], ["--stress", "--env-kwargs"]),
    ],
)
def test_arguments_that_change_no_task_are_refused(
    pairs: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(["premium", "--n-worlds", "2", "--env-kwargs", *pairs]) == 2
    assert not lacks(capsys.readouterr().err, *words)


def test_flags_of_an_evaluation_leave_out_how_an_agent_learns() -> None:
    run = resolve(TrainConfig(env="ThinMargin/EcosystemCalibrated-v1", env_kwargs=("reward=profit", "horizon=60")))
    assert evaluation_flags(run) == ["--env", "ThinMargin/EcosystemCalibrated-v1", "--env-kwargs", "horizon=60"]
    assert evaluation_flags(resolve(TrainConfig())) == []


def test_the_latest_run_is_named_where_nobody_did_in_pages_too_unless_what_is_shipped_was_asked_for(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thinmargin_agents.evaluate.run.trained_names", lambda: ())
    monkeypatch.setattr("thinmargin_agents.evaluate.run.BASELINES", ("premium",))
    assert trained("logs") == 0
    capsys.readouterr()
    few = ["--n-worlds", "2", "--no-stress"]
    assert evaluate([*few, "--json", "all.json"]) == 0
    note = "logs/ppo/Ecosystem-v1_1 is here as the latest run of logs; nobody named it."
    assert any(note in one for one in json.loads((here / "all.json").read_text("utf-8"))["notes"])
    assert note in capsys.readouterr().out
    assert evaluate([*few, "--markdown", "page.md"]) == 0
    assert not lacks((here / "page.md").read_text("utf-8"), note, "evaluate logs/ppo/Ecosystem-v1_1 shipped --env")
    (here / "page.md").unlink()
    assert evaluate(["shipped", *few, "--markdown", "page.md"]) == 0
    assert "logs" not in (here / "page.md").read_text("utf-8")


def test_a_model_of_another_program_is_named_for_what_it_is(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, start in {
        "model.zip": b"PK\3\4",
        "weights.npz": b"PK\3\4",
        "x.npy": b"\x93NUMPY",
        "x.pkl": b"\x80\4",
    }.items():
        (here / name).write_bytes(start + bytes(100))
        assert evaluate([name, "--n-worlds", "2"]) == 2
        assert not lacks(capsys.readouterr().err, f"policy '{name}' is no run folder but a")
    assert evaluate(["model.zip", "--n-worlds", "2"]) == 2
    assert not lacks(capsys.readouterr().err, "zip archive", "thinmargin_agents.import_sb3", "none is unpickled")
    assert naming("a") is not None
