"""A comparison as tables on the terminal and in Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinmargin.names import policy_name, quantity_name, with_id
from thinmargin.records import LEVERS, markdown_table
from thinmargin.settings import SCORED
from thinmargin_agents.scoring import statistics
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES, rule_of
from thinmargin_agents.scoring.comparison import PERCENTILES, rounded, shown_difference
from thinmargin_agents.scoring.rounding import shown_share
from thinmargin_agents.scoring.score import FORESIGHT, TUNED

WIDEST = 1000
"""Characters of a line that is not cut: in a file or a pipe."""
WIDEST_NAME = 30
"""Characters of a policy's name in a line of a terminal."""
NOTHING = "-"
"""Stands where there is no number."""


class Column(NamedTuple):
    """One column: its head, and its cell for a policy's name and summary."""

    head: str
    cell: Callable[[str, dict[str, Any]], str]


def _decimal(value: float) -> str:
    """A number with one decimal, rounded as everywhere: no minus before a zero."""
    return f"{rounded(value):.1f}"


def _percent(share: float) -> str:
    return f"{shown_share(share, 1, 100.0)} %"


def _with_interval(mean: float, interval: Sequence[float] | None) -> str:
    if interval is None:
        return f"{_decimal(mean)} [{NOTHING}]"
    return f"{_decimal(mean)} [{_decimal(interval[0])}, {_decimal(interval[1])}]"


def _score(_: str, summary: dict[str, Any]) -> str:
    return NOTHING if summary["score"] is None else _with_interval(summary["score"], summary["score_ci95"])


def _anchored(summary: dict[str, Any]) -> dict[str, Any] | None:
    """The comparison with the policy that every row is compared with; None for that policy itself."""
    found: dict[str, Any] | None = summary["vs"].get(TUNED)
    return found


def _difference(_: str, summary: dict[str, Any]) -> str:
    gap = _anchored(summary)
    if gap is None:
        return NOTHING
    value = summary["J_mean"]
    return _with_interval(shown_difference(value, value - gap["diff_mean"]), gap["diff_ci95"])


def _improvement(_: str, summary: dict[str, Any]) -> str:
    gap = _anchored(summary)
    return NOTHING if gap is None else shown_share(gap["p_improve"], 2)


def _score_iqm(_: str, summary: dict[str, Any]) -> str:
    return NOTHING if summary["score_iqm"] is None else _decimal(summary["score_iqm"])


def _number(head: str, name: str) -> Column:
    return Column(head, lambda _, summary: _decimal(summary[name]))


def _percentile(at: int) -> Column:
    return Column(f"{at} %", lambda _, summary: _decimal(summary["percentiles"][str(at)]))


PLACES = ("results", "closing rules", "stress")
"""Names of the places of tables on a page, in the order of a new page."""
COLUMNS = (
    Column("score [interval]", _score),
    Column("J [interval]", lambda _, summary: _with_interval(summary["J_mean"], summary["J_ci95"])),
    _number("years run", "profit_part"),
    _number("closing", "closing_part"),
    Column("J less tuned [interval]", _difference),
    Column("P(better)", _improvement),
    Column("score IQM", _score_iqm),
    _number("J IQM", "J_iqm"),
    *(_percentile(at) for at in PERCENTILES),
    Column("bankrupt", lambda _, summary: _percent(summary["bankrupt_share"])),
)


def _limits(_: str, summary: dict[str, Any]) -> str:
    """Levers that are asked for at an end of their range in a month of two hundred or more, and how often."""
    shares = {lever.name: round(100 * summary["saturation"][lever.name]) for lever in LEVERS}
    return ", ".join(f"{name} {share} %" for name, share in shares.items() if share) or NOTHING


LIMITS = Column("at limit", _limits)
LEVER_WORDS = ", ".join(f"{lever.name}: {quantity_name(lever.name)}" for lever in LEVERS)
LIMIT_WORDS = (
    f"At limit: months in which a lever is asked for at an end of its range, where there are any ({LEVER_WORDS})."
)
STRESS_WORDS = "Mean J in RMB bn, share of worlds that end in bankruptcy; the benchmark's are those of the same keys."
RULES_TITLE = "J under three closing rules, RMB bn"
STRESS_RULES_WORDS = (
    f"Mean J of the same plays under {', '.join(rule.head for rule in CLOSING_RULES.values())}, RMB bn."
)


def words_of(report: dict[str, Any]) -> str:
    """What the columns of the results are, and which closing rule was scored."""
    rule = CLOSING_RULES[report["closing"]["scored"]]
    nothing = rule.closing == "none"
    behind = " alone: this environment scores no closing value" if nothing else f" + closing value ({rule.head})"
    lowest, *_, highest = PERCENTILES
    return (
        f"Score: percent of the gap in mean J from {with_id(TUNED)}, 0, to {with_id(FORESIGHT)}, 100, that is closed;"
        " the latter is the best known plan of each world given its future, not a bound. J: RMB bn, discounted, years"
        f" run{behind}. J less tuned: mean difference to {policy_name(TUNED)}, world by world; P(better): share of"
        " worlds in which a policy earns more than it, ties half. IQM: interquartile mean, that of the middle half of"
        f" the worlds. {lowest} % to {highest} %: percentiles of J, so many percent of the worlds earn less. Bankrupt:"
        " share of worlds that end so. Of a policy with several training seeds every world counts once for each of"
        " them in shares, percentiles and IQM. Intervals are 95 %, from a bootstrap over worlds, and over training"
        " seeds where there are several."
    )


def worlds_words(report: dict[str, Any]) -> str:
    """How many worlds were played; where they are too few for intervals, what stands in their place and why."""
    few = report["worlds"] < statistics.MIN_UNITS
    why = f"; [{NOTHING}]: no interval of fewer than {statistics.MIN_UNITS}, it would be too narrow" if few else ""
    return f"{report['worlds']} {report['split']} worlds{why}"


def note_words(report: dict[str, Any]) -> str:
    """Why there is no score, in a sentence; the document must have a note."""
    return f"There is no score: {str(report['note']).removeprefix('score is null: ')}."


def rules_words(report: dict[str, Any]) -> str:
    """What each closing rule is, and which one was scored."""
    scored = CLOSING_RULES[report["closing"]["scored"]]
    rules = "; ".join(f"{rule.head}: {rule.meaning}" for rule in CLOSING_RULES.values())
    made = "" if scored.closing == SCORED else f", while shipped policies were made for {rule_of(SCORED).head}"
    return (
        f"The same plays, J in RMB bn with its 95 % interval, and the rank. {rules[0].upper()}{rules[1:]}. A bankrupt"
        f" firm has no closing value. Scored is {scored.head}{made}."
        f" {policy_name(FORESIGHT).capitalize()} is told the future and has no rank."
    )


def show(report: dict[str, Any], console: Console) -> None:
    """Print the comparison; where lines are too short, tables are split into several."""
    if not console.is_terminal:
        console.width = WIDEST
    console.print(f"{report['environment']}: {worlds_words(report)}", markup=False)
    _print_tables(report["policies"], (*COLUMNS, LIMITS), console)
    _print_words(f"{words_of(report)} {LIMIT_WORDS}", console)
    if report["closing"]["order"]:
        console.print(f"\n{RULES_TITLE}", markup=False)
        _print_tables(report["policies"], _rules_columns(report), console)
        _print_words(rules_words(report), console)
    if report["stress"]:
        console.print(f"\nheld-out scenarios, {report['stress_worlds']} worlds each", markup=False)
        _print_tables(_stressed(report), _stress_columns(report), console)
        _print_words(STRESS_WORDS, console)
        _print_tables(_stressed(report), _stress_rules_columns(report), console)
        _print_words(STRESS_RULES_WORDS, console)
    if report["note"] is not None:
        console.print(note_words(report), markup=False, highlight=False, soft_wrap=not console.is_terminal)


def _print_words(words: str, console: Console) -> None:
    console.print(words, style="italic", markup=False, highlight=False, soft_wrap=not console.is_terminal)


def _print_tables(policies: dict[str, Any], columns: Sequence[Column], console: Console) -> None:
    """As few tables as fit the width, each with the names; a column too wide by itself is folded."""
    whole, folded = console.options.update(width=WIDEST), console.is_terminal
    left = list(columns)
    while left:
        count = len(left)
        while (
            count > 1
            and console.measure(_table(policies, left[:count], folded=folded), options=whole).maximum > console.width
        ):
            count -= 1
        console.print(_table(policies, left[:count], folded=folded))
        left = left[count:]


def _table(policies: dict[str, Any], columns: Sequence[Column], *, folded: bool) -> Table:
    """A table for people; with `folded` names are kept short, ids below them."""
    table = Table()
    table.add_column("policy", overflow="fold", max_width=WIDEST_NAME if folded else None)
    for column in columns:
        table.add_column(Text(column.head), justify="right", overflow="fold")
    for name, summary in policies.items():
        table.add_row(
            Text(_two_lines(name) if folded else with_id(name)),
            *(Text(column.cell(name, summary)) for column in columns),
        )
    return table


def _two_lines(name: str) -> str:
    """A policy's name for people, and its id below it."""
    words = policy_name(name)
    return name if words == name else f"{words}\n{name}"


def _rules_columns(report: dict[str, Any]) -> list[Column]:
    """J under every closing rule, and the rank among the policies that do not know the future."""

    def value(rule: str) -> Column:
        def cell(_: str, summary: dict[str, Any]) -> str:
            entry = summary["closing_rules"].get(rule)
            return NOTHING if entry is None else _with_interval(entry["J_mean"], entry["J_ci95"])

        return Column(f"{CLOSING_RULES[rule].head} [interval]", cell)

    def rank(order: list[str]) -> Column:
        return Column("rank", lambda name, _: str(order.index(name) + 1) if name in order else NOTHING)

    return [column for rule, order in report["closing"]["order"].items() for column in (value(rule), rank(order))]


def _stressed(report: dict[str, Any]) -> dict[str, Any]:
    """Summaries of the policies that played any held-out scenario, best first."""
    names = {name for family in report["stress"].values() for name in family}
    return {name: summary for name, summary in report["policies"].items() if name in names}


def _stress_columns(report: dict[str, Any]) -> list[Column]:
    """J in the benchmark's worlds, then a column a scenario."""
    stress = report["stress"]

    def benchmark(name: str, _: dict[str, Any]) -> str:
        return next(_decimal(family[name]["J_benchmark"]) for family in stress.values() if name in family)

    def column(family: str) -> Column:
        def cell(name: str, _: dict[str, Any]) -> str:
            entry = stress[family].get(name)
            return NOTHING if entry is None else f"{_decimal(entry['J_mean'])}, {_percent(entry['bankrupt_share'])}"

        return Column(family.replace("_", " "), cell)

    return [Column("benchmark", benchmark), *(column(family) for family in stress)]


def _stress_rules_columns(report: dict[str, Any]) -> list[Column]:
    """J under the three closing rules, a column a scenario."""

    def column(family: str) -> Column:
        def cell(name: str, _: dict[str, Any]) -> str:
            rules = report["stress"][family].get(name, {}).get("closing_rules")
            return " / ".join(_decimal(rules[rule]["J_mean"]) for rule in CLOSING_RULES) if rules else NOTHING

        return Column(family.replace("_", " "), cell)

    return [column(family) for family in report["stress"]]


_MARKUP = re.compile(r"[|`*<>\[\]]|\\(?=[!-/:-@\[-`{-~])")
"""What means something in Markdown, inside of a word too; an underscore does not there."""


def plain_cell(name: str) -> str:
    """A name that is text in a cell of a Markdown table, whatever is in it."""
    return " ".join(_MARKUP.sub(r"\\\g<0>", name).split())


def code_cell(text: str) -> str:
    """A text as code in a cell of a Markdown table."""
    return f"`{' '.join(text.replace('|', chr(92) + '|').split())}`"


def _markdown(policies: dict[str, Any], columns: Sequence[Column]) -> str:
    rows = [
        [plain_cell(with_id(name)), *(column.cell(name, summary) for column in columns)]
        for name, summary in policies.items()
    ]
    return markdown_table(["policy", *(column.head for column in columns)], rows)


def results_markdown(report: dict[str, Any]) -> str:
    """The comparison as a Markdown table, under the command that makes it."""
    parts = [
        f"`{report['command']}`: {worlds_words(report)}.",
        _markdown(report["policies"], COLUMNS),
        words_of(report),
    ]
    return "\n\n".join(parts if report["note"] is None else [*parts, note_words(report)])


def rules_markdown(report: dict[str, Any]) -> str:
    """J under every closing rule as a Markdown table, under the command that makes it."""
    first = f"`{report['command']}`: {worlds_words(report)}."
    return f"{first}\n\n{_markdown(report['policies'], _rules_columns(report))}\n\n{rules_words(report)}"


def stress_markdown(report: dict[str, Any]) -> str:
    """The held-out scenarios as Markdown tables, under the command that makes it."""
    first = f"`{report['command']}`: {report['stress_worlds']} test worlds of each held-out scenario."
    tables = [
        part
        for columns, words in (
            (_stress_columns(report), STRESS_WORDS),
            (_stress_rules_columns(report), STRESS_RULES_WORDS),
        )
        for part in (_markdown(_stressed(report), columns), words)
    ]
    return "\n\n".join([first, *tables])
