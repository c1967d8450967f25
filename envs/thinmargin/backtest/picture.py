"""A back-test as a picture: reported against simulated, a panel a series.

Periods after the shipped figures are open circles, sums at a year's rate.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thinmargin.backtest.forecasts import trend
from thinmargin.backtest.results import FIT_START, LAST_BEFORE, Result, adds_up
from thinmargin.calibration.misfit import FIRST_YEAR, LAST_FITTED
from thinmargin.files import write_atomically
from thinmargin.history import COMPARED
from thinmargin.names import quantity_name
from thinmargin.palette import TONES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
LATER = "later, sums at a year's rate"
REPORTED, MODEL, NAIVE, AHEAD = (TONES[tone].light for tone in ("ink", "vermilion", "grey", "pale"))


def draw(result: Result) -> Figure:
    """The figure; the caller saves or closes it.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # only pictures need it

    rows = -(-(len(COMPARED) + 1) // COLUMNS)
    figure = Figure(figsize=(4.2 * COLUMNS, 2.7 * rows), layout="constrained")
    panels = list(figure.subplots(rows, COLUMNS).flat)
    for axes, name in zip(panels, result.truth, strict=False):
        panel(axes, result, name)
    handles, labels = panels[0].get_legend_handles_labels()
    for axes in panels[len(COMPARED) :]:
        axes.axis("off")
    panels[len(COMPARED)].legend(handles, labels, loc="center", frameon=False)
    markets = "as reported" if result.reported_markets else "as the model says"
    figure.suptitle(f"Reported against simulated; constants fitted to {LAST_FITTED}, size of markets {markets}")
    return figure


def panel(axes: Axes, result: Result, name: str) -> None:
    """Draw one series on empty axes."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415  # only pictures need it

    score = result.scores[name]
    years = np.array([period.year for period in result.years])
    truth = result.truth[name]
    axes.fill_between(
        years, result.wide_low[name], result.wide_high[name], color=MODEL, alpha=0.12, lw=0,
        label="80 % band, with the error the fit allows for",
    )  # fmt: skip
    axes.fill_between(
        years, result.low[name], result.high[name], color=MODEL, alpha=0.28, lw=0, label="80 % band of the posterior"
    )
    axes.plot(years, result.model[name], color=MODEL, lw=1.6, label="simulated")
    ahead = years > LAST_BEFORE
    if ahead.any():
        line = trend(truth[~ahead], int(ahead.sum()))
        axes.plot(years[ahead], line, color=NAIVE, lw=1.0, ls="--", label=f"trend of {FIT_START}-{LAST_BEFORE}")
    if years[-1] > LAST_FITTED:
        axes.axvspan(LAST_FITTED + 0.5, years[-1] + 0.5, color=AHEAD, zorder=0, label="years it never saw")
    axes.plot(years, truth, "o", color=REPORTED, ms=3.5, label="reported")
    for k, later in enumerate(result.later):
        middle = FIRST_YEAR + (later.period.first + later.period.end - 12) / 24.0
        a_year = 12.0 / later.period.months if adds_up(score.compared) else 1.0
        axes.plot(
            middle, a_year * later.truth[name], "o", color=REPORTED, ms=3.5, mfc="none", label="_" * (k > 0) + LATER
        )
        axes.plot(middle, a_year * later.model[name], "o", color=MODEL, ms=3.5, mfc="none")
    drawn = [] if adds_up(score.compared) else [later.model[name] for later in result.later]
    known_truth = truth[~np.isnan(truth)]
    known = np.concatenate([known_truth, result.model[name], result.high[name], drawn])
    axes.set_ylim(1.15 * min(0.0, *known_truth, float(result.low[name].min())), 1.15 * float(known.max()))
    axes.set_title(f"{quantity_name(name)}, {score.compared.unit}", fontsize=10, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.spines[["top", "right"]].set_visible(False)


def save(result: Result, path: Path) -> None:
    """Write the picture; the ending of the name decides the format.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        ValueError: the ending names no format.
    """
    content = io.BytesIO()
    draw(result).savefig(content, format=path.suffix.removeprefix(".").lower(), dpi=110)
    write_atomically(path, content.getvalue())
