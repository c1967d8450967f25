"""Money from users: games, advertising, cloud, streaming, themes."""

from __future__ import annotations

from thinmargin.economics.compiled import mechanism


@mechanism
def monetisation(user_years: float, half: float) -> float:
    """Share of the services ceiling that is earned: Z / (Z + z0), Z = cumulative user-years.

    Shops, advertisers and games come with experience. A curve in users instead put revenue per user
    50-100 % too high in the early years.
    """
    return user_years / (user_years + half)


@mechanism
def services_revenue(users: float, ceiling: float, engagement: float, monetised: float) -> float:
    """Services revenue of a region and month, RMB m: U a / 12 E mon."""
    return users * ceiling * (1.0 / 12.0) * engagement * monetised
