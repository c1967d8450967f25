"""Money from users: games, advertising, cloud, streaming, themes."""

from __future__ import annotations

from thinmargin.economics.compiled import mechanism


@mechanism
def monetisation(user_years: float, services_half: float) -> float:
    """Share of the services ceiling that is earned, by cumulative user-years.

    Formula:
        monetised = user_years / (user_years + services_half)

    Shops, advertisers and games come with experience. A curve in users instead put revenue per user
    50-100 % too high in the early years.
    """
    return user_years / (user_years + services_half)


@mechanism
def services_revenue(active_users: float, services_ceiling: float, engagement: float, monetised: float) -> float:
    """Services revenue of a region and month, RMB m; `active_users` are owners and second users.

    Formula:
        services = active_users * services_ceiling / 12 * engagement * monetised
    """
    return active_users * services_ceiling * (1.0 / 12.0) * engagement * monetised


@mechanism
def services_margin(
    services: float, services_margin: float, services_margin_late: float, services_margin_scale: float
) -> float:
    """Gross margin on services: advertising, which needs no partner's share, grows with a year's revenue.

    Formula:
        year = 12 * services
        grown = year / (year + services_margin_scale)
        margin_services = services_margin + (services_margin_late - services_margin) * grown
    """
    year = 12.0 * services
    return services_margin + (services_margin_late - services_margin) * year / (year + services_margin_scale)
