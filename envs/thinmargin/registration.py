"""The environment ids, and what each of them is."""

from __future__ import annotations

from typing import NamedTuple

import gymnasium


class Entry(NamedTuple):
    """One registered environment: its id, keyword arguments (JSON scalars) and a sentence."""

    id: str
    kwargs: dict[str, str | bool | int]
    meaning: str


ENVIRONMENTS = (
    Entry("ThinMargin/Ecosystem-v0", {"worlds": "benchmark"}, "The benchmark: a hidden world in every episode."),
    Entry("ThinMargin/EcosystemCalibrated-v0", {"worlds": "calibrated"}, "The one calibrated firm, small shocks."),
    Entry(
        "ThinMargin/EcosystemDiscrete-v0",
        {"worlds": "benchmark", "discrete": True},
        "The benchmark with a grid of actions.",
    ),
    Entry(
        "ThinMargin/EcosystemContinuing-v0",
        {"worlds": "benchmark", "closing": False},
        "The benchmark without a closing value: the horizon truncates.",
    ),
    Entry(
        "ThinMargin/EcosystemOneState-v0",
        {"worlds": "one_state", "horizon": 60},
        "Two equal phones, nothing hidden, five years: small enough to compute its optimum.",
    ),
    Entry("ThinMargin/PriceWar-v0", {"worlds": "price_war"}, "Held out: rivals give up markup and answer every gap."),
    Entry(
        "ThinMargin/ComponentShortage-v0",
        {"worlds": "component_shortage"},
        "Held out: two years of dear parts and half a factory.",
    ),
    Entry("ThinMargin/DemandSlump-v0", {"worlds": "demand_slump"}, "Held out: four in ten phones fewer for six years."),
    Entry(
        "ThinMargin/ServicesClampdown-v0",
        {"worlds": "services_clampdown"},
        "Held out: services revenue per user halves for good.",
    ),
    Entry(
        "ThinMargin/EntrantClone-v0",
        {"worlds": "entrant_clone"},
        "Held out: the mass marketer copies the whole strategy.",
    ),
)


def register_environments() -> None:
    """Register every id with Gymnasium; nothing heavy is imported before `make`."""
    for entry in ENVIRONMENTS:
        if entry.id not in gymnasium.registry:
            gymnasium.register(
                entry.id,
                entry_point="thinmargin.env:EcosystemEnv",
                vector_entry_point="thinmargin.vector:EcosystemVectorEnv",
                kwargs=dict(entry.kwargs),
            )
