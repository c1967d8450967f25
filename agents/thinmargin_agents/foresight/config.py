"""The flags of `python -m thinmargin_agents.foresight`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import tyro

FoundSplit: TypeAlias = Literal["validation", "test"]
"""Splits in whose worlds plans are looked for."""


@dataclass(frozen=True)
class ForesightConfig:
    """Look for the best plan of every world given its future: best known, not a bound.

    Every world is searched twice, the second time with a finer plan. A check doubles the whole budget in some worlds.
    A search plays much of its time only the later months of a world, and counts them as part of a play.
    """

    split: FoundSplit = "test"
    """Worlds."""
    n_worlds: int = 512
    """How many."""
    evaluations: int = 1000
    """Plays of a world in each of the two searches, parts of one counted by their months, 32 or more."""
    n_check: int = 64
    """Worlds in which the whole budget is doubled, only to see what that adds."""
    also: Annotated[tuple[str, ...], tyro.conf.arg(metavar="POLICY ...")] = ()
    """Further policies to begin from, as evaluate.py names them; all deterministic hand-coded and tuned ones are."""
    processes: int = max((os.cpu_count() or 1), 1)
    """Processes side by side; the result does not depend on it."""
    seed: int = 0
    """Seed of the noise in the plans that are tried."""
    fresh: bool = False
    """Forget what an earlier search has written to the file."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File to improve or make; by default the one that evaluate.py reads."""
