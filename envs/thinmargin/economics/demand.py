"""How many phones are wanted and from whom."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import mechanism


@mechanism
def affordability(price_index: float, elasticity: float) -> float:
    """How much the price level speeds first-time adoption: P^eps.

    `price_index` is the share-weighted price over its start, component drift taken out.
    """
    return math.pow(price_index, elasticity)


@mechanism
def adopters(users: float, ceiling: float, innovation: float, imitation: float, climate: float) -> float:
    """First-time users of the month, millions: (p + q B / M) (M - B) / 12 * climate (Bass 1969).

    `climate` is affordability times the demand shock; never more users than are left.
    """
    left = max(ceiling - users, 0.0)
    hazard = (innovation + imitation * users / ceiling) * (1.0 / 12.0)
    return min(hazard * climate, 1.0) * left


@mechanism
def replacement_rate(month: float, life: float, growth: float) -> float:
    """Share of owners in the market each month: 1 / (L0 + L1 t / 12)."""
    return 1.0 / (life + growth * month * (1.0 / 12.0))


@mechanism
def owners_rate(due: float, boom: float) -> float:
    """Share of owners in the market in a month of boom or slump: h e^d, at most all of them."""
    return min(due * boom, 1.0)


@mechanism
def second_users_step(second_users: float, replaced: float, share: float, rate: float) -> float:
    """Second users after a month: V + w R - h V.

    A share of the phones replaced finds a second user, who is active for as long as a first one but buys
    nothing new: active users grow faster than sales alone explain.
    """
    return second_users + share * replaced - rate * second_users


@mechanism
def price_utility(price: float, slope: float) -> float:
    """What a price is worth to a buyer: -beta ln(p / 1000)."""
    return -slope * math.log(price * 0.001)


@mechanism
def offer_weight(brand: float, price_worth: float, awareness: float, imitation: float) -> float:
    """Logit weight of an offer where it is on sale: exp(xi - beta ln(p / 1000) + awareness - imitation).

    Guadagni & Little (1983); coverage multiplies it.
    """
    return math.exp(brand + price_worth + awareness - imitation)


@mechanism
def stickiness(inertia: float, span: float, fans: float, fan_ceiling: float, attach: float) -> float:
    """Owners' weight for their own brand: exp(l0 + l1 (phi / phi_max + attach)).

    State dependence (Dube, Hitsch & Rossi 2010): fans and a home full of accessories bind alike.
    """
    return math.exp(inertia + span * (fans / fan_ceiling + attach))


@mechanism
def owners_in_market(users: float, rate: float, share: float, sticky: float) -> float:
    """Owners of j in the market per unit of weight: h U_j / (1 + s_j (k_j - 1)).

    Times s_i it is the flow from j to i, times s_j k_j the owners who stay.
    """
    return rate * users / (1.0 + share * (sticky - 1.0))


@mechanism
def repurchase_rate(share: float, sticky: float) -> float:
    """Share of own owners in the market who buy again: s k / (1 + s (k - 1))."""
    return share * sticky / (1.0 + share * (sticky - 1.0))
