"""Schemas: every quantity of the model is declared once, here, with its unit.

Record types for the compiled code, observation and action spaces, CSV columns, TensorBoard tags and
documentation tables are all made from these declarations; none of them is written a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

FIRMS = 4
REGIONS = 2
GROUPS = 4
"""Country groups of the overseas region: a firm enters one after another."""
HOME, OVERSEAS = 0, 1
SEAT = 0
"""The firm the single-agent environment plays; every firm has the same state and mechanics."""

OWN_MONTHS = 12
"""Months whose mean levers go on behind the horizon under the closing rule `own_levers`."""

MONEY_SCALE = 1e4
"""RMB million in one unit of reward: rewards are in RMB 10 bn."""
BN = 1e3
"""RMB million in RMB bn."""


class Quantity(NamedTuple):
    """One declared number: its name, unit, meaning and shape in a record."""

    name: str
    unit: str
    meaning: str
    shape: tuple[int, ...] = ()


class Lever(NamedTuple):
    """One decision of the month: applied range and the documented map from [-1, 1]."""

    name: str
    unit: str
    low: float
    high: float
    map: str
    meaning: str


class Feature(NamedTuple):
    """One observed number, scaled to order one and held inside [low, high]."""

    name: str
    unit: str
    low: float
    high: float
    meaning: str


FIRM = (FIRMS,)
REGION = (REGIONS,)
FIRM_REGION = (FIRMS, REGIONS)

LEVERS = (
    Lever("price", "markup over normal unit cost", -0.20, 0.60, "0.20 + 0.40 a", "target hardware markup"),
    Lever(
        "accessories",
        "share of trailing revenue",
        0.0,
        0.10,
        "0.10 ((a + 1) / 2)^2",
        "tickets for accessory start-ups",
    ),
    Lever(
        "marketing",
        "share of trailing revenue",
        0.0,
        0.30,
        "0.30 ((a + 1) / 2)^2",
        "selling and marketing spend",
    ),
    Lever("updates", "releases a month", 0.25, 8.0, "0.25 * 32^((a + 1) / 2)", "software update cadence"),
)
LEVER_COUNT = len(LEVERS)
PRICE, ACCESSORIES, MARKETING, UPDATES = range(LEVER_COUNT)

LEVEL_FIELDS = (
    Quantity("demand_level", "log", "market size, before an event is added"),
    Quantity("component_level", "log", "component cost, before an event is added"),
    Quantity("war", "0/1", "price war"),
    Quantity("brand_level", "utility", "scandals not yet forgotten, zero or below", FIRM),
)
"""The running levels of a world's shocks, in the month just run; they stay zero in a world with a table of its own."""
STATE_FIELDS = (
    Quantity("users", "m users", "installed base", FIRM_REGION),
    Quantity("second_users", "m users", "who use a phone that its first owner has replaced", FIRM_REGION),
    Quantity("coverage", "share", "buyers the sales channels reach", FIRM_REGION),
    Quantity("reach", "share", "of the region where the firm is on sale", FIRM_REGION),
    Quantity("adstock", "RMB m/month", "advertising still remembered", FIRM_REGION),
    Quantity("user_years", "m user-years", "cumulative use, the experience of monetising", FIRM_REGION),
    Quantity("imitation", "utility", "offer copied by the others", FIRM_REGION),
    Quantity("fans", "share of users", "users who evangelise and co-develop", FIRM),
    Quantity("engagement", "index", "use of the software, 1 = weekly updates done well", FIRM),
    Quantity("output", "m units", "cumulative units sold since the start", FIRM),
    Quantity("capacity", "m units/month", "most that can be made", FIRM),
    Quantity("inventory", "m units", "finished phones in stock", FIRM),
    Quantity("forecast", "m units/month", "demand the supply chain expects", FIRM),
    Quantity("seeded", "ventures", "start-ups in their first half of gestation", FIRM),
    Quantity("growing", "ventures", "start-ups in their second half of gestation", FIRM),
    Quantity("breadth", "ventures", "live accessory ventures", FIRM),
    Quantity("markup", "share", "of normal unit cost, on top of it", FIRM),
    Quantity("base_cost", "RMB", "unit cost at the normal price of components", FIRM),
    Quantity("unit_cost", "RMB", "list unit cost", FIRM),
    Quantity("price", "RMB", "list price", FIRM),
    Quantity("trailing_revenue", "RMB m/month", "revenue, smoothed: a sixth is the newest month", FIRM),
    Quantity("cash", "RMB m", "cash, negative when borrowed", FIRM),
    Quantity("gap_start", "log", "reference price over the seat's price at the start", FIRM),
    Quantity("price_index_start", "RMB", "share-weighted price at the start", REGION),
    Quantity("price_index", "share", "share-weighted price of last month over the start, better phones apart", REGION),
    Quantity("passed", "share", "dearness of components that prices have caught up with"),
    Quantity("own_levers", "see levers", "applied by the seat in each of its last months, in a ring", (OWN_MONTHS, 4)),
    Quantity("own_sum", "see levers", "sum of these", (4,)),
    Quantity("month", "months", "months run since January 2012"),
    *LEVEL_FIELDS,
)

FLOW_FIELDS = (
    Quantity("lever", "see levers", "what each firm does: price, accessories, marketing, updates", (FIRMS, 4)),
    Quantity("dear", "share", "by how much components are dearer than normal"),
    Quantity("better", "factor", "cost of this month's phone over that of the start, same component prices"),
    Quantity("realised_cost", "RMB", "unit cost at this age of the model", FIRM),
    Quantity("price_worth", "utility", "what the price is worth to a buyer", FIRM),
    Quantity("satisfaction", "index", "what the month's updates are worth to users", FIRM),
    Quantity("attach", "share", "accessory catalogue, 1 = complete", FIRM),
    Quantity("stickiness", "factor", "owners' weight for their own brand", FIRM),
    Quantity("heard", "RMB m/month", "advertising remembered, and what fans say", FIRM_REGION),
    Quantity("weight", "factor", "exp(utility) of the offer where it is on sale", FIRM_REGION),
    Quantity("share", "share", "choice probability of a first-time buyer", FIRM_REGION),
    Quantity("leaving", "m users", "owners in the market, per unit of stickiness", FIRM_REGION),
    Quantity("adopters", "m users", "first-time adopters", REGION),
    Quantity("in_market", "share", "owners whose phone is due", REGION),
    Quantity("market", "m units", "phones wanted from all firms", REGION),
    Quantity("wanted", "m units", "phones wanted from the firm", FIRM_REGION),
    Quantity("newcomers", "m users", "users won from others and first-time users", FIRM_REGION),
    Quantity("lost", "m users", "owners who bought from another firm", FIRM_REGION),
    Quantity("replaced", "m units", "phones that owners replaced", FIRM_REGION),
    Quantity("due", "m users", "own owners in the market", FIRM_REGION),
    Quantity("again", "m users", "own owners in the market who bought again", FIRM_REGION),
    Quantity("retained", "share", "share of owners in the market who bought again", FIRM),
    Quantity("fill_rate", "share", "demand served", FIRM),
    Quantity("production", "m units", "phones made", FIRM),
    Quantity("sales", "m units", "phones sold", FIRM),
    Quantity("sales_overseas", "m units", "phones sold overseas", FIRM),
    Quantity("device_revenue", "RMB m", "phones", FIRM),
    Quantity("accessory_revenue", "RMB m", "accessories of the start-ups", FIRM),
    Quantity("services_revenue", "RMB m", "games, advertising, cloud, themes", FIRM),
    Quantity("revenue", "RMB m", "the three lines together", FIRM),
    Quantity("revenue_overseas", "RMB m", "earned overseas, all lines", FIRM),
    Quantity("device_profit", "RMB m", "gross profit on phones, royalties paid", FIRM),
    Quantity("accessory_profit", "RMB m", "gross profit on accessories", FIRM),
    Quantity("services_profit", "RMB m", "gross profit on services", FIRM),
    Quantity("gross_profit", "RMB m", "the three lines together", FIRM),
    Quantity("marketing", "RMB m", "selling and marketing", FIRM),
    Quantity("tickets", "RMB m", "start-up tickets, expensed", FIRM),
    Quantity("releases", "RMB m", "software releases", FIRM),
    Quantity("overhead", "RMB m", "research, administration and fixed cost", FIRM),
    Quantity("holding", "RMB m", "write-downs and storage of excess stock", FIRM),
    Quantity("operating_profit", "RMB m", "before funding cost and tax", FIRM),
    Quantity("interest", "RMB m", "funding cost of negative cash", FIRM),
    Quantity("tax", "RMB m", "corporate income tax", FIRM),
    Quantity("profit", "RMB m", "after tax", FIRM),
    Quantity("stock", "RMB m", "paid for phones put into stock, negative when stock is sold off", FIRM),
    Quantity("to_owners", "RMB m", "profit less what was paid for stock", FIRM),
    Quantity("credit_line", "RMB m", "most that investors lend", FIRM),
)

SHOCK_FIELDS = (
    Quantity("demand", "log", "market size", REGION),
    Quantity("component", "log", "component cost"),
    Quantity("aggression", "factor", "rivals' readiness for a price war, 1 = no war"),
    Quantity("services", "factor", "services revenue allowed by regulation and advertisers"),
    Quantity("attack", "share", "markup rivals give up whatever the seat does"),
    Quantity("clone", "0/1", "the mass marketer plays the low-margin ecosystem itself"),
    Quantity("hit", "factor", "success of the ventures that reach the market this month"),
    Quantity("brand", "utility", "brand regime", FIRM),
    Quantity("supply", "factor", "capacity that component makers let run", FIRM),
)

LEVER_REPORT = tuple(
    Quantity(f"{when}_{lever.name}", lever.unit, f"{lever.meaning}, {what}")
    for when, what in (("asked", "as asked"), ("applied", "as applied"))
    for lever in LEVERS
)
BOOK_FIELDS = (
    Quantity("month", "months", "months run"),
    Quantity("device_revenue", "RMB m", "phones"),
    Quantity("accessory_revenue", "RMB m", "accessories"),
    Quantity("services_revenue", "RMB m", "services"),
    Quantity("revenue", "RMB m", "all lines"),
    Quantity("revenue_overseas", "RMB m", "earned overseas, all lines"),
    Quantity("device_profit", "RMB m", "gross profit on phones"),
    Quantity("accessory_profit", "RMB m", "gross profit on accessories"),
    Quantity("services_profit", "RMB m", "gross profit on services"),
    Quantity("gross_profit", "RMB m", "all lines"),
    Quantity("marketing", "RMB m", "selling and marketing"),
    Quantity("tickets", "RMB m", "start-up tickets, expensed"),
    Quantity("releases", "RMB m", "software releases"),
    Quantity("overhead", "RMB m", "research, administration, fixed cost"),
    Quantity("holding", "RMB m", "excess stock"),
    Quantity("operating_profit", "RMB m", "before funding cost and tax"),
    Quantity("interest", "RMB m", "funding cost"),
    Quantity("tax", "RMB m", "income tax"),
    Quantity("profit", "RMB m", "after tax"),
    Quantity("stock", "RMB m", "paid for phones put into stock, negative when stock is sold off"),
    Quantity("royalties", "RMB m", "patent royalties inside the cost of phones (memo)"),
    Quantity("hardware_net_margin", "share", "phones after overhead and tax, over phone revenue"),
    Quantity("cash", "RMB m", "end of month"),
    Quantity("credit_line", "RMB m", "end of month"),
    Quantity("users_home", "m users", "end of month"),
    Quantity("users_overseas", "m users", "end of month"),
    Quantity("active_users", "m users", "owners and second users, both regions, end of month"),
    Quantity("fans", "share of users", "end of month"),
    Quantity("engagement", "index", "end of month"),
    Quantity("coverage_home", "share", "end of month"),
    Quantity("coverage_overseas", "share", "end of month"),
    Quantity("breadth", "ventures", "live, end of month"),
    Quantity("pipeline", "ventures", "in gestation, end of month"),
    Quantity("inventory", "m units", "end of month"),
    Quantity("capacity", "m units/month", "end of month"),
    Quantity("price", "RMB", "list price"),
    Quantity("unit_cost", "RMB", "list unit cost"),
    Quantity("rival_price", "RMB", "rivals' home price, weighted by their shares of first-time buyers"),
    Quantity("sales", "m units", "phones sold"),
    Quantity("sales_overseas", "m units", "phones sold overseas"),
    Quantity("wanted", "m units", "phones wanted"),
    Quantity("fill_rate", "share", "demand served"),
    Quantity("share_home", "share", "of phones wanted at home, owners and first-time buyers"),
    Quantity("share_overseas", "share", "of phones wanted overseas"),
    Quantity("market_home", "m units", "phones wanted at home"),
    Quantity("market_overseas", "m units", "phones wanted overseas"),
    Quantity("retention", "share", "of own owners in the market who bought again"),
    Quantity("bankrupt", "0/1", "cash below the credit line"),
)
REWARD_FIELDS = (
    Quantity("profit_term", "RMB 10 bn", "after-tax profit of the month, less what was paid for stock"),
    Quantity("closing_term", "RMB 10 bn", "closing value, in the closing month only"),
    Quantity("shaping_term", "RMB 10 bn", "change of potential, with reward='shaped' only"),
)
REPORT_FIELDS = (*LEVER_REPORT, *BOOK_FIELDS, *REWARD_FIELDS)
BOOK_NAMES = [field.name for field in BOOK_FIELDS]
REWARD_NAMES = [field.name for field in REWARD_FIELDS]
LEVER_NAMES = [lever.name for lever in LEVERS]

FEATURES = (
    Feature("time", "month / horizon", 0, 1, "share of the episode gone"),
    Feature("model_age", "months / 12", 0, 1, "age of the phone on sale: its components get cheaper"),
    Feature("users_home", "m / (m + 100)", 0, 1, "own users at home"),
    Feature("users_overseas", "m / (m + 100)", 0, 1, "own users overseas"),
    Feature("fans", "share x 2", 0, 2, "fans among own users"),
    Feature("engagement", "index", 0, 2, "use of the software"),
    Feature("share_home", "share x 4", 0, 4, "own share of phones wanted at home"),
    Feature("share_overseas", "share x 4", 0, 4, "own share of phones wanted overseas"),
    Feature("markup", "share x 2", -1, 2, "own markup over normal unit cost"),
    Feature("unit_cost", "2 x (ratio - 1)", -2, 4, "own unit cost over its start"),
    Feature("component", "log x 4", -4, 4, "component price over normal"),
    Feature("rival_price", "2 x (ratio - 1)", -2, 4, "rivals' home price over own price"),
    Feature("market", "m units a month / 40 - 1", -1, 4, "phones wanted from all firms in both regions"),
    Feature("fill_rate", "share", 0, 1, "demand served last month"),
    Feature("capacity", "ratio - 1", -1, 2, "capacity over forecast"),
    Feature("inventory", "months / 4", 0, 2, "months of forecast in stock"),
    Feature("cash", "RMB bn: c / (abs(c) + 5)", -1, 1, "cash, negative when borrowed"),
    Feature("headroom", "h / (abs(h) + 1)", -1, 1, "h = cash plus credit line, over the line"),
    Feature("revenue", "RMB m a month: R / (R + 5000)", 0, 1, "trailing revenue"),
    Feature("profit", "RMB bn: x / (abs(x) + 1)", -1, 1, "profit of the month"),
    Feature("services_per_user", "RMB a year / 100", 0, 6, "services revenue per active user"),
    Feature("accessories_per_user", "RMB a year / 300", 0, 6, "accessory revenue per user"),
    Feature("breadth", "B / (B + 10)", 0, 1, "live accessory ventures"),
    Feature("pipeline", "P / (P + 10)", 0, 1, "ventures in gestation"),
    Feature("coverage_home", "share", 0, 1, "buyers reached at home"),
    Feature("coverage_overseas", "share", 0, 1, "buyers reached overseas"),
    Feature("adstock", "RMB m: G / (G + 300)", 0, 1, "advertising still remembered, both regions"),
    Feature("retention", "share", 0, 1, "own owners in the market who bought again"),
    Feature("own_price", "share x 2", -1, 2, "own markup, mean of the last twelve months"),
    Feature("own_accessories", "share x 10", 0, 1, "own tickets of trailing revenue, mean of the last twelve months"),
    Feature(
        "own_marketing", "share / 0.3", 0, 1, "own selling spend of trailing revenue, mean of the last twelve months"
    ),
    Feature("own_updates", "releases / 8", 0, 1, "own releases a month, mean of the last twelve months"),
)


def record_type(fields: Sequence[Quantity]) -> np.dtype[Any]:
    """Record type of float64 fields; works compiled and in plain Python alike."""
    return np.dtype((np.record, [(f.name, np.float64, f.shape) for f in fields]))


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table, one line a row; documentation tables are made and checked with it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def group_type(record: np.dtype[Any], names: Sequence[str], called: Sequence[str]) -> np.dtype[Any]:
    """A view type of `record` that shows only these fields, under other names."""
    offsets = [record.fields[name][1] for name in names]  # type: ignore[index]  # it has fields
    layout: Any = {
        "names": list(called),
        "formats": [np.float64] * len(names),
        "offsets": offsets,
        "itemsize": record.itemsize,
    }
    return np.dtype((np.record, layout))


STATE = record_type(STATE_FIELDS)
FLOWS = record_type(FLOW_FIELDS)
SHOCKS = record_type(SHOCK_FIELDS)
REPORT = record_type(REPORT_FIELDS)
