"""J over worlds: ridges, curves, pairs, differences, training seeds, and the performance profile of scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.names import policy_name
from thinmargin.palette import dashes
from thinmargin_agents.report.roles import Cast, Player
from thinmargin_agents.report.sections.gaps import Gap, gap
from thinmargin_agents.report.style import (
    GREY,
    INK,
    PAPER,
    WIDTH,
    Chart,
    Reading,
    canvas,
    chart_of,
    round_ticks,
    rows,
)
from thinmargin_agents.report.words import interval, listed, number, percent
from thinmargin_agents.scoring.comparison import shown_difference
from thinmargin_agents.scoring.score import FORESIGHT, TUNED

Numbers = npt.NDArray[np.float64]

ROW, MARGIN = 27.0, 62.0
"""Height of a policy's row, and of what is above and below the rows."""
CORNER = 0.07
"""Share of an axis next to the corner that has no numbers where both axes have the same."""
GRID = 240
"""Points of a density."""
SHARES = (95.0, 90.0, 75.0, 50.0, 25.0, 10.0, 5.0)
"""Shares of the worlds whose least J is told beside the curves, percent."""
MOST_READINGS = 600
"""Most worlds whose numbers are told beside the dots of two policies."""
NARROWEST = 0.008
"""Least width of a density's kernel, as a share of the axis."""


def spread_charts(cast: Cast, report: Mapping[str, Any], seed: int) -> list[Chart]:
    """The pictures of the section, those without data left out."""
    return [
        _ridges(cast),
        _curves(cast),
        *_differences(cast, seed),
        *_pairs(cast),
        *_profile(cast, report.get("profile") or {}),
        *_seeds(cast),
    ]


def density(values: Numbers, grid: Numbers) -> Numbers:
    """Gaussian kernel density at the points of an evenly spaced grid, its highest point 1 (Silverman 1986)."""
    quarter = float(np.subtract(*np.percentile(values, [75, 25]))) / 1.34
    spread = min(float(values.std()), quarter) or float(values.std())
    width = max(0.9 * spread * len(values) ** -0.2, NARROWEST * float(grid[-1] - grid[0]))
    heights: Numbers = np.exp(-0.5 * ((grid[:, None] - values) / width) ** 2).mean(axis=1)
    return heights / max(float(heights.max()), 1e-300)


def _ridges(cast: Cast) -> Chart:
    players = cast.players[::-1]
    figure, axes = canvas(WIDTH, MARGIN + ROW * (len(players) + 1))
    everything = [player.result.value.ravel() for player in players]
    low = min(float(np.percentile(values, 1)) for values in everything)
    high = max(float(np.percentile(values, 99)) for values in everything)
    margin = 0.04 * (high - low) or 1.0
    grid = np.linspace(low - margin, high + margin, GRID)
    for row, (player, values) in enumerate(zip(players, everything, strict=True)):
        heights = row + 1.35 * density(values, grid)
        over = len(players) - row
        axes.fill_between(grid, row, heights, color=player.color, alpha=0.4, linewidth=0, zorder=2 * over)
        axes.plot(grid, heights, color=player.color, linewidth=1.2, zorder=2 * over)
        middle = float(np.median(values))
        axes.plot([middle, middle], [row, row + 0.55], color=INK, linewidth=1.6, zorder=99, solid_capstyle="butt")
    rows(axes, _labels(players), "J, RMB bn")
    axes.set_xlim(grid[0], grid[-1])
    axes.set_ylim(-0.25, len(players) + 0.6)
    medians = listed([f"{player.label} {number(float(np.median(player.result.value)))}" for player in cast.players])
    readings = [Reading(axes, None, row + 0.3, _in_short(player)) for row, player in enumerate(players)]
    return chart_of(
        figure,
        "ridges",
        "What a policy earns in all the worlds",
        "Each hill is one policy: how often it earns what; the stroke is its median world. All hills are equally high."
        f" The axis leaves out what is beyond the 1st and 99th percentile of all. {len(cast.best.result.keys)} worlds.",
        f"Densities of J over worlds, one row a policy. Medians, RMB bn: {medians}.",
        readings=readings,
    )


def _in_short(player: Player) -> str:
    """Percentiles and mean of a policy's J."""
    low, middle, high = np.percentile(player.result.value, [5, 50, 95]).tolist()
    return (
        f"{player.label}: median {number(middle)}, mean {number(player.mean)}, 5 % of the worlds below {number(low)},"
        f" 5 % above {number(high)}, RMB bn"
    )


def at_least(values: Numbers) -> tuple[Numbers, Numbers]:
    """Values from the highest down, the first one twice, and the share of all that reach each: 0, 1/n, 2/n, ..., 1."""
    ranked = np.sort(values)[::-1]
    return np.concatenate([ranked[:1], ranked]), np.arange(len(ranked) + 1) / len(ranked)


def _curves(cast: Cast) -> Chart:
    figure, axes = canvas(WIDTH, 360)
    for player in cast.chosen:
        values, share = at_least(player.result.value.ravel())
        axes.plot(values, 100.0 * share, color=player.color, linestyle=dashes(player.dashes), drawstyle="steps-post")
    axes.set_ylim(0, 101)
    round_ticks(axes, x=6)
    axes.set_xlabel("J, RMB bn")
    axes.set_ylabel("worlds that earn at least this, %")
    names = listed(_labels(cast.chosen))
    readings = [
        Reading(axes, None, share, f"{share:.0f} % of the worlds earn at least: {_percentiles(cast.chosen, share)}")
        for share in SHARES
    ]
    return chart_of(
        figure,
        "curves",
        "In how many worlds a policy earns at least so much",
        "Read upwards from a J: the share of worlds that make it. A curve that lies further right is better at that"
        " share, the left end shows bad luck, the right end good luck.",
        f"Share of worlds against least J, one curve each for {names}.",
        readings=readings,
    )


def _percentiles(players: Sequence[Player], share: float) -> str:
    """The J that this share of the worlds reaches, of each policy."""
    reached = [float(np.percentile(player.result.value, 100.0 - share)) for player in players]
    return "; ".join(f"{player.label} {number(value)}" for player, value in zip(players, reached, strict=True))


def _differences(cast: Cast, seed: int) -> Iterator[Chart]:
    anchor = cast.anchor
    players = [player for player in cast.players if player is not anchor][::-1]
    if anchor is None or not players:
        return
    figure, axes = canvas(WIDTH, MARGIN + ROW * len(players))
    words, readings, is_told = [], [], False
    for row, player in enumerate(players):
        gaps = (player.result.value - anchor.value).ravel()
        low, first, last, high = np.percentile(gaps, [5, 25, 75, 95])
        apart = gap(player.result.value, anchor.result.value, seed)
        axes.plot([low, high], [row, row], color=player.color, linewidth=1.6)
        axes.plot([first, last], [row, row], color=player.color, linewidth=7, alpha=0.55, solid_capstyle="butt")
        if apart.interval is not None:
            is_told = True
            axes.plot(apart.interval, [row, row], color=INK, linewidth=3, solid_capstyle="butt", zorder=4)
        axes.plot(apart.mean, row, "o", color=PAPER, markeredgecolor=INK, markersize=5.5, zorder=5)
        axes.annotate(
            percent(apart.probability), (1.0, row), (4, 0), axes.get_yaxis_transform(), "offset points", va="center",
            color=GREY, annotation_clip=False,
        )  # fmt: skip
        shown = number(shown_difference(player.mean, anchor.mean))
        words.append(f"{player.label} {shown}")
        told = (
            f"{player.label}: mean difference {shown},{_with_interval(apart)} earns more in"
            f" {percent(apart.probability)} of the worlds"
        )
        readings.append(Reading(axes, None, float(row), told))
    axes.axvline(0.0, color=INK, linewidth=1.0, zorder=1)
    rows(axes, _labels(players), "difference in J, RMB bn")
    dot = "Dot: mean difference" + (", on the bar of its 95 % interval" if is_told else "")
    yield chart_of(
        figure,
        "differences",
        f"World by world against {anchor.label}",
        f"{dot}. Broad line: the middle half of the worlds;"
        " thin line: 5th to 95th percentile. At the right: share of worlds in which the policy earns more.",
        f"Mean differences to {anchor.label}, RMB bn: {listed(words[::-1])}.",
        readings=readings,
    )


def _with_interval(apart: Gap) -> str:
    return "" if apart.interval is None else f" 95 % interval {interval(apart.interval)},"


def _pairs(cast: Cast) -> Iterator[Chart]:
    anchor, champion = cast.anchor, cast.champion
    if anchor is None or champion is None:
        return
    x, y = anchor.value, champion.value
    figure, axes = canvas(WIDTH, 400)
    ends = np.array([min(x.min(), y.min()), max(x.max(), y.max())])
    ends += np.array([-0.03, 0.03]) * float(ends[1] - ends[0] or 1.0)
    axes.fill_between(ends, ends, ends[1], color=champion.color, alpha=0.07, linewidth=0)
    axes.plot(ends, ends, color=GREY, linewidth=1.0)
    axes.plot(x, y, "o", color=champion.color, alpha=0.55, markersize=3.6, markeredgewidth=0)
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    round_ticks(axes, x=5, y=5)
    clear = ends[0] + CORNER * (ends[1] - ends[0])  # numbers of both axes would stand on each other in the corner
    axes.set_xticks([tick for tick in axes.get_xticks() if clear < tick <= ends[1]])
    axes.set_xlabel(f"{anchor.label}, J, RMB bn")
    axes.set_ylabel(f"{champion.label}, J, RMB bn")
    ahead = percent(float(np.mean(y > x)))
    corner: dict[str, Any] = {"color": INK, "transform": axes.transAxes}
    axes.text(0.03, 0.96, f"{champion.label} earns more: {ahead}", va="top", **corner)
    axes.text(0.97, 0.04, f"{anchor.label} earns more: {percent(float(np.mean(x > y)))}", ha="right", **corner)
    readings = [
        Reading(axes, a, b, f"world {key}: {champion.label} {number(b)}, {anchor.label} {number(a)}")
        for key, a, b in zip(cast.best.result.keys.tolist(), x.tolist(), y.tolist(), strict=True)
    ]
    yield chart_of(
        figure,
        "pairs",
        f"{champion.label} and {anchor.label} in the same world",
        "Each dot is one world, with the same hidden constants and the same luck for both"
        f"{_in_the_mean(champion)}. Above the line {champion.label} earns more.",
        f"J of {champion.label} against J of {anchor.label}, a dot a world; above in {ahead}.",
        readings=readings[:MOST_READINGS],
    )


def _in_the_mean(player: Player) -> str:
    seeds = len(player.result.value)
    return f", and the mean J of the {seeds} training seeds of {player.label}" if seeds > 1 else ""


def _profile(cast: Cast, profile: Mapping[str, Any]) -> Iterator[Chart]:
    known = [(player, _curve(profile, player.name)) for player in cast.chosen]
    shown = [(player, curve) for player, curve in known if curve]
    if not shown:
        return
    figure, axes = canvas(WIDTH, 360)
    for player, curve in shown:
        axes.fill_between(
            curve["tau"], 100.0 * curve["low"], 100.0 * curve["high"], color=player.color, alpha=0.18, linewidth=0
        )
        axes.plot(curve["tau"], 100.0 * curve["share"], color=player.color, linestyle=dashes(player.dashes))
    axes.set_ylim(0, 101)
    round_ticks(axes, x=6)
    axes.set_xlabel(f"score in a world: 0 = {policy_name(TUNED)}, 100 = {policy_name(FORESIGHT)}")
    axes.set_ylabel("worlds that score more than this, %")
    names = listed([player.label for player, _ in shown])
    taus = shown[0][1]["tau"].tolist()
    readings = [
        Reading(
            axes, tau, None,
            f"above {number(tau, 0)}: "
            + "; ".join(f"{player.label} {percent(float(curve['share'][place]))}" for player, curve in shown),
        )
        for place, tau in enumerate(taus)
    ]  # fmt: skip
    yield chart_of(
        figure,
        "profile",
        "How often a policy gets beyond a score",
        "Performance profile of the scores of single worlds (Agarwal et al. 2021). Bands are 95 % bootstrap intervals"
        " of every level by itself, worlds and training seeds drawn anew: not of the whole curve. Where one band lies"
        " above another, that policy is better at this level.",
        f"Share of worlds that score more, against the score, for {names}.",
        readings=readings,
    )


def _curve(profile: Mapping[str, Any], name: str) -> dict[str, Numbers]:
    """The profile of a policy in the JSON document; empty where a part is missing."""
    entry = {"tau": profile.get("tau"), **((profile.get("policies") or profile).get(name) or {})}
    parts = {key: entry.get(key) for key in ("tau", "share", "low", "high")}
    if not all(part and None not in part for part in parts.values()):
        return {}
    return {key: np.array(part, np.float64) for key, part in parts.items()}


def _seeds(cast: Cast) -> Iterator[Chart]:
    players = [player for player in cast.players if len(player.result.value) > 1][::-1]
    if not players:
        return
    figure, axes = canvas(WIDTH, MARGIN + ROW * len(players))
    for row, player in enumerate(players):
        means = player.result.value.mean(axis=1)
        axes.plot(means, np.full(len(means), row), "o", color=player.color, alpha=0.7, markersize=7, markeredgewidth=0)
        axes.plot([player.mean, player.mean], [row - 0.3, row + 0.3], color=INK, linewidth=1.6)
    rows(axes, _labels(players), "mean J of a training seed, RMB bn")
    readings = [
        Reading(axes, None, float(row), f"{player.label}: {_by_seed(player)}") for row, player in enumerate(players)
    ]
    yield chart_of(
        figure,
        "seeds",
        "How much the training seed matters",
        "Each dot is one training of the same policy, judged on the same worlds; the stroke is their mean."
        + "".join(_by_unit(player) for player in reversed(players)),
        f"Mean J of each training seed of {listed(_labels(players))}.",
        readings=readings,
    )


def _by_seed(player: Player) -> str:
    """Mean J of every training seed, in words."""
    means = player.result.value.mean(axis=1).tolist()
    seeds = player.result.seeds if len(player.result.seeds) == len(means) else range(len(means))
    return ", ".join(f"seed {seed} {number(mean)}" for seed, mean in zip(seeds, means, strict=True)) + ", RMB bn"


def _by_unit(player: Player) -> str:
    """The intervals of a policy's J with only worlds and with only seeds resampled, in words."""
    worlds, seeds = player.summary.get("J_ci95_worlds"), player.summary.get("J_ci95_seeds")
    if not worlds or not seeds:
        return ""
    return f" {player.label}: 95 % over worlds alone {interval(worlds)}, over seeds alone {interval(seeds)}."


def _labels(players: Sequence[Player]) -> list[str]:
    return [player.label for player in players]
