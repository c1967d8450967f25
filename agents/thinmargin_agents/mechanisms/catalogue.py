"""The mechanisms of the model, and the constants that switch each of them off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from thinmargin.parameters import Parameters

CALIBRATED = Parameters()
FAILED = 1.0 - CALIBRATED.venture_success
"""Share of ventures that never reach the market."""
PHONES = 2.0 / 3.0
"""Share of phones in revenue, about: reported 2015-19."""

Changes: TypeAlias = Literal["constants", "pledge"]


@dataclass(frozen=True)
class Switch:
    """One row: a mechanism, and a world or a rule without it.

    Attributes:
        row: its number among the sixteen mechanisms of docs/model.md; a letter behind it is another way to ask.
        mechanism: in words.
        off: what "off" means here.
        parameters: of `gymnasium.make`; nothing else differs.
        changes: what differs. constants: `parameters`. pledge: a rule held to the pledge is freed from it.
    """

    row: str
    mechanism: str
    off: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    changes: Changes = "constants"


_NO_ACCESSORIES: dict[str, Any] = {"venture_success": 0.0, "accessory_ceiling": (0.0, 0.0)}
_NO_SERVICES: dict[str, Any] = {"services_ceiling": (0.0, 0.0)}
_FREE_OWNERS: dict[str, Any] = {"inertia": 0.0, "inertia_span": 0.0, "closing_repurchase": 0.0}

SWITCHES: dict[str, Switch] = {
    switch.row: switch
    for switch in (
        Switch(
            "1", "phones at or near cost",
            "price hardly counts: the least slope allowed, a phone 10 % cheaper sells some 5 % more; and the price"
            " level moves neither first purchase nor replacement",
            {"price_slope": 0.5, "category_elasticity": 0.0, "replacement_elasticity": 0.0},
        ),
        Switch(
            "2", "installed base",
            "owners choose as if they owned nothing, and a phone replaced finds no second user",
            {**_FREE_OWNERS, "second_life": 0.0},
        ),
        Switch("2b", "installed base: the bond alone", "owners choose as if they owned nothing", _FREE_OWNERS),
        Switch("3", "money on services", "users pay nothing for services", _NO_SERVICES),
        Switch(
            "4", "update cadence",
            "a release pleases nobody, breaks nothing and costs nothing: the software is used as without updates",
            {"engagement_span": 0.0, "fan_updates": 0.0, "bug_rate": 0.0, "release_cost": 0.0},
        ),
        Switch(
            "5", "accessories by start-ups",
            "no venture reaches the market, and owners buy no accessories",
            _NO_ACCESSORIES,
        ),
        Switch(
            "6", "demand risk carried by the start-ups",
            "measured instead, for there is no stock of accessories to switch off: the firm carries the risk itself. A"
            " venture that fails costs a second ticket, and a month's stock of accessories loses value as phones do",
            {
                "ticket": round(CALIBRATED.ticket * (1.0 + FAILED), 1),
                "accessory_margin": round(
                    CALIBRATED.accessory_margin - CALIBRATED.holding * (1.0 - CALIBRATED.accessory_margin), 3
                ),
            },
        ),
        Switch(
            "7", "fans",
            "next to nobody becomes a fan: no word of mouth, nobody who finds bugs first, nobody bound by trust",
            {"fan_constant": -6.0, "fan_value": 0.0, "fan_updates": 0.0},
        ),
        Switch(
            "8", "word of mouth for advertising", "fans tell nobody; only advertising is heard", {"word_of_mouth": 0.0}
        ),
        Switch(
            "9", "loss at launch, profit later",
            "output brings no cost down, and a model costs as much in its first month as in its last",
            {"learning": 0.0, "model_decline": 0.0},
        ),
        Switch(
            "10", "little inventory, tuned supply chain",
            "whatever is wanted can be made, and stock costs nothing: no shelf is empty after the first months",
            {
                "headroom": 3.0, "capacity_months_up": 1.0, "forecast_months": 1.0, "cover_months": 12.0,
                "holding": 0.0, "stock_paid": 0.0,
            },
        ),
        Switch(
            "10b", "supply chain: stock paid at once",
            "suppliers are paid when phones are made, not when they are sold", {"stock_paid": 1.0},
        ),
        Switch(
            "11", "direct online sale, then stores",
            "no store ever opens: the web shop is all there is, and rivals keep what they have", {"coverage_rate": 0.0},
        ),
        Switch(
            "11b", "direct online sale: stores at once",
            "on sale everywhere soon, whatever is spent",
            {"coverage_rate": 0.1, "coverage_scale": 1.0, "coverage_decay": 0.0},
        ),
        Switch(
            "12", "expansion overseas",
            "the whole market abroad is the group of countries that the firm never enters; rivals are there",
            {"group_share": (0.0, 0.0, 0.0, 1.0)},
        ),
        Switch(
            "13", "competitors who answer",
            "rivals neither answer prices nor copy nor make price wars",
            {"rival_reaction": 0.0, "imitation_strength": 0.0, "war_rate": 0.0},
        ),
        Switch(
            "13b", "competitors: prices alone",
            "rivals do not answer prices and make no price wars; they go on copying",
            {"rival_reaction": 0.0, "war_rate": 0.0},
        ),
        Switch(
            "14", "pledge of 5 % hardware net margin",
            "a rule of levers, no constant: the thin rule freed from the pledge, and the plan as it is against the plan"
            " held to it; the premium rule is outside it by definition",
            changes="pledge",
        ),
        Switch(
            "15", "revenue mix and royalties",
            "measured instead, for royalties are inside unit cost and a mix is no cause: royalties once more, 4 % of"
            " the two thirds of revenue that phones are, before prices answer",
            {"admin_share": round(CALIBRATED.admin_share + CALIBRATED.royalty * PHONES, 3)},
        ),
        Switch(
            "15b", "revenue mix: phones alone", "users pay for neither services nor accessories",
            {**_NO_SERVICES, **_NO_ACCESSORIES},
        ),
        Switch(
            "16", "investors fund growth before profit",
            "nobody lends: the firm has its cash of the start, and the first debt is the end",
            {"credit_floor": 0.0, "credit_per_user": 0.0},
        ),
        Switch(
            "16b", "investors: all the credit there is",
            "credit without end and without interest: the line never binds",
            {"credit_floor": 100_000.0, "debt_rate": 0.0, "debt_spread": 0.0},
        ),
    )
}  # fmt: skip
"""Every row by its name, in the order of the table."""
