"""The figures that come with the package, and where each of them is from."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import importlib.resources
from typing import NamedTuple

from thinmargin.data.figures import Figures
from thinmargin.data.reading import parse_figures

LAST_DAY = dt.date(2024, 12, 31)
"""Day of the newest shipped figure; later ones are left to the user, to judge the model by."""

STATUSES: dict[str, str] = {
    "verified": "a public page states the value, often rounded",
    "background": "recalled, no page found",
    "estimate": "estimate or judgement",
}
"""Evidence behind a cell."""


class Provenance(NamedTuple):
    """Source of one cell."""

    year: int
    series: str
    value: float
    """In the unit of the series, equal to the cell."""
    source: str
    """Pages by name; "computed" is arithmetic on numbers a page states."""
    status: str
    """A key of `STATUSES`."""


@functools.cache
def reported() -> Figures:
    """The shipped figures: full years 2011 to 2024, all series."""
    return parse_figures("thinmargin/data/figures.csv", _content("figures.csv"), LAST_DAY)


@functools.cache
def provenance() -> tuple[Provenance, ...]:
    """One entry a shipped cell that is not empty, by year, then in the order of `SERIES`."""
    rows = csv.DictReader(_content("provenance.csv").decode("utf-8").splitlines())
    return tuple(
        Provenance(int(row["year"]), row["series"], float(row["value"]), row["source"], row["status"]) for row in rows
    )


def _content(name: str) -> bytes:
    return importlib.resources.files("thinmargin.data").joinpath(name).read_bytes()
