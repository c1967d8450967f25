"""Making phones: little stock, slow capacity, lost sales (Sterman, Henderson, Beinhocker & Newman 2007)."""

from __future__ import annotations

from thinmargin.economics.compiled import mechanism


@mechanism
def production(capacity: float, forecast: float, inventory: float, cover_months: float) -> float:
    """Phones made in the month, millions.

    Formula:
        production = min(capacity, max(forecast + (cover_months * forecast - inventory) / 2, 0))
    """
    return min(capacity, max(forecast + 0.5 * (cover_months * forecast - inventory), 0.0))


@mechanism
def forecast_step(forecast: float, wanted: float, forecast_months: float) -> float:
    """Demand expected, millions a month: exponential smoothing of the demand met with.

    Formula:
        forecast' = forecast + (wanted - forecast) / forecast_months
    """
    return forecast + (wanted - forecast) / forecast_months


@mechanism
def capacity_step(
    capacity: float,
    forecast: float,
    growth: float,
    headroom: float,
    capacity_months_up: float,
    capacity_months_down: float,
) -> float:
    """Capacity after a month, millions of phones a month: slower down than up.

    Formula:
        needed = headroom * (forecast + max(growth, 0) * capacity_months_up)
        months = capacity_months_up if needed > capacity else capacity_months_down
        capacity' = capacity + (needed - capacity) / months

    `forecast` is the new one and `growth` how much it has moved.
    """
    needed = headroom * (forecast + max(growth, 0.0) * capacity_months_up)
    return capacity + (needed - capacity) / (capacity_months_up if needed > capacity else capacity_months_down)


@mechanism
def holding_cost(inventory: float, forecast: float, cover_months: float, unit_cost: float, holding: float) -> float:
    """Cost of excess stock, RMB m: normal write-downs are in gross margins already.

    Formula:
        holding_cost = holding * max(inventory - cover_months * forecast, 0) * unit_cost
    """
    return holding * max(inventory - cover_months * forecast, 0.0) * unit_cost
