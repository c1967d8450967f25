"""The maps as a picture: a panel a map, and beside them the plausible worlds as dots.

Every panel lies the same way: thin gains to the right and upwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thinmargin.palette import TONES
from thinmargin_agents.phase_map.boundary import difference_at, on_map
from thinmargin_agents.phase_map.cells import CALIBRATED, PhaseMap, gain_words
from thinmargin_agents.phase_map.hidden import HiddenWorlds, thin_ahead
from thinmargin_agents.phase_map.results import (
    ON_MAP,
    OTHERS,
    SCORED_RULE,
    PhaseMapResult,
    calibrated_difference,
)
from thinmargin_agents.phase_map.table import markup_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

WIDTH, HEIGHT, ALONE = 9.0, 4.9, 4.5
"""Inches: the picture is 900 pixels wide at 100 an inch, and half as wide where it is one map alone."""
PAPER, INK, GREY = (TONES[name].light for name in ("paper", "ink", "grey"))
THIN, PREMIUM = TONES["amber"].light, TONES["blue"].light
"""Where thin wins, in the hue of tuned low margin, and where premium does: told apart by colour-blind readers, and in
print."""
STRENGTH = 0.75
"""Of the strongest colour, so that text on it is read."""
DASHES = ((0, (4, 2)), (0, (1, 1.5)))
"""Of the lines on which thin and premium tie under the closing rules that are not scored."""
BOX = {"boxstyle": "round,pad=0.12", "edgecolor": "none"}
"""Behind a text."""
FINE = 20
"""Points of the boundary between two cells."""


def draw(result: PhaseMapResult) -> Figure:
    """The figure; the caller saves it.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # only pictures need it
    from matplotlib.patches import Patch  # noqa: PLC0415  # only pictures need it

    worlds = result.hidden
    count = len(result.maps) + (worlds is not None)
    figure = Figure(figsize=(WIDTH if count > 1 else ALONE, HEIGHT), layout="constrained")
    panels = figure.subplots(1, count, squeeze=False)[0]
    for number, (axes, phase_map) in enumerate(zip(panels, result.maps, strict=False)):
        _panel(axes, phase_map, phase_map.grid.meaning)
        _boundaries(axes, result, number)
        _texts(axes, phase_map)
        _star(axes, phase_map)
    if worlds is not None:
        number = [phase_map.grid.name for phase_map in result.maps].index(ON_MAP)
        axes, phase_map = panels[-1], result.maps[number]
        _panel(axes, phase_map, f"{phase_map.grid.meaning}: hidden worlds")
        _boundaries(axes, result, number)
        _dots(axes, phase_map, worlds)
    handles: dict[str, Any] = {"thin wins": Patch(color=THIN), "premium wins": Patch(color=PREMIUM)}
    for axes in panels:
        handles |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=4 if count > 1 else 2, fontsize=8,
        frameon=False, labelcolor=INK,
    )  # fmt: skip
    words = ("In every cell: best constant markup,", f"and J of thin less premium, RMB bn ({SCORED_RULE.head})")
    figure.suptitle((" " if count > 1 else "\n").join(words), fontsize=10.5, color=INK)
    return figure


def _panel(axes: Axes, phase_map: PhaseMap, title: str) -> None:
    """Coloured cells between labelled axes; the row where thin gains most is on top."""
    grid, gaps = phase_map.grid, phase_map.differences
    strength = np.sign(gaps) * np.sqrt(np.abs(gaps))
    most = max(float(np.abs(strength).max()), 1e-9) / STRENGTH
    axes.imshow(strength, cmap=_scale(), vmin=-most, vmax=most, origin="lower", aspect="auto")
    if not grid.highest_is_thin:
        axes.invert_yaxis()
    axes.set_xticks(range(len(grid.slopes)), [f"{slope:g}" for slope in grid.slopes])
    axes.set_yticks(range(len(grid.rows)), [grid.label(value) for value in grid.rows])
    axes.set_xlabel("price slope (sensitivity to price)", fontsize=8.5, color=INK)
    axes.set_title(title, fontsize=9.5, color=INK, loc="left")
    axes.tick_params(labelsize=8.5, length=0, labelcolor=INK)
    axes.spines[:].set_visible(False)


def _scale() -> Colormap:
    """From the colour of premium over that of the page to the colour of thin."""
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415  # only pictures need it

    return LinearSegmentedColormap.from_list("thin less premium", [PREMIUM, PAPER, THIN])


def _star(axes: Axes, phase_map: PhaseMap) -> None:
    """The calibrated firm, in the colour of the side it is on, and what thin earns more there than premium."""
    gap = calibrated_difference(phase_map)
    x, y = on_map(phase_map.grid, CALIBRATED.price_slope, phase_map.grid.calibrated_row)
    color = THIN if gap >= 0.0 else PREMIUM
    axes.plot(x, y, "*", color=color, mec=PAPER, mew=0.8, ms=11, ls="", label="calibrated firm", zorder=6)
    axes.annotate(
        gain_words(gap), (float(x), float(y)), (0.0, 18.0), textcoords="offset points", ha="center", va="center",
        fontsize=8.5, fontweight="bold", color=INK, zorder=6, bbox={**BOX, "facecolor": PAPER},
    )  # fmt: skip


def _boundaries(axes: Axes, result: PhaseMapResult, number: int) -> None:
    """The lines on which thin and premium tie, under every closing rule."""
    _boundary(axes, result.maps[number], SCORED_RULE.head, "solid")
    for rule, dashes in zip(OTHERS, DASHES, strict=True):
        _boundary(axes, result.others[rule.name][number], rule.head, dashes)


def _boundary(axes: Axes, phase_map: PhaseMap, rule: str, style: Any) -> None:
    """The line on which thin and premium tie under a rule, linear in both directions between the cells."""
    grid, gaps = phase_map.grid, phase_map.differences
    if min(gaps.shape) < 2 or not (gaps < 0.0).any() or not (gaps >= 0.0).any():
        return
    rows, columns = gaps.shape
    x = np.linspace(0.0, columns - 1.0, FINE * (columns - 1) + 1)
    y = np.linspace(0.0, rows - 1.0, FINE * (rows - 1) + 1)
    slopes = np.interp(x, np.arange(columns), grid.slopes)
    values = np.interp(y, np.arange(rows), grid.rows)
    height = difference_at(phase_map, *np.meshgrid(slopes, values))
    axes.contour(x, y, height, levels=[0.0], colors=INK, linewidths=1.8, linestyles=[style], zorder=4)
    axes.plot([], [], color=INK, lw=1.8, ls=style, label=f"tie: {rule}")


def _dots(axes: Axes, phase_map: PhaseMap, worlds: HiddenWorlds) -> None:
    """The plausible worlds, and which side wins in those that were searched."""
    x, y = on_map(phase_map.grid, worlds.slopes, worlds.services)
    axes.plot(x, y, ".", color=GREY, ms=1.8, alpha=0.45, mew=0, zorder=2)
    axes.plot([], [], ".", color=GREY, ms=4, label=f"{len(x):,} plausible worlds")
    count = len(worlds.searched)
    ahead = thin_ahead(worlds.searched)
    for won, color, name in ((ahead, THIN, "thin"), (~ahead, PREMIUM, "premium")):
        if won.any():
            axes.plot(
                x[:count][won], y[:count][won], "o", color=color, ms=3.6, mec=PAPER, mew=0.5, zorder=3,
                label=f"{name} wins in this world",
            )  # fmt: skip


def _texts(axes: Axes, phase_map: PhaseMap) -> None:
    """Best markup and difference of every cell, on its own colour, which hides the lines behind."""
    colours = axes.images[0].to_rgba(np.asarray(axes.images[0].get_array()))
    columns = len(phase_map.grid.slopes)
    for place, cell in enumerate(phase_map.cells):
        y, x = divmod(place, columns)
        axes.text(
            x, y, f"{markup_words(cell)}\n{gain_words(cell.difference)}", ha="center", va="center", fontsize=8,
            color=INK, zorder=5, bbox={**BOX, "facecolor": tuple(colours[y, x])},
        )  # fmt: skip
