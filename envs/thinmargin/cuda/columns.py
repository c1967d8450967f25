"""A firm as one column of a table, which the equations take for a record.

The equations read and write fields of records: `state.users[i, r]`. On a CPU a firm's numbers lie side by side. On a
GPU neighbouring threads run neighbouring firms, and memory is fast where they read neighbouring addresses: so a table
has a row for every number of a record, and a column for every firm. `view_of(KIND)` makes the function
`at(table, firm)` whose result has the fields of a record of type KIND, in compiled code and in plain Python alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

WORD = 8
"""Bytes of a number of a record."""


@dataclass(frozen=True)
class Field:
    """Where a field of a record is in its table."""

    row: int
    """Its first row."""
    shape: tuple[int, ...]
    is_whole: bool
    """Whether it is int64, which lies in the same eight bytes as a float64."""


def fields_of(kind: np.dtype[Any]) -> dict[str, Field]:
    """The fields of a record type whose numbers have eight bytes each.

    Raises:
        TypeError: a field has numbers of another size.
    """
    found = {}
    for name in kind.names or ():
        field = kind.fields[name]  # type: ignore[index]  # it has fields
        if field[0].base.itemsize != WORD or field[0].base.kind not in "fi":
            raise TypeError(f"field {name} is {field[0].base}: a table has float64 and int64")
        found[name] = Field(field[1] // WORD, field[0].shape, field[0].base.kind == "i")
    return found


def rows_of(kind: np.dtype[Any]) -> int:
    """Rows of the table of a record type."""
    return kind.itemsize // WORD


def table_of(records: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """A table of records, shape (rows, firms): their bytes, a column a firm."""
    numbers = records.view(np.float64).reshape(len(records), -1)
    return np.ascontiguousarray(numbers.T)


def records_of(table: npt.NDArray[np.float64], kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """The records of a table, shape (firms,)."""
    return np.ascontiguousarray(table.T).view(kind).reshape(-1)


class Part:
    """A field of several numbers of one firm, or a column of plain numbers, in plain Python."""

    __slots__ = ("_firm", "_row", "_table", "shape")

    def __init__(self, table: Any, row: int, shape: tuple[int, ...], firm: int) -> None:
        self._table, self._row, self._firm, self.shape = table, row, firm, shape

    def __getitem__(self, place: Any) -> Any:
        """One number, or the part behind a first index."""
        places = place if isinstance(place, tuple) else (place,)
        row, rest = self._row_of(places), self.shape[len(places) :]
        return Part(self._table, row, rest, self._firm) if rest else self._table[row, self._firm]

    def __setitem__(self, place: Any, value: Any) -> None:
        """Write one number."""
        self._table[self._row_of(place if isinstance(place, tuple) else (place,)), self._firm] = value

    def _row_of(self, places: tuple[Any, ...]) -> int:
        row = 0
        for length, place in zip(self.shape, places, strict=False):
            row = row * length + int(place)
        return self._row + row * prod(self.shape[len(places) :])


class Columns:
    """A firm of a table, with the fields of a record, in plain Python."""

    __slots__ = ("_fields", "_firm", "_table")

    def __init__(self, table: Any, firm: int, fields: Mapping[str, Field]) -> None:
        for name, item in (("_table", table), ("_firm", firm), ("_fields", fields)):
            object.__setattr__(self, name, item)

    def __getattr__(self, name: str) -> Any:
        """A number, or the part of a field that has several."""
        field = self._fields.get(name)
        if field is None:
            raise AttributeError(name)
        if field.shape:
            return Part(self._table, field.row, field.shape, self._firm)
        number = self._table[field.row, self._firm]
        return np.float64(number).view(np.int64) if field.is_whole else number

    def __setattr__(self, name: str, value: Any) -> None:
        """Write a number."""
        field = self._fields[name]
        self._table[field.row, self._firm] = np.int64(value).view(np.float64) if field.is_whole else value


def view_in_python(kind: np.dtype[Any]) -> Callable[[Any, int], Any]:
    """`at(table, firm)` in plain Python, as numba's simulator of a GPU runs it."""
    fields = fields_of(kind)
    return lambda table, firm: Columns(table, firm, fields)


def column_in_python(table: Any, firm: int) -> Any:
    """A column of a table of plain numbers, as an array of one dimension."""
    return Part(table, 0, (len(table),), firm)
