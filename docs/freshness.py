"""The check that the shipped constants and tuned rules still follow from the code, so that no table misleads."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from thinmargin.calibration.misfit import Misfit
from thinmargin.calibration.saved import figures_digest, shipped
from thinmargin.calibration.unknowns import shipped_values
from thinmargin.data import reported
from thinmargin.files import DamagedFileError
from thinmargin.fitted import RESULT
from thinmargin.splits import KEYS
from thinmargin.tuned import FOLDER, document, read_tuned
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.tuning.rules import MYOPIC_MONTHS, RULES

REFIT = "python -m thinmargin.calibration --output envs/thinmargin/data/calibration.json"
SAME_MISFIT = 1e-9
"""Relative difference up to which two misfits are the same: processors may round the last digits otherwise."""
SAME_VALUE = 1e-5
"""Relative difference up to which a rule earns the same: a long episode magnifies the last digits."""
PLAYED_IN: dict[str, dict[str, Any]] = {"myopic": {"horizon": MYOPIC_MONTHS, "closing": "none"}}
"""Arguments of play for the tuned rules that are not played for a whole episode."""


def stale() -> list[str]:
    """Shipped numbers that no longer follow from the code, each with the command that makes it again."""
    return [*_calibration(), *_tuned()]


def _calibration() -> Iterator[str]:
    found = shipped()
    misfit = float(Misfit(reported())(found.z)[0])
    if RESULT["figures_sha256"] != figures_digest():
        yield f"data/calibration.json was fitted to other figures than data/figures.csv: {REFIT}"
    elif not math.isclose(misfit, found.misfit, rel_tol=SAME_MISFIT):
        yield (
            f"data/calibration.json was fitted to other equations or parameters: its misfit is {found.misfit:.9f}, "
            f"the code's {misfit:.9f}: {REFIT}"
        )
    elif not _same(RESULT["constants"], shipped_values(found.z)):
        yield f"the constants of data/calibration.json are not those of its z: {REFIT}"


def _same(one: Any, other: Any) -> bool:
    """Whether two nested tables have the same names, and the same numbers but for rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return bool(np.allclose(one, other, rtol=1e-12, atol=0.0))


def _tuned() -> Iterator[str]:
    for name in sorted(RULES):  # the plan before what is built on it
        path = FOLDER / f"{name}.json"
        try:
            yield from _rule(path)
        except DamagedFileError as error:
            yield str(error)


def _rule(path: Path) -> Iterator[str]:
    rule = read_tuned(path)
    again = f"{rule.made['command']} --output envs/thinmargin/data/tuned/{path.name}"
    if document(rule) != json.loads(path.read_text("utf-8")):
        yield f"data/tuned/{path.name} plays other levers than it says: {again}"
        return
    if "environment" not in rule.made:
        yield f"data/tuned/{path.name} does not say for which version of the environment it was tuned: {again}"
        return
    worlds = KEYS[rule.made["split"]][: rule.made["worlds"]]
    earned = float(play_worlds(rule.policy, worlds, **PLAYED_IN.get(path.stem, {})).value.mean())
    if not math.isclose(earned, rule.made["J"], rel_tol=SAME_VALUE):
        yield f"data/tuned/{path.name} says J {rule.made['J']:.9g} and earns {earned:.9g}: {again}"
