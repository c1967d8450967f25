"""Realism of the model: the back-test with its pictures and its table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from thinmargin.backtest import picture
from thinmargin.backtest.errors import unit_of
from thinmargin.backtest.results import FIT_START, LAST_BEFORE, LAST_SHIPPED, Result, backtest
from thinmargin.backtest.table import ERROR_HEAD, beaten, named, number, short_error_rows
from thinmargin.calibration.misfit import FIRST_YEAR, LAST_FITTED
from thinmargin.calibration.saved import shipped
from thinmargin.data import reported
from thinmargin.history import COMPARED
from thinmargin.names import quantity_name
from thinmargin_agents.report.style import Chart, Reading, chart_of, panel

COMMAND = "python -m thinmargin.backtest"


@dataclass(frozen=True)
class Realism:
    """A sentence, a picture a series, and the table of errors with its head."""

    summary: str
    charts: tuple[Chart, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@cache
def realism() -> Realism:
    """The back-test of the shipped constants on the shipped figures, which no evaluation changes."""
    figures = reported()
    result = backtest(figures, max(period.end for period in figures.periods), shipped())
    won = beaten(result)
    summary = (
        f"{len(shipped().z)} constants are fitted to what one firm reported from {FIRST_YEAR} to {LAST_FITTED}. With a"
        f" fit to {LAST_BEFORE} the model is driven through {LAST_BEFORE + 1} to {LAST_SHIPPED}, whose figures"
        " that fit does not have; structure and some priors were chosen with them in view, so it is no test any more."
        f" There it is nearer to what was reported than the last value on {won['last_value']} of {len(COMPARED)}"
        f" series, and than the trend of {FIT_START}-{LAST_BEFORE} on {won['trend']}. Money is an order of magnitude;"
        " ranks of policies are the finding."
    )
    return Realism(
        summary,
        (*(_chart(result, name) for name in result.truth), _key(result)),
        (*ERROR_HEAD[:2], *ERROR_HEAD[3:]),
        tuple(map(tuple, named(short_error_rows(result)))),
    )


def _chart(result: Result, name: str) -> Chart:
    figure, axes = panel()
    picture.panel(axes, result, name)
    axes.set_title("", loc="left")
    score = result.scores[name]
    unit, words = unit_of(score.compared), quantity_name(name)
    alt = (
        f"{words} reported and simulated, {score.compared.unit}. Mean absolute error {number(score.mape_fit)} {unit} in"
        f" the fit, {number(score.mape_holdout)} {unit} in the hold-out."
    )
    chart = f"backtest-{name.replace('_', '-')}"
    readings = [
        Reading(axes, period.year, None, f"{period.year}: simulated {number(drawn)}, reported {number(known)}")
        for period, drawn, known in zip(
            result.years, result.model[name].tolist(), result.truth[name].tolist(), strict=True
        )
    ]
    return chart_of(figure, chart, words, score.compared.unit, alt, "panel", readings)


def _key(result: Result) -> Chart:
    """Legend of the lines, dots and bands of the pictures."""
    figure, axes = panel()
    picture.panel(axes, result, next(iter(result.truth)))
    handles, labels = axes.get_legend_handles_labels()
    axes.remove()
    figure.legend(handles, labels, loc="center", fontsize=12)
    chart = "backtest-key"
    return chart_of(figure, chart, "how to read them", "", f"Legend: {', '.join(labels)}.", "panel")
