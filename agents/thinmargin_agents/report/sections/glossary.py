"""The terms of the page, for first-time readers."""

from __future__ import annotations

from thinmargin.baselines import BASELINES
from thinmargin.names import policy_name
from thinmargin.parameters import Parameters
from thinmargin.records import LEVERS
from thinmargin.simulation import CLOSING_MONTHS
from thinmargin_agents.policies.shipped import manifest_of, trained_names
from thinmargin_agents.report.roles import Player
from thinmargin_agents.report.words import number
from thinmargin_agents.scoring import statistics
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES, ClosingRule
from thinmargin_agents.scoring.score import FORESIGHT, TUNED


def terms(scored: ClosingRule) -> dict[str, str]:
    """Term and meaning, in the order a reader needs them; `scored` is the closing rule that J is told under."""
    rate = 100.0 * Parameters().discount_rate
    return {
        "world": "one possible market and one course of luck: hidden constants of customers, rivals and costs, and"
        " every shock of every month, drawn before anything is decided. All policies play the same worlds.",
        "policy": f"what decides every month: from what a chief executive can see, it sets {len(LEVERS)} levers:"
        f" {', '.join(lever.meaning for lever in LEVERS)}.",
        "J": "what a policy makes of a world, RMB bn: after-tax profits of the years run plus the closing value,"
        f" discounted by {number(rate, 0)} % a year; the first month counts in full.",
        "closing value": f"what the firm is worth at the end: the discounted profits of {CLOSING_MONTHS} further months"
        " without shocks, and what the users then left are worth to a firm that has stopped; never less than nothing,"
        " and nothing for a bankrupt firm.",
        "closing rule": "what is played in those months. Every play is told under three: "
        + "; ".join(f"{rule.head}, {rule.meaning}" for rule in CLOSING_RULES.values())
        + f". Scored is {scored.head}.",
        "score": f"100 x (mean J - mean J of {policy_name(TUNED)}) / (mean J of {policy_name(FORESIGHT)} - mean J of"
        f" {policy_name(TUNED)}): 0 is the simple"
        " rule at its best, 100 the best plan known; more than 100 and less than 0 are possible.",
        policy_name(
            FORESIGHT
        ): "for each world the best plan known to someone who knows its future. It is the best found, not the"
        " best possible, and no policy: nobody can play it without knowing the future.",
        "95 % interval": "percentile bootstrap over worlds; with several training seeds, seeds and worlds are resampled"
        " as units of their own. It says how far the mean could be off with other worlds and another training, not how"
        f" far apart single worlds are. Of fewer than {statistics.MIN_UNITS} worlds, or of fewer seeds for seeds alone,"
        " there is no interval: it would be too narrow.",
        "P(better)": "share of worlds in which a policy earns more than another; half of the ties count.",
        "IQM": "interquartile mean: the mean of the middle half, which no outlier moves.",
        "band": "from the 10th to the 90th percentile of the worlds; a line is their median.",
        "bankrupt": "cash below what investors lend: the episode ends, and so does J.",
        "at limit": "share of months in which a lever is asked for at an end of its range.",
        "markup": "price over unit cost, less one.",
        "accessory tickets": "money put into young makers of accessories, which sell under the firm's brand later.",
        "services": "games, advertising, cloud and themes on the phones in use.",
        "fans": "users who evangelise and help to develop the software.",
    }


def about(player: Player) -> str:
    """A policy in one sentence."""
    if player.name in BASELINES:
        found = BASELINES[player.name]
        return f"{found.meaning} ({found.source})"
    if player.knows_future:
        return "the best plan known for each world given its future; not a policy, and not a bound"
    if player.name in trained_names():
        return manifest_of(player.name).meaning
    if player.is_run:
        seeds = [str(seed) for seed in player.result.seeds if seed is not None]
        count = len(player.result.seeds)
        known = f"; training seeds: {', '.join(seeds)}" if seeds else ""
        return f"a trained policy of {count} {'run' if count == 1 else 'runs'}{known}"
    return "a policy from outside this package"
