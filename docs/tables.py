"""Rewrites the generated tables of the documentation from what the code declares: `python docs/tables.py`.

In a Markdown file a table stands between `<!-- table: NAME -->` and `<!-- end -->`; in the docstring of
`EcosystemEnv` it is known by its head line. A test fails when a table differs from the code. A shipped agent without
a page gets one. Nothing is written while the shipped constants or tuned rules do not follow from the code: what is
stale is printed with the command that makes it again, and the exit status is 1.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import freshness
import model_tables
from table_text import number, table

from thinmargin import ENVIRONMENTS
from thinmargin.baselines import BASELINES
from thinmargin.families import FAMILY_TABLE
from thinmargin.names import policy_name, quantity_name
from thinmargin.parameters import NEVER
from thinmargin.records import (
    BOOK_FIELDS,
    FEATURES,
    FIRM,
    LEVERS,
    REGION,
    REWARD_FIELDS,
    SHOCK_FIELDS,
    Lever,
    Quantity,
)
from thinmargin.registration import Entry
from thinmargin.scenarios import EVENTS, FAMILIES
from thinmargin.settings import LEVER_GRID
from thinmargin.splits import KEYS
from thinmargin.tuned import FOLDER, levers_of, read_tuned
from thinmargin_agents.config.algorithms import ALL, OFF_POLICY, ON_POLICY
from thinmargin_agents.config.hyperparameters import TABLE
from thinmargin_agents.foresight import plan_files as plans
from thinmargin_agents.monitoring.tags import all_tags
from thinmargin_agents.policies.shipped import manifest_of, trained_names
from thinmargin_agents.search.search_space import TABLE as SEARCHED
from thinmargin_agents.shipping import pages as agents

ROOT = Path(__file__).parent.parent
ALGORITHMS = ROOT / "docs" / "algorithms"
"""Folder of the pages of the shipped agents."""
PAGES = {FAMILY_TABLE["one_state"].id: "exact.md"}
"""Pages of `docs` about a single environment, by its id."""
ENVIRONMENT = ROOT / "envs" / "thinmargin" / "env.py"


def ids() -> str:
    """The registered environments."""
    rows = ((f"`{entry.id}`", _linked(entry), _arguments(entry)) for entry in ENVIRONMENTS)
    return table(("id", "what it is", "Arguments that it sets"), rows)


def _arguments(entry: Entry) -> str:
    """Keyword arguments that an id sets, as they are written in Python."""
    given = (f"{name}={json.dumps(value) if isinstance(value, str) else value}" for name, value in entry.kwargs.items())
    return ", ".join(f"`{argument}`" for argument in given)


def _linked(entry: Entry, folder: str = "") -> str:
    """The meaning of an environment, with a link to its page if there is one; `folder` leads to `docs`."""
    page = PAGES.get(entry.id)
    return entry.meaning if page is None else f"{entry.meaning} See [{folder}{page}]({folder}{page})."


def ids_in_short() -> str:
    """The registered environments as in README.md, with one row for the held-out scenarios."""
    held_out = [entry.id for entry in FAMILY_TABLE.values() if entry.held_out]
    rows = [(f"`{entry.id}`", _linked(entry, "docs/")) for entry in ENVIRONMENTS if entry.id not in held_out]
    stress = "Stress worlds, never trained on. See [docs/environment.md](docs/environment.md#ids)."
    return table(("id", "what it is"), [*rows, (", ".join(f"`{name}`" for name in held_out), stress)])


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


def shocks() -> str:
    """The shocks of a month, and for whom each has a number of its own."""
    whose = {(): "all", REGION: "each region", FIRM: "each firm"}
    rows = ((f"`{item.name}`", item.unit, whose[item.shape], item.meaning) for item in SHOCK_FIELDS)
    return table(("Name", "Unit", "For", "Meaning"), rows)


def users(algorithms: Sequence[str]) -> str:
    """The algorithms that have something, or the name of their group."""
    groups = {frozenset(ALL): "all", frozenset(ON_POLICY): "on-policy", frozenset(OFF_POLICY): "off-policy"}
    return groups.get(frozenset(algorithms), ", ".join(algorithms))


def hyperparameters() -> str:
    """Every hyper-parameter, what it may be and which algorithms have it."""
    rows = ((f"`{item.name}`", item.meaning, item.kind.words, users(item.algorithms)) for item in TABLE)
    return table(("Hyper-parameter", "Meaning", "Values", "Algorithms"), rows)


def searched() -> str:
    """The values that a search for hyper-parameters tries."""
    rows = ((f"`{item.name}`", users(item.algorithms), item.kind.words) for item in SEARCHED)
    return table(("Hyper-parameter", "Algorithms", "Tried"), rows)


def curves(group: str) -> str:
    """TensorBoard's curves of one group."""
    rows = ((f"`{tag.name}`", tag.unit, tag.meaning) for tag in all_tags() if tag.name.startswith(f"{group}/"))
    return table(("Tag", "Unit", "Meaning"), rows)


def splits() -> str:
    """The ranges of world keys."""
    use = {
        "train": "what environments draw from by default",
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


def events() -> str:
    """The events of the scenarios: when, how long, and the numbers that they change."""
    rows = []
    for name, event in EVENTS.items():
        lasts = "for good" if event.months == NEVER else number(event.months)
        numbers = (
            f"`{item.name}` {_in_full(getattr(event, item.name), item.metadata['unit'])}"
            for item in fields(event)
            if item.name not in ("first", "last", "months") and getattr(event, item.name) != item.default
        )
        rows.append((f"`{name}`", number(event.first), number(event.last), lasts, ", ".join(numbers)))
    return table(("`worlds`", "first", "last", "Months", "What it changes"), rows)


def _in_full(value: float, unit: str) -> str:
    """A number that nothing is lost of: a logarithm as that of a round number."""
    return f"ln {number(math.exp(value))}" if unit == "log" else number(value)


def worlds() -> str:
    """The families with their environments, as in the docstring of the environment."""
    return table(
        ("`worlds`", "Environment id", "Held out"),
        ((f"`{name}`", f"`{entry.id}`", "yes" if entry.held_out else "no") for name, entry in FAMILY_TABLE.items()),
    )


def tuned_rules() -> str:
    """The levers that the tuned constant rules ask for, as found."""
    rows = []
    for path in sorted(FOLDER.glob("*.json")):
        knots = read_tuned(path).policy.knots
        if len(knots) == 1:
            name = f"{policy_name(path.stem)} (`{path.stem}`)"
            rows.append((name, *(number(value) for value in levers_of(knots)[0].values())))
    return table(("Rule", *map(_lever_head, LEVERS)), rows)


def _lever_head(lever: Lever) -> str:
    """The head of a lever's column: its name for people, its id, its unit."""
    return f"{quantity_name(lever.name)} ({lever.name}) [{lever.unit}]"


def tuned_made() -> str:
    """The search behind each tuned rule, and its earnings."""
    rows = []
    for path in sorted(FOLDER.glob("*.json"), key=lambda path: read_tuned(path).made["J"]):
        made = read_tuned(path).made
        numbers = (made["worlds"], made["evaluations"], f"{made['J']:.1f}", f"{made['closing_part']:.1f}")
        rows.append((f"{policy_name(path.stem)} (`{path.stem}`)", f"`{made['command']}`", *numbers))
    return table(("Rule", "Command", "Worlds", "Candidates judged", "J", "closing value"), rows)


def plan_levers() -> str:
    """The levers that the plan asks for at its knots."""
    knots = levers_of(read_tuned(FOLDER / "plan.json").policy.knots)
    rows = [
        (f"{100 * row / (len(knots) - 1):.0f} %", *(number(value) for value in levers.values()))
        for row, levers in enumerate(knots)
    ]
    return table(("Time", *map(_lever_head, LEVERS)), rows)


def foresight_made() -> str:
    """The search behind the best plans known, and the gain of doubling its budget."""
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
        ("Policy", "Name on pages", "What it does", "Source"),
        ((f"`{item.name}`", policy_name(item.name), item.meaning, item.source) for item in BASELINES.values()),
    )


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
    "shocks": shocks,
    "searched": searched,
    "splits": splits,
    "families": families,
    "worlds": worlds,
    "events": events,
    "baselines": baselines,
    "tuned rules": tuned_rules,
    "tuned made": tuned_made,
    "plan levers": plan_levers,
    "foresight made": foresight_made,
    **{f"tags {group}": lambda group=group: curves(group) for group in ("score", "eval", "firm", "levers")},
    **model_tables.TABLES,
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


def main() -> int:
    """Make the pages that are missing and rewrite what differs; the exit status is 1 if nothing may be written."""
    outdated = freshness.stale()
    if outdated:
        lines = ["nothing is written, because shipped numbers do not follow from the code:", *outdated]
        print("\n- ".join(lines), file=sys.stderr)  # noqa: T201  # the command line's own answer
        return 1
    add_missing_pages()
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if with_tables(text) != text:
            page.write_text(with_tables(text), encoding="utf-8")
    source = ENVIRONMENT.read_text(encoding="utf-8")
    if with_docstring_tables(source) != source:
        ENVIRONMENT.write_text(with_docstring_tables(source), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
