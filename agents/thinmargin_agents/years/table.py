"""The years as text, as Markdown and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import fill
from typing import Any

from thinmargin.records import markdown_table
from thinmargin_agents.cli.versions import versions
from thinmargin_agents.scoring.comparison import Result
from thinmargin_agents.years.quantities import BAND, COURSES, NOTE, Course, Numbers, as_reported, path_of

WIDTH = 110
"""Characters of a line of text."""


def years_of(results: Sequence[Result]) -> list[int]:
    """The calendar years that were played."""
    return [int(year) for year in results[0].yearly["year"]]


def explained(split: str, worlds: int) -> str:
    """What the numbers are, in words."""
    return f"Means over {worlds} hidden {split} worlds, of those in business in the year. {NOTE}"


def heading(course: Course) -> str:
    """What a quantity is, with its unit."""
    return f"{course.title}, {course.unit}"


def reported_label(course: Course) -> str:
    """What the reported line is called."""
    return f"reported, {course.differs}" if course.differs else "reported"


def lines(course: Course, results: Sequence[Result]) -> list[list[str]]:
    """Cells of one quantity: a line of what was reported, if anything was, then a line a policy; name first."""
    years = years_of(results)
    known = [] if course.reported is None else [(reported_label(course), as_reported(course, years))]
    known += [(result.name, path_of(course, result).mean) for result in results]
    return [[name, *cells(values, course.digits)] for name, values in known]


def cells(values: Numbers, digits: int) -> list[str]:
    """Numbers with this many decimals, blank where there is none."""
    return ["" if math.isnan(value) else f"{round(value, digits) + 0.0:.{digits}f}" for value in values.tolist()]


def text(results: Sequence[Result], split: str, worlds: int) -> str:
    """The whole result for a terminal."""
    blocks = [fill(explained(split, worlds), WIDTH)]
    tables = {course: lines(course, results) for course in COURSES}
    first = 2 + max(len(row[0]) for table in tables.values() for row in table)
    for course, table in tables.items():
        head = f"{heading(course)}\n{' ' * first}" + "".join(f"{year:>6}" for year in years_of(results))
        rows = [f"  {row[0]:<{first - 2}}" + "".join(f"{cell:>6}" for cell in row[1:]) for row in table]
        blocks.append("\n".join(line.rstrip() for line in [*head.split("\n"), *rows]))
    return "\n\n".join(blocks)


def markdown(results: Sequence[Result], split: str, worlds: int, command: str) -> str:
    """The result for a page, under the command that makes it."""
    rows = [
        [heading(course) if number == 0 else "", *row]
        for course in COURSES
        for number, row in enumerate(lines(course, results))
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
            course.name: {
                "title": course.title,
                "unit": course.unit,
                "reported_differs": course.differs or None,
                "reported": _plain(as_reported(course, years)),
            }
            for course in COURSES
        },
        "policies": {result.name: _policy(result) for result in results},
    }


def _policy(result: Result) -> dict[str, Any]:
    paths = {course.name: path_of(course, result) for course in COURSES}
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
