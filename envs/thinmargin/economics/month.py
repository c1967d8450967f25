"""One month in order. `advance` is the only function that writes state; no other module does."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import Record, mechanism
from thinmargin.economics.cost_and_price import (
    dearness,
    experience_curve,
    list_price,
    markup_step,
    model_life_cost,
    passed_step,
    range_at_home,
    range_drift,
    specification,
)
from thinmargin.economics.demand import (
    adopters,
    affordability,
    haste,
    offer_weight,
    owners_in_market,
    owners_rate,
    price_utility,
    replacement_rate,
    second_users_step,
    stickiness,
)
from thinmargin.economics.finance import credit_line, funding_cost, income_tax, release_cost, research
from thinmargin.economics.loyalty import (
    engagement_step,
    fan_step,
    fan_target,
    imitation_step,
    update_satisfaction,
)
from thinmargin.economics.marketing import adstock_step, awareness, coverage_step, reach_overseas, voice
from thinmargin.economics.services import monetisation, services_margin, services_revenue
from thinmargin.economics.supply import capacity_step, forecast_step, holding_cost, production
from thinmargin.economics.ventures import (
    accessory_margin,
    accessory_revenue,
    breadth_step,
    catalogue,
    gestation_flow,
    ventures_started,
)
from thinmargin.records import (
    ACCESSORIES,
    FIRMS,
    HOME,
    LEVER_COUNT,
    MARKETING,
    OVERSEAS,
    OWN_MONTHS,
    PRICE,
    REGIONS,
    SEAT,
    UPDATES,
)

TRAILING = 1.0 / 6.0
"""Weight of the newest month in trailing revenue."""
YEARS = 1.0 / 12.0
"""Years in a month."""


@mechanism
def advance(state: Record, p: Record, shock: Record, flows: Record) -> None:
    """Run one month for every firm.

    `flows.lever` holds what each firm does (target markup, tickets and selling spend as shares of
    trailing revenue, releases); everything else in `flows` is written, then `state` moves on a month.
    """
    set_prices(state, p, shock, flows)
    spend(state, p, flows)
    size_markets(state, p, shock, flows)
    share_markets(state, p, shock, flows)
    make_and_sell(state, p, shock, flows)
    keep_books(state, p, shock, flows)
    move_users(state, p, flows)
    extend_credit(state, p, flows)
    move_loyalty(state, p, flows)
    move_channels(state, p, flows)
    move_ventures(state, p, shock, flows)
    move_prices(state, p, flows)
    remember_levers(state, flows)
    state.month += 1.0


@mechanism
def set_prices(state: Record, p: Record, shock: Record, flows: Record) -> None:
    """Markups move towards their targets; experience and components give cost, cost gives price.

    Formula:
        base_cost = firm_unit_cost * curve * better
        unit_cost = base_cost * (1 + dear)
        realised_cost = unit_cost * life
    """
    flows.dear = dearness(shock.component)
    flows.better = specification(state.month, p.spec_drift)
    age = model_life_cost(state.month, p.model_decline)
    for i in range(FIRMS):
        state.markup[i] = markup_step(state.markup[i], flows.lever[i, PRICE], p.markup_speed)
        curve = experience_curve(state.output[i], p.firm_experience[i], p.learning, p.incompressible)
        state.base_cost[i] = p.firm_unit_cost[i] * curve * flows.better
        state.unit_cost[i] = state.base_cost[i] * (1.0 + flows.dear)
        flows.realised_cost[i] = state.unit_cost[i] * age
        state.price[i] = list_price(state.base_cost[i], state.markup[i], flows.dear, state.passed, p.pass_through)


@mechanism
def spend(state: Record, p: Record, flows: Record) -> None:
    """Money of the month out of trailing revenue, and satisfaction with the updates.

    Formula:
        base = trailing_revenue + spending_floor
        marketing = lever_marketing * base
        tickets = lever_accessories * base
    """
    for i in range(FIRMS):
        base = state.trailing_revenue[i] + p.spending_floor
        users = state.users[i, HOME] + state.users[i, OVERSEAS]
        cadence = flows.lever[i, UPDATES]
        flows.marketing[i] = flows.lever[i, MARKETING] * base
        flows.tickets[i] = flows.lever[i, ACCESSORIES] * base
        flows.releases[i] = release_cost(cadence, users, p.release_cost, p.release_base)
        flows.satisfaction[i] = update_satisfaction(
            cadence, users, state.fans[i] / p.fan_ceiling, p.update_scale, p.bug_rate, p.bug_base, p.codevelopment
        )  # fmt: skip


@mechanism
def size_markets(state: Record, p: Record, shock: Record, flows: Record) -> None:
    """First-time adopters and owners whose phone is due, in each region.

    Formula:
        boom = exp(demand_shock)
        climate = affordability * boom
        wanting = due * haste
        owners = sum over firms of users
        market = adopters + in_market * owners
    """
    due = replacement_rate(state.month, p.device_life, p.device_life_growth)
    for r in range(REGIONS):
        climate = affordability(state.price_index[r], p.category_elasticity)
        hurry = climate  # a power costs more than a comparison
        if p.replacement_elasticity != p.category_elasticity:
            hurry = haste(state.price_index[r], p.replacement_elasticity)
        wanting = due * hurry
        boom = math.exp(shock.demand[r])
        users = 0.0
        for i in range(FIRMS):
            users += state.users[i, r]
        flows.adopters[r] = adopters(
            users, p.users_ceiling[r], p.adoption_innovation, p.adoption_imitation[r], climate * boom
        )
        flows.in_market[r] = owners_rate(wanting, boom)
        flows.market[r] = flows.adopters[r] + flows.in_market[r] * users


@mechanism
def share_markets(state: Record, p: Record, shock: Record, flows: Record) -> None:
    """Shares of buyers by logit, with owners pulled to their own brand.

    Formula:
        heard_all = sum over firms of heard
        brand = firm_brand + brand_shock
        weight = coverage * offer
        share = weight / sum over firms of weight
        wanted = share * (stickiness * leaving + leaving of the other firms + adopters)
    """
    for i in range(FIRMS):
        flows.price_worth[i] = price_utility(state.price[i], p.price_slope)
        flows.attach[i] = catalogue(state.breadth[i], p.breadth_scale)
        flows.stickiness[i] = stickiness(p.inertia, p.inertia_span, state.fans[i], p.fan_ceiling, flows.attach[i])
    for r in range(REGIONS):
        total = 0.0
        heard_all = 0.0
        for i in range(FIRMS):
            flows.heard[i, r] = voice(state.adstock[i, r], p.word_of_mouth, state.fans[i], state.users[i, r])
            heard_all += flows.heard[i, r]
        for i in range(FIRMS):
            flows.weight[i, r] = 0.0
            if state.coverage[i, r] > 0.0:
                known = awareness(flows.heard[i, r], heard_all, state.reach[i, r], p.voice_half, p.awareness_span)
                flows.weight[i, r] = state.coverage[i, r] * offer_weight(
                    p.firm_brand[i, r] + shock.brand[i], flows.price_worth[i], known, state.imitation[i, r]
                )
            total += flows.weight[i, r]
        leaving = 0.0
        per_weight = 1.0 / total
        for i in range(FIRMS):
            flows.share[i, r] = flows.weight[i, r] * per_weight
            flows.leaving[i, r] = owners_in_market(
                state.users[i, r], flows.in_market[r], flows.share[i, r], flows.stickiness[i]
            )
            leaving += flows.leaving[i, r]
        for i in range(FIRMS):
            own = flows.leaving[i, r] * flows.stickiness[i]
            others = leaving - flows.leaving[i, r]
            flows.wanted[i, r] = flows.share[i, r] * (own + others + flows.adopters[r])


@mechanism
def make_and_sell(state: Record, p: Record, shock: Record, flows: Record) -> None:
    """Production within capacity, sales within stock; who is not served keeps the old phone.

    Production and excess stock are reckoned with the forecast that the month began with; the new one is for capacity
    and the next month.

    Formula:
        usable_capacity = capacity * supply_shock
        sales = min(wanted, inventory + production)
        fill_rate = sales / wanted if wanted > 0 else 1
        inventory' = inventory + production - sales
        output' = output + sales
    """
    for i in range(FIRMS):
        wanted = flows.wanted[i, HOME] + flows.wanted[i, OVERSEAS]
        stock = state.inventory[i]
        capacity = state.capacity[i] * shock.supply[i]
        flows.production[i] = production(capacity, state.forecast[i], stock, p.cover_months)
        flows.sales[i] = min(wanted, stock + flows.production[i])
        flows.fill_rate[i] = flows.sales[i] / wanted if wanted > 0.0 else 1.0
        state.inventory[i] = stock + flows.production[i] - flows.sales[i]
        state.output[i] += flows.sales[i]
        flows.holding[i] = holding_cost(
            state.inventory[i], state.forecast[i], p.cover_months, state.unit_cost[i], p.holding
        )
        forecast = forecast_step(state.forecast[i], wanted, p.forecast_months)
        state.capacity[i] = capacity_step(
            state.capacity[i], forecast, forecast - state.forecast[i], p.headroom,
            p.capacity_months_up, p.capacity_months_down,
        )  # fmt: skip
        state.forecast[i] = forecast


@mechanism
def keep_books(state: Record, p: Record, shock: Record, flows: Record) -> None:
    """Revenue, gross profit, spending, funding cost, tax and cash of every firm.

    Phones are a cost when they are sold; of what lies in stock the share `stock_paid` has cost cash already, the rest
    suppliers wait for.

    Formula:
        home_range = dearer_home
        range_abroad = dearer_home * ratio
        range_sold = home_range * (sales - sales_overseas) + range_abroad * sales_overseas
        device_revenue = range_sold * price
        device_profit = range_sold * (price - realised_cost)
        revenue_overseas = range_abroad * sales_overseas * price + accessories and services overseas
        accessory_profit = margin * accessory_revenue
        services_profit = margin_services * services_revenue
        revenue = device_revenue + accessory_revenue + services_revenue
        gross_profit = device_profit + accessory_profit + services_profit
        overhead = (researched + admin_share) * revenue + fixed_cost
        operating_profit = gross_profit - marketing - tickets - releases - overhead - holding
        pretax = operating_profit - interest
        profit = pretax - tax
        stock = stock_paid * realised_cost * (production - sales)
        to_owners = profit - stock
        cash' = cash + to_owners
        trailing_revenue' = trailing_revenue + (revenue - trailing_revenue) / 6
    """
    overhead = research(state.month, p) + p.admin_share
    ratio = range_drift(state.month, p.range_gap, p.range_start)
    home_range = range_at_home(ratio, p.range_mix)
    range_abroad = home_range * ratio
    for i in range(FIRMS):
        services = 0.0
        accessories = 0.0
        users = 0.0
        abroad = flows.wanted[i, OVERSEAS] * flows.fill_rate[i]
        range_sold = home_range * (flows.sales[i] - abroad) + range_abroad * abroad
        devices = range_sold * state.price[i]
        revenue_overseas = range_abroad * abroad * state.price[i]
        for r in range(REGIONS):
            earned = monetisation(state.user_years[i, r], p.services_half)
            served = shock.services * services_revenue(
                state.users[i, r] + state.second_users[i, r], p.services_ceiling[r], state.engagement[i], earned
            )
            equipped = accessory_revenue(state.users[i, r], p.accessory_ceiling[r], flows.attach[i])
            services += served
            accessories += equipped
            users += state.users[i, r]
            if r == OVERSEAS:
                revenue_overseas += served + equipped
        flows.sales_overseas[i] = abroad
        flows.revenue_overseas[i] = revenue_overseas
        revenue = devices + accessories + services
        flows.device_revenue[i] = devices
        flows.accessory_revenue[i] = accessories
        flows.services_revenue[i] = services
        flows.revenue[i] = revenue
        flows.device_profit[i] = range_sold * (state.price[i] - flows.realised_cost[i])
        flows.accessory_profit[i] = accessories * accessory_margin(accessories, p.accessory_margin, p.accessory_scale)
        flows.services_profit[i] = services * services_margin(
            services, p.services_margin, p.services_margin_late, p.services_margin_scale
        )
        flows.gross_profit[i] = flows.device_profit[i] + flows.accessory_profit[i] + flows.services_profit[i]
        flows.overhead[i] = overhead * revenue + p.fixed_cost
        flows.operating_profit[i] = (
            flows.gross_profit[i]
            - flows.marketing[i]
            - flows.tickets[i]
            - flows.releases[i]
            - flows.overhead[i]
            - flows.holding[i]
        )
        line = credit_line(users, p.credit_floor, p.credit_per_user)
        flows.interest[i] = funding_cost(state.cash[i], line, p.debt_rate, p.debt_spread)
        pretax = flows.operating_profit[i] - flows.interest[i]
        flows.tax[i] = income_tax(pretax, p.tax_rate)
        flows.profit[i] = pretax - flows.tax[i]
        flows.stock[i] = p.stock_paid * flows.realised_cost[i] * (flows.production[i] - flows.sales[i])
        flows.to_owners[i] = flows.profit[i] - flows.stock[i]
        state.cash[i] += flows.to_owners[i]
        state.trailing_revenue[i] += (revenue - state.trailing_revenue[i]) * TRAILING


@mechanism
def move_users(state: Record, p: Record, flows: Record) -> None:
    """Served buyers change hands, their old phones find second users; no owner appears or vanishes.

    Formula:
        served = share * fill_rate
        newcomers = served * (leaving of the other firms + adopters)
        lost = leaving * sum over the other firms of served
        due = leaving * (1 + share * (stickiness - 1))
        again = served * stickiness * leaving
        replaced = lost + again
        retained = again in both regions / due in both regions if due in both regions > 0 else 0
        users' = users + newcomers - lost
        user_years' = user_years + (users + second_users) / 12
    """
    rate = replacement_rate(state.month, p.device_life, p.device_life_growth)
    for r in range(REGIONS):
        leaving = 0.0
        served = 0.0
        for i in range(FIRMS):
            leaving += flows.leaving[i, r]
            served += flows.share[i, r] * flows.fill_rate[i]
        for i in range(FIRMS):
            own = flows.share[i, r] * flows.fill_rate[i]
            won = own * (leaving - flows.leaving[i, r])
            flows.newcomers[i, r] = won + own * flows.adopters[r]
            flows.lost[i, r] = flows.leaving[i, r] * (served - own)
            flows.due[i, r] = flows.leaving[i, r] * (1.0 + flows.share[i, r] * (flows.stickiness[i] - 1.0))
            flows.again[i, r] = own * flows.leaving[i, r] * flows.stickiness[i]
            flows.replaced[i, r] = flows.lost[i, r] + flows.again[i, r]
    for i in range(FIRMS):
        due = 0.0
        again = 0.0
        for r in range(REGIONS):
            due += flows.due[i, r]
            again += flows.again[i, r]
            state.user_years[i, r] += (state.users[i, r] + state.second_users[i, r]) * YEARS
            state.users[i, r] += flows.newcomers[i, r] - flows.lost[i, r]
            state.second_users[i, r] = second_users_step(
                state.second_users[i, r], flows.replaced[i, r], p.second_life, rate
            )
        flows.retained[i] = again / due if due > 0.0 else 0.0


@mechanism
def extend_credit(state: Record, p: Record, flows: Record) -> None:
    """Credit line at the end of the month, by the users then there."""
    for i in range(FIRMS):
        users = state.users[i, HOME] + state.users[i, OVERSEAS]
        flows.credit_line[i] = credit_line(users, p.credit_floor, p.credit_per_user)


@mechanism
def move_loyalty(state: Record, p: Record, flows: Record) -> None:
    """Fans, engagement, and imitation by the others."""
    for i in range(FIRMS):
        newcomers = flows.newcomers[i, HOME] + flows.newcomers[i, OVERSEAS]
        old_users = max(state.users[i, HOME] + state.users[i, OVERSEAS] - newcomers, 0.0)  # a difference: rounded
        target = fan_target(
            p.fan_ceiling, p.fan_constant, p.firm_fan_appeal[i], p.fan_value, p.fan_reference_markup,
            state.markup[i], p.fan_updates, flows.satisfaction[i], p.fan_stockout, flows.fill_rate[i],
        )  # fmt: skip
        state.fans[i] = fan_step(state.fans[i], old_users, newcomers, target, p.fan_months_up, p.fan_months_down)
        state.engagement[i] = engagement_step(
            state.engagement[i], flows.satisfaction[i], p.engagement_floor, p.engagement_span, p.engagement_months
        )  # fmt: skip
        for r in range(REGIONS):
            state.imitation[i, r] = imitation_step(
                state.imitation[i, r], flows.wanted[i, r] * flows.fill_rate[i], flows.market[r] * state.reach[i, r],
                p.imitation_strength, p.imitation_months,
            )  # fmt: skip


@mechanism
def move_channels(state: Record, p: Record, flows: Record) -> None:
    """Adstock and coverage; overseas channels are built from the firm's entry on.

    Formula:
        abroad = overseas_effort * reach overseas
        effort = marketing * abroad overseas, marketing * (1 - abroad) at home
    """
    for i in range(FIRMS):
        overseas = p.overseas_effort * state.reach[i, OVERSEAS]
        for r in range(REGIONS):
            effort = flows.marketing[i] * (overseas if r == OVERSEAS else 1.0 - overseas)
            state.adstock[i, r] = adstock_step(state.adstock[i, r], effort, p.adstock_carryover)
            opened = 0.0
            if state.reach[i, r] < 1.0:
                opened = reach_overseas(state.month + 1.0, p, i) - state.reach[i, r]
            state.coverage[i, r] = coverage_step(
                state.coverage[i, r], effort, state.reach[i, r], opened, p.firm_online[i],
                p.coverage_rate, p.coverage_scale, p.coverage_decay,
            )  # fmt: skip
            state.reach[i, r] += opened


@mechanism
def move_ventures(state: Record, p: Record, shock: Record, flows: Record) -> None:
    """Tickets become ventures, ventures become a catalogue `gestation` months later on average.

    Formula:
        seeded' = seeded + started - halfway
        growing' = growing + halfway - arriving
    """
    for i in range(FIRMS):
        started = ventures_started(flows.tickets[i], p.ticket, p.venture_success, p.deal_flow)
        halfway = gestation_flow(state.seeded[i], p.gestation)
        arriving = gestation_flow(state.growing[i], p.gestation)
        state.seeded[i] += started - halfway
        state.growing[i] += halfway - arriving
        state.breadth[i] = breadth_step(state.breadth[i], arriving, shock.hit, p.obsolescence)


@mechanism
def move_prices(state: Record, p: Record, flows: Record) -> None:
    """Share-weighted price of each region over its start, which buyers see next month; prices catch up with costs.

    Formula:
        price_index' = region_price / price_index_start / better

    Better phones cost more and are worth it: the drift of the specification is taken out, by the month of the price.
    """
    for r in range(REGIONS):
        state.price_index[r] = region_price(state, flows, r) / (state.price_index_start[r] * flows.better)
    state.passed = passed_step(state.passed, flows.dear, p.pass_months)


@mechanism
def remember_levers(state: Record, flows: Record) -> None:
    """Keep the levers that the seat applied, in a ring, and their sum: the markup reached, the other three as asked."""
    place = int(state.month) % OWN_MONTHS
    for lever in range(LEVER_COUNT):
        applied = state.markup[SEAT] if lever == PRICE else flows.lever[SEAT, lever]
        state.own_sum[lever] += applied - state.own_levers[place, lever]
        state.own_levers[place, lever] = applied


@mechanism
def own_mean(state: Record, lever: int) -> float:
    """Mean of a lever over the last months run, at most OWN_MONTHS of them; before the first, the start's markup.

    Formula:
        own = own_sum / min(month, OWN_MONTHS)
    """
    if state.month == 0.0:
        return state.markup[SEAT] if lever == PRICE else 0.0
    own: float = state.own_sum[lever] / min(state.month, OWN_MONTHS)
    return own


@mechanism
def region_price(state: Record, flows: Record, r: int) -> float:
    """Share-weighted list price of region r, RMB.

    Formula:
        region_price = sum over firms of share * price
    """
    index = 0.0
    for i in range(FIRMS):
        index += flows.share[i, r] * state.price[i]
    return index
