"""A table of figures: a row a period, a column a series, and the checks that tie its cells together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.data.periods import Period
from thinmargin.data.series import SERIES, series_named
from thinmargin.shown import LONGEST_PATH, listed, plain, shown

Numbers: TypeAlias = npt.NDArray[np.float64]

TOTAL = "revenue_total_rmb_bn"
SEGMENTS = (
    "revenue_smartphones_rmb_bn",
    "revenue_iot_rmb_bn",
    "revenue_internet_services_rmb_bn",
    "revenue_other_rmb_bn",
)
SEGMENTS_TOLERANCE = 0.01
"""Share of the total by which the segments may miss it."""
PRICE_TOLERANCE = 0.03
"""Share of smartphone revenue by which shipments times price may miss it: both are published rounded."""


class FiguresError(ValueError):
    """Figures that cannot be used, always as "FILE: line N (PERIOD), column C: what is wrong and what is allowed".

    Line and column are left out where the problem has none.
    """

    @classmethod
    def at(
        cls,
        file: str,
        problem: str,
        *,
        line: int | None = None,
        period: Period | None = None,
        column: str | None = None,
    ) -> FiguresError:
        """The error of one place in one file."""
        place = [] if line is None else [f"line {line}" if period is None else f"line {line} ({period})"]
        if column is not None:
            place.append(f"column {plain(column)}")
        return cls(": ".join(part for part in (plain(file, LONGEST_PATH), ", ".join(place), problem) if part))


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures of some periods, in their order; years and parts of the same years may stand side by side.

    Arrays are read-only. Every method returns a new table.
    """

    name: str
    """Name in messages: the file it was read from."""
    periods: tuple[Period, ...]
    columns: Mapping[str, Numbers]
    """Series name to its values, each of shape (len(periods),), in the unit of the series; nan = not reported."""
    lines: tuple[int, ...]
    """Line of each period in its file."""
    files: tuple[str, ...]
    """File of each period; after `merged`, the one that gave its newest cell."""
    either_way: Mapping[tuple[str, Period], str] = field(default_factory=dict)
    """Series and period to the text of the cell, where the other decimal mark would make it another number, as in
    1,042; of figures read or merged, not of a choice of their rows."""

    def __post_init__(self) -> None:
        if list(self.periods) != sorted(set(self.periods)):
            raise ValueError("periods are out of order or repeated: they must be sorted, each once")
        if len(self.lines) != len(self.periods) or len(self.files) != len(self.periods):
            raise ValueError(
                f"{len(self.lines)} lines and {len(self.files)} files: there must be {len(self.periods)} of each"
            )
        columns = {name: np.array(values, np.float64) for name, values in self.columns.items()}
        for name, values in columns.items():
            series_named(name)
            if values.shape != (len(self.periods),):
                raise ValueError(f"column {name} has shape {values.shape}: it must be ({len(self.periods)},)")
            values.setflags(write=False)
        object.__setattr__(self, "columns", columns)

    def value(self, series: str, period: Period) -> float:
        """One cell, in the unit of the series; nan if it was not reported, or its column or period is not here.

        Raises:
            ValueError: `series` is unknown.
        """
        series_named(series)
        if series not in self.columns or period not in self.periods:
            return float("nan")
        return float(self.columns[series][self.periods.index(period)])

    def years(self, first: int, last: int) -> Figures:
        """Only full calendar years from `first` through `last`; `first` after `last` is a ValueError."""
        if first > last:
            raise ValueError(f"years are {shown(first)} to {shown(last)}: the first is at most the last")
        return self._rows(
            row for row, period in enumerate(self.periods) if period.is_year and first <= period.year <= last
        )

    def until(self, end_month: int) -> Figures:
        """Only periods that are over when month `end_month` begins, as `parse_until` counts it."""
        return self._rows(row for row, period in enumerate(self.periods) if period.end <= end_month)

    def require(self, series_names: Sequence[str], periods: Iterable[Period] | None = None) -> None:
        """Check that every one of these series was reported in every one of these periods, by default in all.

        Raises:
            FiguresError: the first column that is missing, else the first period, else the first empty cell.
            ValueError: a series is unknown.
        """
        for name in series_names:
            series_named(name)
            if name not in self.columns:
                found = ", ".join(self.columns) or "none"
                raise FiguresError.at(self.name, f"missing, but needed; columns found: {found}", column=name)
        for period in self.periods if periods is None else periods:
            if period not in self.periods:
                found = listed(map(str, self.periods)) or "none"
                raise FiguresError.at(self.name, f"period {period} is missing, but needed; periods found: {found}")
            row = self.periods.index(period)
            for name in series_names:
                if np.isnan(self.columns[name][row]):
                    raise self._error(row, "empty, but needed: write a number", name)

    def merged(self, newer: Figures) -> Figures:
        """These figures with the rows of `newer` on top.

        A period both have is replaced cell by cell, where `newer` has a value; all others are added.

        Raises:
            FiguresError: the cells of a period both have contradict each other.
        """
        periods = tuple(sorted({*self.periods, *newer.periods}))
        names = [series.name for series in SERIES if series.name in self.columns or series.name in newer.columns]
        columns = {name: np.full(len(periods), np.nan) for name in names}
        lines, files = [0] * len(periods), [""] * len(periods)
        for figures in (self, newer):
            rows = [periods.index(period) for period in figures.periods]
            for name, values in figures.columns.items():
                columns[name][rows] = np.where(np.isnan(values), columns[name][rows], values)
            for row, line, file in zip(rows, figures.lines, figures.files, strict=True):
                lines[row], files[row] = line, file
        either_way = {cell: text for cell, text in self.either_way.items() if np.isnan(newer.value(*cell))}
        either_way.update(newer.either_way)
        name = f"{self.name} + {newer.name}"
        merged = Figures(name, periods, columns, tuple(lines), tuple(files), either_way)
        for period in sorted(set(self.periods) & set(newer.periods)):
            row = self.periods.index(period)
            merged.check(period, f" (its other cells: {plain(self.files[row], LONGEST_PATH)}, line {self.lines[row]})")
        return merged

    def check(self, period: Period, remark: str = "") -> None:
        """Check that the cells of one row agree: segments sum to revenue, shipments times price is phone revenue.

        Raises:
            FiguresError: they do not; `remark` ends its message.
        """
        row = self.periods.index(period)
        cells = {name: float(values[row]) for name, values in self.columns.items() if not np.isnan(values[row])}
        if cells.keys() >= {TOTAL, *SEGMENTS}:
            parts, formula = sum(cells[name] for name in SEGMENTS), " + ".join(SEGMENTS)
            self._agree(row, TOTAL, parts, formula, SEGMENTS_TOLERANCE, remark)
        units, price, revenue = "smartphone_shipments_m", "smartphone_asp_rmb", SEGMENTS[0]
        if cells.keys() >= {units, price, revenue}:
            product, formula = cells[units] * cells[price] / 1000, f"{units} x {price} / 1000"
            self._agree(row, revenue, product, formula, PRICE_TOLERANCE, remark)

    def _agree(self, row: int, column: str, computed: float, formula: str, tolerance: float, remark: str) -> None:
        value = float(self.columns[column][row])
        if abs(computed - value) > tolerance * value:
            problem = f"{value:.10g}, but {formula} is {computed:.6g}: at most {100 * tolerance:g} % apart is allowed"
            text = self.either_way.get((column, self.periods[row]), "")
            read = f" ({shown(text)} was read as {value:.10g})" if "," in text else ""
            raise self._error(row, problem + read + remark, column)

    def _error(self, row: int, problem: str, column: str) -> FiguresError:
        return FiguresError.at(self.files[row], problem, line=self.lines[row], period=self.periods[row], column=column)

    def _rows(self, rows: Iterable[int]) -> Figures:
        chosen = list(rows)
        return Figures(
            self.name,
            tuple(self.periods[row] for row in chosen),
            {name: values[chosen] for name, values in self.columns.items()},
            tuple(self.lines[row] for row in chosen),
            tuple(self.files[row] for row in chosen),
        )


def annual(figures: Figures, name: str) -> tuple[npt.NDArray[np.int64], Numbers]:
    """The full calendar years in which a series was reported, and its values: two arrays of one length.

    Raises:
        ValueError: `name` is unknown. A series that has no column, or no value, gives empty arrays.
    """
    series_named(name)
    values = {period.year: figures.value(name, period) for period in figures.periods if period.is_year}
    present = {year: value for year, value in values.items() if not np.isnan(value)}
    return np.array(list(present), np.int64), np.array(list(present.values()), np.float64)
