"""What tests of the command of the back-test share: invented figures, and the JSON that it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thinmargin.backtest.__main__ import main
from thinmargin.history import NEEDED

MARGIN, SELLING, TOTAL, CHINA, WORLD = NEEDED
HEADER = f"period,{','.join(NEEDED)},miui_mau_m,smartphone_shipments_m"
QUARTERS = f"""# invented
{HEADER}
2025-Q1,11.1,6.66,111.0,66.6,333.0,777.0,44.4
2025-Q2,12.2,7.77,122.0,66.6,333.0,,55.5
2025-Q3,13.3,8.88,133.0,66.6,333.0,888.0,
"""
SERIES = {
    "shipments", "asp", "phone_revenue", "iot_revenue", "internet_revenue", "mau", "arpu", "iot_gross_margin",
    "total_gross_margin", "china_share", "overseas_share", "profit", "services_gross_margin", "retention",
}  # fmt: skip
SURVEYS = {2017: 31.4, 2021: 63.2, 2023: 49.0}
ORIGINS = {"2017", "2018", "2019", "2020", "2021", "2022"}
FEW = ("--draws", "8")
BEGINNINGS = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"), parse_constant=no_constant)
    return document


def written(folder: Path, *arguments: str) -> dict[str, Any]:
    path = folder / "result.json"
    assert main([*FEW, "--json", str(path), *arguments]) == 0
    return read(path)


def file_of(folder: Path, text: str, name: str = "mine.csv") -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)
