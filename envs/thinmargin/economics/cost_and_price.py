"""Cost and price of a phone."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import mechanism


@mechanism
def experience_curve(output: float, experience: float, learning: float, incompressible: float) -> float:
    """Share of the first unit's cost left after `output` m units.

    Formula:
        curve = incompressible + (1 - incompressible) * (1 + output / experience)^-learning

    Experience curve (Wright 1936) with a share of cost that experience cannot touch (De Jong 1957);
    exponent of electronics after Irwin & Klenow (1994).
    """
    return incompressible + (1.0 - incompressible) * math.pow(1.0 + output / experience, -learning)


@mechanism
def component_price(month: float, component_shock: float, spec_drift: float) -> float:
    """Price level of components against January 2012.

    Formula:
        components = exp(spec_drift * month + component_shock)
    """
    return math.exp(spec_drift * month + component_shock)


@mechanism
def model_life_cost(month: float, model_decline: float) -> float:
    """Cost of this month over list unit cost, by the months since the model's launch.

    Formula:
        age = month mod 12
        life = exp(model_decline * (5.5 - age))

    After overhead, a markup of 0-5 % loses money in a model's first six months and earns in the next six.
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
def list_price(unit_cost: float, markup: float) -> float:
    """Price in RMB.

    Formula:
        price = (1 + markup) * unit_cost
    """
    return (1.0 + markup) * unit_cost


@mechanism
def capped_markup(hardware_cap: float, tax_rate: float, overhead: float, model_decline: float) -> float:
    """Highest markup at which hardware earns at most `hardware_cap` after overhead and tax in every month.

    Formula:
        left = 1 - hardware_cap / (1 - tax_rate) - overhead
        highest = exp(-5.5 * model_decline) / left - 1 if left > 0 else inf

    It holds in the cheapest month of a model's life (age 11) and counts no selling cost, so that what
    is pledged to users is kept whatever the firm spends. `overhead` is a share of revenue.
    """
    left = 1.0 - hardware_cap / (1.0 - tax_rate) - overhead
    return math.exp(-5.5 * model_decline) / left - 1.0 if left > 0.0 else math.inf
