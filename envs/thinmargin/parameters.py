"""The constants of a world, each with its value, unit, allowed range and source.

Sources: "fit" = the calibration to the reported figures of 2012-2024; "prior, still in doubt" = it looked, and the
figures leave it in doubt; "judgement" = no data identify it; everything else names the study or the report. Money RMB
million, users and units million, months.
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np

from thinmargin.fitted import fitted, fitted_seat
from thinmargin.records import FIRMS, REGIONS
from thinmargin.shown import plain, shown

SINCE_EVER, NEVER = -600.0, 1200.0
"""Months of entry of a firm that has always been there, and of one that never comes: behind every horizon."""
SHARES_SUM = 1e-9
"""By how much the country groups may miss the whole overseas market."""


def constant(default: Any, unit: str, low: float, high: float, meaning: str, source: str) -> Any:
    """A dataclass field that carries its unit, allowed range, meaning and source."""
    return field(
        default=default,
        metadata={"unit": unit, "low": low, "high": high, "meaning": meaning, "source": source},
    )


class Checked:
    """A dataclass that refuses values outside the range each field declares."""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            if "low" not in item.metadata:
                continue
            value = getattr(self, item.name)
            size = len(item.default) if isinstance(item.default, tuple) else None
            text = isinstance(value, (str, bytes, bytearray))
            if text or (size is None) == isinstance(value, Sequence) or (size is not None and len(value) != size):
                shape = "one number" if size is None else f"{size} numbers"
                raise ValueError(f"{type(self).__name__}.{item.name} is {shown(value)}: must be {shape}")
            low, high = item.metadata["low"], item.metadata["high"]
            for number in value if size is not None else (value,):
                if isinstance(number, bool) or not isinstance(number, numbers.Real) or not low <= number <= high:
                    raise ValueError(
                        f"{type(self).__name__}.{item.name} is {shown(number)}: "
                        f"allowed are finite numbers from {low:g} to {high:g} [{item.metadata['unit']}]"
                    )
            if size is not None:
                object.__setattr__(self, item.name, tuple(value))


@dataclass(frozen=True)
class Parameters(Checked):
    """Constants of the economy, the same for every firm."""

    # fmt: off
    # demand
    price_slope: float = constant(fitted("price_slope"), "1", 0.5, 12, "logit coefficient of ln price",
        "prior, still in doubt: all-in brand elasticity near -3, Bijmolt, van Heerde & Pieters 2005",
    )
    inertia: float = constant(fitted("inertia"), "utility", -2, 4, "owners' pull to their own brand, without fans and accessories", "fit to the surveys of QuestMobile; 0.31 bought again in 2017")
    inertia_span: float = constant(fitted("inertia_span"), "utility", 0, 4, "pull added by a full fan base, and by a full accessory catalogue", "prior, still in doubt: judgement")
    category_elasticity: float = constant(-0.6, "1", -2, 0, "first-time adoption to the price level", "judgement; studies -0.4 to -1.5")
    replacement_elasticity: float = constant(-0.6, "1", -2, 0, "replacement to the price level", "judgement, as category_elasticity; direction Gordon 2009, Prince 2009")
    users_ceiling: tuple[float, float] = constant(fitted("users_ceiling"), "m users", 10, 9000, "smartphone users, saturated market", "fit; prior judgement, home: most adults of China")
    adoption_innovation: float = constant(0.003, "1/year", 0, 0.1, "Bass p", "not identified; Bass 1969")
    adoption_imitation: tuple[float, float] = constant(fitted("adoption_imitation"), "1/year", 0, 3, "Bass q", "fit to market sizes (IDC)")
    device_life: float = constant(fitted("device_life"), "months", 6, 120, "life of a phone at the start", "prior, still in doubt: 18.6 months in 2013, Kantar; the figures ask for longer lives")
    device_life_growth: float = constant(fitted("device_life_growth"), "months/year", 0, 12, "lengthening of a phone's life", "fit; Kantar has 0.5: 18.6 months in 2013, 20.2 in 2016")
    second_life: float = constant(fitted("second_life"), "share", 0, 1, "replaced phones that find a second user", "fit to active users against phones sold")
    base_start: tuple[float, float] = constant(fitted("base_start"), "m users", 1, 9000, "smartphone users at the start", "prior, still in doubt: IDC shipments to 2011")
    # marketing
    awareness_span: float = constant(fitted("awareness_span"), "utility", 0, 4, "utility of being known by all; long-run elasticity peaks at a little less than a quarter of it", "prior, still in doubt: Sethuraman, Tellis & Briesch 2011")
    voice_half: float = constant(fitted("voice_half"), "share", 0.005, 2, "share of voice that gives half of it, where the firm is on sale everywhere", "prior, still in doubt: judgement")
    adstock_carryover: float = constant(0.5, "1/month", 0, 0.95, "advertising remembered a month later", "judgement: a half-life of 4.3 weeks; Broadbent 1979, practice 2 to 5")
    word_of_mouth: float = constant(fitted("word_of_mouth"), "RMB/month", 0, 100, "advertising one fan replaces", "prior, still in doubt: judgement; weaker than the elasticity of 0.24 of You, Vadakkepatt & Joshi 2015")
    coverage_rate: float = constant(fitted("coverage_rate"), "1/month", 0, 1, "stores and distributors built by selling spend", "fit; prior judgement")
    coverage_scale: float = constant(fitted("coverage_scale"), "RMB m/month", 1, 1000, "selling spend that builds at half the full rate", "prior, still in doubt: judgement")
    coverage_decay: float = constant(0.012, "1/month", 0, 0.5, "channels lost without spend", "judgement")
    overseas_effort: float = constant(fitted("overseas_effort"), "share", 0, 1, "share of selling spend overseas, once all of it is entered", "prior, still in doubt: judgement")
    group_share: tuple[float, float, float, float] = constant((0.26, 0.20, 0.30, 0.24), "share", 0, 1, "of the overseas market: emerging Asia; Europe; Latin America, Middle East, Africa; the rest", "judgement from IDC shipments by region")
    open: float = constant(fitted("open"), "share", 0.05, 1, "of each country group but emerging Asia that lists the entrant, in the end", "fit; prior judgement: about half")
    entry_months: float = constant(fitted("entry_months"), "months", 1, 120, "from entry to a country group until all of it is reached", "fit to the share of revenue overseas")
    # fans, updates, imitation
    fan_ceiling: float = constant(0.5, "share", 0.01, 1, "most users that become fans", "judgement")
    fan_constant: float = constant(-1.8, "logit", -6, 6, "fans of an average offer", "judgement")
    fan_reference_markup: float = constant(0.25, "share", 0, 1, "mark-up that users think normal", "judgement")
    fan_value: float = constant(4.0, "logit", 0, 20, "fans won by honest prices", "judgement")
    fan_updates: float = constant(1.5, "logit", 0, 20, "fans won by updates", "judgement")
    fan_stockout: float = constant(2.0, "logit", 0, 20, "fans lost by empty shelves", "judgement")
    fan_months_up: float = constant(12.0, "months", 1, 60, "time to win trust", "judgement")
    fan_months_down: float = constant(4.0, "months", 1, 60, "time to lose trust", "judgement")
    update_scale: float = constant(1.3, "releases/month", 0.1, 10, "cadence at which novelty saturates", "judgement")
    bug_rate: float = constant(fitted("bug_rate"), "1 per release", 0, 0.5, "bugs and fatigue of one release", "prior, still in doubt: judgement")
    bug_base: float = constant(250.0, "m users", 10, 5000, "users that double what bugs cost", "judgement")
    codevelopment: float = constant(0.6, "share", 0, 1, "bugs a full fan base catches", "judgement")
    engagement_floor: float = constant(0.65, "index", 0, 2, "use without updates", "judgement")
    engagement_span: float = constant(0.45, "index", 0, 2, "use added by updates", "judgement")
    engagement_months: float = constant(2.5, "months", 1, 24, "habits change slowly", "judgement")
    imitation_strength: float = constant(fitted("imitation_strength"), "utility", 0, 4, "what rivals copy of a dominant offer", "prior, still in doubt: judgement; Red Queen competition, Barnett & Hansen 1996")
    imitation_months: float = constant(36.0, "months", 1, 120, "time to copy", "judgement")
    # services and accessories
    services_ceiling: tuple[float, float] = constant(fitted("services_ceiling"), "RMB/user/year", 0, 2000, "services revenue of a mature user", "home: fit; overseas: prior, a tenth of home")
    services_half: float = constant(fitted("services_half"), "m user-years", 1, 5000, "experience at which half is earned", "fit")
    services_margin: float = constant(0.62, "share", 0, 1, "gross margin at little revenue", "judgement; reported, at more revenue: 60 % in 2017, 62 % in 2020")
    services_margin_late: float = constant(fitted("services_margin_late"), "share", 0, 1, "gross margin at much revenue", "prior, still in doubt: judgement; 77 % reported in 2024")
    services_margin_scale: float = constant(fitted("services_margin_scale"), "RMB m/year", 1, 1e7, "revenue at which it is half way", "fit")
    accessory_ceiling: tuple[float, float] = constant(fitted("accessory_ceiling"), "RMB/user/year", 0, 5000, "accessory revenue at a full catalogue", "home: fit; overseas: prior, judgement")
    breadth_scale: float = constant(fitted("breadth_scale"), "ventures", 0.5, 500, "ventures that fill 63 % of the catalogue", "fit")
    accessory_margin: float = constant(fitted("accessory_margin"), "share", 0, 1, "gross margin with full buying power", "fit")
    accessory_scale: float = constant(fitted("accessory_scale"), "RMB m/year", 1, 1e6, "revenue that gives half of it", "fit")
    ticket: float = constant(60.0, "RMB m", 1, 1000, "all-in cost of one venture", "judgement between seed 2 and all-stage 85-100")
    venture_success: float = constant(0.38, "share", 0, 1, "ventures that reach the market", "judgement: 20 of 55 had launched in 2014-16, 36 %, and some of the others were to")
    deal_flow: float = constant(fitted("deal_flow"), "ventures/month", 0.1, 100, "deals a month that halve their quality", "prior, still in doubt: judgement")
    gestation: float = constant(fitted("gestation"), "months", 2, 120, "from ticket to product", "fit; 24 to 36 months reported, 2013-16")
    obsolescence: float = constant(fitted("obsolescence"), "1/month", 0, 0.5, "catalogue lost", "prior, still in doubt: judgement")
    hit_sd: float = constant(0.5, "log", 0, 2, "luck of the ventures of a month", "judgement")
    # cost and price
    learning: float = constant(0.2345, "1", 0, 1, "experience exponent: the part of cost it can touch falls 15 % a doubling", "Irwin & Klenow 1994; Wright 1936")
    incompressible: float = constant(fitted("incompressible"), "share", 0, 1, "cost that experience cannot touch", "prior, still in doubt: judgement; De Jong 1957")
    spec_drift: float = constant(fitted("spec_drift"), "1/month", -0.02, 0.02, "better phones cost more", "fit")
    model_decline: float = constant(0.013, "1/month", 0, 0.05, "component cost falls in a model's life", "0.9-1.4 % from reported launch and year-end margins")
    range_gap: float = constant(fitted("range_gap"), "1/month", -0.01, 0.03, "by which the range sold abroad gets cheaper than the one at home; dearer if negative", "prior, still in doubt: reported mix and revenue abroad in 2024")
    range_start: float = constant(96.0, "months", 0, 600, "month since when it does", "dated: the premium line at home from 2020")
    range_mix: float = constant(0.74, "share", 0, 0.95, "of phones sold abroad at which the mean price is the list price", "reported: shares at home of 2020-24")
    pass_through: float = constant(0.6, "share", 0, 0.75, "of dearer components passed on at once", "judgement; prices follow costs late: Nakamura & Zerom 2010")
    pass_months: float = constant(12.0, "months", 1, 60, "for prices to catch up with the rest", "judgement: the next model is priced at the new cost")
    markup_speed: float = constant(0.04, "share/month", 0.001, 1, "most a markup moves in a month", "judgement; 3 to 4 cuts in a model's life")
    royalty: float = constant(0.04, "share", 0, 0.2, "patent royalties inside unit cost (memo)", "2.3 to 10 % reported")
    # supply
    headroom: float = constant(1.08, "factor", 1, 3, "capacity aimed at, over forecast", "judgement")
    capacity_months_up: float = constant(4.0, "months", 1, 60, "time to add capacity", "judgement; Sterman et al. 2007")
    capacity_months_down: float = constant(12.0, "months", 1, 60, "time to shed capacity", "judgement")
    forecast_months: float = constant(3.0, "months", 1, 24, "forecast smoothing", "judgement")
    cover_months: float = constant(1.0, "months", 0, 12, "stock aimed at, months of forecast", "judgement")
    stock_paid: float = constant(0.0, "share", 0, 1, "of the stock of phones paid for when it is made, not when it is sold", "reported: suppliers are owed 81 to 126 days of cost of sales in 2015-23, more than its stock (49 to 79) and receivables together")
    holding: float = constant(0.043, "1/month", 0, 0.5, "obsolescence and storage of excess stock", "phones lose 3 % a month, storage 1.3 %")
    # software and overhead
    release_cost: float = constant(1.0, "RMB m", 0, 1000, "one release at a small base", "judgement: RMB 4 m a release at 90 m users")
    release_base: float = constant(30.0, "m users", 1, 5000, "users that double it", "judgement")
    research_share: float = constant(0.021, "share", 0, 1, "research of revenue at first", "reported 2015: 2.3 %, less releases")
    research_late: float = constant(0.043, "share", 0, 1, "research of revenue in the end", "reported 2022-24: 5.7-7.0 %, less cars and releases; share-based pay is judgement")
    research_start: float = constant(48.0, "months", 0, 600, "month in which it begins to grow", "reported 2015-24")
    research_months: float = constant(96.0, "months", 1, 600, "that the growth takes", "reported 2015-24")
    admin_share: float = constant(0.012, "share", 0, 1, "administration of revenue", "reported: 1.1 to 1.5 % in 2015-17 and 2019; 2018 has a share award")
    fixed_cost: float = constant(25.0, "RMB m/month", 0, 10000, "the lights", "judgement")
    # finance
    spending_floor: float = constant(600.0, "RMB m/month", 0, 10000, "money base that lets a firm without sales spend", "judgement")
    tax_rate: float = constant(0.15, "share", 0, 0.6, "corporate income tax", "high-technology rate")
    discount_rate: float = constant(0.10, "1/year", 0, 1, "owners' discount rate", "WACC 8.2-11.2 %")
    debt_rate: float = constant(0.08, "1/year", 0, 1, "funding cost of the first debt", "judgement")
    debt_spread: float = constant(0.25, "1/year", 0, 2, "added at the full credit line", "judgement")
    credit_floor: float = constant(500.0, "RMB m", 0, 1e5, "what investors fund without users", "judgement")
    credit_per_user: float = constant(153.0, "RMB/user", 0, 5000, "what investors and banks fund per owner of its phones", "reported: equity of USD 1.1 bn (December 2014) and a loan of 1.0 bn (October 2014) at RMB 6.2, over 85 m users")
    closing_repurchase: float = constant(0.45, "share", 0, 1, "owners who buy again once the firm has stopped", "judgement: between the 31 % of 2017 and the 49 % of 2023, QuestMobile")
    # rivals
    rival_reaction: float = constant(1.0, "factor", 0, 4, "of what rivals' playbooks give up when undercut; 0 = they never answer", "by definition: the playbooks' reactions are judgement")
    rival_months: float = constant(6.0, "months", 1, 60, "rivals' reaction time", "judgement")
    rival_awareness: float = constant(0.05, "share", 0.001, 1, "the seat's share of home users that rivals take seriously", "judgement")
    war_rate: float = constant(0.04, "1/month", 0, 1, "chance that price war begins or ends", "judgement")
    war_factor: float = constant(2.0, "factor", 1, 20, "reaction in a price war", "judgement")
    # shocks
    demand_persistence: float = constant(0.9, "1/month", 0, 0.999, "AR(1)", "judgement")
    demand_sd: float = constant(0.04, "log", 0, 1, "innovation", "judgement")
    component_persistence: float = constant(0.95, "1/month", 0, 0.999, "AR(1)", "judgement")
    component_sd: float = constant(0.015, "log", 0, 1, "innovation", "judgement: a year's change has an sd of 4.6 %; of the benchmark's 0.02, 6.1 %")
    brand_rate: float = constant(0.0, "1/month", 0, 1, "chance of a brand or supply scandal, each firm", "judgement")
    brand_drop: float = constant(fitted("brand_drop"), "utility", 0, 5, "what it costs", "fit to the slump of 2016")
    brand_decay: float = constant(0.08, "1/month", 0.001, 1, "how fast it is forgotten", "judgement")
    # fmt: on

    def __post_init__(self) -> None:
        """Check each range, and that the country groups are the whole overseas market."""
        super().__post_init__()
        total = sum(self.group_share)
        if abs(total - 1.0) > SHARES_SUM:
            raise ValueError(
                f"Parameters.group_share is {shown(self.group_share)} with the sum {total:g}: the sum must be 1"
            )


@dataclass(frozen=True)
class Playbook(Checked):
    """A hand-coded strategy as numbers: the levers of every month, and the reaction to the seat."""

    # fmt: off
    markup: float = constant(0.05, "share", -0.2, 0.6, "target markup over unit cost", "judgement")
    accessories: float = constant(0.0, "share", 0, 0.10, "tickets of trailing revenue", "judgement")
    marketing: float = constant(0.035, "share", 0, 0.30, "selling spend of trailing revenue", "judgement")
    updates: float = constant(0.25, "releases/month", 0.25, 8, "software releases", "judgement")
    markup_floor: float = constant(-0.2, "share", -0.2, 0.6, "never below this markup", "judgement")
    reaction: float = constant(0.0, "share per log", 0, 2, "markup given up per log price gap", "judgement")
    hardware_cap: float = constant(1.0, "share", 0, 1, "pledged ceiling of hardware net margin, 1 = none", "pledge of 2018: 5 %")
    # fmt: on


@dataclass(frozen=True)
class Firm(Checked):
    """Constants and start of one firm; a brand constant of nan is inverted from its start share (Berry 1994)."""

    # fmt: off
    name: str = ""
    playbook: Playbook = Playbook()
    start_share: tuple[float, float] = constant((0.0, 0.0), "share", 0, 1, "of users at the start", "IDC 2011, grouped")
    brand: tuple[float, float] | None = None
    """Utility at home and overseas; None: inverted from the start shares."""
    unit_cost: float = constant(1000.0, "RMB", 100, 10000, "of the first phone", "judgement from reported prices")
    experience: float = constant(1000.0, "m units", 0.1, 1e5, "units made before the start", "judgement")
    fan_appeal: float = constant(0.0, "logit", -6, 6, "fans by brand alone", "judgement")
    online: float = constant(1.0, "share", 0, 1, "buyers reached without selling spend where it is on sale", "judgement")
    entry: tuple[float, float, float, float] = constant((SINCE_EVER,) * 4, "month", SINCE_EVER, NEVER, "of entry, by country group", "dates reported")
    cash: float = constant(50000.0, "RMB m", 0, 1e7, "at the start", "judgement: part of a large group")
    capacity: float = constant(0.0, "m units/month", 0, 100, "at the start, 0 = enough for its demand", "judgement")
    breadth: float = constant(0.0, "ventures", 0, 500, "accessories of its own at the start, as ventures", "judgement")
    start_markup: float = constant(0.12, "share", -0.2, 0.6, "at the start", "judgement: the figures have no gross margin before 2015")
    # fmt: on


LOW_MARGIN_ECOSYSTEM = Playbook(markup=0.60, accessories=0.012, marketing=0.035, updates=4.33, hardware_cap=0.05)
"""The strategy press accounts of Xiaomi describe: as much markup as the 5 % pledge allows, and no more."""
PREMIUM = Playbook(markup=0.45, accessories=0.0005, marketing=0.02, updates=0.5)
MASS_MARKETING = Playbook(markup=0.12, accessories=0.0005, marketing=0.12, updates=1.0)
CLOSING = Playbook(markup=0.39, accessories=0.003, marketing=0.02, updates=2.6)
"""The playbook of the five years behind the horizon, which the closing value prices: as a good plan for twenty years
does in years thirteen to fifteen. A playbook that gave users away would make them worth too little at the end,
and selling them off in the last year would pay."""

FIRM_TABLE = (
    Firm(
        name="ecosystem entrant",
        playbook=LOW_MARGIN_ECOSYSTEM,
        start_share=(0.002, 0.0),
        brand=fitted_seat("brand"),
        unit_cost=fitted_seat("unit_cost"),
        experience=fitted_seat("experience"),
        online=fitted_seat("online"),
        # India and Indonesia July 2014, Spain November 2017, Africa and Brazil 2019; North America not at all
        entry=(30.0, 70.0, 84.0, NEVER),
        cash=1300.0,
        capacity=fitted_seat("capacity"),
        breadth=fitted_seat("breadth"),
    ),
    Firm(
        name="premium integrated",
        start_share=(0.10, 0.20),
        unit_cost=2680.0,
        experience=1000.0,
        fan_appeal=0.6,
        playbook=replace(PREMIUM, markup=0.60, markup_floor=0.50, reaction=0.05),
        start_markup=0.60,
    ),
    Firm(
        name="mass marketer",
        start_share=(0.20, 0.33),
        unit_cost=1500.0,
        experience=2000.0,
        fan_appeal=0.1,
        playbook=Playbook(
            markup=0.25, accessories=0.0005, marketing=0.055, updates=0.3, markup_floor=0.08, reaction=0.25
        ),
        start_markup=0.25,
    ),
    Firm(
        name="value followers",
        start_share=(0.698, 0.47),
        unit_cost=900.0,
        experience=3000.0,
        playbook=Playbook(
            markup=0.10, accessories=0.0002, marketing=0.04, updates=0.3, markup_floor=0.0, reaction=0.40
        ),
        start_markup=0.10,
    ),
)

BOOKS_OF_PLAY = 6
CLONE_BOOK, CLOSING_BOOK = FIRMS, FIRMS + 1
"""Rows of the playbook table behind those of the four firms."""

_Record = np.record
_OF_FIRMS = frozenset(item.name for item in fields(Firm))
T = TypeVar("T", bound=Checked)


def _shape(item: Any) -> tuple[int, ...]:
    return (len(item.default),) if isinstance(item.default, tuple) else ()


def _layout() -> np.dtype[Any]:
    columns: list[tuple[str, Any, tuple[int, ...]]] = [
        (item.name, np.float64, _shape(item)) for item in fields(Parameters)
    ]
    columns.extend(
        (f"firm_{item.name}", np.float64, (FIRMS, *_shape(item))) for item in fields(Firm) if "low" in item.metadata
    )
    columns.append(("firm_brand", np.float64, (FIRMS, REGIONS)))
    columns.extend((f"play_{item.name}", np.float64, (BOOKS_OF_PLAY,)) for item in fields(Playbook))
    return np.dtype((np.record, columns))


ECONOMY = _layout()
"""Record type of one world's constants, as the compiled equations read them."""


def economy_record(parameters: Parameters, firms: Sequence[Firm] = FIRM_TABLE) -> _Record:
    """One world's constants as a record of type ECONOMY (brand constants of None become nan)."""
    if len(firms) != FIRMS:
        raise ValueError(f"firms has {len(firms)} entries: exactly {FIRMS} are allowed")
    record = np.zeros(1, ECONOMY)[0]
    for item in fields(Parameters):
        record[item.name] = getattr(parameters, item.name)
    for row, firm in enumerate(firms):
        for item in fields(Firm):
            if "low" in item.metadata:
                record[f"firm_{item.name}"][row] = getattr(firm, item.name)
        if firm.brand is None and (min(firm.start_share) <= 0.0 or min(firm.entry) > -parameters.entry_months):
            raise ValueError(
                f"firm {shown(firm.name)} has no brand: to infer one, start_share {shown(firm.start_share)} must be above"
                f" 0 in both regions and entry {shown(firm.entry)} before the start in every country group"
            )
        record["firm_brand"][row] = (math.nan, math.nan) if firm.brand is None else firm.brand
    playbooks = (*(firm.playbook for firm in firms), LOW_MARGIN_ECOSYSTEM, CLOSING)
    for row, playbook in enumerate(playbooks):
        for item in fields(Playbook):
            record[f"play_{item.name}"][row] = getattr(playbook, item.name)
    return record  # type: ignore[no-any-return]  # numpy types a structured element as Any


def with_overrides(base: T, overrides: Mapping[str, Any] | None) -> T:
    """`base` with named values replaced; an unknown name or a bad value is a ValueError that says so."""
    if not overrides:
        return base
    known = [item.name for item in fields(base)]  # type: ignore[arg-type]  # every Checked is a dataclass
    for name in overrides:
        if name in _OF_FIRMS and name not in known:
            raise ValueError(
                f"{plain(name)} is a constant of a firm: only those of the economy can be given as parameters"
            )
        if name not in known:
            close = difflib.get_close_matches(plain(name), known, n=3)
            hint = f"; did you mean {', '.join(close)}?" if close else f"; allowed are {', '.join(known)}"
            raise ValueError(f"unknown parameter {shown(name)}{hint}")
    return replace(base, **overrides)  # type: ignore[type-var]  # every Checked is a dataclass
