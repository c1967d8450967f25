"""The years as small multiples: a panel a quantity, a line and a band a policy, the reported line beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from thinmargin.names import policy_name
from thinmargin.palette import TONES, dashes, looks_of
from thinmargin_agents.scoring.comparison import Result
from thinmargin_agents.years.quantities import BAND, QUANTITIES, YearlyQuantity, as_reported, path_of
from thinmargin_agents.years.table import heading, years_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
WIDTH, ROW = 9.0, 2.15
"""Inches: the picture is 900 pixels wide at 100 an inch."""
INK, GREY, PALE = (TONES[tone].light for tone in ("ink", "grey", "grid"))


def draw(results: Sequence[Result], words: str) -> Figure:
    """The figure under a title; the caller saves it.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # only pictures need it

    rows = -(-len(QUANTITIES) // COLUMNS)
    figure = Figure(figsize=(WIDTH, ROW * rows + 0.9), layout="constrained")
    panels = list(figure.subplots(rows, COLUMNS, sharex=True).flat)
    for axes, quantity in zip(panels, QUANTITIES, strict=True):
        _panel(axes, quantity, results)
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize=8.5, frameon=False,
        labelcolor=INK,
    )  # fmt: skip
    figure.suptitle(words, fontsize=9.5, color=INK)
    return figure


def _panel(axes: Axes, quantity: YearlyQuantity, results: Sequence[Result]) -> None:
    years = np.array(years_of(results))
    lines = []
    looks = looks_of(result.name for result in results)
    for result in results:
        look = looks[result.name]
        path = path_of(quantity, result)
        axes.fill_between(years, path.low, path.high, color=look.color, alpha=0.14, lw=0)
        axes.plot(years, path.mean, color=look.color, lw=1.6, ls=dashes(look.dashes), label=policy_name(result.name))
        lines += [path.mean, path.low]
    known = as_reported(quantity, years.tolist())
    if np.isfinite(known).any():
        axes.plot(years, known, color=INK, marker="o", ms=3, lw=1.0, label="reported", zorder=5)
        lines.append(known)
    if (np.concatenate(lines) < 0.0).any():
        axes.axhline(0.0, color=GREY, lw=0.8, zorder=1)
    else:
        axes.set_ylim(bottom=0.0)
    axes.set_title(heading(quantity).replace("% of trailing revenue", "%"), fontsize=8.5, color=INK, loc="left")
    axes.set_xticks([year for year in years.tolist() if (year - years[0]) % 4 == 0])
    axes.tick_params(labelsize=8, colors=GREY, length=0)
    axes.grid(axis="y", color=PALE, lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def title(split: str, worlds: int) -> str:
    """Title of the picture."""
    return (
        f"Means and {BAND[0]:.0f}-{BAND[1]:.0f} % bands over {worlds} hidden {split} worlds,"
        " and one firm's reported history:\ncompare shapes over the years, not levels"
    )
