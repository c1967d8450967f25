"""One month of the economy, for every firm of many episodes at once.

Written from docs/model.md and docs/environment.md alone; nothing of the package's equations is imported.
"""

from dataclasses import dataclass, replace

import numpy as np
from tests.second_writing.constants import Array, Named
from tests.second_writing.formulas import (
    accessories_of,
    accessory_margin,
    attach,
    awareness,
    base_cost,
    better,
    credit_line,
    dearness,
    due_rate,
    effort_of,
    fans_deserved,
    imitated,
    life,
    list_price,
    markets,
    price_worth,
    ranges,
    ratio_of,
    reach_of,
    release_cost,
    researched,
    satisfaction_of,
    services_margin,
    services_of,
)
from tests.second_writing.stocks import HOME, OVERSEAS, Levers, State


@dataclass
class Choice:
    """What buyers choose, by firm and region."""

    adopters: Array
    in_market: Array
    market: Array
    share: Array
    stickiness: Array
    leaving: Array
    wanted: Array


@dataclass
class Made:
    """Phones made, sold and not sold by each firm, and what holding them costs."""

    production: Array
    sales: Array
    fill_rate: Array
    holding: Array


@dataclass
class Moved:
    """Users who changed hands, by firm and region."""

    newcomers: Array
    again: Array
    due: Array


def set_prices(c: Named, state: State, target: Array, dear: Array) -> State:
    """Markups move towards their targets; experience and components give cost, cost gives price."""
    markup = state.markup + np.clip(target - state.markup, -c.markup_speed, c.markup_speed)
    cost = base_cost(c, state.output, state.month)
    price = list_price(c, cost, markup, dear, state.passed)
    return replace(state, markup=markup, base_cost=cost, unit_cost=cost * (1 + dear), price=price)


def spend(c: Named, state: State, levers: Levers) -> tuple[dict[str, Array], Array]:
    """Money of the month out of trailing revenue, and satisfaction with the updates."""
    base = state.trailing_revenue + c.spending_floor
    users = state.users.sum(axis=1)
    spent = {
        "marketing": levers.marketing * base,
        "tickets": levers.accessories * base,
        "releases": release_cost(c, levers.updates, users),
    }
    return spent, satisfaction_of(c, levers.updates, users, state.fans / c.fan_ceiling)


def share_markets(c: Named, state: State, shock: Named) -> Choice:
    """Shares of buyers by logit, with owners pulled to their own brand."""
    adopters, in_market = markets(c, state.users, state.price_index, shock.demand, state.month)
    market = adopters + in_market * state.users.sum(axis=0)
    aware = awareness(c, state.adstock, state.fans, state.users, state.reach)
    brand = c.firm_brand + shock.brand[:, None]
    offer = np.exp(brand + price_worth(c, state.price)[:, None] + aware - state.imitation)
    weight = state.coverage * offer
    share = weight / weight.sum(axis=0)
    pull = state.fans / c.fan_ceiling + attach(c, state.breadth)
    stickiness = np.exp(c.inertia + c.inertia_span * pull)[:, None]
    leaving = in_market * state.users / (1 + share * (stickiness - 1))
    of_others = leaving.sum(axis=0) - leaving
    wanted = share * (stickiness * leaving + of_others + adopters)
    return Choice(adopters, in_market, market, share, stickiness, leaving, wanted)


def make_and_sell(c: Named, state: State, wanted: Array, supply: Array) -> tuple[State, Made]:
    """Production within capacity, sales within stock; capacity follows the new forecast."""
    usable_capacity = state.capacity * supply
    missing = (c.cover_months * state.forecast - state.inventory) / 2
    production = np.minimum(usable_capacity, np.maximum(state.forecast + missing, 0))
    sales = np.minimum(wanted, state.inventory + production)
    inventory = state.inventory + production - sales
    growth = (wanted - state.forecast) / c.forecast_months
    forecast = state.forecast + growth
    needed = c.headroom * (forecast + np.maximum(growth, 0) * c.capacity_months_up)
    months = np.where(needed > state.capacity, c.capacity_months_up, c.capacity_months_down)
    capacity = state.capacity + (needed - state.capacity) / months
    holding = c.holding * np.maximum(inventory - c.cover_months * state.forecast, 0) * state.unit_cost
    output = state.output + sales
    after = replace(state, inventory=inventory, forecast=forecast, capacity=capacity, output=output)
    return after, Made(production, sales, ratio_of(sales, wanted, 1.0), holding)


def keep_books(
    c: Named, state: State, spent: dict[str, Array], made: Made, sold: Array, services_factor: Array
) -> tuple[State, dict[str, Array]]:
    """Revenue, gross profit, spending, funding cost, tax and cash, with the users that the month began with."""
    home_range, range_abroad = ranges(c, state.month)
    range_sold = home_range * sold[:, HOME] + range_abroad * sold[:, OVERSEAS]
    realised_cost = state.unit_cost * life(c, state.month)
    services = services_of(c, state) * services_factor
    accessories = accessories_of(c, state)
    overhead = researched(c, state.month) + c.admin_share
    b = dict(spent)
    b["device_revenue"] = range_sold * state.price
    b["accessory_revenue"] = accessories.sum(axis=1)
    b["services_revenue"] = services.sum(axis=1)
    b["revenue"] = b["device_revenue"] + b["accessory_revenue"] + b["services_revenue"]
    lines_abroad = accessories[:, OVERSEAS] + services[:, OVERSEAS]
    b["revenue_overseas"] = range_abroad * sold[:, OVERSEAS] * state.price + lines_abroad
    b["device_profit"] = range_sold * (state.price - realised_cost)
    b["accessory_profit"] = accessory_margin(c, b["accessory_revenue"]) * b["accessory_revenue"]
    b["services_profit"] = services_margin(c, b["services_revenue"]) * b["services_revenue"]
    b["gross_profit"] = b["device_profit"] + b["accessory_profit"] + b["services_profit"]
    b["overhead"] = overhead * b["revenue"] + c.fixed_cost
    b["holding"] = made.holding
    costs = b["marketing"] + b["tickets"] + b["releases"] + b["overhead"] + b["holding"]
    b["operating_profit"] = b["gross_profit"] - costs
    debt = np.maximum(-state.cash, 0)
    used = np.minimum(debt / credit_line(c, state.users), 1)
    b["interest"] = (c.debt_rate + c.debt_spread * used**2) * debt / 12
    pretax = b["operating_profit"] - b["interest"]
    b["tax"] = c.tax_rate * np.maximum(pretax, 0)
    b["profit"] = pretax - b["tax"]
    b["stock"] = c.stock_paid * realised_cost * (made.production - made.sales)
    b["to_owners"] = b["profit"] - b["stock"]
    b["royalties"] = c.royalty * b["device_revenue"]
    hardware = (b["device_profit"] - overhead * b["device_revenue"]) * (1 - c.tax_rate)
    b["hardware_net_margin"] = ratio_of(hardware, b["device_revenue"])
    trailing_revenue = state.trailing_revenue + (b["revenue"] - state.trailing_revenue) / 6
    return replace(state, cash=state.cash + b["to_owners"], trailing_revenue=trailing_revenue), b


def move_users(c: Named, state: State, choice: Choice, fill_rate: Array) -> tuple[State, Moved]:
    """Served buyers change hands, their old phones find second users."""
    served = choice.share * fill_rate[:, None]
    newcomers = served * (choice.leaving.sum(axis=0) - choice.leaving + choice.adopters)
    lost = choice.leaving * (served.sum(axis=0) - served)
    again = served * choice.stickiness * choice.leaving
    due = choice.leaving * (1 + choice.share * (choice.stickiness - 1))
    dropped = due_rate(c, state.month) * state.second_users
    after = replace(
        state,
        users=state.users + newcomers - lost,
        second_users=state.second_users + c.second_life * (lost + again) - dropped,
        user_years=state.user_years + (state.users + state.second_users) / 12,
    )
    return after, Moved(newcomers, again, due)


def move_loyalty(
    c: Named, state: State, newcomers: Array, satisfaction: Array, fill_rate: Array, share_sold: Array
) -> State:
    """Fans, engagement, and imitation by the others, with the users at the end."""
    deserved = fans_deserved(c, state.markup, satisfaction, fill_rate)
    users = state.users.sum(axis=1)
    old_users = users - newcomers.sum(axis=1)
    diluted = state.fans * ratio_of(old_users, users)
    months = np.where(deserved > diluted, c.fan_months_up, c.fan_months_down)
    habit = c.engagement_floor + c.engagement_span * satisfaction
    copied = imitated(c, share_sold)
    return replace(
        state,
        fans=diluted + (deserved - diluted) / months,
        engagement=np.maximum(state.engagement + (habit - state.engagement) / c.engagement_months, 0),
        imitation=state.imitation + (copied - state.imitation) / c.imitation_months,
    )


def move_channels(c: Named, state: State, marketing: Array) -> State:
    """Adstock and coverage; overseas channels are built from the firm's entry on."""
    effort = effort_of(c, marketing, state.reach)
    reach = reach_of(c, state.month + 1)
    online, opened = c.firm_online[:, None], reach - state.reach
    built = c.coverage_rate * effort / (effort + c.coverage_scale) * (state.reach - state.coverage)
    faded = c.coverage_decay * (state.coverage - online * state.reach)
    return replace(
        state,
        adstock=c.adstock_carryover * state.adstock + (1 - c.adstock_carryover) * effort,
        coverage=state.coverage + built - faded + online * opened,
        reach=reach,
    )


def move_ventures(c: Named, state: State, tickets: Array, hit: Array) -> State:
    """Tickets become ventures, ventures become a catalogue years later."""
    deals = tickets / c.ticket
    started = deals * c.venture_success / (1 + deals / c.deal_flow)
    halfway, arriving = 2 * state.seeded / c.gestation, 2 * state.growing / c.gestation
    return replace(
        state,
        seeded=state.seeded + started - halfway,
        growing=state.growing + halfway - arriving,
        breadth=state.breadth + hit * arriving - c.obsolescence * state.breadth,
    )


def move_prices(c: Named, state: State, share: Array, dear: Array) -> State:
    """Price of each region over its start, which buyers see next month; prices catch up with costs."""
    region_price = (share * state.price[:, None]).sum(axis=0)
    return replace(
        state,
        price_index=region_price / state.price_index_start / better(c, state.month),
        passed=state.passed + (dear - state.passed) / c.pass_months,
    )


def report_market(b: dict[str, Array], state: State, choice: Choice, made: Made, moved: Moved) -> None:
    """Write what the books say of phones and buyers."""
    b["sales"], b["wanted"], b["fill_rate"] = made.sales, choice.wanted.sum(axis=1), made.fill_rate
    b["sales_overseas"] = choice.wanted[:, OVERSEAS] * made.fill_rate
    b["share_home"], b["share_overseas"] = np.moveaxis(choice.wanted / choice.market, 1, 0)
    b["market_home"], b["market_overseas"] = choice.market
    b["retention"] = ratio_of(moved.again.sum(axis=1), moved.due.sum(axis=1))
    rivals = choice.share[1:, HOME]
    b["rival_price"] = (rivals * state.price[1:]).sum(axis=0) / rivals.sum(axis=0)


def advance(c: Named, state: State, levers: Levers, shock: Named) -> tuple[State, dict[str, Array]]:
    """Run one month for every firm: the next state, and the statement of the month."""
    reach = state.reach
    dear = dearness(shock.component)
    state = set_prices(c, state, levers.price, dear)
    spent, satisfaction = spend(c, state, levers)
    choice = share_markets(c, state, shock)
    state, made = make_and_sell(c, state, choice.wanted.sum(axis=1), shock.supply)
    sold = choice.wanted * made.fill_rate[:, None]
    state, b = keep_books(c, state, spent, made, sold, shock.services)
    state, moved = move_users(c, state, choice, made.fill_rate)
    share_sold = ratio_of(sold, choice.market * reach)
    state = move_loyalty(c, state, moved.newcomers, satisfaction, made.fill_rate, share_sold)
    state = move_channels(c, state, spent["marketing"])
    state = move_ventures(c, state, spent["tickets"], shock.hit)
    state = move_prices(c, state, choice.share, dear)
    report_market(b, state, choice, made, moved)
    b["component"] = shock.component
    return replace(state, month=state.month + 1), b
