"""A back-test as text, as Markdown and as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from thinmargin.backtest.errors import known_mean, unit_of
from thinmargin.backtest.goals import goals
from thinmargin.backtest.results import (
    AHEAD,
    BAND,
    FIT_START,
    LAST_BEFORE,
    LAST_SHIPPED,
    SHIPPED_END,
    Later,
    Result,
    Score,
)
from thinmargin.calibration.misfit import FIRST_YEAR, LAST_FITTED
from thinmargin.history import COMPARED
from thinmargin.names import quantity_name, quantity_with_id
from thinmargin.records import markdown_table

ERRORS = ("mape_calibrated", "mape_fit", "last_value_fit", "mape_holdout", "last_value_holdout", "trend_holdout")
UNITS = {compared.name: unit_of(compared) for compared in COMPARED}
SHARES = ("in_band_fit", "in_band_holdout", "in_wide_band_fit", "in_wide_band_holdout")


def number(value: float, digits: int = 1) -> str:
    """A number for a table, a dash for nan."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{100.0 * value:.0f} %"


def error_rows(result: Result) -> list[list[str]]:
    """A row a series: error of the model, of the last value, and of the trend; fit years, then hold-out."""
    return [
        [name, UNITS[name], *(number(getattr(score, item)) for item in ERRORS)] for name, score in result.scores.items()
    ]


def short_error_rows(result: Result) -> list[list[str]]:
    """The same without the years before the fit counts."""
    return [[*row[:2], *row[3:]] for row in error_rows(result)]


ERROR_HEAD = (
    "series",
    "error in",
    f"{FIRST_YEAR}-{LAST_FITTED}",
    "fit",
    "fit: last value",
    "hold-out",
    "hold-out: last value",
    "hold-out: trend",
)


TEXT_HEAD = ("series", "in", *ERROR_HEAD[2:4], "last value", "hold-out", "last value", "trend")
"""The same for a terminal's width: each last value stands after what it is compared with."""


def rolling_rows(result: Result) -> list[list[str]]:
    """A row a series: mean error of the forecasts from the past, of the model and the two naive ones."""
    return [[name, UNITS[name], *(number(value) for value in result.rolling(name).values())] for name in result.scores]


ROLLING_HEAD = ("series", "error in", "model", "last value", "trend")


def rule_rows(result: Result) -> list[list[str]]:
    """A row a series: mean error of the forecasts from the past under each rule of the replay."""
    return [[name, UNITS[name], *(number(errors[name]) for errors in result.rules.values())] for name in RULE_SERIES]


RULE_SERIES = ("shipments", "overseas_share", "mau", "asp", "profit")
RULE_WORDS = {"centred": "three years", "trailing": "two years", "none": "its own"}
"""Replay rules by the years whose margins tell the markup aimed at."""


def rule_head(result: Result) -> list[str]:
    """Its head line."""
    return ["series", "error in", *(RULE_WORDS[rule] for rule in result.rules)]


def coverage_rows(result: Result) -> list[list[str]]:
    """A row a series, and all: share of reported values inside the band, and inside that with the allowed error."""
    rows = [
        [score.compared.name, *(_share(getattr(score, name)) for name in SHARES)] for score in result.scores.values()
    ]
    return [*rows, ["all", *map(_share, overall_coverage(result).values())]]


EARLIER, LATER = f"{FIT_START}-{LAST_BEFORE}", f"{LAST_BEFORE + 1}-{LAST_FITTED}"
COVERAGE_HEAD = ("series", EARLIER, LATER, f"{EARLIER}, wide", f"{LATER}, wide")


def elasticity_rows(result: Result) -> list[list[str]]:
    """A row a span of months: all-in brand elasticity in each state."""
    return [[str(span), *(number(value, 2) for value in years.values())] for span, years in result.elasticity.items()]


def elasticity_head(result: Result) -> list[str]:
    """Its head line."""
    years = next(iter(result.elasticity.values()), {})
    return ["months of demand", *(f"mid {year}" for year in years)]


def advertising_rows(result: Result) -> list[list[str]]:
    """One row: elasticity of the offer at home to advertising, by year."""
    return [[number(value, 2) for value in result.advertising.values()]]


def goal_rows(result: Result, name_of: Callable[[str], str] = quantity_name) -> list[list[str]]:
    """A row a goal: what is asked for, its range, what is reached, and whether that is met; series as of `name_of`."""
    rows = []
    for goal in goals(result):
        digits = 2 if goal.unit == "1" else 1
        met = {True: "met", False: "missed", None: "-"}[goal.met]
        asked = f"{number(goal.low, digits)} to {number(goal.high, digits)}"
        rows.append([goal.words(name_of), goal.unit, asked, number(goal.value, digits), met])
    return rows


GOAL_HEAD = ("goal", "in", "asked", "reached", "")


def overall_coverage(result: Result) -> dict[str, float]:
    """Share of all reported values inside the bands, every series alike."""
    scores = result.scores.values()
    return {name: known_mean(np.array([getattr(score, name) for score in scores])) for name in SHARES}


def beaten(result: Result) -> dict[str, int]:
    """Number of series that the model forecasts better than each naive forecast in the hold-out."""
    scores = result.scores.values()
    return {
        rule: sum(score.mape_holdout < getattr(score, f"{rule}_holdout") for score in scores)
        for rule in ("last_value", "trend")
    }


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns under each other, the first to the left, all others to the right."""
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    lines = []
    for row in (head, ["-" * width for width in widths], *rows):
        first, *others = row
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def text(result: Result, given: str = "") -> str:
    """The whole result for a terminal: newer periods first.

    Args:
        result: of the back-test.
        given: what was read of newer figures, as of `given_text`; empty if there are none.
    """
    markets = "as reported" if result.reported_markets else "as the model says"
    last = result.years[-1].year
    span = f"fit {FIT_START}-{min(last, LAST_FITTED)}" + (
        f", hold-out {LAST_BEFORE + 1}-{last} of a fit to {LAST_BEFORE}" if last > LAST_BEFORE else ""
    )
    title = f"Back-test: constants fitted to {FIRST_YEAR}-{LAST_FITTED}, size of markets {markets}."
    naive = (
        f"Last value: last year's in the fit, that of {LAST_BEFORE} in the hold-out; trend: {FIT_START}-{LAST_BEFORE}."
    )
    blocks = [given] if given else []
    blocks.extend(_later_text(later) for later in result.later)
    blocks += _not_scored(result)
    blocks += [f"{title}\nMean absolute error, {span}.\n{naive}", _aligned(TEXT_HEAD, named(error_rows(result)))]
    if last > LAST_BEFORE:
        won = beaten(result)
        blocks.append(
            f"Hold-out: better than the last value on {won['last_value']} of {len(COMPARED)} series, "
            f"than the trend on {won['trend']}.\n"
            f"It is spent: the structure, and some priors, were chosen with {LATER} in view."
        )
    if result.origins:
        origins = ", ".join(str(origin.year) for origin in result.origins)
        title = f"Forecasts up to {AHEAD} years ahead, each fitted to the figures until then alone:\n{origins}"
        blocks.append(f"{title}\n\n{_aligned(ROLLING_HEAD, named(rolling_rows(result)))}")
        title = "The same, by the years whose margins tell the markup that a firm aims at:"
        blocks.append(f"{title}\n\n{_aligned(rule_head(result), named(rule_rows(result)))}")
    title = (
        f"Share of reported values inside the {BAND[1] - BAND[0]:.0f} % band of the posterior, and of the wide one\n"
        "that adds the error the fit allows for:"
    )
    blocks.append(f"{title}\n\n{_aligned(COVERAGE_HEAD, named(coverage_rows(result)))}")
    if result.elasticity:
        table = _aligned(elasticity_head(result), elasticity_rows(result))
        blocks.append(f"All-in brand elasticity:\n\n{table}")
    if result.advertising:
        table = _aligned(["", *map(str, result.advertising)], [["at home", *advertising_rows(result)[0]]])
        blocks.append(f"Elasticity of the offer to advertising, June:\n\n{table}")
    if last == LAST_SHIPPED:
        blocks.append(f"Goals:\n\n{_aligned(GOAL_HEAD, goal_rows(result))}")
    return "\n\n".join(blocks)


def _not_scored(result: Result) -> list[str]:
    """A block on the periods of a user that are not compared; none where there are none."""
    own = [str(period) for period in result.unscored if period.end > SHIPPED_END or not period.is_year]
    if not own:
        return []
    parts = f"parts of {FIRST_YEAR}-{LAST_SHIPPED} drive the replay only, and so do periods that\nend after --until"
    return [f"Not scored: {', '.join(own)} ({parts})."]


def _later_text(later: Later) -> str:
    """One period after the shipped figures."""
    rows = [
        [
            quantity_name(name),
            number(later.truth[name], 2),
            number(later.model[name], 2),
            number(later.error[name]),
            number(later.last_value_error[name]),
            UNITS[name],
        ]
        for name in later.truth
        if not math.isnan(later.truth[name])
    ]
    head = ("series", "reported", "simulated", "error", "last value", "error in")
    if not rows:
        return f"{later.period}: nothing reported that is compared; its row drives the replay."
    title = f"{later.period}, after the shipped figures (last value: {LAST_SHIPPED}, by length of the period):"
    return f"{title}\n\n{_aligned(head, rows)}"


def named(rows: Sequence[Sequence[str]], name: Callable[[str], str] = quantity_name) -> list[list[str]]:
    """Rows whose first cell is the id of a series, with its name for people in place of it."""
    return [[name(first), *rest] for first, *rest in rows]


def markdown(result: Result) -> dict[str, str]:
    """The tables of the documentation, by name."""
    tables = {
        "errors": (ERROR_HEAD, error_rows(result)),
        "short errors": ([*ERROR_HEAD[:2], *ERROR_HEAD[3:]], short_error_rows(result)),
        "rolling": (ROLLING_HEAD, rolling_rows(result)),
        "rules": (rule_head(result), rule_rows(result)),
        "coverage": (COVERAGE_HEAD, coverage_rows(result)),
    }
    return {
        **{title: markdown_table(head, named(rows, quantity_with_id)) for title, (head, rows) in tables.items()},
        "elasticity": markdown_table(elasticity_head(result), elasticity_rows(result)),
        "advertising": markdown_table([*map(str, result.advertising)], advertising_rows(result)),
        "goals": markdown_table(GOAL_HEAD, goal_rows(result, quantity_with_id)),
    }


def document(result: Result) -> dict[str, Any]:
    """The result as plain JSON; null where nothing was reported or compared, or no year is held out."""
    last = result.years[-1].year
    return {
        "calibrated_on": [FIRST_YEAR, LAST_FITTED],
        "fit_years": [FIT_START, LAST_FITTED],
        "holdout_years": [LAST_BEFORE + 1, last] if last > LAST_BEFORE else None,
        "holdout_fitted_to": LAST_BEFORE,
        "markets": "reported" if result.reported_markets else "model",
        "band_percentiles": list(BAND),
        "series": {name: _score_entry(result, score) for name, score in result.scores.items()},
        "holdout_beats": beaten(result) if last > LAST_BEFORE else None,
        "goals": [
            {
                "goal": goal.name,
                "unit": goal.unit,
                **_plain({"low": goal.low, "high": goal.high, "value": goal.value}),
                "met": goal.met,
            }
            for goal in goals(result)
        ],
        "coverage": _plain(overall_coverage(result)),
        "rolling": {
            "origins": {
                str(origin.year): {
                    name: {
                        "reported": _values(origin.truth[name]),
                        "forecast": _values(origin.forecast[name]),
                        "error": _values(origin.model[name]),
                        "last_value_error": _values(origin.last_value[name]),
                        "trend_error": _values(origin.trend[name]),
                    }
                    for name in origin.truth
                }
                for origin in result.origins
            },
            "mean": {compared.name: _plain(result.rolling(compared.name)) for compared in COMPARED},
        },
        "replay_rules": {rule: _plain(errors) for rule, errors in result.rules.items()},
        "elasticity": {
            str(span): {str(year): value for year, value in years.items()} for span, years in result.elasticity.items()
        },
        "advertising": {str(year): value for year, value in result.advertising.items()},
        "not_scored": [str(period) for period in result.unscored],
        "later": [
            {
                "period": str(later.period),
                "series": {
                    name: _plain(
                        {
                            "reported": later.truth[name],
                            "simulated": later.model[name],
                            "error": later.error[name],
                            "last_value_error": later.last_value_error[name],
                        }
                    )
                    for name in later.truth
                },
            }
            for later in result.later
        ],
    }


def _score_entry(result: Result, score: Score) -> dict[str, Any]:
    name = score.compared.name
    return {
        "unit": score.compared.unit,
        "error_in": score.compared.error,
        **_plain({item: getattr(score, item) for item in (*ERRORS, *SHARES)}),
        "years": [period.year for period in result.years],
        "reported": _values(result.truth[name]),
        "simulated": _values(result.model[name]),
        "band_low": _values(result.low[name]),
        "band_high": _values(result.high[name]),
        "wide_band_low": _values(result.wide_low[name]),
        "wide_band_high": _values(result.wide_high[name]),
        "rolling": _plain(result.rolling(name)),
    }


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _values(values: Any) -> list[float | None]:
    return [None if math.isnan(value) else float(value) for value in values]
