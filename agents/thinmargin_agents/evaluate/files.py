"""A comparison as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any

from thinmargin_agents.scoring.closing_rules import CLOSING_RULES
from thinmargin_agents.scoring.comparison import Result

CSV_HEAD = (
    *("policy", "world", "J", "profit_part", "closing_part", "bankrupt", "months"),
    *(f"J_{rule}" for rule in CLOSING_RULES),
)


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
                        *(float(result.under[rule][row, column]) for rule in CLOSING_RULES),
                    )
                )
    return text.getvalue()
