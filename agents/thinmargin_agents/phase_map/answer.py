"""The answer in sentences made of what was found: who is ahead in what share of worlds, and on what it hangs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from thinmargin_agents.phase_map.assumptions import AS_CALIBRATED
from thinmargin_agents.phase_map.cells import CALIBRATED, MapCell, gain_words
from thinmargin_agents.phase_map.hidden import Share, share_of, thin_ahead
from thinmargin_agents.phase_map.results import OTHERS, SCORED_RULE, PhaseMapResult, calibrated_difference
from thinmargin_agents.phase_map.shipped import PREMIUM, THIN

HALF = 0.5
IF = {
    "own_levers": "if the firm's own last year goes on behind the horizon",
    "playbook": "if a fixed playbook follows",
    "years": "if the years run alone count",
}
"""The closing rules as conditions."""


def answers(result: PhaseMapResult) -> list[str]:
    """The sentences; without hidden worlds only where the calibrated firm lies."""
    found = []
    if result.hidden is not None and result.hidden.searched:
        shares = shares_under(result.hidden.by_rule)
        found += [_shares(shares), _what_counts(shares), _when_it_is_earned(result.hidden.searched)]
        found += _judgements(result, shares)
    return [*found, calibrated_words(result)]


def shares_under(by_rule: Mapping[str, Sequence[MapCell]]) -> dict[str, Share]:
    """By closing rule, the share of worlds in which the best thin levers are ahead of the best premium ones."""
    return {rule: share_of(thin_ahead(cells)) for rule, cells in by_rule.items()}


def share_words(share: Share) -> str:
    """The share in percent, with its interval."""
    low, high = share.interval
    return f"{100.0 * share.share:.0f} % [{100.0 * low:.0f}, {100.0 * high:.0f}]"


def side_of(share: Share) -> str:
    """The side that is ahead in most worlds, or neither where the interval does not say."""
    if share.interval.low > HALF:
        return "thin"
    return "premium" if share.interval.high < HALF else "neither"


def _shares(shares: Mapping[str, Share]) -> str:
    scored = shares[SCORED_RULE.name]
    others = ", and ".join(f"in {share_words(shares[rule.name])} {IF[rule.name]}" for rule in OTHERS)
    return (
        f"**In {share_words(scored)} of the plausible worlds the best thin rule for ever earns more than the best"
        f" premium rule, {IF[SCORED_RULE.name]}**, which is what is scored; {others}. {scored.worlds} hidden validation"
        " worlds of the benchmark, each side's best constant levers searched world by world for the rule that judges"
        " them, 95 % intervals (Wilson 1927)."
    )


def _what_counts(shares: Mapping[str, Share]) -> str:
    sides = {rule: side_of(share) for rule, share in shares.items()}
    found = set(sides.values())
    if found in ({"thin"}, {"premium"}):
        side = sides[SCORED_RULE.name]
        return f"**It does not hang on what counts behind the horizon**: {side} is ahead in most worlds by every rule."
    ahead = f"Ahead in most worlds is {', '.join(f'{side} {IF[rule]}' for rule, side in sides.items())}."
    if found >= {"thin", "premium"}:
        return f"**It hangs on what counts behind the horizon.** {ahead}"
    worlds = shares[SCORED_RULE.name].worlds
    return f"Whether it hangs on what counts behind the horizon cannot be told from so many worlds ({worlds}). {ahead}"


def _when_it_is_earned(cells: Sequence[MapCell]) -> str:
    late = {
        name: sum(getattr(cell, name).closing for cell in cells) / sum(getattr(cell, name).value for cell in cells)
        for name in ("thin", "premium")
    }
    return (
        f"A thin rule earns late: of J of the best thin levers {100.0 * late['thin']:.0f} % is closing value, of the"
        f" best premium ones {100.0 * late['premium']:.0f} % ({SCORED_RULE.head}, mean of the same worlds)."
    )


def _judgements(result: PhaseMapResult, shares: Mapping[str, Share]) -> Iterator[str]:
    others = [item for item in result.judgements if item.assumption != AS_CALIBRATED]
    if not others:
        return
    scored, rule = shares[SCORED_RULE.name], SCORED_RULE.name
    found = {item.assumption: share_of(thin_ahead(item.by_rule[rule])) for item in others}
    most = max(found, key=lambda name: abs(found[name].share - scored.share))
    yield (
        f"**Of {len(found)} judgements made otherwise, {most} moves the share most**, from"
        f" {100.0 * scored.share:.0f} to {share_words(found[most])} ({SCORED_RULE.head}); {_turned(found, scored)}."
    )
    played = result.judgements[0].played
    if THIN in played.value and PREMIUM in played.value:
        shipped = [f"{share_words(share_of(played.thin_ahead(name)))} {IF[name]}" for name in shares]
        yield (
            f"Of the rules that ship, `{THIN}` is ahead of `{PREMIUM}`, which is not tuned, in {', in '.join(shipped)}."
        )


def _turned(found: Mapping[str, Share], scored: Share) -> str:
    """The assumptions under which another side is ahead in most worlds than as calibrated, by that side."""
    sides = {name: side_of(share) for name, share in found.items()}
    words = []
    for side in ("thin", "premium", "neither"):
        names = [name for name in found if sides[name] == side != side_of(scored)]
        if names:
            words.append(f"{side} with {', '.join(names)}")
    if not words and side_of(scored) == "neither":
        return "under none of them can it be told which side is ahead in most worlds"
    if not words:
        return "none changes which side is ahead in most worlds"
    return f"which side is ahead in most worlds changes to {'; to '.join(words)}"


def calibrated_words(result: PhaseMapResult) -> str:
    """Where the calibrated firm lies; it is on every map, in the row they share."""
    gap = calibrated_difference(result.maps[0])
    others = " and ".join(
        f"{gain_words(calibrated_difference(result.others[rule.name][0]))} {IF[rule.name]}" for rule in OTHERS
    )
    return (
        f"The calibrated firm (price slope {CALIBRATED.price_slope:.2f}, services 1x, owners who discount at"
        f" {100.0 * CALIBRATED.discount_rate:g} % a year) lies on the {'thin' if gap >= 0.0 else 'premium'} side,"
        f" {IF[SCORED_RULE.name]}: between the cells, thin earns RMB {abs(gap):.0f} bn"
        f" {'more' if gap >= 0.0 else 'less'} than premium ({others})."
    )
