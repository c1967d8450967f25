"""What TensorBoard shows, read by both of its loaders: the layout, descriptions, a run that was resumed."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from stable_baselines3.common import base_class, off_policy_algorithm, on_policy_algorithm
from stable_baselines3.common.logger import Logger
from tests.boards import LOADERS, Loader, board

from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.monitoring.descriptions import OF_THE_LIBRARY, description_of
from thinmargin_agents.monitoring.layout import layout
from thinmargin_agents.monitoring.tags import EPISODE, all_tags
from thinmargin_agents.sb3.algorithms import CLASSES
from thinmargin_agents.training.callbacks.tensorboard import Events, event_logger

PINNED = {
    "score": "high iqm low score",
    "eval": "J bankrupt_share closing_part over_baseline over_baseline_high over_baseline_low profit_part"
    " saturation_accessories saturation_marketing saturation_price saturation_updates",
    "levers": " ".join(
        f"{lever}_{what}"
        for lever in ("accessories", "marketing", "price", "updates")
        for what in ("applied", "correction", "mean", "saturation", "spread")
    ),
    "firm": "accessories_share accessory_margin accessory_profit accessory_revenue active_users bankrupt_share"
    " breadth cadence capacity cash coverage_home coverage_overseas credit_line device_margin device_profit"
    " device_revenue engagement fans fill_rate gross_margin gross_profit hardware_net_margin holding interest"
    " inventory market_home market_overseas marketing marketing_share markup operating_profit overhead"
    " overhead_share pipeline price profit releases releases_share retention revenue revenue_overseas rival_price"
    " royalties sales sales_overseas services_margin services_profit services_revenue share_home share_overseas"
    " stock tax tickets unit_cost users_home users_overseas wanted",
}
"""Tags by group: runs of other versions are drawn in the same charts, so that none is renamed by the way."""


def written(folder: Path, steps: list[int], purge_step: int, value: float = 1.0) -> None:
    """A process that writes these steps and is killed: it closes nothing.

    Files are read in the order of the seconds in their names, so that every process gets a second of its own.
    """
    before = set(folder.glob("events.*"))
    (events,) = event_logger(folder, purge_step).output_formats
    assert isinstance(events, Events)
    for step in steps:
        events.add_scalar("eval/J", value, step)
        events.add_image(EPISODE, np.zeros((4, 4, 3), np.uint8), step)
    events.writer.flush()
    (made,) = set(folder.glob("events.*")) - before
    kind, seconds, rest = re.fullmatch(r"(events\.out\.tfevents)\.(\d+)\.(.*)", made.name).groups()  # type: ignore[union-attr]
    made.rename(folder / f"{kind}.{len(before):0{len(seconds)}d}.{rest}")


@pytest.mark.parametrize("loader", LOADERS)
def test_a_killed_and_resumed_run_draws_every_step_once(loader: Loader, tmp_path: Path) -> None:
    written(tmp_path / "run", [768, 1152, 1536, 1920], 0)
    written(tmp_path / "run", [1536, 1920, 2304], 1153, value=2.0)
    with board(tmp_path, loader) as shown:
        assert shown.points() == {"run": {"eval/J": [(768, 1.0), (1152, 1.0), (1536, 2.0), (1920, 2.0), (2304, 2.0)]}}
        assert shown.pictures() == {"run": {EPISODE: [768, 1152, 1536, 1920, 2304]}}


@pytest.mark.parametrize("loader", LOADERS)
def test_a_run_killed_before_its_first_checkpoint_begins_again_alone(loader: Loader, tmp_path: Path) -> None:
    written(tmp_path / "run", [100, 200], 0)
    written(tmp_path / "run", [100], 0, value=2.0)
    with board(tmp_path, loader) as shown:
        assert shown.points() == {"run": {"eval/J": [(100, 2.0)]}}


@pytest.mark.parametrize("loader", LOADERS)
def test_a_run_killed_twice_draws_every_step_once(loader: Loader, tmp_path: Path) -> None:
    written(tmp_path / "run", [100, 200, 300], 0)
    written(tmp_path / "run", [200, 300, 400], 101, value=2.0)
    written(tmp_path / "run", [300], 201, value=3.0)
    with board(tmp_path, loader) as shown:
        assert shown.points() == {"run": {"eval/J": [(100, 1.0), (200, 2.0), (300, 3.0)]}}


@pytest.mark.parametrize("loader", LOADERS)
def test_every_curve_and_picture_has_its_description(loader: Loader, tmp_path: Path) -> None:
    logger = event_logger(tmp_path / "run", 0)
    tags = [*(tag.name for tag in all_tags()), *OF_THE_LIBRARY, "train/of_a_version_to_come", "alone"]
    for tag in tags:
        logger.record(tag, np.float32(0.5))
    logger.record("hidden/x", 1.0, exclude="tensorboard")
    logger.dump(7)
    for events in logger.output_formats:
        assert isinstance(events, Events)
        events.add_image(EPISODE, np.zeros((4, 4, 3), np.uint8), 7)
    logger.close()
    with board(tmp_path, loader) as shown:
        found = shown.descriptions()
        assert set(found) == {*tags, EPISODE}
        for tag, text in found.items():  # they come as HTML, made of Markdown, or as Markdown
            plain = re.sub(r"<[^>]*>|[`*]", "", text)
            assert description_of(tag).replace("`", "")[:40] in plain.replace("&amp;", "&"), tag
        assert shown.points()["run"]["eval/J"] == [(7, 0.5)]


def test_descriptions_say_unit_and_meaning_and_are_told_apart() -> None:
    texts = {tag.name: description_of(tag.name) for tag in all_tags()}
    assert len(set(texts.values())) == len(texts)
    for tag in all_tags():
        assert tag.meaning in texts[tag.name]
        assert tag.unit in texts[tag.name]
        if not tag.name.startswith("firm/"):  # there the name says what the meaning is of
            assert not re.match(r"of |their |its ", tag.meaning), f"{tag.name}: what {tag.meaning!r} is of is not said"


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_every_curve_of_an_algorithm_of_the_library_is_described(algo: str) -> None:
    ours = [kind.__module__ for kind in CLASSES[algo].__mro__ if re.match("stable_baselines3|sb3", kind.__module__)]
    modules = [base_class, on_policy_algorithm, off_policy_algorithm]
    modules += map(import_module, ours)
    recorded = set()
    for module in modules:
        for tag, rest in re.findall(r'logger\.record\(\s*"([^"]+)"(.*)', inspect.getsource(module)):
            if 'exclude="tensorboard"' not in rest:
                recorded.add(tag)
    assert "train/learning_rate" in recorded
    assert recorded <= set(OF_THE_LIBRARY)


def test_tags_keep_their_names() -> None:
    found = {f"{group}/{name}" for group, names in PINNED.items() for name in names.split()}
    assert {tag.name for tag in all_tags()} == found
    assert EPISODE == "eval/episode"


def with_layout(folder: Path, *, scored: bool) -> None:
    logger = event_logger(folder, 0)
    for events in logger.output_formats:
        assert isinstance(events, Events)
        events.writer.add_custom_scalars(layout(scored=scored, corrected=True))
    logger.close()


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("runs", [(True,), (True, True), (False, True), (True, False)])
def test_the_layout_leads_with_score_and_value(runs: tuple[bool, ...], loader: Loader, tmp_path: Path) -> None:
    for number, scored in enumerate(runs):
        with_layout(tmp_path / f"run_{number}", scored=scored)
    with board(tmp_path, loader) as shown:
        first, *others = shown.layout()
    titles = [chart["title"] for chart in first["chart"]]
    assert len(titles) == len(set(titles)) == 4
    lines = [chart["title"] for chart in first["chart"] if "multiline" in chart]  # these are shown first, in order
    assert {title.partition(",")[0].partition(" ")[0] for title in lines} == {"score", "J"}
    if runs[0]:
        assert lines[0].startswith("score")
    assert [category["title"] for category in others] == ["firm", "levers"]
    assert not any("score" in chart["title"] for category in others for chart in category["chart"])


def test_values_of_other_kinds_are_written_as_the_library_does(tmp_path: Path) -> None:
    logger = event_logger(tmp_path / "run", 0)
    assert isinstance(logger, Logger)
    logger.record("train/n", 3)
    logger.record("train/text", "words")
    logger.record("train/flag", True)  # noqa: FBT003  # as an algorithm records it
    logger.dump(1)
    logger.close()
    with board(tmp_path) as shown:
        points = shown.points()["run"]
    assert points["train/n"] == [(1, 3.0)]
    assert points["train/flag"] == [(1, 1.0)]
    assert "train/text" not in points
