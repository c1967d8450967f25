"""The curves: what there is, each once, with unit and meaning; shares follow from the means they are shares of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from thinmargin.records import LEVERS
from thinmargin_agents.monitoring.tags import CORRECTIONS, FIRM, TRAINING, Means, Tag, all_tags, values_of


def names(of: Iterable[Tag[Any]]) -> set[str]:
    return {tag.name for tag in of}


class Books(dict[str, float]):
    """Books in which everything is zero unless it is given."""

    def __missing__(self, name: str) -> float:
        return 0.0


def test_what_the_design_names_is_there() -> None:
    required = (
        "profit", "device_revenue", "accessory_revenue", "services_revenue", "device_margin", "accessory_margin",
        "services_margin", "gross_margin", "users_home", "users_overseas", "share_home", "share_overseas", "fans",
        "cash", "markup", "marketing_share", "accessories_share", "cadence", "bankrupt_share",
    )  # fmt: skip
    assert {f"firm/{name}" for name in required} <= names(all_tags())
    assert {f"levers/{lever.name}_{what}" for lever in LEVERS for what in ("mean", "spread", "saturation")} <= names(
        all_tags()
    )


def test_every_curve_is_there_once_and_says_its_unit_and_meaning() -> None:
    assert len(names(all_tags())) == len(all_tags())
    for tag in all_tags():
        assert tag.unit, tag.name
        assert tag.meaning, tag.name


def test_corrections_are_shown_where_the_agent_corrects_something() -> None:
    statistics = {"mean": 0.1, "spread": 0.2, "saturation": 0.3}
    plain = Means(Books(), None, {lever.name: statistics for lever in LEVERS})
    corrected = Means(Books(), None, {lever.name: {**statistics, "correction": 0.4} for lever in LEVERS})
    more = set(values_of(TRAINING, corrected)) - set(values_of(TRAINING, plain))
    assert more == names(CORRECTIONS) == {f"levers/{lever.name}_correction" for lever in LEVERS}


def test_margins_are_shares_of_their_own_revenue_and_money_is_in_billions() -> None:
    books = Books(device_profit=30.0, device_revenue=600.0, gross_profit=250.0, revenue=1000.0)
    values = values_of(FIRM, Means(books, None, {}))
    assert values["firm/device_margin"] == pytest.approx(0.05)
    assert values["firm/gross_margin"] == pytest.approx(0.25)
    assert values["firm/revenue"] == pytest.approx(1.0)  # RMB m in the books, RMB bn in the curve
    assert values["firm/services_margin"] == 0.0  # nothing sold: no division by nothing


def test_a_curve_without_a_value_is_left_out() -> None:
    assert "firm/bankrupt_share" not in values_of(FIRM, Means(Books(), None, {}))
    assert values_of(FIRM, Means(Books(), 0.5, {}))["firm/bankrupt_share"] == 0.5


def test_what_a_run_is_worth_comes_before_everything_else_in_the_order_of_names() -> None:
    assert min(tag.name for tag in all_tags()) == "eval/J"
