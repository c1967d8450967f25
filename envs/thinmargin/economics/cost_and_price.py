"""Cost and price of a phone."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import mechanism

CHEAPEST = 0.25
"""Share of their normal price below which components never fall: no markup of the lever makes a price of nothing."""


@mechanism
def experience_curve(output: float, experience: float, learning: float, incompressible: float) -> float:
    """Share of the first unit's cost left after `output` m units.

    Formula:
        curve = incompressible + (1 - incompressible) * (1 + output / experience)^-learning

    Experience curve (Wright 1936) with a share of cost that experience cannot touch (De Jong 1957);
    exponent of electronics after Irwin & Klenow (1994).
    """
    return incompressible + (1.0 - incompressible) * math.exp(-learning * math.log(1.0 + output / experience))


@mechanism
def specification(month: float, spec_drift: float) -> float:
    """Cost of the phone of this month over that of January 2012, at the same price of components.

    Formula:
        better = exp(spec_drift * month)
    """
    return math.exp(spec_drift * month)


@mechanism
def dearness(component_shock: float) -> float:
    """Share by which components are dearer than normal; negative when they are cheaper.

    Formula:
        dear = max(exp(component_shock), CHEAPEST) - 1
    """
    return max(math.exp(component_shock), CHEAPEST) - 1.0


@mechanism
def model_life_cost(month: float, model_decline: float) -> float:
    """Cost of this month over list unit cost, by the months since the model's launch.

    Formula:
        age = month mod 12
        life = exp(model_decline * (5.5 - age))

    After the overhead of the first years, a markup of 0-5 % loses money in a model's first six months and earns in the
    next six; once research has grown, it takes a markup of 2 or 3 % to do so.
    """
    return math.exp(model_decline * (5.5 - month % 12.0))


@mechanism
def markup_step(markup: float, target: float, markup_speed: float) -> float:
    """Markup after one month: it moves to its target by at most `markup_speed`.

    Formula:
        markup' = markup + min(max(target - markup, -markup_speed), markup_speed)
    """
    return markup + min(max(target - markup, -markup_speed), markup_speed)


@mechanism
def list_price(base_cost: float, markup: float, dear: float, passed: float, pass_through: float) -> float:
    """Price in RMB.

    Formula:
        price = base_cost * (1 + markup + pass_through * dear + (1 - pass_through) * passed)

    The markup is over normal cost. Of dearer components a part is passed on at once, the rest as prices catch up
    (`passed`), in RMB and in the end fully: prices follow costs late (Nakamura & Zerom 2010), and nobody earns more on
    a phone because memory is dear.
    """
    return base_cost * (1.0 + markup + pass_through * dear + (1.0 - pass_through) * passed)


@mechanism
def passed_step(passed: float, dear: float, pass_months: float) -> float:
    """Dearness that prices have caught up with, after a month: the next model is priced at the new cost.

    Formula:
        passed' = passed + (dear - passed) / pass_months
    """
    return passed + (dear - passed) / pass_months


@mechanism
def range_drift(month: float, range_gap: float, range_start: float) -> float:
    """Price and cost of a phone sold abroad over those of one sold at home.

    Formula:
        ratio = exp(-range_gap * max(month - range_start, 0))

    The range sold at home gets dearer than the one abroad once the firm has a premium line there. Buyers compare
    prices within a region, where all ranges drift alike: demand does not change.
    """
    return math.exp(-range_gap * (month - range_start)) if month > range_start else 1.0


@mechanism
def range_at_home(ratio: float, range_mix: float) -> float:
    """Price of a phone sold at home over the list price, where `range_mix` of all phones go abroad.

    Formula:
        dearer_home = 1 / (1 + range_mix * (ratio - 1))

    So the mean price of a firm that sells that mix is its list price.
    """
    return 1.0 / (1.0 + range_mix * (ratio - 1.0))


@mechanism
def capped_markup(hardware_cap: float, tax_rate: float, overhead: float, model_decline: float) -> float:
    """Highest markup at which hardware earns at most `hardware_cap` after overhead and tax in every month.

    Formula:
        left = 1 - hardware_cap / (1 - tax_rate) - overhead
        highest = exp(-5.5 * model_decline) / left - 1 if left > 0 else inf

    It holds in the cheapest month of a model's life (age 11) and counts no selling cost, so that what
    is pledged to users is kept whatever the firm spends. `overhead` is a share of revenue.

    It holds at the normal price of components, which the markup is over. When they get cheaper prices follow late, and
    a firm earns more than that for some months, as it earns less when they get dearer: what is pledged is the year.
    """
    left = 1.0 - hardware_cap / (1.0 - tax_rate) - overhead
    return math.exp(-5.5 * model_decline) / left - 1.0 if left > 0.0 else math.inf
