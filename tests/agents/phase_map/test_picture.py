"""The picture: every map lies the same way, the star prints its own value, and nothing lies over the numbers."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.agents.phase_map.small import FEW, hand_made
from tests.contrast import contrast

from thinmargin.palette import TONES
from thinmargin_agents.phase_map.cells import CALIBRATED, GRIDS, Grid, gain_words
from thinmargin_agents.phase_map.hidden import HiddenWorlds
from thinmargin_agents.phase_map.results import OTHERS, PhaseMapRequest, PhaseMapResult, calibrated_difference
from thinmargin_agents.phase_map.table import rows

pytest.importorskip("matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from thinmargin_agents.phase_map.picture import draw

STEEP = {name: 1.0 if grid.highest_is_thin else -1.0 for name, grid in GRIDS.items()}


def gaps_of(grid: Grid, at_star: float = 20.0) -> np.ndarray:
    """Differences that rise with the slope and towards the top, and have this value at the calibrated firm."""
    slopes, values = np.array(grid.slopes), np.array(grid.rows)
    heights = np.interp(values, values, np.arange(len(values))) * STEEP[grid.name]
    gaps = 40.0 * (slopes[None, :] - CALIBRATED.price_slope) + 12.0 * heights[:, None]
    return gaps + at_star - calibrated_difference(hand_made(grid, gaps))


def result_of(*names: str, at_star: float = 20.0, worlds: int = 0) -> PhaseMapResult:
    grids = [GRIDS[name] for name in names]
    maps = tuple(hand_made(grid, gaps_of(grid, at_star)) for grid in grids)
    random = np.random.default_rng(0)
    searched = maps[0].cells[:worlds]
    spread = random.normal(3.8, 0.4, 300), np.exp(random.normal(0.0, 0.2, 300))
    hidden = HiddenWorlds(*spread, np.ones(300, np.bool_), 0.0, {"own_levers": searched}) if worlds else None
    return PhaseMapResult(PhaseMapRequest(tuple(grids), 1, 0, FEW), maps, {rule.name: maps for rule in OTHERS}, hidden)


def drawn(result: PhaseMapResult) -> tuple[Any, list[Any], Any]:
    """The figure as it is laid out on a canvas, its panels, and what measures texts."""
    figure = draw(result)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return figure, list(figure.axes), canvas.get_renderer()


@pytest.mark.parametrize("name", GRIDS)
def test_thin_gains_to_the_right_and_upwards_on_every_map(name: str) -> None:
    _, (axes,), _ = drawn(result_of(name))
    gaps = np.asarray(axes.images[0].get_array())
    places = [axes.transData.transform((column, row)) for row, column in np.ndindex(gaps.shape)]
    for (one, first), (other, second) in itertools.combinations(zip(places, gaps.ravel(), strict=True), 2):
        if np.allclose(one[0], other[0]) or np.allclose(one[1], other[1]):
            assert (first < second) == (sum(one) < sum(other))


@pytest.mark.parametrize("name", GRIDS)
def test_a_table_lies_as_its_map_does(name: str) -> None:
    result = result_of(name)
    _, (axes,), _ = drawn(result)
    labels = [(label.get_position()[1], label.get_text()) for label in axes.get_yticklabels()]
    heights = {text: axes.transData.transform((0.0, place))[1] for place, text in labels}
    assert [row[0] for row in rows(result, 0)] == sorted(heights, key=heights.__getitem__, reverse=True)
    top = rows(result, 0)[0]
    gaps = result.maps[0].differences
    best = int(gaps[:, -1].argmax())
    assert top[5].endswith(f"({gaps[best, -1]:+.0f})")


@pytest.mark.parametrize("at_star", [20.0, -7.0, 0.0])
@pytest.mark.parametrize("name", GRIDS)
def test_the_star_prints_what_thin_earns_more_there(name: str, at_star: float) -> None:
    result = result_of(name, at_star=at_star)
    _, (axes,), renderer = drawn(result)
    (star,) = (line for line in axes.lines if line.get_marker() == "*")
    said = gain_words(calibrated_difference(result.maps[0]))
    near = axes.transData.transform(np.ravel(star.get_data()))
    texts = [text for text in axes.texts if text.get_text() == said and "%" not in text.get_text()]
    middles = [np.mean(text.get_window_extent(renderer).get_points(), axis=0) for text in texts]
    assert min(np.hypot(*(middle - near)) for middle in middles) < 40.0


def test_dots_are_beside_the_numbers_and_no_text_lies_on_another() -> None:
    figure, panels, renderer = drawn(result_of("services", "patience", worlds=20))
    assert len(panels) == 3
    numbered, (worlds,) = panels[:2], panels[2:]
    assert not worlds.texts
    dots = sum(len(line.get_xdata()) for line in worlds.lines if line.get_marker() in (".", "o"))
    assert dots >= 320
    for axes in numbered:
        assert not [line for line in axes.lines if line.get_marker() in (".", "o") and len(line.get_xdata())]
        assert len(axes.texts) == 26  # a text a cell, and the star's
    boxes = [text.get_window_extent(renderer) for axes in numbered for text in axes.texts]
    boxes += [text.get_window_extent(renderer) for axes in panels for text in (axes.title, axes.xaxis.label)]
    boxes.append(figure.legends[0].get_window_extent(renderer))
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    whole = figure.bbox
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 for box in boxes)


def test_one_map_alone_has_room_for_its_legend() -> None:
    figure, (axes,), renderer = drawn(result_of("patience"))
    legend, label = figure.legends[0].get_window_extent(renderer), axes.xaxis.label.get_window_extent(renderer)
    assert legend.y1 <= label.y0
    assert figure.bbox.x0 <= legend.x0
    assert legend.x1 <= figure.bbox.x1


def test_a_map_that_thin_wins_everywhere_is_drawn_without_a_line() -> None:
    grid = replace(GRIDS["services"], rows=(1.0,))
    phase_map = hand_made(grid, [[1.0, 2.0, 3.0, 4.0, 5.0]])
    result = PhaseMapResult(
        PhaseMapRequest((grid,), 1, 0, FEW), (phase_map,), {rule.name: (phase_map,) for rule in OTHERS}, None
    )
    _, (axes,), _ = drawn(result)
    assert not axes.collections


def test_numbers_are_read_on_every_cell_and_both_sides_have_hues_of_the_palette() -> None:
    _, panels, _ = drawn(result_of("services", "patience", worlds=20))
    for axes in panels:
        for side in (-1.0, 1.0):  # the strongest cell of either side
            gaps = np.asarray(axes.images[0].get_array())
            strongest = gaps[np.unravel_index(int((side * gaps).argmax()), gaps.shape)]
            assert contrast(to_hex(axes.images[0].to_rgba(strongest)), TONES["ink"].light) >= 4.5
    scale = panels[0].images[0].get_cmap()
    assert [to_hex(scale(at)) for at in (0.0, 1.0)] == [TONES[name].light for name in ("blue", "amber")]
    assert contrast(to_hex(scale(0.5)), TONES["paper"].light) < 1.02


@pytest.mark.parametrize(("gap", "words"), [(-0.4, "0"), (0.4, "0"), (-0.6, "-1"), (12.3, "+12"), (0.0, "0")])
def test_no_sign_stands_before_a_zero(gap: float, words: str) -> None:
    grid = GRIDS["services"]
    phase_map = hand_made(grid, np.full((len(grid.rows), len(grid.slopes)), gap))
    result = PhaseMapResult(
        PhaseMapRequest((grid,), 1, 0, FEW), (phase_map,), {rule.name: (phase_map,) for rule in OTHERS}, None
    )
    _, (axes,), _ = drawn(result)
    assert {text.get_text().split("\n")[-1] for text in axes.texts} == {words}
    assert {cell.rpartition(" ")[2] for row in rows(result, 0) for cell in row[1:6]} == {f"({words})"}
