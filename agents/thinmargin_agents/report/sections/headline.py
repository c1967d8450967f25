"""The winner and its margin in plain sentences, or that the intervals do not separate the policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thinmargin.baselines import BASELINES
from thinmargin.names import policy_name, with_id
from thinmargin_agents.report.roles import Cast, Player
from thinmargin_agents.report.sections.answer import answer
from thinmargin_agents.report.sections.closing import leaders, scored_of
from thinmargin_agents.report.sections.gaps import Gap, gap
from thinmargin_agents.report.words import SPACE, interval, is_number, listed, money, number, of_worlds, percent, signed
from thinmargin_agents.scoring import statistics
from thinmargin_agents.scoring.comparison import shown_difference
from thinmargin_agents.scoring.score import FORESIGHT, TUNED

NO_SCORE = (
    f"There is no score: it takes {with_id(TUNED)}, which scores 0, and {with_id(FORESIGHT)}, the best plan known for"
    " each world given its future, which scores 100, both played in these worlds."
)
LEVEL = f"95{SPACE}% interval"
OFTEN = 0.05
"""Share of worlds that a policy may lose to bankruptcy before the page says so at its top."""


@dataclass(frozen=True)
class Fact:
    """A number at the top of the page, its name, and a qualification."""

    figure: str
    what: str
    below: str


@dataclass(frozen=True)
class Headline:
    """The top of the page: who wins, what that policy does and why it earns more, what else there is, a few numbers."""

    lead: str
    answer: tuple[str, ...]
    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]


def headline(cast: Cast, report: Mapping[str, Any], seed: int) -> Headline:
    """The findings in words."""
    sentences = (
        *_against_anchor(cast, seed),
        *_score(cast, report),
        *_learned(cast, seed),
        *_risks(cast, report),
        *leaders(cast, scored_of(report)),
        *_failures(report),
    )
    return Headline(_lead(cast, seed), tuple(answer(cast, seed)), sentences, tuple(_facts(cast, seed)))


def _lead(cast: Cast, seed: int) -> str:
    best = cast.best
    second = cast.second
    if second is None:
        return f"{best.at_start} earns {money(best.mean)} a world; no other policy was played beside it."
    apart = gap(best.result.value, second.result.value, seed)
    if apart.is_nothing:
        return f"{best.at_start} and {second.title} earn the same in every world: {money(best.mean)} on average."
    ahead = f"{money(best.mean)} a world, {number(_shown(best, second))} more than {second.title}, the next best"
    if apart.interval is None:
        return f"{best.at_start} earns most: {ahead}; {_too_few(cast)} to say how sure that is."
    if not apart.is_clear:
        return (
            f"{best.at_start} and {second.title} cannot be told apart: {money(best.mean)} and {money(second.mean)} a"
            f" world ({_interval(apart, best, second)})."
        )
    return f"{best.at_start} wins: {ahead} ({_level(apart.interval)})."


def few_words(worlds: int) -> str:
    """Why there is no interval, in a sentence; empty where there are enough worlds."""
    few = worlds < statistics.MIN_UNITS
    return (
        f"Of fewer than {statistics.MIN_UNITS} worlds, as here, no interval is given: it would be too narrow."
        if few
        else ""
    )


def _too_few(cast: Cast) -> str:
    return f"{len(cast.best.result.keys)} worlds are too few"


def _against_anchor(cast: Cast, seed: int) -> Iterator[str]:
    anchor, player = cast.anchor, cast.champion
    if anchor is None or player is None:
        return
    apart = gap(player.result.value, anchor.result.value, seed)
    if apart.is_nothing:
        return
    what = "the simple rule at its best" if anchor.name == TUNED else "the hand-coded baseline"
    side = "more" if apart.mean > 0.0 else "less"
    told = apart.is_clear or apart.interval is None
    share = percent(abs(apart.mean) / abs(anchor.mean)) if anchor.mean and told else ""
    if {player, anchor} == {cast.best, cast.second}:  # the first sentence of the page has told the rest
        yield f"{anchor.at_start} is {what}" + (f"; {player.title} earns {share} {side}." if share else ".")
        return
    if told:
        verdict = f"earns {money(abs(_shown(player, anchor)))}{f' ({share})' if share else ''} {side} than"
    else:
        verdict = "cannot be told from"
    yield (
        f"{player.at_start} {verdict} {anchor.title}, {what}, which earns {money(anchor.mean)}"
        f" ({_interval(apart, player, anchor)})."
        f" It is ahead in {of_worlds(apart.probability, len(player.result.keys))}."
    )


def _score(cast: Cast, report: Mapping[str, Any]) -> Iterator[str]:
    score, ends = cast.best.summary.get("score"), cast.best.summary.get("score_ci95")
    if not is_number(score):
        yield why_no_score(report)
        return
    if cast.best.name == TUNED:
        yield (
            f"{cast.best.at_start} scores 0 by definition, and {policy_name(FORESIGHT)}, the best plan known for each"
            " world given its future, 100."
        )
        return
    yield (
        f"{cast.best.at_start} scores {number(score)}: it closes {number(score)}{SPACE}% of the gap between"
        f" {policy_name(TUNED)}, which scores 0, and {policy_name(FORESIGHT)}, which scores 100: the best plan known"
        f" for each world given its future{_in_brackets(ends)}."
    )


def why_no_score(report: Mapping[str, Any]) -> str:
    """Why there is no score, and which command would help, as far as the JSON document states it."""
    note = str(report.get("note") or "").removeprefix("score is null: ")
    return f"There is no score: {note}." if note else NO_SCORE


def _learned(cast: Cast, seed: int) -> Iterator[str]:
    learned, best = cast.learned, cast.best
    if learned is None or learned is best:
        return
    apart = gap(learned.result.value, best.result.value, seed)
    verdict = (
        f"{money(_shown(best, learned))} less than {best.title}"
        if apart.is_clear or apart.interval is None
        else f"which cannot be told from {best.title}"
    )
    if apart.is_nothing:
        yield f"The best trained policy, {learned.title}, earns the same as {best.title} in every world."
        return
    yield (
        f"The best trained policy, {learned.title}, earns {money(learned.mean)}, {verdict}"
        f" ({_interval(apart, learned, best)})."
    )


def _risks(cast: Cast, report: Mapping[str, Any]) -> Iterator[str]:
    best, scored = cast.best.result, scored_of(report)
    broke, worlds = float(best.bankrupt.mean()), len(best.keys)
    fate = (
        f"It goes bankrupt in {of_worlds(broke, worlds, 1)}."
        if broke
        else f"It never goes bankrupt in these {worlds} worlds."
    )
    if scored.closing == "none":
        yield f"All that {cast.best.title} earns comes from the years run: no closing value is scored here. {fate}"
    else:
        yield (
            f"Of what {cast.best.title} earns, {money(float(best.profit_part.mean()))} comes from the years run and"
            f" {money(float(best.closing_part.mean()))} is closing value ({scored.head}), what the firm is worth at the"
            f" end. {fate}"
        )
    risky = [player for player in cast.players if player.result.bankrupt.mean() >= OFTEN]
    if risky:
        shares = [of_worlds(float(player.result.bankrupt.mean()), worlds, 1) for player in risky]
        words = [f"{player.title} (in {share})" for player, share in zip(risky, shares, strict=True)]
        yield f"Often bankrupt: {listed(words)}."


def _failures(report: Mapping[str, Any]) -> Iterator[str]:
    failures = report.get("failures") or {}
    if failures:
        yield f"Not judged, because it failed: {'; '.join(str(message) for message in failures.values())}."


def _level(ends: Sequence[float | None] | None) -> str:
    """An interval with its level, or that there is none."""
    return "too few worlds for an interval" if ends is None or None in ends else f"{LEVEL} {interval(ends)}"


def _in_brackets(ends: Sequence[float | None] | None) -> str:
    """An interval with its level behind a number; nothing where there is none, which the page has said once."""
    return "" if ends is None or None in ends else f" ({_level(ends)})"


def _interval(apart: Gap, player: Player, other: Player) -> str:
    told = f"difference {signed(_shown(player, other))}"
    return told if apart.interval is None else f"{told}, {_level(apart.interval)}"


def _shown(player: Player, other: Player) -> float:
    """The difference of two mean J as the page tells it everywhere: of the numbers that it prints."""
    return shown_difference(player.mean, other.mean)


def _facts(cast: Cast, seed: int) -> Iterator[Fact]:
    best = cast.best
    yield Fact(best.title, "highest mean J", "told the future" if best.knows_future else _kind(best))
    yield Fact(number(best.mean), "J, RMB bn", f"mean of {len(best.result.keys)} worlds")
    rival = cast.anchor if cast.anchor is not best else cast.second
    if rival is not None:
        apart = gap(best.result.value, rival.result.value, seed)
        yield Fact(signed(_shown(best, rival)), f"against {rival.label}", f"{_level(apart.interval)}")
    score = best.summary.get("score")
    if is_number(score):
        below = "by definition" if best.name == TUNED else _level(best.summary.get("score_ci95"))
        yield Fact(number(score), "score", below)
    broke, worlds = float(best.result.bankrupt.mean()), len(best.result.keys)
    yield Fact(
        "never" if not broke else percent(broke, 1), "bankrupt", f"{'in' if not broke else 'of'} {worlds} worlds"
    )


def _kind(player: Player) -> str:
    if not player.is_run:
        return "built in" if player.name in BASELINES else "not trained by this package"
    seeds = len(player.result.seeds)
    return f"trained, {seeds} seeds" if seeds > 1 else "trained, one seed"
