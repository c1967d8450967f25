"""Demand for phones, by first-time buyers and by owners."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import mechanism


@mechanism
def affordability(level: float, category_elasticity: float) -> float:
    """Factor by which the price level speeds first-time adoption.

    Formula:
        affordability = level^category_elasticity

    `level` is last month's share-weighted price of the region over its start, the drift of the specification taken out.
    """
    return math.exp(category_elasticity * math.log(level))


@mechanism
def haste(level: float, replacement_elasticity: float) -> float:
    """Factor by which the price level speeds replacement: owners wait when phones are dear (Gordon 2009).

    Formula:
        haste = level^replacement_elasticity
    """
    return math.exp(replacement_elasticity * math.log(level))


@mechanism
def adopters(
    owners: float, users_ceiling: float, adoption_innovation: float, adoption_imitation: float, climate: float
) -> float:
    """First-time users of a region and month, millions (Bass 1969).

    Formula:
        left = max(users_ceiling - owners, 0)
        hazard = (adoption_innovation + adoption_imitation * owners / users_ceiling) / 12
        adopters = min(hazard * climate, 1) * left

    `owners` are those of all firms in the region, `climate` is affordability times the demand shock; there are
    never more adopters than are left.
    """
    left = max(users_ceiling - owners, 0.0)
    hazard = (adoption_innovation + adoption_imitation * owners / users_ceiling) * (1.0 / 12.0)
    return min(hazard * climate, 1.0) * left


@mechanism
def replacement_rate(month: float, device_life: float, device_life_growth: float) -> float:
    """Share of owners whose phone is due in a month.

    Formula:
        due = 1 / (device_life + device_life_growth * month / 12)
    """
    return 1.0 / (device_life + device_life_growth * month * (1.0 / 12.0))


@mechanism
def owners_rate(wanting: float, boom: float) -> float:
    """Share of owners in the market in a month of boom or slump: at most all of them.

    Formula:
        in_market = min(wanting * boom, 1)

    `wanting` is the share whose phone is due, times the haste that prices make.
    """
    return min(wanting * boom, 1.0)


@mechanism
def second_users_step(second_users: float, replaced: float, second_life: float, due: float) -> float:
    """Second users after a month, millions.

    Formula:
        second_users' = second_users + second_life * replaced - due * second_users

    A share of the phones replaced finds a second user, who is active for as long as a first one but buys
    nothing new: active users grow faster than sales alone explain.
    """
    return second_users + second_life * replaced - due * second_users


@mechanism
def price_utility(price: float, price_slope: float) -> float:
    """Utility of a price to a buyer.

    Formula:
        price_worth = -price_slope * ln(price / 1000)
    """
    return -price_slope * math.log(price * 0.001)


@mechanism
def offer_weight(brand: float, price_worth: float, awareness: float, imitation: float) -> float:
    """Logit weight of an offer where it is on sale (Guadagni & Little 1983); coverage multiplies it.

    Formula:
        offer = exp(brand + price_worth + awareness - imitation)
    """
    return math.exp(brand + price_worth + awareness - imitation)


@mechanism
def stickiness(inertia: float, inertia_span: float, fans: float, fan_ceiling: float, attach: float) -> float:
    """Weight of owners for their own brand.

    Formula:
        stickiness = exp(inertia + inertia_span * (fans / fan_ceiling + attach))

    State dependence (Dube, Hitsch & Rossi 2010): fans and a home full of accessories bind alike.
    """
    return math.exp(inertia + inertia_span * (fans / fan_ceiling + attach))


@mechanism
def owners_in_market(users: float, in_market: float, share: float, stickiness: float) -> float:
    """Owners of a firm in the market per unit of weight, millions.

    Formula:
        leaving = in_market * users / (1 + share * (stickiness - 1))

    Times the share of another firm it is the flow to that firm, times share and stickiness of the own firm it is the
    owners who stay.
    """
    return in_market * users / (1.0 + share * (stickiness - 1.0))


@mechanism
def repurchase_rate(share: float, stickiness: float) -> float:
    """Share of own owners in the market who buy again.

    Formula:
        repurchase = share * stickiness / (1 + share * (stickiness - 1))
    """
    return share * stickiness / (1.0 + share * (stickiness - 1.0))
