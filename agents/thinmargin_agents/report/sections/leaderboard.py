"""The table of policies, best first, with bars for what has an interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thinmargin.names import policy_name, quantity_name
from thinmargin.records import LEVERS
from thinmargin_agents.report.roles import Cast, Player
from thinmargin_agents.report.words import NOTHING, interval, is_number, number, percent, signed
from thinmargin_agents.scoring.closing_rules import ClosingRule
from thinmargin_agents.scoring.comparison import shown_difference
from thinmargin_agents.scoring.rounding import shown_share
from thinmargin_agents.scoring.score import FORESIGHT, TUNED

DIGITS = 6
"""Of the numbers that rows are sorted by."""


@dataclass(frozen=True)
class Bar:
    """Positions of a mean, its interval and zero on the axis of a column, percent."""

    low: float
    mid: float
    high: float
    zero: float


@dataclass(frozen=True)
class Cell:
    """One number of a row: as printed, as sorted, below it its interval, and a bar where there is one."""

    text: str
    sort: float | None
    below: str = ""
    bar: Bar | None = None


@dataclass(frozen=True)
class PlayerColumn:
    """One column: its head, its meaning, and a cell for every player."""

    head: str
    hint: str
    cells: tuple[Cell, ...]


def columns_of(cast: Cast, scored: ClosingRule) -> list[PlayerColumn]:
    """The columns of the table, one cell a player; without scores there is no column for them.

    Args:
        cast: the policies.
        scored: the closing rule that J is told under.
    """
    players = cast.players
    found = []
    if any(is_number(player.summary.get("score")) for player in players):
        found.append(
            PlayerColumn(
                "score",
                f"share of the gap between {policy_name(TUNED)} (0) and {policy_name(FORESIGHT)} (100) that is closed,"
                " with its 95 % interval",
                _bars([_estimate(player.summary, "score", "score_ci95") for player in players], at_least=(0.0, 100.0)),
            )
        )
    found.append(
        PlayerColumn(
            "J, RMB bn",
            f"discounted profits of the years run plus closing value ({scored.head}), mean of the worlds, with its 95 %"
            " interval",
            _bars([_value(player) for player in players], at_least=(0.0, 0.0)),
        )
    )
    found += [
        _plain("years run", "part of J from the years that were played, RMB bn", players, _part("profit_part")),
        _plain("closing", f"part of J from the closing value ({scored.head}), RMB bn", players, _part("closing_part")),
        PlayerColumn("bankrupt", "share of worlds that end in bankruptcy", tuple(map(_bankrupt, players))),
    ]
    if cast.anchor is not None:
        found += [
            PlayerColumn(
                f"against {cast.anchor.title}",
                f"mean difference to {cast.anchor.title} world by world, RMB bn, with its 95 % interval",
                tuple(_difference(player, cast.anchor) for player in players),
            ),
            PlayerColumn(
                "P(better)",
                f"share of worlds in which it earns more than {cast.anchor.title}, half of the ties counted,"
                " with its 95 % interval",
                tuple(_improvement(player, cast.anchor.name) for player in players),
            ),
        ]
    if any(is_number(player.summary.get("beats_best_known")) for player in players):
        found.append(
            PlayerColumn(
                "beats best known",
                f"in how many worlds it earns more than {policy_name(FORESIGHT)}: the best plan known is no bound",
                tuple(_count(player.summary.get("beats_best_known")) for player in players),
            )
        )
    found.append(
        _plain(
            "IQM of J",
            "interquartile mean: J of the middle half of the worlds, RMB bn, which no outlier moves",
            players,
            _stated("J_iqm"),
        )
    )
    if any(is_number(player.summary.get("score_iqm")) for player in players):
        found.append(_plain("IQM of score", "the same of the scores of single worlds", players, _stated("score_iqm")))
    found += [
        _plain(
            f"{at} % earn less",
            f"percentile: {at} % of the worlds earn less than this, RMB bn",
            players,
            _percentile(at),
        )
        for at in (5, 50, 95)
    ]
    found.append(
        PlayerColumn(
            "at limit",
            "months in which a lever is asked for at an end of its range; sorted by the lever that is there most",
            tuple(map(_limits, players)),
        )
    )
    return found


Number = Callable[[Player], float | None]
Estimate = tuple[float | None, Sequence[float] | None]


def _plain(head: str, hint: str, players: Sequence[Player], of: Number) -> PlayerColumn:
    numbers = [of(player) for player in players]
    return PlayerColumn(head, hint, tuple(Cell(number(value), _sorted(value)) for value in numbers))


def _part(name: str) -> Number:
    return lambda player: float(getattr(player.result, name).mean())


def _stated(name: str) -> Number:
    return lambda player: player.summary.get(name)


def _percentile(at: int) -> Number:
    return lambda player: (player.summary.get("percentiles") or {}).get(str(at))


def _estimate(summary: Mapping[str, Any], name: str, ends: str) -> Estimate:
    return summary.get(name), summary.get(ends)


def _value(player: Player) -> Estimate:
    return player.mean, player.summary.get("J_ci95")


def _sorted(value: float | None) -> float | None:
    return round(float(value), DIGITS) if value is not None and is_number(value) else None


def _bars(estimates: Sequence[Estimate], at_least: tuple[float, float]) -> tuple[Cell, ...]:
    known = [float(value) for value, _ in estimates if value is not None]
    known += [float(end) for _, ends in estimates for end in ends or () if end is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    low, high = min(low, at_least[0]), max(high, at_least[1])
    span = (high - low) or 1.0

    def place(value: float) -> float:
        return round(100.0 * (value - low) / span, 2)

    cells = []
    for value, ends in estimates:
        if value is None:
            cells.append(Cell(NOTHING, None))
            continue
        first, last = (value, value) if ends is None or None in ends else ends
        bar = Bar(place(first), place(value), place(last), place(0.0))
        below = "" if ends is None or None in ends else interval((first, last))
        cells.append(Cell(number(value), _sorted(value), below, bar))
    return tuple(cells)


def _bankrupt(player: Player) -> Cell:
    share = float(player.result.bankrupt.mean())
    return Cell(percent(share, 1), _sorted(share))


def _count(worlds: float | None) -> Cell:
    return Cell(number(worlds, 0), _sorted(worlds))


def _versus(player: Player, anchor: str) -> Mapping[str, Any]:
    return (player.summary.get("vs") or {}).get(anchor) or {}


def _difference(player: Player, anchor: Player) -> Cell:
    found = _versus(player, anchor.name)
    if not is_number(found.get("diff_mean")):
        return Cell(NOTHING, 0.0 if player is anchor else None)
    shown = shown_difference(player.mean, anchor.mean)
    ends = found.get("diff_ci95")
    return Cell(signed(shown), _sorted(found["diff_mean"]), interval(ends) if ends else "")


def _improvement(player: Player, anchor: str) -> Cell:
    found = _versus(player, anchor)
    share, ends = found.get("p_improve"), found.get("p_improve_ci95")
    text = shown_share(share, 2) if share is not None and is_number(share) else NOTHING
    return Cell(text, _sorted(share), interval(ends, 2) if ends else "")


def _limits(player: Player) -> Cell:
    shares = [player.result.saturation.get(lever.name, 0.0) for lever in LEVERS]
    words = [f"{quantity_name(lever.name)} {percent(share)}" for lever, share in zip(LEVERS, shares, strict=True)]
    return Cell("; ".join(words), _sorted(max(shares)))
