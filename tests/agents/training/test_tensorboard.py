"""TensorBoard: every tag with its points, the layout, hyper-parameters with metrics, pictures; after a resume too."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import metadata as hparams
from tests.boards import LOADERS, board
from tests.messages import lacks

from thinmargin.baselines import baseline
from thinmargin.palette import LOOKS
from thinmargin.records import LEVERS
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.config.run import Run
from thinmargin_agents.monitoring.descriptions import description_of
from thinmargin_agents.monitoring.layout import layout
from thinmargin_agents.monitoring.tags import CORRECTIONS, EPISODE, EVAL, LEVER_TAGS, SCORE, all_tags
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv
from thinmargin_agents.scoring import statistics
from thinmargin_agents.scoring.comparison import REFERENCE
from thinmargin_agents.training import trainer
from thinmargin_agents.training.callbacks import episode_picture
from thinmargin_agents.training.callbacks.episode_picture import HEIGHT, WIDTH, EpisodePicture, follow
from thinmargin_agents.training.callbacks.progress import ProgressCallback
from thinmargin_agents.training.callbacks.tensorboard import POINTS, StatisticsCallback, hyperparameters
from thinmargin_agents.training.trainer import train

RESIDUAL = {"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.5}}
GRID = {"thinmargin.wrappers.Residual": {"levels": 3}}
SURPRISES = "thinmargin.wrappers.Surprises"
STEPS = [720, 1440, 2160]
PREFIXES = ("firm/", "levers/", "score/", "eval/")


@pytest.fixture(autouse=True)
def few_final_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "FINAL_WORLDS", 4)
    monkeypatch.setattr(statistics, "MIN_UNITS", 1)


def run_of(algo: str = "ppo", **changes: Any) -> Run:
    """Four firms; three episodes of the benchmark unless `changes` say otherwise."""
    values = {
        "n_timesteps": 2160, "n_envs": 4, "n_steps": 180, "batch_size": 360, "n_epochs": 1, "paired_worlds": 2,
        "env_wrapper": [SURPRISES, RESIDUAL], "policy_kwargs": {"net_arch": [8]},
    }  # fmt: skip
    plain = Run(
        algo=algo, env_id="ThinMargin/Ecosystem-v1", env_kwargs={"reward": "shaped"}, seed=3, num_threads=1,
        device="cpu", eval_freq=720, n_eval_episodes=4, save_freq=720, hyperparameters=values,
    )  # fmt: skip
    return dataclasses.replace(plain, **changes)


def short_run(algo: str, months: int, **values: Any) -> Run:
    """Four firms that live for a year."""
    values = {"n_timesteps": months, "n_envs": 4, "policy_kwargs": {"net_arch": [8]}, **values}
    return run_of(algo, env_kwargs={"horizon": 12}, hyperparameters=values, eval_freq=10**6, save_freq=10**6)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episode_picture, "find_spec", lambda _: None)


def trained(folder: Path, run: Run) -> RunFolder:
    made = RunFolder.create(folder, run)
    train(run, made, shown=False, report=lambda _: None)
    return made


def events_of(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    events.Reload()
    return events


def steps_of(events: EventAccumulator, tag: str) -> list[int]:
    return [event.step for event in events.Scalars(tag)]


def last(events: EventAccumulator, tag: str) -> float:
    value: float = events.Scalars(tag)[-1].value
    return value


def names(run_tags: Any) -> set[str]:
    return {tag.name for tag in run_tags}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "FINAL_WORLDS", 4)
        patch.setattr(statistics, "MIN_UNITS", 1)  # curves of intervals too
        return trained(tmp_path_factory.mktemp("whole"), run_of())


@pytest.fixture(scope="module")
def events(whole: RunFolder) -> EventAccumulator:
    return events_of(whole.path)


@pytest.mark.slow
def test_every_tag_is_there_with_a_point_an_update_or_evaluation(events: EventAccumulator) -> None:
    found = {tag for tag in events.Tags()["scalars"] if tag.startswith(PREFIXES)}
    assert found == names(all_tags())
    for tag in found:
        assert steps_of(events, tag) == STEPS, tag
        assert all(math.isfinite(event.value) for event in events.Scalars(tag)), tag


@pytest.mark.slow
def test_stable_baselines_own_tags_stay(events: EventAccumulator) -> None:
    own = {tag for tag in events.Tags()["scalars"] if not tag.startswith(PREFIXES)}
    assert {"rollout/ep_rew_mean", "rollout/ep_len_mean", "time/fps", "train/value_loss", "train/std"} <= own
    assert steps_of(events, "time/fps") == STEPS
    assert steps_of(events, "train/value_loss") == STEPS[1:]  # as ever: the update before


@pytest.mark.slow
def test_intervals_hold_what_they_are_of(events: EventAccumulator) -> None:
    for value, low, high in (
        ("score/score", "score/low", "score/high"),
        ("eval/over_baseline", "eval/over_baseline_low", "eval/over_baseline_high"),
    ):
        for one, below, above in zip(*map(events.Scalars, (value, low, high)), strict=True):
            assert below.value < one.value < above.value


@pytest.mark.slow
def test_numbers_have_the_units_they_are_said_to_have(events: EventAccumulator) -> None:
    assert 1.0 < last(events, "firm/revenue") < 60.0  # RMB bn a month
    lines = sum(last(events, f"firm/{line}_revenue") for line in ("device", "accessory", "services"))
    assert lines == pytest.approx(last(events, "firm/revenue"), rel=1e-5)
    margin = last(events, "firm/gross_profit") / last(events, "firm/revenue")
    assert last(events, "firm/gross_margin") == pytest.approx(margin, rel=1e-4)
    assert last(events, "firm/cadence") == last(events, "levers/updates_applied")
    assert last(events, "firm/markup") == last(events, "levers/price_applied")
    assert 0.0 < last(events, "levers/price_correction") <= 0.5
    assert last(events, "eval/J") == pytest.approx(
        last(events, "eval/profit_part") + last(events, "eval/closing_part"), rel=1e-5
    )


@pytest.mark.slow
def test_every_curve_and_picture_of_a_run_says_what_it_is(events: EventAccumulator) -> None:
    tags = events.Tags()
    for tag in (*tags["scalars"], *tags["images"]):
        assert events.SummaryMetadata(tag).summary_description == description_of(tag)


def layout_of(events: EventAccumulator) -> dict[str, Any]:
    (event,) = events.Tensors("custom_scalars__config__")
    proto = layout_pb2.Layout()
    proto.ParseFromString(event.tensor_proto.string_val[0])
    return {chart.title: chart for category in proto.category for chart in category.chart}


@pytest.mark.slow
def test_every_chart_of_the_layout_shows_curves_that_are_there(events: EventAccumulator) -> None:
    charts = layout_of(events)
    found = events.Tags()["scalars"]
    for chart in charts.values():
        for pattern in chart.multiline.tag:
            assert sum(bool(re.match(pattern, tag)) for tag in found) == 1, pattern
        for series in chart.margin.series:
            assert {series.value, series.lower, series.upper} <= set(found)
    score = charts["score, 95 % interval, %"].margin.series[0]
    assert (score.value, score.lower, score.upper) == ("score/score", "score/low", "score/high")
    (gap,) = (chart.margin.series[0] for title, chart in charts.items() if title.startswith("J less"))
    assert (gap.value, gap.lower, gap.upper) == (
        "eval/over_baseline", "eval/over_baseline_low", "eval/over_baseline_high",
    )  # fmt: skip
    assert any("size of the correction" in title for title in charts)


def test_what_a_run_lacks_is_not_in_its_layout() -> None:
    text = str(layout(scored=False, corrected=False))
    assert "score" not in text
    assert "correction" not in text
    assert "eval/J$" in text


def hparams_of(events: EventAccumulator) -> tuple[list[str], dict[str, Any]]:
    """Names of the metrics, and hyper-parameters by name."""
    data = {
        tag.removeprefix("_hparams_/"): metadata.plugin_data.content
        for tag, metadata in events.summary_metadata.items()
        if tag.startswith("_hparams_/")
    }
    experiment = hparams.parse_experiment_plugin_data(data["experiment"])
    session = hparams.parse_session_start_info_plugin_data(data["session_start_info"])
    values = {name: getattr(value, value.WhichOneof("kind")) for name, value in session.hparams.items()}
    return [info.name.tag for info in experiment.metric_infos], values


@pytest.mark.slow
def test_hyperparameters_come_with_metrics_that_are_curves(events: EventAccumulator) -> None:
    metrics, values = hparams_of(events)
    assert metrics[0] == "score/score"
    assert {"score/score", "eval/J", "eval/bankrupt_share"} <= set(metrics) <= set(events.Tags()["scalars"])
    assert (values["algo"], values["env"], values["seed"]) == ("ppo", "ThinMargin/Ecosystem-v1", 3)
    assert values["env_wrapper"] == "Surprises Residual(base=plan, bound=0.5)"
    assert values["policy_kwargs.net_arch"] == "[8]"
    assert values["reward"] == "shaped"


def test_wrappers_are_shown_in_words_whatever_their_form() -> None:
    for env_wrapper, words in (
        (None, "none"), ([], "none"), (SURPRISES, "Surprises"), ({SURPRISES: None}, "Surprises"),
        ([{"thinmargin.wrappers.History": {"lags": [6, 24]}}], "History(lags=[6, 24])"),
    ):  # fmt: skip
        run = run_of(hyperparameters={"n_timesteps": 1, "env_wrapper": env_wrapper})
        assert hyperparameters(run)["env_wrapper"] == words


def pixels(event: Any) -> Any:
    return np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))


@pytest.mark.slow
def test_every_evaluation_has_a_picture(events: EventAccumulator) -> None:
    pictures = events.Images(EPISODE)
    assert [event.step for event in pictures] == STEPS
    for event in pictures:
        assert len(event.encoded_image_string) < 150_000
        assert pixels(event).shape == (HEIGHT, WIDTH, 3)
        assert pixels(event).std() > 10.0


@pytest.mark.slow
def test_the_score_is_in_the_table_of_evaluations(whole: RunFolder, events: EventAccumulator) -> None:
    with (whole.path / "evaluations.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    scores = [float(row["score"]) for row in rows]
    assert scores == pytest.approx([event.value for event in events.Scalars("score/score")], rel=1e-6)
    best = max(range(len(rows)), key=lambda place: float(rows[place]["J"]))
    assert best == max(range(len(rows)), key=lambda place: scores[place])


@pytest.mark.slow
def test_the_score_is_printed_while_training_and_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(hyperparameters={**run_of().hyperparameters, "n_timesteps": 720})
    folder = RunFolder.create(tmp_path, run)
    train(run, folder, shown=False)
    printed = capsys.readouterr().out
    assert re.search(r"720 months +score +-?\d+\.\d +J", printed)
    assert re.search(r"this agent +J +-?\d+\.\d +score -?\d+\.\d \[-?\d+\.\d, -?\d+\.\d\]", printed)
    assert "without a score" not in printed


@pytest.mark.slow
def test_a_resumed_run_doubles_nothing(whole: RunFolder, events: EventAccumulator, tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, run_of())
    finished = ProgressCallback._on_rollout_end

    def die(self: ProgressCallback) -> None:
        finished(self)
        if self.num_timesteps == STEPS[1]:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProgressCallback, "_on_rollout_end", die)
        with pytest.raises(KeyboardInterrupt):
            train(folder.run(), folder, shown=False, report=lambda _: None)
    train(folder.run(), folder, shown=False, resume=True, report=lambda _: None)
    both = events_of(folder.path)
    assert set(both.Tags()["scalars"]) == set(events.Tags()["scalars"])
    for tag in both.Tags()["scalars"]:
        assert steps_of(both, tag) == steps_of(events, tag), tag
        if not tag.startswith("time/"):
            assert [event.value for event in both.Scalars(tag)] == [event.value for event in events.Scalars(tag)], tag
    resumed, uninterrupted = both.Images(EPISODE), events.Images(EPISODE)
    assert [event.step for event in resumed] == STEPS
    for one, other in zip(resumed, uninterrupted, strict=True):
        assert np.array_equal(pixels(one), pixels(other))
    for loader in LOADERS:
        with board(folder.path.parent, loader) as shown, board(whole.path.parent, loader) as expected:
            (found,), (uncut,) = shown.points().values(), expected.points().values()
            assert {tag: [step for step, _ in points] for tag, points in found.items()} == {
                tag: [step for step, _ in points] for tag, points in uncut.items()
            }
            assert [*shown.pictures().values()] == [{EPISODE: STEPS}]
    layout_of(both)  # one and no other
    assert hparams_of(both) == hparams_of(events)
    assert all(path.stat().st_size > 100 for path in folder.path.glob("events.out.tfevents*"))
    assert whole.path != folder.path


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    ("algo", "values"), [("a2c", {"n_steps": 5}), ("sac", {"learning_starts": 48, "batch_size": 16})]
)
def test_a_run_that_stops_between_two_points_resumes_to_the_same(
    algo: str, values: dict[str, Any], tmp_path: Path
) -> None:
    run = dataclasses.replace(short_run(algo, 240, **values), save_freq=60)
    whole = events_of(trained(tmp_path / "whole", run).path)
    folder = RunFolder.create(tmp_path / "parts", run)

    def die(self: ProgressCallback) -> None:
        if self.num_timesteps >= 156:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProgressCallback, "_on_rollout_end", die)
        with pytest.raises(KeyboardInterrupt):
            train(run, folder, shown=False, report=lambda _: None)
    train(run, folder, shown=False, resume=True, report=lambda _: None)
    parts = events_of(folder.path)
    for tag in whole.Tags()["scalars"]:
        if not tag.startswith("time/"):
            resumed, expected = ([(event.step, event.value) for event in one.Scalars(tag)] for one in (parts, whole))
            assert resumed == expected, tag


@pytest.mark.slow
@pytest.mark.parametrize(
    ("algo", "values"),
    [
        ("a2c", {"n_steps": 5}),
        ("ppo", {"n_steps": 6, "batch_size": 24, "n_epochs": 1}),
        ("sac", {"learning_starts": 48, "batch_size": 16, "train_freq": 1, "gradient_steps": 1}),
        ("dqn", {"learning_starts": 48, "batch_size": 16, "env_wrapper": GRID}),
    ],
)
@pytest.mark.usefixtures("no_pictures")
def test_points_of_any_algorithm_hold_whole_episodes(algo: str, values: dict[str, Any], tmp_path: Path) -> None:
    found = events_of(trained(tmp_path, short_run(algo, 240, **values)).path)
    points = steps_of(found, "firm/profit")
    assert points == steps_of(found, "time/fps")
    assert len(points) == len(set(points)) == 240 // 48
    update = 4 * values.get("n_steps", 1)
    assert all(0 <= step - 48 * (place + 1) < update for place, step in enumerate(points))
    for tag in found.Tags()["scalars"]:
        assert max(Counter(steps_of(found, tag)).values()) == 1, tag
    assert any(tag.startswith("train/") for tag in found.Tags()["scalars"])
    assert ("levers/price_correction" in found.Tags()["scalars"]) == (algo == "dqn")
    assert not [tag for tag in found.Tags()["scalars"] if tag.startswith("score/")]
    metrics, _ = hparams_of(found)
    assert metrics[0] == "eval/J"


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_a_run_shorter_than_an_episode_has_one_point(tmp_path: Path) -> None:
    found = events_of(trained(tmp_path, short_run("a2c", 20, n_steps=5)).path)
    assert steps_of(found, "firm/profit") == [20]
    assert names(LEVER_TAGS) - names(CORRECTIONS) <= set(found.Tags()["scalars"])


def test_a_long_run_has_at_most_so_many_points() -> None:
    firms = EcosystemVecEnv("ThinMargin/Ecosystem-v1", 4, horizon=12)
    for total in (1, 48, 48 * POINTS, 48 * POINTS + 1, 10**7):
        run = short_run("a2c", total, n_steps=5)
        interval = StatisticsCallback(run, firms, scored=False)._interval
        assert interval % 48 == 0
        assert total / interval <= POINTS


@pytest.mark.slow
def test_where_no_plans_are_known_there_is_no_score_and_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = short_run("a2c", 48, n_steps=12)
    folder = RunFolder.create(tmp_path, run)
    train(run, folder, shown=False)
    printed = capsys.readouterr().out
    assert not lacks(printed, "without a score", "best plans")
    assert "of 100" not in printed
    found = set(events_of(folder.path).Tags()["scalars"])
    assert names(EVAL) <= found
    assert not names(SCORE) & found
    with (folder.path / "evaluations.csv").open(encoding="utf-8", newline="") as file:
        assert [row["score"] for row in csv.DictReader(file)] == [""]


@pytest.mark.slow
def test_without_matplotlib_the_picture_is_left_out_with_a_note_and_nothing_else_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = short_run("ppo", 96, n_steps=12, batch_size=48, n_epochs=1)
    with_it = trained(tmp_path / "with", run)
    monkeypatch.setattr(episode_picture, "find_spec", lambda _: None)  # how the command looks for it
    folder = RunFolder.create(tmp_path / "without", run)
    train(run, folder, shown=False)
    assert capsys.readouterr().out.count("pip install 'thinmargin[report]'") == 1
    found = events_of(folder.path)
    assert found.Tags()["images"] == []
    assert steps_of(found, "eval/J") == [96]
    without, expected = (one.load("best")["policy"] for one in (folder, with_it))
    assert all(np.array_equal(without[name], expected[name]) for name in expected)


def test_a_followed_episode_earns_what_it_earns_in_the_evaluation() -> None:
    key = KEYS["validation"][5]
    for name in ("plan_with_feedback", "do_nothing"):
        track = follow(baseline(name), key, Settings())
        outcome = play_worlds(baseline(name), [key])
        assert track.value == pytest.approx(outcome.value[0], rel=1e-9)
        assert track.bankrupt == outcome.bankrupt[0]
        assert len(track.asked) == len(track.cash) == len(track.users) == len(track.profit) == outcome.months[0]
    low, high = ([getattr(lever, end) for lever in LEVERS] for end in ("low", "high"))
    assert (track.asked >= low).all()
    assert (track.asked <= high).all()


@pytest.mark.slow
def test_pictures_show_what_the_policy_does_and_forget_the_one_before() -> None:
    draw = EpisodePicture(KEYS["validation"][0], Settings())
    first, bankrupt, again = (draw(baseline(name)) for name in ("plan", "do_nothing", "plan"))
    assert first.dtype == np.uint8
    assert first.shape == (HEIGHT, WIDTH, 3)
    assert not np.array_equal(first, bankrupt)
    assert np.array_equal(first, again)
    shown = {
        f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in np.unique(first.reshape(-1, 3), axis=0).tolist()
    }
    assert LOOKS[REFERENCE].color in shown


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 30])
def test_short_episodes_and_grids_can_be_drawn(horizon: int) -> None:
    class First:
        def predict(self, observation: Any, state: Any = None, *_: Any, **__: Any) -> Any:
            return np.zeros(len(observation), np.int64), state

    settings = Settings(horizon=horizon, discrete=True, closing="none", worlds="calibrated")
    assert EpisodePicture(1_000_000, settings)(First()).shape == (HEIGHT, WIDTH, 3)
