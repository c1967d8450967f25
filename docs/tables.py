"""Rewrites the generated tables of the documentation from what the code declares: `python docs/tables.py`.

In a Markdown file a table stands between `<!-- table: NAME -->` and `<!-- end -->`; in the docstring of
`EcosystemEnv` it is known by its head line. A test fails when a table differs from the code. A shipped agent without
a page gets one.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from thinmargin import ENVIRONMENTS
from thinmargin.backtest.results import backtest
from thinmargin.backtest.table import markdown
from thinmargin.baselines import BASELINES
from thinmargin.calibration.misfit import STATUS_FACTOR
from thinmargin.calibration.saved import shipped
from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.data import BREAKS, STATUSES, provenance, reported, series_named
from thinmargin.data.table import KINDS
from thinmargin.families import FAMILY_TABLE
from thinmargin.history import COMPARED
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
from thinmargin.records import (
    BOOK_FIELDS,
    FEATURES,
    LEVERS,
    REGIONS,
    REWARD_FIELDS,
    SHOCK_FIELDS,
    Quantity,
    markdown_table,
)
from thinmargin.scenarios import CALIBRATED, FAMILIES, HIDDEN, WIDE
from thinmargin.settings import LEVER_GRID
from thinmargin.splits import KEYS
from thinmargin.tuned import FOLDER, levers_of, read_tuned
from thinmargin.worlds import Hidden
from thinmargin_agents.config.algorithms import ALL, OFF_POLICY, ON_POLICY
from thinmargin_agents.config.hyperparameters import TABLE
from thinmargin_agents.foresight import plan_files as plans
from thinmargin_agents.monitoring.tags import all_tags
from thinmargin_agents.policies.shipped import manifest_of, trained_names
from thinmargin_agents.search.search_space import TABLE as SEARCHED
from thinmargin_agents.shipping import pages as agents

ROOT = Path(__file__).parent.parent
ALGORITHMS = ROOT / "docs" / "algorithms"
"""Where the pages of the shipped agents are."""
ENVIRONMENT = ROOT / "envs" / "thinmargin" / "env.py"

SECTIONS: dict[str, tuple[str, ...]] = {
    "cost_and_price": ("learning", "incompressible", "spec_drift", "model_decline", "markup_speed", "royalty"),
    "demand": (
        "price_slope", "inertia", "inertia_span", "category_elasticity", "users_ceiling", "adoption_innovation",
        "adoption_imitation", "device_life", "device_life_growth", "second_life", "base_start",
    ),
    "marketing": (
        "awareness_span", "awareness_pivot", "adstock_carryover", "word_of_mouth", "coverage_rate",
        "coverage_scale", "coverage_decay", "overseas_effort", "group_share", "entry_months",
    ),
    "loyalty": (
        "fan_ceiling", "fan_constant", "fan_reference_markup", "fan_value", "fan_updates", "fan_stockout",
        "fan_months_up", "fan_months_down", "update_scale", "bug_rate", "bug_base", "codevelopment",
        "engagement_floor", "engagement_span", "engagement_months", "imitation_strength", "imitation_months",
    ),
    "services": ("services_ceiling", "services_half", "services_margin"),
    "ventures": (
        "ticket", "venture_success", "deal_flow", "gestation", "obsolescence", "breadth_scale",
        "accessory_ceiling", "accessory_margin", "accessory_scale",
    ),
    "supply": (
        "headroom", "capacity_months_up", "capacity_months_down", "forecast_months", "cover_months", "holding",
    ),
    "finance": (
        "spending_floor", "release_cost", "release_base", "research_share", "admin_share", "fixed_cost", "debt_rate",
        "debt_spread", "credit_floor", "credit_per_user", "tax_rate", "discount_rate", "closing_repurchase",
    ),
    "rivals": ("rival_months", "rival_awareness", "war_rate", "war_factor"),
    "shocks": (
        "demand_persistence", "demand_sd", "component_persistence", "component_sd", "hit_sd", "brand_rate",
        "brand_drop", "brand_decay",
    ),
}  # fmt: skip
"""The section of `docs/model.md` each parameter belongs to."""


def number(value: Any) -> str:
    """A number with four significant digits, without needless ones; several numbers side by side."""
    if isinstance(value, tuple):
        return ", ".join(number(item) for item in value)
    return f"{float(f'{value:.3e}'):.10g}"


def plain(text: object) -> str:
    """Text that cannot break a table's cells."""
    return re.sub(r"\|(\w+)\|", r"abs(\1)", str(text)).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    return markdown_table(head, [[plain(cell) for cell in row] for row in rows])


def ids() -> str:
    """The registered environments."""
    return table(("id", "what it is"), ((f"`{entry.id}`", entry.meaning) for entry in ENVIRONMENTS))


def ids_in_short() -> str:
    """The registered environments, with one row for the held-out scenarios."""
    held_out = [entry.id for entry in FAMILY_TABLE.values() if entry.held_out]
    rows = [(f"`{entry.id}`", entry.meaning) for entry in ENVIRONMENTS if entry.id not in held_out]
    return table(
        ("id", "what it is"), [*rows, (", ".join(f"`{name}`" for name in held_out), "Stress worlds, never trained on.")]
    )


def levers() -> str:
    """The four levers, as in the docstring of the environment."""
    return table(
        ("Num", "Lever", "Min", "Max", "Map", "Meaning"),
        (
            (num, lever.name, number(lever.low), number(lever.high), lever.map, f"{lever.meaning} [{lever.unit}]")
            for num, lever in enumerate(LEVERS)
        ),
    )


def grid() -> str:
    """The levels behind a discrete action."""
    rows = zip(LEVERS, LEVER_GRID, strict=True)
    return table(
        ("Lever", "Levels", "Unit"),
        ((lever.name, ", ".join(number(level) for level in levels), lever.unit) for lever, levels in rows),
    )


def features() -> str:
    """The observation, as in the docstring of the environment."""
    return table(
        ("Num", "Observation", "Min", "Max", "Unit"),
        ((num, item.name, number(item.low), number(item.high), item.unit) for num, item in enumerate(FEATURES)),
    )


def features_explained() -> str:
    """The observation with its meaning."""
    return table(
        ("Num", "Observation", "Min", "Max", "Unit", "Meaning"),
        (
            (num, f"`{item.name}`", number(item.low), number(item.high), item.unit, item.meaning)
            for num, item in enumerate(FEATURES)
        ),
    )


def quantities(declared: Sequence[Quantity]) -> str:
    """Declared quantities: name, unit, meaning."""
    return table(("Name", "Unit", "Meaning"), ((f"`{item.name}`", item.unit, item.meaning) for item in declared))


def users(algorithms: Sequence[str]) -> str:
    """Which algorithms have something."""
    groups = {frozenset(ALL): "all", frozenset(ON_POLICY): "on-policy", frozenset(OFF_POLICY): "off-policy"}
    return groups.get(frozenset(algorithms), ", ".join(algorithms))


def hyperparameters() -> str:
    """Every hyper-parameter, what it may be and which algorithms have it."""
    rows = ((f"`{item.name}`", item.meaning, item.kind.words, users(item.algorithms)) for item in TABLE)
    return table(("Hyper-parameter", "Meaning", "Values", "Algorithms"), rows)


def searched() -> str:
    """What a search for hyper-parameters tries."""
    rows = ((f"`{item.name}`", users(item.algorithms), item.kind.words) for item in SEARCHED)
    return table(("Hyper-parameter", "Algorithms", "Tried"), rows)


def curves(group: str) -> str:
    """TensorBoard's curves of one group."""
    rows = ((f"`{tag.name}`", tag.unit, tag.meaning) for tag in all_tags() if tag.name.startswith(f"{group}/"))
    return table(("Tag", "Unit", "Meaning"), rows)


def splits() -> str:
    """The ranges of world keys."""
    use = {
        "train": "what environments draw from unless told otherwise",
        "validation": "tuning, early stopping, choosing",
        "test": "reporting only",
    }
    return table(
        ("Split", "First key", "Last key", "For"), ((name, KEYS[name].start, KEYS[name][-1], use[name]) for name in use)
    )


def families() -> str:
    """The families of worlds."""
    return table(
        ("`worlds`", "Held out", "What happens"),
        ((f"`{name}`", "yes" if family.held_out else "no", family.meaning) for name, family in FAMILIES.items()),
    )


def worlds() -> str:
    """The families with their environments, as in the docstring of the environment."""
    return table(
        ("`worlds`", "Environment id", "Held out"),
        ((f"`{name}`", f"`{entry.id}`", "yes" if entry.held_out else "no") for name, entry in FAMILY_TABLE.items()),
    )


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
    """What a hidden number is called in tables."""
    name = item.field.removeprefix("firm_")
    whose = "the seat's " if item.field.startswith("firm_") else ""
    regional = ECONOMY[item.field].shape[-1:] == (REGIONS,)
    return f"{whose}`{name}`" + (f", {('home', 'overseas')[item.place % REGIONS]}" if regional else "")


def unknowns() -> str:
    """What the calibration looked for: prior, best guess, and what is left in doubt."""
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
    """What the back-test compares, and the columns it comes from."""
    rows = []
    for item in COMPARED:
        kind = KINDS[series_named(item.reported).kind] if item.reported else "a year"
        column = f"`{item.reported}`" if item.reported else "services revenue over users at the end of the period"
        forgiven = "-" if item.tolerance is None else number(item.tolerance * (100 if item.error == "percent" else 1))
        rows.append(
            (f"`{item.name}`", column, item.unit, kind, f"{forgiven} {'%' if item.error == 'percent' else 'points'}")
        )
    return table(("Series", "Column of the figures", "Unit", "Is", "Tolerance of the fit"), rows)


def figures_status() -> str:
    """What stands behind the reported figures, and how much wider the tolerance of such a cell is."""
    counts = Counter(entry.status for entry in provenance())
    rows = [(name, STATUSES[name], counts[name], number(STATUS_FACTOR[name])) for name in STATUSES]
    return table(("Status", "Meaning", "Cells", "Tolerance times"), rows)


def figures_breaks() -> str:
    """Where series change their meaning."""
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
        between = f"{number(about['low'])} to {number(about['high'])}"
        rows.append((f"`{name}`", number(item.default), about["unit"], between, about["meaning"], about["source"]))
    return table(("Name", "Default", "Unit", "Range", "Meaning", "Source"), rows)


def constants(kind: type[Firm | Playbook], columns: Sequence[tuple[str, Any]]) -> str:
    """Fields of a dataclass of constants, one column an instance."""
    rows = []
    for item in fields(kind):
        if "low" in item.metadata:
            values = [number(getattr(instance, item.name)) for _, instance in columns]
            rows.append((f"`{item.name}`", item.metadata["unit"], *values, item.metadata["meaning"]))
        elif item.name == "brand":
            values = ["inverted" if firm.brand is None else number(firm.brand) for _, firm in columns]
            rows.append(("`brand`", "utility", *values, "pull of the brand at home and overseas"))
    return table(("Name", "Unit", *(name for name, _ in columns), "Meaning"), rows)


def firms() -> str:
    """What the four firms start with."""
    return constants(Firm, [(firm.name, firm) for firm in FIRM_TABLE])


def playbooks() -> str:
    """What the four firms do when nobody learns, and what the closing value assumes."""
    return constants(Playbook, [*((firm.name, firm.playbook) for firm in FIRM_TABLE), ("closing value", CLOSING)])


def baseline_books() -> str:
    """The playbooks behind the hand-coded policies."""
    books = {
        "low_margin_ecosystem": LOW_MARGIN_ECOSYSTEM,
        "premium": PREMIUM,
        "mass_marketing": MASS_MARKETING,
    }
    return constants(Playbook, list(books.items()))


def tuned_rules() -> str:
    """What the tuned constant rules ask for, as found."""
    rows = []
    for path in sorted(FOLDER.glob("*.json")):
        knots = read_tuned(path).policy.knots
        if len(knots) == 1:
            rows.append((f"`{path.stem}`", *(number(value) for value in levers_of(knots)[0].values())))
    return table(("Rule", *(f"{lever.name} [{lever.unit}]" for lever in LEVERS)), rows)


def tuned_made() -> str:
    """How the tuned rules were found and what they earned."""
    rows = []
    for path in sorted(FOLDER.glob("*.json"), key=lambda path: read_tuned(path).made["J"]):
        made = read_tuned(path).made
        numbers = (made["worlds"], made["evaluations"], f"{made['J']:.1f}", f"{made['closing_part']:.1f}")
        rows.append((f"`{path.stem}`", f"`{made['command']}`", *numbers))
    return table(("Rule", "Command", "Worlds", "Candidates judged", "J", "closing value"), rows)


def plan_levers() -> str:
    """What the plan asks for at its knots."""
    knots = levers_of(read_tuned(FOLDER / "plan.json").policy.knots)
    rows = [
        (f"{100 * row / (len(knots) - 1):.0f} %", *(number(value) for value in levers.values()))
        for row, levers in enumerate(knots)
    ]
    return table(("Time", *(f"{lever.name} [{lever.unit}]" for lever in LEVERS)), rows)


def foresight_made() -> str:
    """How the best plans known were found and what doubling the budget added."""
    rows = []
    for path in sorted(plans.FOLDER.glob("*.npz")):
        known = plans.read_plans(path)
        found = known.made["convergence"]
        means = (f"{found[name]:.1f}" for name in ("J_begun", "J_half", "J"))
        rows.append(
            (
                path.stem.rpartition("_")[2], len(known.keys), f"`{known.made['command']}`", known.made["evaluations"],
                *means, f"{found['doubling_adds_percent']:.2f} %",
            )
        )  # fmt: skip
    head = ("Split", "Worlds", "Command", "Plays each", "J: best policy", "half the budget", "all", "doubling adds")
    return table(head, rows)


def baselines() -> str:
    """The hand-coded policies."""
    return table(
        ("Policy", "What it does", "Source"),
        ((f"`{item.name}`", item.meaning, item.source) for item in BASELINES.values()),
    )


def mechanisms(room: str) -> str:
    """The functions of a room of the economics, in the order of the file, with the first line of their docstring."""
    module = importlib.import_module(f"thinmargin.{room}")
    rows = []
    for name, item in vars(module).items():
        function = getattr(item, "py_func", item)  # compiled, or plain under NUMBA_DISABLE_JIT
        if inspect.isfunction(function) and function.__module__ == module.__name__:
            rows.append((f"`{name}`", str(inspect.getdoc(function)).split("\n", maxsplit=1)[0]))
    return table(("Function", "What it says"), rows)


def sources() -> str:
    """How many constants come from where."""
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
    "hyperparameters": hyperparameters,
    "ids": ids,
    "ids in short": ids_in_short,
    "levers": levers,
    "grid": grid,
    "features": features,
    "observation": features_explained,
    "books": lambda: quantities(BOOK_FIELDS),
    "reward terms": lambda: quantities(REWARD_FIELDS),
    "shocks": lambda: quantities(SHOCK_FIELDS),
    "searched": searched,
    "splits": splits,
    "families": families,
    "worlds": worlds,
    "hidden": hidden,
    "wider": wider,
    "firms": firms,
    "playbooks": playbooks,
    "baselines": baselines,
    "baseline books": baseline_books,
    "tuned rules": tuned_rules,
    "tuned made": tuned_made,
    "plan levers": plan_levers,
    "foresight made": foresight_made,
    "sources": sources,
    "unknowns": unknowns,
    "compared": compared,
    "figures status": figures_status,
    "figures breaks": figures_breaks,
    **{
        f"backtest {name}": lambda name=name: backtest_tables()[name]
        for name in ("errors", "short errors", "rolling", "coverage", "elasticity")
    },
    **{f"parameters {section}": lambda section=section: parameters(section) for section in SECTIONS},
    **{
        f"mechanisms {room}": lambda room=room: mechanisms(f"economics.{room}")
        for room in ("cost_and_price", "demand", "marketing", "loyalty", "services", "ventures", "supply", "finance")
    },
    "mechanisms start": lambda: mechanisms("economics.start"),
    "mechanisms month": lambda: mechanisms("economics.month"),
    "mechanisms strategies": lambda: mechanisms("strategies"),
    **{f"tags {group}": lambda group=group: curves(group) for group in ("score", "eval", "business", "levers")},
    **agents.tables(),
}
"""Every table that a page may ask for, by name."""
IN_DOCSTRING = (levers, grid, features, worlds)
"""The tables in the docstring of `EcosystemEnv`."""

_MARKED = re.compile(r"<!-- table: (?P<name>[\w ]+) -->\n(?P<table>.*?)\n?<!-- end -->", re.DOTALL)


def asked_for(text: str) -> list[str]:
    """The names of the tables that a page asks for; an unknown one is a KeyError."""
    return [match["name"] for match in _MARKED.finditer(text)]


def with_tables(text: str) -> str:
    """A page with its tables written anew."""
    return _MARKED.sub(lambda match: f"<!-- table: {match['name']} -->\n{TABLES[match['name']]()}\n<!-- end -->", text)


def with_docstring_tables(source: str) -> str:
    """The source of the environment with the tables of its docstring written anew."""
    for make in IN_DOCSTRING:
        lines = make().split("\n")
        old = re.compile(rf"^( +){re.escape(lines[0])}\n(?:\1\|.*\n)*", re.MULTILINE)
        source = old.sub(lambda match, lines=lines: "".join(f"{match[1]}{line}\n" for line in lines), source)
    return source


def pages() -> list[Path]:
    """The Markdown files whose tables are generated."""
    return [*sorted((ROOT / "docs").glob("*.md")), *sorted(ALGORITHMS.glob("*.md")), ROOT / "README.md"]


def add_missing_pages() -> None:
    """A page for every shipped agent that has none, from the template; others stay as they are."""
    for name in trained_names():
        page = ALGORITHMS / f"{name}.md"
        if not page.exists():
            page.write_text(agents.page_of(manifest_of(name)), encoding="utf-8")


def main() -> None:
    """Make the pages that are missing, and rewrite what differs."""
    add_missing_pages()
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if with_tables(text) != text:
            page.write_text(with_tables(text), encoding="utf-8")
    source = ENVIRONMENT.read_text(encoding="utf-8")
    if with_docstring_tables(source) != source:
        ENVIRONMENT.write_text(with_docstring_tables(source), encoding="utf-8")


if __name__ == "__main__":
    main()
