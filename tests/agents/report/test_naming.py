"""Whatever way a policy is named, the page knows it as one: asked for its answers, drawn, and called by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.agents.report.test_page import Reader
from tests.finished import finished_run, small_run
from tests.messages import lacks
from tests.reporting import Reacting, hand_coded, judged, run_of

from thinmargin.names import POLICIES, policy_name
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.policies.shipped import trained_names
from thinmargin_agents.report.roles import MOST_NAMED, cast_of

OUTSIDER = """
import numpy as np

class Thrifty:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.full((len(observation), 4), -0.4, np.float32), state
"""
UNTRAINED, NOT_AMONG = "No trained policy was played", "not among the policies above"


def test_every_agent_that_ships_has_a_name() -> None:
    assert set(trained_names()) <= set(POLICIES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("named", "words", "trained"),
    [
        (["ppo"], "PPO + feedback", True),
        (["ppo:0"], "PPO + feedback, seed 0", True),
        (["ppo:0,ppo:1"], "PPO + feedback, seeds 0 and 1", True),
        (["ppo:1", "plan"], "PPO + feedback, seed 1", True),
        (["runs/ppo/Ecosystem-v1_1"], "run ppo/Ecosystem-v1_1", True),
        (["mine.py:Thrifty"], "Thrifty of mine.py", False),
        (["plan_with_feedback"], "plan with feedback", False),
        (["premium"], "plan with feedback", False),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else None,
)
def test_the_policy_that_is_asked_is_known_on_the_page(
    named: list[str], words: str, trained: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(OUTSIDER)
    if named[0].startswith("runs"):
        made = finished_run(Path("made"), small_run())
        Path("runs/ppo").mkdir(parents=True)
        made.rename(named[0])
    flags = ["--split", "validation", "--n-worlds", "3", "--html", "page.html"]
    assert main([*named, *flags]) == 0
    text = Reader(Path("page.html").read_text("utf-8")).text
    assert f"What {words} does as one thing" in text
    assert (UNTRAINED in text) is not trained
    assert (NOT_AMONG in text) is (named == ["premium"])
    assert "has a memory" not in text
    assert "No answers to show" not in text
    for name in named:
        assert not lacks(text.replace("_ ", "_"), policy_name(name), name)
    assert "None" not in text


def test_policies_that_were_named_are_drawn_over_the_years() -> None:
    run = run_of(Reacting(), name="logs/x_1")
    few = judged([run, *hand_coded("premium", "random", "bang_bang", "low_margin_tuned", "plan")], worlds=2, horizon=14)
    named = ["premium", "random", "bang_bang"]
    cast = cast_of(few.report, few.results, named)
    first = [*dict.fromkeys((*named, cast.best.name, "low_margin_tuned"))]
    assert [player.name for player in cast.chosen][: len(first)] == first
    assert cast.left_out == ()
    unnamed = [player.name for player in cast_of(few.report, few.results).chosen]
    assert "premium" not in unnamed
    assert "logs/x_1" in unnamed


def test_the_plan_with_feedback_is_drawn_like_the_plan_where_nobody_is_named() -> None:
    names = ("plan", "plan_with_feedback", "low_margin_tuned", "low_margin_ecosystem", "premium", "myopic")
    few = judged(hand_coded(*names), worlds=2, horizon=14)
    assert {"plan", "plan_with_feedback"} <= {player.name for player in cast_of(few.report, few.results).chosen}


def test_policies_without_room_are_said_to_be_left_out() -> None:
    runs = [run_of(Reacting(0.01 * number), name=f"logs/x_{number}") for number in range(MOST_NAMED + 2)]
    few = judged([*runs, *hand_coded("low_margin_tuned")], worlds=2, horizon=14)
    cast = cast_of(few.report, few.results, [run.name for run in runs])
    assert len(cast.chosen) == MOST_NAMED
    assert [player.name for player in cast.left_out] == [run.name for run in runs[MOST_NAMED:]]
    assert len({player.look for player in cast.players}) == len(cast.players)
