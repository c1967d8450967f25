"""The years as text, as Markdown and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import fill
from typing import Any

from thinmargin.names import with_id
from thinmargin.records import markdown_table
from thinmargin_agents.cli.versions import versions
from thinmargin_agents.scoring.comparison import Result
from thinmargin_agents.years.quantities import BAND, NOTE, QUANTITIES, Numbers, YearlyQuantity, as_reported, path_of

WIDTH = 110
"""Characters of a line of text."""


def years_of(results: Sequence[Result]) -> list[int]:
    """The calendar years that were played."""
    return [int(year) for year in results[0].yearly["year"]]


def explained(split: str, worlds: int) -> str:
    """Explanation of the numbers."""
    return f"Means over {worlds} hidden {split} worlds, of those in business in the year. {NOTE}"


def heading(quantity: YearlyQuantity) -> str:
    """Title of a quantity, with its unit."""
    return f"{quantity.title}, {quantity.unit}"


def table_heading(quantity: YearlyQuantity) -> str:
    """The same over a table, with the statistic that its cells are."""
    return f"{heading(quantity)}; mean"


def reported_label(quantity: YearlyQuantity) -> str:
    """Label of the reported line."""
    return f"reported, {quantity.differs}" if quantity.differs else "reported"


def lines(quantity: YearlyQuantity, results: Sequence[Result]) -> list[list[str]]:
    """Cells of one quantity: a line of what was reported, if anything was, then a line a policy; name first."""
    years = years_of(results)
    known = [] if quantity.reported is None else [(reported_label(quantity), as_reported(quantity, years))]
    known += [(with_id(result.name), path_of(quantity, result).mean) for result in results]
    return [[name, *cells(values, quantity.digits)] for name, values in known]


def cells(values: Numbers, digits: int) -> list[str]:
    """Numbers with this many decimals, blank where there is none."""
    return ["" if math.isnan(value) else f"{round(value, digits) + 0.0:.{digits}f}" for value in values.tolist()]


def text(results: Sequence[Result], split: str, worlds: int) -> str:
    """The whole result for a terminal."""
    blocks = [fill(explained(split, worlds), WIDTH)]
    tables = {quantity: lines(quantity, results) for quantity in QUANTITIES}
    first = 2 + max(len(row[0]) for table in tables.values() for row in table)
    for quantity, table in tables.items():
        head = f"{table_heading(quantity)}\n{' ' * first}" + "".join(f"{year:>6}" for year in years_of(results))
        rows = [f"  {row[0]:<{first - 2}}" + "".join(f"{cell:>6}" for cell in row[1:]) for row in table]
        blocks.append("\n".join(line.rstrip() for line in [*head.split("\n"), *rows]))
    return "\n\n".join(blocks)


def markdown(results: Sequence[Result], split: str, worlds: int, command: str) -> str:
    """The result for a page, under the command that makes it."""
    rows = [
        [table_heading(quantity) if number == 0 else "", *row]
        for quantity in QUANTITIES
        for number, row in enumerate(lines(quantity, results))
    ]
    table = markdown_table(["", "", *map(str, years_of(results))], rows)
    return f"`{command}`\n\n{explained(split, worlds)}\n\n{table}"


def document(results: Sequence[Result], *, split: str, worlds: int, seed: int, command: str) -> dict[str, Any]:
    """The result as plain JSON; null where nothing was reported, or no world is in business."""
    years = years_of(results)
    return {
        "command": command,
        "versions": versions(),
        "split": split,
        "worlds": worlds,
        "seed": seed,
        "note": NOTE,
        "years": years,
        "band_percentiles": list(BAND),
        "courses": {
            quantity.name: {
                "title": quantity.title,
                "unit": quantity.unit,
                "reported_differs": quantity.differs or None,
                "reported": _plain(as_reported(quantity, years)),
            }
            for quantity in QUANTITIES
        },
        "policies": {result.name: _policy(result) for result in results},
    }


def _policy(result: Result) -> dict[str, Any]:
    paths = {quantity.name: path_of(quantity, result) for quantity in QUANTITIES}
    return {
        "J_mean": float(result.value.mean()),
        "in_business": result.yearly["in_business"],
        "courses": {
            name: {"mean": _plain(path.mean), "low": _plain(path.low), "high": _plain(path.high)}
            for name, path in paths.items()
        },
    }


def _plain(values: Numbers) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]
