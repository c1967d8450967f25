"""The worth of mechanisms as text, as Markdown and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from textwrap import fill
from typing import Any

import numpy as np

from thinmargin.records import markdown_table
from thinmargin_agents.cli.versions import versions
from thinmargin_agents.mechanisms.catalogue import SWITCHES, Switch
from thinmargin_agents.mechanisms.players import PLAYERS, PREMIUM_FROM
from thinmargin_agents.mechanisms.results import THIN, Answer, Result, Row, Worth, thin_rows
from thinmargin_agents.mechanisms.search import ANCHOR, POPULATION, SEEDS
from thinmargin_agents.tuning.rules import MOST_BANKRUPT, RUIN

WIDTH = 110
"""Characters of a line of text."""
NOTHING = "-"
HALF = 0.5


def percent_words(worth: Worth) -> str:
    """The difference in percent of J."""
    if math.isnan(worth.percent):
        return "J not above 0"
    return f"{worth.percent:+.1f} %" if abs(worth.percent) < 10.0 else f"{worth.percent:+.0f} %"


def worth_words(worth: Worth) -> str:
    """The difference with its interval, and in percent."""
    low, high = worth.interval
    return f"{worth.mean:+.1f} [{low:+.1f}, {high:+.1f}] {percent_words(worth)}"


def answer_words(answer: Answer | None) -> list[str]:
    """Both differences of a rule."""
    return [NOTHING, NOTHING] if answer is None else [worth_words(answer.fixed), worth_words(answer.tuned)]


def parameters_words(switch: Switch) -> str:
    """The constants of a row as they are typed, in Python and in JSON alike."""
    return json.dumps(switch.parameters)


def mark_of(row: Row) -> str:
    """What is said of a row in a word."""
    return "thin" if row.is_thin else ""


def settings_rows(result: Result) -> list[list[str]]:
    """A line a row: what off means, and the constants."""
    switches = [SWITCHES[row] for row in result.request.rows]
    return [[each.row, each.mechanism, each.off, f"`{parameters_words(each)}`"] for each in switches]


def effect_head() -> list[str]:
    """Heads of the table of differences."""
    return ["#", "mechanism", *(f"{name}, {how}" for name in PLAYERS for how in ("fixed", "re-tuned")), ""]


def effect_rows(result: Result) -> list[list[str]]:
    """A line a row: both differences of every rule."""
    return [
        [row.switch.row, row.switch.mechanism, *(cell for each in row.answers.values() for cell in answer_words(each)),
         mark_of(row)]
        for row in result.rows
    ]  # fmt: skip


def explained(result: Result) -> str:
    """Explanation of the numbers."""
    effort = result.request.effort
    plan = PLAYERS["plan"]
    seeds = " and ".join(str(effort.seed + number) for number in range(SEEDS))
    warning = "A quick run, to see that all works: the figures mean nothing. " if result.request.quick else ""
    return (
        f"{warning}J without the mechanism less J with it, RMB bn, with its 95 % interval paired by world, and in"
        f" percent of J with nothing switched off: means over {effort.worlds} hidden validation worlds of the"
        " benchmark, scored closing rule. Fixed: the levers that are shipped. Re-tuned: the best levers found on each"
        f" side, by searches of the same seeds, worlds ({effort.search_worlds} others) and length: {SEEDS} of a side,"
        f" seeds {seeds}, of which the better in the worlds they see is kept. They look for J less what ruin costs, RMB"
        f" {RUIN:.0f} bn times the share of worlds gone bankrupt above {100.0 * MOST_BANKRUPT:.0f} %."
        " low_margin_tuned is searched with its markup inside the pledge, premium with at least"
        f" {100.0 * PREMIUM_FROM:.0f} %, both with constant levers; the plan is bent at {plan.bends} points in time."
        f" Generations of CMA-ES, {POPULATION} candidates each: {effort.budget}, of the plan"
        f" {effort.budget * plan.pace}. A search begins at levers that searches of {ANCHOR} times the length found with"
        " nothing switched off, or at levers shipped: at the best, in its world, of its own rule's and of those found"
        " for rules with as few knots."
    )


def sentences(result: Result) -> list[str]:
    """The findings, one sentence each."""
    thin = thin_rows(result.rows)
    names = ", ".join(f"{row.switch.row} ({row.switch.mechanism})" for row in thin)
    found = [
        f"J with nothing switched off, RMB bn, fixed and re-tuned: {'; '.join(base_words(result))}.",
        f"Worth less than {THIN:g} % of J to every rule, with levers fixed and re-tuned: {names or 'no row'}.",
    ]
    ruined = ruin_words(result)
    if ruined:
        found.append(f"Bankrupt in most worlds, even re-tuned: {'; '.join(ruined)}.")
    lost = [name for name in PLAYERS if any(_has_no_percent(each) for each in answers_of(result, name).values())]
    if lost:
        found.append(f"J not above 0 with nothing switched off, so no percent of it can be told: {', '.join(lost)}.")
    found.append(
        "J of two searches of the same side, which differ in their seeds alone, lies apart by up to"
        f" {'; '.join(spread_words(result))}. A re-tuned difference of the size of its own row's may be chance; where"
        " both searches stay at the levers they begin at, it shows nothing."
    )
    return found


def _has_no_percent(answer: Answer) -> bool:
    return math.isnan(answer.fixed.percent) or math.isnan(answer.tuned.percent)


def spread_words(result: Result) -> list[str]:
    """How far the searches of a side lie apart, by rule: the most, in which row, and in the median row."""
    words = []
    for name in PLAYERS:
        found = answers_of(result, name)
        if not found:
            continue
        row = max(found, key=lambda each: found[each].spread)
        middle = float(np.median([each.spread for each in found.values()]))
        size = found[row].spread_percent
        share = "" if math.isnan(size) else f", {size:.1f} % of J"
        words.append(f"RMB {found[row].spread:.1f} bn{share} for {name} (row {row}; {middle:.1f} in the median row)")
    return words


def answers_of(result: Result, name: str) -> dict[str, Answer]:
    """What each row is worth to a rule, by row; without those that mean nothing to it."""
    found = {row.switch.row: row.answers[name] for row in result.rows}
    return {row: answer for row, answer in found.items() if answer is not None}


def base_words(result: Result) -> list[str]:
    """J of each rule with nothing switched off."""
    found = {name: next(iter(answers_of(result, name).values()), None) for name in PLAYERS}
    return [f"{name} {each.fixed.base:.1f} and {each.tuned.base:.1f}" for name, each in found.items() if each]


def ruin_words(result: Result) -> list[str]:
    """Rules that go bankrupt in more than half of the worlds without a mechanism, re-tuned, and the rows."""
    found = {
        name: [row for row, answer in answers_of(result, name).items() if answer.tuned.bankrupt_without > HALF]
        for name in PLAYERS
    }
    return [f"{name} without {', '.join(rows)}" for name, rows in found.items() if rows]


def text(result: Result) -> str:
    """The whole result for a terminal: three lines a row."""
    head = ["#", "mechanism", "rule", "levers fixed", "levers re-tuned"]
    lines = []
    for row in result.rows:
        for place, (name, answer) in enumerate(row.answers.items()):
            first = (
                [row.switch.row, f"{row.switch.mechanism}{' (thin)' if row.is_thin else ''}"] if not place else ["", ""]
            )
            lines.append([*first, name, *answer_words(answer)])
    settings = [f"{row:>3}  {off} {code}" for row, _, off, code in settings_rows(result)]
    return "\n\n".join([
        "What is each mechanism worth?",
        fill(explained(result), WIDTH),
        _aligned(head, lines),
        "What off means, and the parameters of gymnasium.make that make it so:",
        "\n".join(fill(line.replace("`", ""), WIDTH, subsequent_indent=" " * 5) for line in settings),
        *(fill(sentence, WIDTH) for sentence in sentences(result)),
    ])  # fmt: skip


def _aligned(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Columns under each other, to the left."""
    table = [titles, *lines]
    widths = [max(len(row[k]) for row in table) for k in range(len(titles))]
    marked = [titles, ["-" * width for width in widths], *lines]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in marked
    )


def markdown(result: Result, command: str) -> str:
    """The result for a page, under the command that makes it."""
    settings = markdown_table(["#", "mechanism", "off means", "`parameters`"], settings_rows(result))
    effects = markdown_table(effect_head(), effect_rows(result))
    found = "\n".join(f"- {sentence}" for sentence in sentences(result))
    return "\n\n".join([f"`{command}`", explained(result), effects, found, settings])


def document(result: Result, command: str) -> dict[str, Any]:
    """The result as plain JSON; money is RMB bn, shares are shares of one, `percent` is of `base`."""
    effort = result.request.effort
    return {
        "command": command,
        "versions": versions(),
        "quick": result.request.quick,
        "split": "validation",
        "n_worlds": effort.worlds,
        "search_worlds": effort.search_worlds,
        "budget": effort.budget,
        "population": POPULATION,
        "seed": effort.seed,
        "seeds": SEEDS,
        "thin_below_percent": THIN,
        "rows": {row.switch.row: _row(row) for row in result.rows},
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "mechanism": row.switch.mechanism,
        "off": row.switch.off,
        "parameters": dict(row.switch.parameters),
        "changes": row.switch.changes,
        "thin": row.is_thin,
        "rules": {
            name: None
            if answer is None
            else {
                "fixed": _worth(answer.fixed),
                "tuned": _worth(answer.tuned),
                "spread": {"with_it": answer.spread_with, "without": answer.spread_without},
            }
            for name, answer in row.answers.items()
        },
    }


def _worth(worth: Worth) -> dict[str, Any]:
    known = {**asdict(worth), "interval": list(worth.interval)}
    return {**known, "percent": None if math.isnan(worth.percent) else worth.percent}
