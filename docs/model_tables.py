"""The tables and formulas of the model's description and of its evidence."""

from __future__ import annotations

import importlib
import inspect
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from functools import cache
from typing import Any

import numpy as np
from model_formulas import BLOCKS, formulas, functions_of
from table_text import number, table

from thinmargin.backtest.errors import unit_of
from thinmargin.backtest.results import backtest
from thinmargin.backtest.table import markdown
from thinmargin.baselines import playbook_policy
from thinmargin.calibration.misfit import STATUS_FACTOR
from thinmargin.calibration.saved import shipped
from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.data import BREAKS, STATUSES, provenance, reported, series_named
from thinmargin.data.table import KINDS
from thinmargin.history import COMPARED, Compared
from thinmargin.levers import read_levers
from thinmargin.names import quantity_name, with_id
from thinmargin.parameters import (
    CLOSING,
    ECONOMY,
    FIRM_TABLE,
    LOW_MARGIN_ECOSYSTEM,
    MASS_MARKETING,
    PREMIUM,
    Firm,
    Parameters,
    Playbook,
)
from thinmargin.records import LEVERS, PRICE, REGIONS
from thinmargin.scenarios import CALIBRATED, FAMILIES, HIDDEN, WIDE
from thinmargin.worlds import Hidden

NO_PLEDGE = 1.0
"""Ceiling of the hardware net margin that is none."""
SECTIONS: dict[str, tuple[str, ...]] = {
    "cost_and_price": (
        "learning", "incompressible", "spec_drift", "model_decline", "pass_through", "pass_months", "markup_speed",
        "range_gap", "range_start", "range_mix", "royalty",
    ),
    "demand": (
        "price_slope", "inertia", "inertia_span", "category_elasticity", "replacement_elasticity", "users_ceiling",
        "adoption_innovation", "adoption_imitation", "device_life", "device_life_growth", "second_life", "base_start",
    ),
    "marketing": (
        "awareness_span", "voice_half", "adstock_carryover", "word_of_mouth", "coverage_rate",
        "coverage_scale", "coverage_decay", "overseas_effort", "group_share", "open", "entry_months",
    ),
    "loyalty": (
        "fan_ceiling", "fan_constant", "fan_reference_markup", "fan_value", "fan_updates", "fan_stockout",
        "fan_months_up", "fan_months_down", "update_scale", "bug_rate", "bug_base", "codevelopment",
        "engagement_floor", "engagement_span", "engagement_months", "imitation_strength", "imitation_months",
    ),
    "services": (
        "services_ceiling", "services_half", "services_margin", "services_margin_late", "services_margin_scale",
    ),
    "ventures": (
        "ticket", "venture_success", "deal_flow", "gestation", "obsolescence", "breadth_scale",
        "accessory_ceiling", "accessory_margin", "accessory_scale",
    ),
    "supply": (
        "headroom", "capacity_months_up", "capacity_months_down", "forecast_months", "cover_months", "holding",
        "stock_paid",
    ),
    "finance": (
        "spending_floor", "release_cost", "release_base", "research_share", "research_late", "research_start",
        "research_months", "admin_share", "fixed_cost", "debt_rate", "debt_spread", "credit_floor", "credit_per_user",
        "tax_rate", "discount_rate", "closing_repurchase",
    ),
    "rivals": ("rival_reaction", "rival_months", "rival_awareness", "war_rate", "war_factor"),
    "shocks": (
        "demand_persistence", "demand_sd", "component_persistence", "component_sd", "hit_sd", "brand_rate",
        "brand_drop", "brand_decay",
    ),
}  # fmt: skip
"""The section of `docs/model.md` each parameter belongs to."""
MECHANISMS = (
    *(
        f"economics.{module}"
        for module in (
            "cost_and_price", "demand", "marketing", "loyalty", "services", "ventures", "supply", "finance", "start",
            "month",
        )
    ),
    "strategies",
)  # fmt: skip
"""The modules whose functions are listed."""


def hidden() -> str:
    """The numbers that differ from world to world, how far, and with which other each moves most."""
    numbers = HIDDEN.hidden
    weights = np.array([item.weights for item in numbers])
    covariance = weights @ weights.T
    sds = np.sqrt(covariance.diagonal())
    correlation = covariance / np.outer(sds, sds) - np.eye(len(sds))
    names = [hidden_name(item) for item in numbers]
    rows = []
    for name, item, sd, others in zip(names, numbers, sds, correlation, strict=True):
        most = int(np.argmax(abs(others)))
        how = "factor exp(sd z)" if item.log else "plus sd z"
        rows.append((name, how, f"{sd:.2g}", f"{names[most]} ({others[most]:+.2f})"))
    return table(("Constant", "How it moves", "sd", "Moves most with (correlation)"), rows)


def hidden_name(item: Hidden) -> str:
    """Name of a hidden number in tables."""
    name = item.field.removeprefix("firm_")
    whose = "the seat's " if item.field.startswith("firm_") else ""
    regional = ECONOMY[item.field].shape[-1:] == (REGIONS,)
    return f"{whose}`{name}`" + (f", {('home', 'overseas')[item.place % REGIONS]}" if regional else "")


def unknowns() -> str:
    """The unknowns of the calibration: prior, best guess, and the doubt that is left."""
    found = shipped()
    rows = []
    for unknown, z, variance in zip(UNKNOWNS, found.z, found.covariance.diagonal(), strict=True):
        whose = {"economy": "", "seat": "the seat's ", "history": "of the replay alone: "}[unknown.owner]
        region = "" if unknown.region is None else f", {('home', 'overseas')[unknown.region]}"
        rows.append(
            (
                f"{whose}`{unknown.name}`{region}",
                number(float(unknown.constant(z))),
                number(unknown.centre),
                f"{number(unknown.sd)} of the log" if unknown.log else number(unknown.sd),
                f"{z:.2f}",
                f"{variance**0.5:.2f}",
                unknown.reason,
            )
        )
    return table(
        ("Constant", "Value", "Prior centre", "Prior sd", "z", "Posterior sd of z", "Reason of the prior"), rows
    )


@cache
def backtest_tables() -> dict[str, str]:
    """The tables of the back-test of what is shipped, by name."""
    return markdown(backtest(reported(), max(period.end for period in reported().periods), shipped()))


def compared() -> str:
    """The series that the back-test compares, and the columns they come from."""
    rows = []
    for item in COMPARED:
        kind = KINDS[series_named(item.reported).kind] if item.reported else "a year"
        column = f"`{item.reported}`" if item.reported else "services revenue over users at the end of the period"
        rows.append((f"{quantity_name(item.name)} (`{item.name}`)", column, item.unit, kind, _tolerance(item)))
    return table(("Series", "Column of the figures", "Unit", "Is", "Tolerance of the fit"), rows)


def _tolerance(item: Compared) -> str:
    """Tolerance of a series in the unit of its errors, a dash for one that is not fitted."""
    if item.tolerance is None:
        return "-"
    tolerance = f"{number(item.tolerance * (100 if item.error == 'percent' else 1))} {unit_of(item)}"
    return f"{tolerance} and {number(100 * item.relative)} %" if item.relative else tolerance


def figures_status() -> str:
    """The sources of the reported figures by status, and the factor on the tolerance of such a cell."""
    counts = Counter(entry.status for entry in provenance())
    rows = [(name, STATUSES[name], counts[name], number(STATUS_FACTOR[name])) for name in STATUSES]
    return table(("Status", "Meaning", "Cells", "Tolerance times"), rows)


def figures_breaks() -> str:
    """The places where series change their meaning."""
    return table(("Series", "Breaks and weak spots"), ((f"`{name}`", text) for name, text in BREAKS.items()))


def wider() -> str:
    """The shocks that are larger in the benchmark than in the calibrated world."""
    names = [item.name for item in fields(Parameters) if getattr(WIDE, item.name) != getattr(CALIBRATED, item.name)]
    return table(
        ("Parameter", "Calibrated", "Benchmark and scenarios"),
        ((f"`{name}`", number(getattr(CALIBRATED, name)), number(getattr(WIDE, name))) for name in names),
    )


def parameters(section: str) -> str:
    """The parameters of one section of the model's description."""
    declared = {item.name: item for item in fields(Parameters)}
    rows = []
    for name in SECTIONS[section]:
        item = declared[name]
        about = item.metadata
        rows.append((f"`{name}`", number(item.default), about["unit"], _range(item), about["meaning"], about["source"]))
    return table(("Name", "Default", "Unit", "Range", "Meaning", "Source"), rows)


def constants(kind: type[Firm | Playbook], columns: Sequence[tuple[str, Any]]) -> str:
    """Fields of a dataclass of constants, one column an instance."""
    rows = []
    for item in fields(kind):
        if "low" in item.metadata:
            values = [number(getattr(instance, item.name)) + _capped(instance, item.name) for _, instance in columns]
            rows.append((f"`{item.name}`", item.metadata["unit"], *values, _range(item), item.metadata["meaning"]))
        elif item.name == "brand":
            values = ["inverted" if firm.brand is None else number(firm.brand) for _, firm in columns]
            rows.append(("`brand`", "utility", *values, "any", "pull of the brand at home and overseas"))
    return table(("Name", "Unit", *(name for name, _ in columns), "Range", "Meaning"), rows)


def _range(item: Field[Any]) -> str:
    """Least and most that a constant may be."""
    return f"{number(item.metadata['low'])} to {number(item.metadata['high'])}"


def _capped(instance: Any, name: str) -> str:
    """What a pledge leaves of a playbook's markup, in words; empty where nothing is pledged."""
    if name != "markup" or not isinstance(instance, Playbook) or instance.hardware_cap >= NO_PLEDGE:
        return ""
    asked = np.zeros(len(LEVERS))
    read_levers(playbook_policy(instance).action.astype(np.float64), asked)
    return f" (the pledge leaves {number(round(float(asked[PRICE]), 3))})"


def firms() -> str:
    """The constants that the four firms start with."""
    return constants(Firm, [(firm.name, firm) for firm in FIRM_TABLE])


def playbooks() -> str:
    """The playbooks of the four firms when nobody learns, and of the closing value."""
    return constants(Playbook, [*((firm.name, firm.playbook) for firm in FIRM_TABLE), ("closing value", CLOSING)])


def baseline_books() -> str:
    """The playbooks behind the hand-coded policies."""
    books = {
        "low_margin_ecosystem": LOW_MARGIN_ECOSYSTEM,
        "premium": PREMIUM,
        "mass_marketing": MASS_MARKETING,
    }
    return constants(Playbook, [(with_id(name), book) for name, book in books.items()])


def one_state() -> str:
    """Every constant of `one_state` that differs from the calibrated one, firms and playbooks in their order."""
    calibrated, found = (FAMILIES[name].draw(0, 1).economy for name in ("calibrated", "one_state"))
    rows = []
    for name in ECONOMY.names or ():
        if not np.array_equal(found[name], calibrated[name], equal_nan=True):
            of_each = found[name] if name.startswith(("firm_", "play_")) else found[name][np.newaxis]
            cells = [", ".join(number(value) for value in np.ravel(one)) for one in of_each]
            rows.append((f"`{name}`", "; ".join(cells if len({*cells}) > 1 else cells[:1])))
    return table(("Constant", "Value"), rows)


def mechanisms(place: str) -> str:
    """The functions of a module, in the order of the file, with the first line of their docstring."""
    functions = functions_of(importlib.import_module(f"thinmargin.{place}"))
    rows = ((f"`{name}`", str(inspect.getdoc(item)).split("\n", maxsplit=1)[0]) for name, item in functions.items())
    return table(("Function", "What it says"), rows)


def sources() -> str:
    """The number of constants from each kind of source."""
    kinds: Counter[str] = Counter()
    for item in fields(Parameters):
        source = item.metadata["source"]
        if re.match(r"(home: )?fit\b", source):
            kinds["fitted to reported figures"] += 1
        elif source.startswith("prior"):
            kinds["prior, still in doubt"] += 1
        elif source.startswith("judgement"):
            kinds["judgement"] += 1
        else:
            kinds["studies and reports"] += 1
    return table(("Source", "Parameters"), kinds.most_common())


TABLES: dict[str, Callable[[], str]] = {
    "hidden": hidden,
    "wider": wider,
    "firms": firms,
    "one state": one_state,
    "playbooks": playbooks,
    "baseline books": baseline_books,
    "sources": sources,
    "unknowns": unknowns,
    "compared": compared,
    "figures status": figures_status,
    "figures breaks": figures_breaks,
    **{
        f"backtest {name}": lambda name=name: backtest_tables()[name]
        for name in ("errors", "short errors", "rolling", "rules", "coverage", "elasticity", "advertising", "goals")
    },
    **{f"parameters {section}": lambda section=section: parameters(section) for section in SECTIONS},
    **{f"formulas {block}": lambda block=block: formulas(block) for block in BLOCKS},
    **{f"mechanisms {place.rpartition('.')[2]}": lambda place=place: mechanisms(place) for place in MECHANISMS},
}
"""Every table of this file, by name."""
