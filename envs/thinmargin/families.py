"""The families of worlds by name: the environment each belongs to, and what happens in it.

Registration and the documentation read this table, which is light to import. What a family does to its worlds is in
`thinmargin.scenarios`: a new scenario is a row here and one of the same name there.
"""

from __future__ import annotations

from typing import NamedTuple

from thinmargin.versions import VERSION


class FamilyEntry(NamedTuple):
    """Name and id of a family of worlds, and a sentence or two about it."""

    name: str
    """The value of the argument `worlds`."""
    environment: str
    """The name part of its environment id."""
    meaning: str
    held_out: bool = False
    """True for a scenario: reported on, never trained on."""

    @property
    def id(self) -> str:
        """Its environment id."""
        return f"ThinMargin/{self.environment}-v{VERSION}"


FAMILY_TABLE: dict[str, FamilyEntry] = {
    entry.name: entry
    for entry in (
        FamilyEntry(
            "benchmark",
            "Ecosystem",
            "The benchmark: a hidden world in every episode, large shocks, brand scandals.",
        ),
        FamilyEntry("calibrated", "EcosystemCalibrated", "The one calibrated firm, small shocks."),
        FamilyEntry(
            "one_state",
            "EcosystemOneState",
            "Nothing is hidden: two firms sell equal phones, one at a fixed price. "
            "Only the owners change, and the optimum is known.",
        ),
        FamilyEntry(
            "price_war",
            "PriceWar",
            "Some day rivals give up ten points of markup, for good. They answer price gaps four times as hard.",
            held_out=True,
        ),
        FamilyEntry(
            "component_shortage",
            "ComponentShortage",
            "For two years components cost 25 % more. Makers serve the big first: the entrant's factories run at half.",
            held_out=True,
        ),
        FamilyEntry(
            "demand_slump",
            "DemandSlump",
            "Early on, demand for phones falls by 40 % for six years, of first-time buyers and of owners.",
            held_out=True,
        ),
        FamilyEntry(
            "services_clampdown",
            "ServicesClampdown",
            "Regulators and advertisers halve what a user's services may earn, for good.",
            held_out=True,
        ),
        FamilyEntry(
            "entrant_clone",
            "EntrantClone",
            "The mass marketer copies the whole strategy: the pledge, weekly updates, start-up tickets.",
            held_out=True,
        ),
    )
}
"""Every family by name, in the order of tables."""
BENCHMARK = FAMILY_TABLE["benchmark"].id
"""The environment id that results are reported on."""
