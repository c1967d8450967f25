"""A run that is lengthened: it goes on from its checkpoint, writes that down, and is the same run every time."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.messages import lacks, naming, said
from tests.small_runs import (
    SETUPS,
    KilledError,
    curves,
    differences,
    end_of,
    hash_of,
    ignored,
    killed_after,
    run_of,
    trained,
)

from thinmargin_agents.config.algorithms import ALL
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import Run
from thinmargin_agents.policies.by_name import entrant_of
from thinmargin_agents.runs.commands import training_of
from thinmargin_agents.runs.folder import RunError, RunFolder, load_policy
from thinmargin_agents.train import main
from thinmargin_agents.training.trainer import train

pytestmark = pytest.mark.usefixtures("small_and_quick")


def begun(path: Path, setup: str = "ppo", killed: int | None = None, **changes: Any) -> RunFolder:
    """A run that has ended, or was killed where it had these months."""
    folder = RunFolder.create(path, run_of(setup, **changes))
    if killed is None:
        return trained(folder)
    with pytest.raises(KilledError):
        train(folder.run(), folder, shown=False, report=killed_after(killed))
    return folder


def copied(folder: RunFolder, path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(folder.path, path)))


def lengthen(folder: RunFolder, months: int, killed: int | None = None) -> RunFolder:
    """The run, trained on to another length."""
    if killed is None:
        assert train(folder.lengthened(months), folder, shown=False, resume=True, report=ignored) is not None
        return folder
    with pytest.raises(KilledError):
        train(folder.lengthened(months), folder, shown=False, resume=True, report=killed_after(killed))
    return folder


def steps_of(folder: RunFolder) -> list[int]:
    with (folder.path / "evaluations.csv").open(encoding="utf-8", newline="") as file:
        return [int(row["timesteps"]) for row in csv.DictReader(file)]


def test_every_algorithm_is_among_these_runs() -> None:
    assert {setup.partition(",")[0] for setup in SETUPS} == set(ALL)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [None, 110])
@pytest.mark.parametrize("setup", SETUPS)
def test_a_run_that_is_lengthened_twice_the_same_way_ends_alike(setup: str, killed: int | None, tmp_path: Path) -> None:
    first = begun(tmp_path / "logs", setup, killed)
    second = copied(first, tmp_path / "copy")
    before, planned, length = first.months(), first.run().total_timesteps, first.run().total_timesteps + 150
    ended = hash_of(first.path)
    ends = [end_of(lengthen(folder, length)) for folder in (first, second)]
    assert differences(*ends) == []
    assert first.months() >= length
    assert hash_of(first.path) != ended
    assert first.run().lengthened == [{"at": before, "from": planned, "to": length}]
    assert first.run().total_timesteps == length


def test_a_run_goes_on_where_it_was_and_says_so_in_its_files(tmp_path: Path) -> None:
    folder = begun(tmp_path / "logs")
    steps, tags = steps_of(folder), curves(folder.path)
    rows = (folder.path / "evaluations.csv").read_text("utf-8").splitlines()
    best = folder.load("best")["J"]
    lengthen(folder, 400)
    assert (folder.path / "evaluations.csv").read_text("utf-8").splitlines()[: len(rows)] == rows
    assert steps_of(folder)[: len(steps)] == steps
    assert steps_of(folder) == sorted(set(steps_of(folder)))
    assert steps_of(folder)[-1] == folder.months() >= 400
    assert folder.load("best")["J"] >= best
    for tag, points in curves(folder.path).items():
        assert points[: len(tags[tag])] == tags[tag]
        assert [step for step, _ in points] == sorted({step for step, _ in points})
    assert curves(folder.path)["eval/J"][-1][0] == steps_of(folder)[-1]
    lines = (folder.path / "command.txt").read_text("utf-8").splitlines()
    assert lines == 2 * [shlex.join(["python", *sys.argv])]
    lengthen(folder, 500)
    assert [entry["to"] for entry in folder.run().lengthened] == [400, 500]
    assert folder.run().lengthened[1]["at"] >= 400
    load_policy(folder.path)


def rates(folder: RunFolder, after: int) -> list[tuple[int, float]]:
    points = curves(folder.path)["train/learning_rate"]
    return [(int(step), value) for step, value in points if step > after]


@pytest.mark.parametrize("killed", [None, 110])
def test_a_rate_that_falls_is_stretched_to_the_new_end(
    killed: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begun(tmp_path / "logs", killed=killed)
    at = folder.months()
    capsys.readouterr()
    assert train(folder.lengthened(480), folder, shown=False, resume=True) is not None
    printed = capsys.readouterr().out
    update = 48
    was, now = 0.003 * (1 - at / 240), 0.003 * (1 - (at + update) / 480)
    assert f"lengthened at month {at} from 240 to 480 months: learning_rate was {was:.3g} there" in printed
    assert f"is {now:.3g} in the first update from there and 0 at the end" in printed
    assert f"clip_range was {0.3 * (1 - at / 240):.3g} there, is {0.3 * (1 - (at + update) / 480):.3g} in" in printed
    found = rates(folder, at + update)  # a point is written after the next roll-out: it has the rate of the one before
    assert found[0][1] == pytest.approx(now, abs=1e-9)
    assert found[-1][0] > 240
    for step, value in found:
        assert value == pytest.approx(0.003 * (1 - (step - update) / 480), abs=1e-9)


@pytest.mark.parametrize(
    ("months", "words"),
    [(288, ("only new update is the end", "nothing is learnt")), (336, ("last of 2 new updates", "48 months are not"))],
)
def test_months_added_that_teach_nothing_are_told(
    months: int, words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begun(tmp_path / "logs")
    before = folder.load("checkpoint")["parameters"]["policy"]
    capsys.readouterr()
    train(folder.lengthened(months), folder, shown=False, resume=True)
    assert not lacks(said(capsys), *words, "a larger --total-timesteps")
    after = folder.load("checkpoint")["parameters"]["policy"]
    assert all(np.array_equal(after[name], before[name]) for name in before) == (months == 288)


def test_a_rate_that_does_not_fall_stays_and_the_share_of_random_choices_is_stretched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begun(tmp_path / "logs", "dqn", killed=100)
    at = folder.months()
    assert train(folder.lengthened(384), folder, shown=False, resume=True) is not None
    printed = capsys.readouterr().out
    was, now = (1.0 - 0.95 * min(at / months / 0.8, 1.0) for months in (192, 384))
    assert f"share of random choices was {was:.3g} there, is {now:.3g} from there and 0.05 at the end" in printed
    assert "learning_rate stays as set" in printed


@pytest.mark.parametrize("killed", [250, 330])
def test_a_lengthened_run_that_is_killed_and_resumed_ends_as_the_one_that_was_not(killed: int, tmp_path: Path) -> None:
    whole = begun(tmp_path / "logs")
    parts = copied(whole, tmp_path / "copy")
    lengthen(whole, 400)
    lengthen(parts, 400, killed=killed)
    assert parts.run().lengthened == whole.run().lengthened, "written down before it goes on"
    assert train(parts.run(), parts, shown=False, resume=True, report=ignored) is not None
    assert differences(end_of(whole), end_of(parts)) == []


def test_the_same_length_again_only_resumes(tmp_path: Path) -> None:
    folder = begun(tmp_path / "logs", killed=110)
    assert folder.lengthened(240) == folder.run()
    lengthen(folder, 400, killed=200)
    assert folder.lengthened(400) == folder.run()


def test_a_run_killed_before_its_first_checkpoint_begins_again_with_the_new_length(tmp_path: Path) -> None:
    folder = begun(tmp_path / "logs", killed=1)
    folder.delete("checkpoint")
    lengthen(folder, 400)
    assert folder.run().lengthened == [{"at": 0, "from": 240, "to": 400}]
    whole = begun(tmp_path / "whole", eval_freq=60)
    assert hash_of(whole.path) != hash_of(folder.path)


def test_a_run_may_be_shortened_to_what_it_has_not_had_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = begun(tmp_path / "logs", killed=60)
    assert train(folder.lengthened(150), folder, shown=False, resume=True) is not None
    assert "shortened at month" in capsys.readouterr().out
    assert 150 <= folder.months() < 240


@pytest.mark.parametrize(("killed", "months"), [(None, 1), (None, 240), (110, 48)])
def test_a_length_that_has_been_reached_is_refused_and_nothing_is_written(
    killed: int | None, months: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begun(tmp_path / "logs", killed=killed)
    before = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    assert main(["--resume", str(folder.path), "--total-timesteps", str(months), "--no-progress"]) == 2
    printed = capsys.readouterr().err
    done = folder.months()
    assert f"--total-timesteps is {months}" in printed
    assert f"has had {done} months of experience already; allowed are more than {done}" in printed
    assert {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()} == before


def test_several_runs_are_lengthened_or_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short, long = begun(tmp_path / "short"), begun(tmp_path / "long", seed=4)
    lengthen(long, 400)
    command = ["--resume", str(short.path), str(long.path), "--no-progress", "--total-timesteps"]
    assert main([*command, "300"]) == 2
    assert str(long.path) in capsys.readouterr().err
    assert short.run().lengthened == []


@pytest.mark.slow
def test_several_runs_are_lengthened_side_by_side(tmp_path: Path) -> None:
    runs = [begun(tmp_path / "logs", seed=seed) for seed in (3, 4)]
    copies = [copied(folder, tmp_path / f"copy_{k}") for k, folder in enumerate(runs)]
    folders = [str(folder.path) for folder in runs]
    assert main(["--resume", *folders, "--no-progress", "--n-timesteps", "400", "--n-jobs", "2"]) == 0
    for folder, other in zip(runs, copies, strict=True):
        lengthen(other, 400)
        assert hash_of(folder.path) == hash_of(other.path)
        assert folder.run() == other.run()
    assert entrant_of(",".join(folders)).members[1].seed == 4


def test_seeds_that_were_lengthened_in_another_way_are_not_one_agent(tmp_path: Path) -> None:
    one, other = begun(tmp_path / "logs", killed=60), begun(tmp_path / "logs", killed=180, seed=4)
    for folder in (one, other):
        lengthen(folder, 300)
    with pytest.raises(ValueError, match="lengthened"):
        entrant_of(f"{one.path},{other.path}")
    with pytest.raises(ConfigError, match="lengthened"):
        training_of(one.run(), [3])


def edit(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        inside = values if name in values else values["hyperparameters"]
        inside[name] = value

    return change


EDITS = [
    ("gamma", 0.5, "not set"), ("seed", 4, "3"), ("learning_rate", "lin_0.1", "'lin_0.003'"), ("eval_freq", 61, "60"),
    ("n_eval_episodes", 3, "2"), ("env_kwargs", {"horizon": 24}, "12"), ("num_threads", 2, "1"), ("n_epochs", 3, "2"),
    ("env_wrapper", [{"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.4}}], "'base': 'plan'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("lengthened_before", "name", "value", "was"),
    [
        *((before, *one) for before in (False, True) for one in EDITS),
        (False, "n_timesteps", 480, "240"),
        (False, "n_timesteps", 120, "240"),
    ],
)
def test_a_setting_that_was_edited_is_refused_by_name(
    lengthened_before: bool, name: str, value: Any, was: str, edited_folder: Callable[..., RunFolder]
) -> None:
    folder = edited_folder(edit(name, value), lengthened_before=lengthened_before)
    for use in (lambda: load_policy(folder.path), lambda: train(folder.run(), folder, shown=False, resume=True)):
        with pytest.raises(RunError, match=naming(f"{name}", "config.json", "--total-timesteps")) as caught:
            use()
        assert was in str(caught.value)


@pytest.mark.parametrize("lengthened_before", [False, True])
@pytest.mark.parametrize(("name", "value", "was"), EDITS)
def test_a_setting_that_was_edited_is_named_when_the_run_is_lengthened(
    lengthened_before: bool, name: str, value: Any, was: str, edited_folder: Callable[..., RunFolder],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    folder = edited_folder(edit(name, value), lengthened_before=lengthened_before)
    assert main(["--resume", str(folder.path), "--total-timesteps", "900", "--no-progress"]) == 2
    printed = capsys.readouterr().err
    assert not lacks(printed, name, was)
    assert "n_timesteps is" not in printed


def test_every_setting_that_was_edited_is_named(edited_folder: Callable[..., RunFolder]) -> None:
    def change(values: dict[str, Any]) -> None:
        for name, value, _ in EDITS:
            edit(name, value)(values)

    with pytest.raises(
        RunError, match=naming("seed is 4, and 3", "eval_freq is 61, and 60", "settings more")
    ) as caught:
        load_policy(edited_folder(change).path)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "entries",
    [
        5, [5], [{}], [{"at": 1, "from": 240}], [{"at": 240, "from": 240, "to": 200}],
        [{"at": -1, "from": 9, "to": 240}],
        [{"at": True, "from": 9, "to": 240}], [{"at": 1.5, "from": 9, "to": 240}], [{"at": 0, "from": 0, "to": 240}],
        [{"at": 9, "from": 100, "to": 120}, {"at": 9, "from": 130, "to": 240}], [{"at": 9, "from": 100, "to": 241}],
        [{"at": 50, "from": 100, "to": 120}, {"at": 9, "from": 120, "to": 240}],
        2000 * [{"at": 1, "from": 9, "to": 240}],
    ],
)  # fmt: skip
def test_lengths_that_do_not_lead_to_the_run_are_refused(entries: Any) -> None:
    settings = {**run_of("ppo").to_json(), "lengthened": entries}
    with pytest.raises(ConfigError, match="lengthened is ") as caught:
        Run.from_json(settings, "config.json")
    assert len(str(caught.value)) < 300


def test_a_length_that_was_never_trained_is_refused(edited_folder: Callable[..., RunFolder]) -> None:
    def change(values: dict[str, Any]) -> None:
        values["lengthened"] = [{"at": 12, "from": 120, "to": 240}]

    folder = edited_folder(change)
    with pytest.raises(RunError, match="lengthened is "):
        load_policy(folder.path)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """A finished run, and one that was lengthened."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thinmargin_agents.training.trainer.FINAL_WORLDS", 2)
        patch.setattr("thinmargin_agents.training.trainer.can_draw", lambda: False)
        plain = begun(tmp_path_factory.mktemp("plain"))
        return {False: plain.path, True: lengthen(copied(plain, tmp_path_factory.mktemp("long") / "run"), 400).path}


@pytest.fixture
def edited_folder(both: dict[bool, Path], tmp_path: Path) -> Callable[..., RunFolder]:
    def make(change: Callable[[dict[str, Any]], None], *, lengthened_before: bool = False) -> RunFolder:
        path = Path(shutil.copytree(both[lengthened_before], tmp_path / "edited"))
        values = json.loads((path / "config.json").read_text("utf-8"))
        change(values)
        (path / "config.json").write_text(json.dumps(values), "utf-8")
        return RunFolder(path)

    return make
