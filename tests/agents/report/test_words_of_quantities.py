"""A quantity has one name: that of `thinmargin.names`, on the page, over pictures and in the years."""

from __future__ import annotations

import pytest

from thinmargin.names import quantity_name
from thinmargin.records import LEVERS
from thinmargin.statement import _PROFIT_AND_LOSS
from thinmargin_agents.monitoring.tags import FIRM

pytest.importorskip("matplotlib")
from thinmargin.dashboard import _STRIPS
from thinmargin_agents.report.sections.response_charts import LEVER_WORDS
from thinmargin_agents.report.sections.years import PANELS as DRAWN
from thinmargin_agents.training.callbacks.episode_picture import PANELS as EPISODE
from thinmargin_agents.years.quantities import QUANTITIES


@pytest.mark.parametrize("place", range(len(LEVERS)), ids=[lever.name for lever in LEVERS])
def test_a_lever_has_one_name_in_every_picture(place: int) -> None:
    words = quantity_name(LEVERS[place].name)
    titles = (LEVER_WORDS[place][0], EPISODE[place].title, _STRIPS[place][0], QUANTITIES[place].title)
    assert all(title.startswith(words) for title in titles), titles
    assert words in {panel.title.lower() for panels in DRAWN.values() for panel in panels}


def test_tickets_are_called_alike_in_the_statement_and_in_tensorboard() -> None:
    words = quantity_name("tickets")
    assert words == quantity_name("accessories")
    assert words in {label for label, book, _ in _PROFIT_AND_LOSS if book == "tickets"}
    assert next(tag.meaning for tag in FIRM if tag.name == "firm/accessories_share").startswith(words)


def test_the_report_draws_the_quantities_of_the_years_as_they_are() -> None:
    drawn = {panel.title.lower(): panel for panels in DRAWN.values() for panel in panels}
    shared = [quantity for quantity in QUANTITIES if quantity.title in drawn]
    assert {quantity.name for quantity in shared} >= {
        "markup", "tickets", "selling", "releases", "users", "share_home", "profit",
    }  # fmt: skip
    for quantity in shared:
        panel = drawn[quantity.title]
        assert panel.of is quantity.of
        assert (panel.reported, panel.differs) == (quantity.reported, quantity.differs)
