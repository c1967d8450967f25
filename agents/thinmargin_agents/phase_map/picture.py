"""The maps as a picture: a panel a map, the boundary between thin and premium, the plausible worlds as dots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thinmargin_agents.phase_map.boundary import difference_at, on_map
from thinmargin_agents.phase_map.cells import CALIBRATED, PhaseMap
from thinmargin_agents.phase_map.hidden import HiddenWorlds, thin_ahead
from thinmargin_agents.phase_map.results import ON_MAP, OTHERS, SCORED_RULE, PhaseMapResult
from thinmargin_agents.phase_map.table import markup_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL, HEIGHT = 4.5, 4.9
"""Inches of a panel's width and of the picture's height: two panels are 900 pixels wide at 100 an inch."""
INK, GREY = "#222222", "#444444"
COLOURS = "PuOr_r"
"""Orange where thin wins, purple where premium does: told apart by colour-blind readers, and in print."""
STRENGTH = 0.75
"""Of the strongest colour, so that text on it is read."""
THIN, PREMIUM = "#e66101", "#5e3c99"
DASHES = ((0, (4, 2)), (0, (1, 1.5)))
"""Of the lines on which thin and premium tie under the closing rules that are not scored."""
FINE = 20
"""Points of the boundary between two cells."""


def draw(result: PhaseMapResult) -> Figure:
    """The figure; the caller saves it.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # only pictures need it
    from matplotlib.patches import Patch  # noqa: PLC0415  # only pictures need it

    count = len(result.maps)
    figure = Figure(figsize=(PANEL * count, HEIGHT), layout="constrained")
    panels = figure.subplots(1, count, squeeze=False)[0]
    for number, (axes, phase_map) in enumerate(zip(panels, result.maps, strict=True)):
        _panel(axes, phase_map, result.hidden if phase_map.grid.name == ON_MAP else None)
        _boundary(axes, phase_map, SCORED_RULE.head, "solid")
        for rule, dashes in zip(OTHERS, DASHES, strict=True):
            _boundary(axes, result.others[rule.name][number], rule.head, dashes)
    handles: dict[str, Any] = {"thin wins": Patch(color=THIN), "premium wins": Patch(color=PREMIUM)}
    for axes in panels:
        handles |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=2 * count, fontsize=8, frameon=False,
        labelcolor=INK,
    )  # fmt: skip
    words = ("In every cell: best constant markup,", f"and J of thin less premium, RMB bn ({SCORED_RULE.head})")
    figure.suptitle((" " if count > 1 else "\n").join(words), fontsize=10.5, color=INK)
    return figure


def _panel(axes: Axes, phase_map: PhaseMap, worlds: HiddenWorlds | None) -> None:
    grid, gaps = phase_map.grid, phase_map.differences
    strength = np.sign(gaps) * np.sqrt(np.abs(gaps))
    most = max(float(np.abs(strength).max()), 1e-9) / STRENGTH
    axes.imshow(strength, cmap=COLOURS, vmin=-most, vmax=most, origin="lower", aspect="auto")
    if worlds is not None:
        _dots(axes, phase_map, worlds)
    _texts(axes, phase_map)
    x, y = on_map(grid, CALIBRATED.price_slope, grid.calibrated_row)
    axes.plot(x, y, "*", color="white", mec=INK, ms=13, ls="", label="calibrated firm", zorder=6)
    axes.set_xticks(range(len(grid.slopes)), [f"{slope:g}" for slope in grid.slopes])
    axes.set_yticks(range(len(grid.rows)), [grid.label(value) for value in grid.rows])
    axes.set_xlabel("price slope: customers' sensitivity to price", fontsize=9, color=INK)
    axes.set_title(grid.meaning, fontsize=9.5, color=INK, loc="left")
    axes.tick_params(labelsize=8.5, length=0, labelcolor=INK)
    axes.spines[:].set_visible(False)


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
                x[:count][won], y[:count][won], "o", color=color, ms=3.6, mec="white", mew=0.5, zorder=3,
                label=f"{name} wins in this world",
            )  # fmt: skip


def _texts(axes: Axes, phase_map: PhaseMap) -> None:
    from matplotlib.patheffects import withStroke  # noqa: PLC0415  # only pictures need it

    halo: Any = [withStroke(linewidth=2.2, foreground="white", alpha=0.75)]
    columns = len(phase_map.grid.slopes)
    for place, cell in enumerate(phase_map.cells):
        y, x = divmod(place, columns)
        axes.text(
            x, y, f"{markup_words(cell)}\n{cell.difference:+.0f}", ha="center", va="center", fontsize=8.5, color=INK,
            zorder=5, path_effects=halo,
        )  # fmt: skip
