"""What a phone costs and what it is sold for."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import mechanism


@mechanism
def experience_curve(output: float, experience: float, learning: float, incompressible: float) -> float:
    """Share of the first unit's cost left after `output` m units: mu + (1 - mu) (1 + X / X0)^-b.

    Experience curve (Wright 1936) with a share of cost that experience cannot touch (De Jong 1957);
    exponent of electronics after Irwin & Klenow (1994).
    """
    return incompressible + (1.0 - incompressible) * math.pow(1.0 + output / experience, -learning)


@mechanism
def component_price(month: float, shock: float, spec_drift: float) -> float:
    """Price level of components against January 2012: exp(g t + s)."""
    return math.exp(spec_drift * month + shock)


@mechanism
def model_life_cost(month: float, decline: float) -> float:
    """Cost of this month over list unit cost: exp(d (5.5 - age)), age = months since the model's launch.

    After overhead, a markup of 0-5 % loses money in a model's first six months and earns in the next six.
    """
    return math.exp(decline * (5.5 - month % 12.0))


@mechanism
def markup_step(markup: float, target: float, speed: float) -> float:
    """Markup after one month: it moves to its target by at most `speed`."""
    return markup + min(max(target - markup, -speed), speed)


@mechanism
def list_price(unit_cost: float, markup: float) -> float:
    """Price in RMB: (1 + m) c."""
    return (1.0 + markup) * unit_cost


@mechanism
def capped_markup(cap: float, tax: float, overhead: float, decline: float) -> float:
    """Highest markup at which hardware earns at most `cap` after overhead and tax in every month.

    It holds in the cheapest month of a model's life (age 11) and counts no selling cost, so that what
    is pledged to users is kept whatever the firm spends: exp(-5.5 d) / (1 - cap / (1 - tax) - overhead) - 1.
    Infinite where overhead alone keeps the pledge.
    """
    left = 1.0 - cap / (1.0 - tax) - overhead
    return math.exp(-5.5 * decline) / left - 1.0 if left > 0.0 else math.inf
