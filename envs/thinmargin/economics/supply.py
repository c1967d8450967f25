"""Making phones: little stock, slow capacity, lost sales (Sterman, Henderson, Beinhocker & Newman 2007)."""

from __future__ import annotations

from thinmargin.economics.compiled import mechanism


@mechanism
def production(capacity: float, forecast: float, inventory: float, cover: float) -> float:
    """Phones made in the month, millions: min(K, max(0, Fc + (cover Fc - I) / 2))."""
    return min(capacity, max(forecast + 0.5 * (cover * forecast - inventory), 0.0))


@mechanism
def forecast_step(forecast: float, wanted: float, months: float) -> float:
    """Demand expected, millions a month: exponential smoothing of what was wanted."""
    return forecast + (wanted - forecast) / months


@mechanism
def capacity_step(
    capacity: float, forecast: float, growth: float, headroom: float, months_up: float, months_down: float
) -> float:
    """Capacity: K + (K* - K) / tau, K* = head-room (Fc + max(growth, 0) tau_up); slower down than up."""
    wanted = headroom * (forecast + max(growth, 0.0) * months_up)
    return capacity + (wanted - capacity) / (months_up if wanted > capacity else months_down)


@mechanism
def holding_cost(inventory: float, forecast: float, cover: float, unit_cost: float, rate: float) -> float:
    """Cost of stock above the cover wanted, RMB m: normal write-downs are in gross margins already."""
    return rate * max(inventory - cover * forecast, 0.0) * unit_cost
