"""The environment ids, and what each of them is."""

from __future__ import annotations

from typing import NamedTuple

import gymnasium

from thinmargin.families import FAMILY_TABLE
from thinmargin.versions import VERSION


class Entry(NamedTuple):
    """One registered environment: its id, keyword arguments (JSON scalars) and a sentence or two."""

    id: str
    kwargs: dict[str, str | bool | int]
    meaning: str


def _entry(name: str, before: str = "", **kwargs: str | bool | int) -> Entry:
    """The environment of the family of this name; its meaning is the family's, with these words before it."""
    family = FAMILY_TABLE[name]
    return Entry(family.id, {"worlds": name, **kwargs}, before + family.meaning)


ENVIRONMENTS = (
    _entry("benchmark"),
    _entry("calibrated"),
    Entry(
        f"ThinMargin/EcosystemDiscrete-v{VERSION}",
        {"worlds": "benchmark", "discrete": True},
        "The benchmark with a grid of actions, for DQN and tables.",
    ),
    Entry(
        f"ThinMargin/EcosystemContinuing-v{VERSION}",
        {"worlds": "benchmark", "closing": "none"},
        "The benchmark without a closing value: the horizon truncates.",
    ),
    _entry("one_state", "Five years. ", horizon=60, closing="playbook"),
    *(_entry(name, "Held out. ") for name, family in FAMILY_TABLE.items() if family.held_out),
)


def register_environments() -> None:
    """Register every id with Gymnasium; nothing heavy is imported before `make`."""
    for entry in ENVIRONMENTS:
        if entry.id not in gymnasium.registry:
            gymnasium.register(
                entry.id,
                entry_point="thinmargin.env:EcosystemEnv",
                vector_entry_point="thinmargin.vector:make_vector",
                kwargs=dict(entry.kwargs),
            )
