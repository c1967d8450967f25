"""A comparison as a table on the terminal, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinmargin.records import LEVERS, markdown_table
from thinmargin_agents.scoring.comparison import PERCENTILES, REFERENCE, Result
from thinmargin_agents.scoring.score import FORESIGHT, TUNED

CSV_HEAD = ("policy", "world", "J", "profit_part", "closing_part", "bankrupt", "months")
WIDEST = 1000
"""Characters of a line that is not cut: in a file or a pipe."""
WIDEST_NAME = 30
"""Characters of a policy's name in a line of a terminal."""
NOTHING = "-"
"""Stands where there is no number."""


class Column(NamedTuple):
    """One column: its head, and its cell for a policy's name and summary."""

    head: str
    cell: Callable[[str, dict[str, Any]], str]


def _with_interval(mean: float, interval: Sequence[float]) -> str:
    return f"{mean:.1f} [{interval[0]:.1f}, {interval[1]:.1f}]"


def _score(_: str, summary: dict[str, Any]) -> str:
    return NOTHING if summary["score"] is None else _with_interval(summary["score"], summary["score_ci95"])


def _difference(_: str, summary: dict[str, Any]) -> str:
    gap = summary["vs"].get(REFERENCE)
    return NOTHING if gap is None else _with_interval(gap["diff_mean"], gap["diff_ci95"])


def _improvement(_: str, summary: dict[str, Any]) -> str:
    gap = summary["vs"].get(REFERENCE)
    return NOTHING if gap is None else f"{gap['p_improve']:.2f}"


def _score_iqm(_: str, summary: dict[str, Any]) -> str:
    return NOTHING if summary["score_iqm"] is None else f"{summary['score_iqm']:.1f}"


def _number(head: str, name: str) -> Column:
    return Column(head, lambda _, summary: f"{summary[name]:.1f}")


def _percentile(at: int) -> Column:
    return Column(f"{at} %", lambda _, summary: f"{summary['percentiles'][str(at)]:.1f}")


PLACES = ("results", "stress")
"""Names of the places of tables on a page, in the order of a new page."""
COLUMNS = (
    Column("score [interval]", _score),
    Column("J [interval]", lambda _, summary: _with_interval(summary["J_mean"], summary["J_ci95"])),
    _number("years run", "profit_part"),
    _number("closing", "closing_part"),
    Column("J less baseline", _difference),
    Column("P(better)", _improvement),
    Column("score IQM", _score_iqm),
    _number("J IQM", "J_iqm"),
    *(_percentile(at) for at in PERCENTILES),
    Column("bankrupt", lambda _, summary: f"{100 * summary['bankrupt_share']:.1f} %"),
)
LIMITS = Column(
    "at limit, %",
    lambda _, summary: " ".join(f"{100 * summary['saturation'][lever.name]:.0f}" for lever in LEVERS),
)
WORDS = (
    f"Score: percent of the gap in mean J from {TUNED} (0) to {FORESIGHT} (100) that is closed; {FORESIGHT} is the best"
    " known plan of each world given its future, not a bound. J: RMB bn, discounted, years run + closing"
    f" value. Intervals are 95 %. Baseline: {REFERENCE}, world by world."
)
LIMIT_WORDS = f"At limit: months that {', '.join(lever.name for lever in LEVERS)} are at an end of their range."
STRESS_WORDS = "Mean J in RMB bn, share of worlds that end in bankruptcy; the benchmark's are those of the same keys."


def show(report: dict[str, Any], console: Console) -> None:
    """Print the comparison; where lines are too short, tables are split into several."""
    if not console.is_terminal:
        console.width = WIDEST
    console.print(f"{report['environment']}: {report['worlds']} {report['split']} worlds", markup=False)
    _print_tables(report["policies"], (*COLUMNS, LIMITS), console)
    _print_words(f"{WORDS} {LIMIT_WORDS}", console)
    if report["stress"]:
        console.print(f"\nheld-out scenarios, {report['stress_worlds']} worlds each", markup=False)
        _print_tables(_stressed(report), _stress_columns(report), console)
        _print_words(STRESS_WORDS, console)
    if report["note"] is not None:
        console.print(report["note"], markup=False, highlight=False, soft_wrap=not console.is_terminal)


def _print_words(words: str, console: Console) -> None:
    console.print(words, style="italic", markup=False, highlight=False, soft_wrap=not console.is_terminal)


def _print_tables(policies: dict[str, Any], columns: Sequence[Column], console: Console) -> None:
    """As few tables as fit the width, each with the names; a column too wide by itself is folded."""
    whole = console.options.update(width=WIDEST)
    left = list(columns)
    while left:
        count = len(left)
        while count > 1 and console.measure(_table(policies, left[:count]), options=whole).maximum > console.width:
            count -= 1
        console.print(_table(policies, left[:count]))
        left = left[count:]


def _table(policies: dict[str, Any], columns: Sequence[Column]) -> Table:
    table = Table()
    table.add_column("policy", overflow="fold", max_width=WIDEST_NAME)
    for column in columns:
        table.add_column(Text(column.head), justify="right", overflow="fold")
    for name, summary in policies.items():
        table.add_row(Text(name), *(Text(column.cell(name, summary)) for column in columns))
    return table


def _stressed(report: dict[str, Any]) -> dict[str, Any]:
    """Summaries of the policies that played any held-out scenario, best first."""
    names = {name for family in report["stress"].values() for name in family}
    return {name: summary for name, summary in report["policies"].items() if name in names}


def _stress_columns(report: dict[str, Any]) -> list[Column]:
    """J in the benchmark's worlds, then a column a scenario."""
    stress = report["stress"]

    def benchmark(name: str, _: dict[str, Any]) -> str:
        return next(f"{family[name]['J_benchmark']:.1f}" for family in stress.values() if name in family)

    def column(family: str) -> Column:
        def cell(name: str, _: dict[str, Any]) -> str:
            entry = stress[family].get(name)
            return NOTHING if entry is None else f"{entry['J_mean']:.1f}, {100 * entry['bankrupt_share']:.1f} %"

        return Column(family.replace("_", " "), cell)

    return [Column("benchmark", benchmark), *(column(family) for family in stress)]


def plain_cell(name: str) -> str:
    """A name that cannot break a Markdown table."""
    return " ".join(name.replace("|", "\\|").split())


def _markdown(policies: dict[str, Any], columns: Sequence[Column]) -> str:
    rows = [
        [plain_cell(name), *(column.cell(name, summary) for column in columns)] for name, summary in policies.items()
    ]
    return markdown_table(["policy", *(column.head for column in columns)], rows)


def results_markdown(report: dict[str, Any]) -> str:
    """The comparison as a Markdown table, under the command that makes it."""
    parts = [
        f"`{report['command']}`: {report['worlds']} {report['split']} worlds.",
        _markdown(report["policies"], COLUMNS),
        WORDS,
    ]
    return "\n\n".join(parts if report["note"] is None else [*parts, f"{report['note']}."])


def stress_markdown(report: dict[str, Any]) -> str:
    """The held-out scenarios as a Markdown table, under the command that makes it."""
    first = f"`{report['command']}`: {report['stress_worlds']} test worlds of each held-out scenario."
    return f"{first}\n\n{_markdown(_stressed(report), _stress_columns(report))}\n\n{STRESS_WORDS}"


def as_json(report: dict[str, Any]) -> str:
    """The comparison as strict JSON: what is not a finite number is null."""
    return json.dumps(_finite(report), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_csv(results: Sequence[Result]) -> str:
    """One row a policy and world; the runs of an entrant of several seeds stand under their own names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for result in results:
        for row, member in enumerate(result.members):
            for column, key in enumerate(result.keys.tolist()):
                writer.writerow(
                    (
                        member,
                        key,
                        float(result.value[row, column]),
                        float(result.profit_part[row, column]),
                        float(result.closing_part[row, column]),
                        int(result.bankrupt[row, column]),
                        int(result.months[row, column]),
                    )
                )
    return text.getvalue()
