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
from thinmargin_agents.comparison import PERCENTILES, REFERENCE, Result

CSV_HEAD = ("policy", "world", "J", "profit_part", "closing_part", "bankrupt", "months")
WIDEST = 1000
"""Characters a line where nobody cuts lines: in a file or a pipe."""


class Column(NamedTuple):
    """One column: its head, and what it says of a policy's summary."""

    head: str
    cell: Callable[[dict[str, Any]], str]


def _with_interval(mean: float, interval: Sequence[float]) -> str:
    return f"{mean:.1f} [{interval[0]:.1f}, {interval[1]:.1f}]"


def _difference(summary: dict[str, Any]) -> str:
    gap = summary["vs"].get(REFERENCE)
    return "-" if gap is None else _with_interval(gap["diff_mean"], gap["diff_ci95"])


def _improvement(summary: dict[str, Any]) -> str:
    gap = summary["vs"].get(REFERENCE)
    return "-" if gap is None else f"{gap['p_improve']:.2f}"


def _percentile(at: int) -> Column:
    return Column(f"{at} %", lambda summary: f"{summary['percentiles'][str(at)]:.1f}")


VALUE = (
    Column("J [interval]", lambda summary: _with_interval(summary["J_mean"], summary["J_ci95"])),
    Column("years run", lambda summary: f"{summary['profit_part']:.1f}"),
    Column("closing", lambda summary: f"{summary['closing_part']:.1f}"),
    Column("J less baseline", _difference),
    Column("P(better)", _improvement),
)
RISK = (
    Column("IQM", lambda summary: f"{summary['J_iqm']:.1f}"),
    *(_percentile(at) for at in PERCENTILES),
    Column("bankrupt", lambda summary: f"{100 * summary['bankrupt_share']:.1f} %"),
    Column(
        "at limit, %",
        lambda summary: " ".join(f"{100 * summary['saturation'][lever.name]:.0f}" for lever in LEVERS),
    ),
)
RESULTS, END = "<!-- results -->", "<!-- end -->"
CAPTION = (
    f"J: RMB bn, discounted, years run + closing value; intervals are 95 %. Baseline: {REFERENCE}, world by world."
    f" At limit: months that {', '.join(lever.name for lever in LEVERS)} are at an end of their range."
)


def show(report: dict[str, Any], console: Console) -> None:
    """Print the comparison; where lines are too short, value and risk stand in two tables."""
    if not console.is_terminal:
        console.width = WIDEST
    whole = console.options.update(width=WIDEST)
    parts = [VALUE + RISK]
    if console.measure(_table(report, VALUE + RISK), options=whole).maximum > console.width:
        parts = [VALUE, RISK]
    console.print(f"{report['environment']}: {report['worlds']} {report['split']} worlds", markup=False)
    for columns in parts:
        console.print(_table(report, columns))
    console.print(CAPTION, style="italic", markup=False, highlight=False, soft_wrap=not console.is_terminal)


def _table(report: dict[str, Any], columns: Sequence[Column]) -> Table:
    table = Table()
    table.add_column("policy", overflow="fold")
    for column in columns:
        table.add_column(Text(column.head), justify="right", overflow="fold")
    for name, summary in report["policies"].items():
        table.add_row(Text(name), *(Text(column.cell(summary)) for column in columns))
    return table


def as_markdown(report: dict[str, Any], command: str) -> str:
    """The comparison as a Markdown table, under the command that makes it."""
    columns = [column for column in VALUE + RISK if column.head != "at limit, %"]
    rows = [[name, *(column.cell(summary) for column in columns)] for name, summary in report["policies"].items()]
    table = markdown_table(["policy", *(column.head for column in columns)], rows)
    words = f"J in RMB bn, discounted: years run + closing value; 95 % intervals; the baseline is {REFERENCE}."
    return f"`{command}`: {report['worlds']} {report['split']} worlds.\n\n{table}\n\n{words}"


def with_results(text: str, results: str) -> str:
    """`text` with `results` between its markers, or `results` alone if it has none."""
    before, start, rest = text.partition(RESULTS)
    _, end, after = rest.partition(END)
    return f"{before}{start}\n{results}\n{end}{after}" if start and end else results + "\n"


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
