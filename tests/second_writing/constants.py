"""Constants of a world, by name: what the tables of the pages list of them, and calibration.json in full.

Written from docs/model.md, docs/environment.md and docs/exact.md alone; nothing of the package's equations is imported.
"""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Row = dict[str, str]

DOCS = Path(__file__).parents[2] / "docs"
TEXT = {page: (DOCS / f"{page}.md").read_text(encoding="utf-8") for page in ("model", "environment", "exact")}
CALIBRATION: dict[str, Any] = json.loads((files("thinmargin") / "data" / "calibration.json").read_text("utf-8"))
FIRMS = ("ecosystem entrant", "premium integrated", "mass marketer", "value followers")
BOOKS = (*FIRMS, FIRMS[0], "closing value")  # the clone plays the entrant's
REGIONS = {"home": 0, "overseas": 1}


class Named:
    """Arrays by name; the last axis of each is the episode's."""

    def __init__(self, values: dict[str, Array]) -> None:
        self.values = values

    def __getattr__(self, name: str) -> Array:
        return self.values[name]


class Range(NamedTuple):
    """Least and most that a constant may be."""

    least: float
    most: float


class Prior(NamedTuple):
    """Standard deviation that was believed of an unknown: of the logarithm, or of the number itself."""

    sd: float
    of_the_log: bool


def table(page: str, name: str) -> list[Row]:
    """Rows of a table of a page, by the heads of its columns."""
    found = re.search(rf"<!-- table: {name} -->\n(.*?)\n<!-- end -->", TEXT[page], re.DOTALL)
    assert found is not None, f"docs/{page}.md has no table {name}"
    lines = found[1].replace("`", "").splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(head, row, strict=True)) for row in rows]


def sections() -> list[Row]:
    """Rows of all tables of constants that are the same for every firm."""
    names = re.findall(r"<!-- table: (parameters \w+) -->", TEXT["model"])
    return [row for name in names for row in table("model", name)]


def number(text: str) -> Array:
    """A number, or several that are written side by side."""
    values = [np.nan] * 2 if text == "inverted" else [float(part) for part in text.partition(" (")[0].split(",")]
    return np.array(values[0] if len(values) == 1 else values)


def range_of(row: Row) -> Range:
    """Range of a constant, if the table has one."""
    least, _, most = row["Range"].partition(" to ")
    return Range(float(least), float(most)) if most else Range(-np.inf, np.inf)


def calibrated() -> dict[str, Array]:
    """Constants of the calibrated world."""
    values = {row["Name"]: number(row["Default"]) for row in sections()}
    for row in table("model", "firms"):
        values[f"firm_{row['Name']}"] = np.array([number(row[firm]) for firm in FIRMS])
    for row in table("model", "playbooks"):
        values[f"play_{row['Name']}"] = np.array([number(row[book]) for book in BOOKS])
    for name, value in CALIBRATION["constants"]["economy"].items():
        values[name] = np.array(value)
    for name, value in CALIBRATION["constants"]["seat"].items():
        values[f"firm_{name}"][0] = value
    return values


def of_one_state() -> dict[str, Array]:
    """Constants that differ in the world whose optimum is known; one number stands for all firms or playbooks."""
    return {
        row["Constant"]: np.array([number(one) for one in row["Value"].split(";")])
        for row in table("exact", "one state")
    }


def centre(family: str) -> dict[str, Array]:
    """Constants around which the worlds of a family are drawn, or which they are."""
    values = calibrated()
    if family == "one_state":
        return values | {name: np.broadcast_to(v, values[name].shape) for name, v in spread(of_one_state()).items()}
    if family == "calibrated":
        return values
    return values | {row["Parameter"]: number(row["Benchmark and scenarios"]) for row in table("environment", "wider")}


def spread(values: dict[str, Array]) -> dict[str, Array]:
    """One number, or one row of them, without the axis that stands for firms or playbooks."""
    return {name: value[0] if len(value) == 1 else value for name, value in values.items()}


def priors() -> dict[str, Prior]:
    """What was believed of the unknowns."""
    found = {}
    for row in table("model", "unknowns"):
        name = re.sub(r"^(the seat's|of the replay alone:) ", "", row["Constant"])
        sd, _, log = row["Prior sd"].partition(" ")
        found[name] = Prior(float(sd), log == "of the log")
    return found


RANGES = {row["Name"]: range_of(row) for row in sections()}
RANGES_OF_FIRMS = {row["Name"]: range_of(row) for row in table("model", "firms")}
OF_THE_SEAT = tuple(CALIBRATION["constants"]["seat"])
PRIORS = priors()


def posterior() -> tuple[list[str], Array]:
    """Names of the unknowns, in the order of their normals, and the Cholesky factor of what is left in doubt."""
    rows = CALIBRATION["covariance"]
    covariance = np.zeros((len(rows), len(rows)))
    for k, row in enumerate(rows):
        covariance[k, : len(row)] = row
        covariance[: len(row), k] = row
    unknowns: list[str] = CALIBRATION["unknowns"]
    return unknowns, np.asarray(np.linalg.cholesky(covariance), np.float64)
