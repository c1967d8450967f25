"""Every row is a world that can be made, differs from the usual one, and is without what it says."""

from __future__ import annotations

import json

import gymnasium as gym
import numpy as np
import pytest
from tests.agents.mechanisms.months import THIN, parameters_of, played

from thinmargin import ENVIRONMENTS
from thinmargin.parameters import FIRM_TABLE, Parameters
from thinmargin.records import HOME, OVERSEAS, SEAT
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.mechanisms.catalogue import SWITCHES
from thinmargin_agents.mechanisms.players import PLAYERS
from thinmargin_agents.mechanisms.table import parameters_words
from thinmargin_agents.play.candidates import Candidates, Numbers

CHANGED = [row for row, switch in SWITCHES.items() if switch.changes == "constants"]
USUAL = Parameters()


def test_sixteen_mechanisms_have_a_row_each_in_their_order() -> None:
    plain = [row for row in SWITCHES if row.isdigit()]
    assert plain == [str(number) for number in range(1, 17)]
    assert all(row.rstrip("b") in plain for row in SWITCHES)


@pytest.mark.parametrize("row", SWITCHES)
def test_what_is_printed_can_be_handed_to_an_environment(row: str) -> None:
    printed = json.loads(parameters_words(SWITCHES[row]))
    Settings(parameters=printed)
    assert bool(printed) == (row in CHANGED)
    for name, value in printed.items():
        default = getattr(USUAL, name)
        assert value != default or name == "stock_paid", "it changes nothing"
    env = gym.make(f"thinmargin:{ENVIRONMENTS[0].id}", parameters=printed, horizon=2)
    env.reset(seed=0)
    env.close()


def _earned(row: str, horizon: int = 84) -> Numbers:
    settings = Settings(parameters=parameters_of(row), horizon=horizon)
    return Candidates(KEYS["validation"][:3], 1, settings).plans(PLAYERS["plan"].knots()[None]).value[0]


@pytest.mark.parametrize("row", CHANGED)
def test_a_world_without_it_is_another_world(row: str) -> None:
    assert (np.abs(_earned(row) - _earned("0")) > 1e-2).all()


def test_row_1_a_price_rise_loses_few_buyers() -> None:
    def kept(row: str) -> float:
        dear, cheap = (played(row, (markup, *THIN[1:])).flows["share"][-1, SEAT, HOME] for markup in (0.30, 0.0))
        return float(dear / cheap)

    assert kept("1") > 0.7
    assert kept("0") < 0.55


def test_row_2_owners_are_as_free_as_others_and_old_phones_find_nobody() -> None:
    off, bond, usual = (played(row) for row in ("2", "2b", "0"))
    assert (off.flows["stickiness"][:, SEAT] < usual.flows["stickiness"][:, SEAT]).all()
    assert off.reports["retention"][-1] < 0.7 * usual.reports["retention"][-1]
    second = [months.after["second_users"][-1, SEAT].sum() for months in (off, bond, usual)]
    assert second[0] < 0.5 * min(second[1:])
    assert bond.reports["retention"][-1] == pytest.approx(off.reports["retention"][-1], rel=0.2)


def test_row_3_services_earn_nothing() -> None:
    assert (played("3").reports["services_revenue"] == 0.0).all()
    assert (played("0").reports["services_revenue"] > 0.0).all()


def test_row_4_a_release_changes_nothing_and_is_free() -> None:
    few, many = (played("4", (*THIN[:3], releases)).reports for releases in (0.25, 8.0))
    assert few.tobytes() != many.tobytes()  # what was asked for
    for name in ("engagement", "fans", "releases", "profit", "sales"):
        assert few[name] == pytest.approx(many[name])
    assert many["engagement"][-1] == pytest.approx(USUAL.engagement_floor)
    assert (many["releases"] == 0.0).all()


def test_row_5_there_are_neither_ventures_nor_accessories() -> None:
    off = played("5").reports
    assert (off["accessory_revenue"] == 0.0).all()
    assert (off["pipeline"] == 0.0).all()
    assert (off["tickets"] > 0.0).all()  # levers are what they were


def test_row_6_a_venture_costs_more_and_an_accessory_earns_less() -> None:
    off, usual = played("6").reports, played("0").reports
    assert off["pipeline"][11] / off["tickets"][:12].sum() < usual["pipeline"][11] / usual["tickets"][:12].sum()
    margins = [(books["accessory_profit"] / books["accessory_revenue"])[:12] for books in (off, usual)]
    assert (margins[0] < margins[1]).all()


def test_row_7_there_are_no_fans() -> None:
    assert (played("7").after["fans"][24:] < 0.005).all()
    assert (played("0").after["fans"][24:, SEAT] > 0.05).all()


def test_row_8_only_advertising_is_heard_though_there_are_fans() -> None:
    off, usual = played("8"), played("0")
    assert (off.flows["heard"] == off.before["adstock"]).all()
    assert (usual.flows["heard"][:, SEAT, HOME] > usual.before["adstock"][:, SEAT, HOME]).all()
    assert (off.after["fans"][24:, SEAT] > 0.05).all()


def test_row_9_cost_moves_with_the_specification_alone() -> None:
    off = played("9")
    better = np.diff(np.log(off.after["base_cost"][:, SEAT]))
    assert better == pytest.approx(better[0])
    assert (off.flows["realised_cost"] == off.after["unit_cost"]).all()
    usual = played("0").after["base_cost"][:, SEAT]
    assert usual[-1] / usual[0] < 0.95 * off.after["base_cost"][-1, SEAT] / off.after["base_cost"][0, SEAT]


@pytest.mark.parametrize("markup", [-0.05, 0.02, 0.30])
@pytest.mark.parametrize("place", range(4))
def test_row_10_no_shelf_is_empty_and_stock_is_free(markup: float, place: int) -> None:
    off = played("10", (markup, *THIN[1:]), place=place).reports
    assert (off["fill_rate"][6:] == 1.0).all()
    assert (off["holding"] == 0.0).all()
    assert (off["stock"] == 0.0).all()


def test_row_10_shelves_are_empty_otherwise_and_10b_pays_for_stock() -> None:
    assert (played("0").reports["fill_rate"][6:] < 1.0).any()
    stock = played("10b").reports["stock"]
    assert stock.sum() > 0.0


def test_row_11_there_is_the_web_shop_alone_or_everything_soon() -> None:
    online, everywhere, usual = (played(row).reports["coverage_home"] for row in ("11", "11b", "0"))
    assert online == pytest.approx(online[0])
    assert usual[-1] > online[-1] + 0.1
    assert everywhere[23] > 0.8
    assert everywhere[-1] > usual[-1]


def test_row_12_the_firm_stays_at_home_and_rivals_do_not() -> None:
    off, usual = played("12"), played("0")
    assert (off.after["users"][:, SEAT, OVERSEAS] == 0.0).all()
    assert (off.after["users"][:, SEAT + 1 :, OVERSEAS] > 0.0).all()
    assert usual.after["users"][-1, SEAT, OVERSEAS] > 0.0
    first = 29  # the month before it would enter
    assert off.after["users"][first, SEAT, HOME] == pytest.approx(usual.after["users"][first, SEAT, HOME], rel=1e-9)


def test_row_13_rivals_keep_their_markups_and_copy_nothing() -> None:
    starts = [firm.start_markup for firm in FIRM_TABLE[1:]]
    off, prices, usual = (played(row, (-0.10, *THIN[1:])) for row in ("13", "13b", "0"))
    for months in (off, prices):
        assert months.after["markup"][:, 1:] == pytest.approx(np.tile(starts, (60, 1)))
    assert (usual.after["markup"][-1, 2:] < np.array(starts[1:]) - 0.03).all()
    assert (off.after["imitation"] == 0.0).all()
    assert (prices.after["imitation"][-1, SEAT] > 0.0).all()


def test_row_13_rivals_answer_by_the_size_of_their_reaction() -> None:
    def markups(factor: float) -> Numbers:
        settings = Settings(parameters={"rival_reaction": factor, "war_rate": 0.0})
        batch = settings.batch(1)
        batch.draw(0, settings.family(), KEYS["validation"][0])
        batch.begin(np.zeros(1, np.int64))
        for _ in range(36):
            batch.step(np.array([[-0.9, -0.3, 0.0, 0.3]]))
        return np.asarray(batch.states["markup"][0, 1:])

    none, half, whole, twice = map(markups, (0.0, 0.5, 1.0, 2.0))
    assert (half < none).all()
    assert (whole < half).all()
    assert twice[0] < whole[0]  # the others are at their floors


def test_row_15_costs_the_royalties_once_more_or_leaves_phones_alone() -> None:
    off, usual = played("15").reports, played("0").reports
    extra = off["overhead"] / off["revenue"] - usual["overhead"] / usual["revenue"]
    assert extra[36:] == pytest.approx(USUAL.royalty * 2 / 3, abs=0.005)
    phones = played("15b").reports
    assert (phones["revenue"] == phones["device_revenue"]).all()


def test_row_16_the_first_debt_is_the_end_or_none_ever_is() -> None:
    none, endless, usual = (played(row, (-0.15, *THIN[1:])).reports for row in ("16", "16b", "0"))
    assert (none["credit_line"] == 0.0).all()
    assert (none["bankrupt"] == (none["cash"] < 0.0)).all()
    assert none["bankrupt"].any()
    assert (usual["cash"][usual["interest"] > 0.0] < 0.0).all()
    assert (endless["interest"] == 0.0).all()
    assert not endless["bankrupt"].any()
