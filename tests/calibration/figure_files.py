"""Files of figures that tests write and read, and the names of their columns."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from thinmargin.data import (
    Figures,
    Period,
    parse_period,
    read_figures,
)

TODAY = dt.date(2025, 10, 15)
UNITS, PRICE, TOTAL, PHONES = (
    "smartphone_shipments_m",
    "smartphone_asp_rmb",
    "revenue_total_rmb_bn",
    "revenue_smartphones_rmb_bn",
)
HEADER = f"period,{UNITS},{TOTAL}"


def year(number: int) -> Period:
    return parse_period(str(number))


def written(folder: Path, text: str | bytes, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, text: str | bytes, name: str = "mine.csv", needed: tuple[str, ...] = ()) -> Figures:
    return read_figures(written(folder, text, name), needed=needed, today=TODAY)
