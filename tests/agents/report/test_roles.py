from __future__ import annotations

from dataclasses import replace

from tests.reporting import Judged

from thinmargin_agents.report.roles import MOST_CHOSEN, cast_of


def test_every_policy_has_one_label_and_chosen_ones_have_colours_of_their_own(whole: Judged) -> None:
    many = [replace(whole.results[0], name=f"/tmp/{folder}/ppo/Ecosystem-v1_1") for folder in range(4)]  # noqa: S108
    cast = cast_of({}, [*many, *whole.results[1:]])
    labels = [player.label for player in cast.players]
    assert len(set(labels)) == len(labels)
    assert all(len(label) <= 22 for label in labels)
    assert len(cast.chosen) == MOST_CHOSEN
    assert len({player.look for player in cast.players}) == len(cast.players)
