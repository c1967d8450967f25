from __future__ import annotations

import json
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

from thinmargin.baselines import BASELINES, baseline
from thinmargin.splits import KEYS
from thinmargin.tuned import FOLDER, read_tuned
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.scoring.statistics import paired_difference
from thinmargin_agents.tuning import __main__ as command
from thinmargin_agents.tuning.feedback import FEATURES, gain_of, surprise_of, whitening
from thinmargin_agents.tuning.rules import RULES, Effort
from thinmargin_agents.tuning.search import climb

QUICK = Effort(KEYS["validation"], worlds=4, generations=3, population=6, seed=0, knots=3)


def hill(numbers: np.ndarray) -> np.ndarray:
    return -((numbers - 0.3) ** 2).sum(axis=1)


def test_the_search_climbs_to_the_top_and_repeats_itself() -> None:
    found = climb(hill, [0.0] * 3, 0.3, generations=60, population=10, seed=1)
    np.testing.assert_allclose(found.numbers, 0.3, atol=1e-4)
    assert found.evaluations == 601
    again = climb(hill, [0.0] * 3, 0.3, generations=60, population=10, seed=1)
    np.testing.assert_array_equal(found.numbers, again.numbers)


def test_where_worlds_change_the_mean_of_the_search_is_returned_not_a_lucky_candidate() -> None:
    luck = np.zeros(1)

    def refresh(generation: int) -> None:
        luck[0] = 1000.0 if generation == 2 else 0.0

    found = climb(
        lambda numbers: hill(numbers) + luck[0], [0.0] * 3, 0.3, generations=60, population=10, seed=1, refresh=refresh
    )
    np.testing.assert_allclose(found.numbers, 0.3, atol=1e-3)
    assert found.value < 1.0


@pytest.mark.parametrize("name", list(RULES))
def test_every_rule_is_sought_and_earns_what_is_said_of_it(name: str) -> None:
    told: list[float] = []
    found = RULES[name].seek(QUICK, told.append)
    outcome = play_worlds(found.policy, QUICK.keys)
    if name != "myopic":  # judged by two years only
        assert found.value == pytest.approx(outcome.value.mean(), rel=1e-4)
        assert found.closing == pytest.approx(outcome.closing_part.mean(), rel=1e-4)
    assert len(told) == RULES[name].searches * (1 if name == "bang_bang" else QUICK.generations)


def test_plans_meet_other_worlds_than_those_that_judge_them() -> None:
    met = [set(QUICK.others(search, generation, 4)) for search in range(3) for generation in range(4)]
    assert sum(map(len, met)) == len(set.union(*met)) == 48
    assert not set.union(*met) & set(QUICK.keys)
    assert set.union(*met) <= set(KEYS["validation"])


def test_whitened_deviations_are_uncorrelated_with_variance_one() -> None:
    generator = np.random.default_rng(0)
    deviations = generator.standard_normal((4000, len(FEATURES))) @ generator.normal(
        0.3, 0.4, (len(FEATURES), len(FEATURES))
    )
    white = deviations @ whitening(deviations)
    variances = np.linalg.eigvalsh(white.T @ white / len(white))
    assert variances.max() == pytest.approx(1.0, abs=1e-6)
    assert np.median(variances) == pytest.approx(1.0, abs=1e-6)
    assert gain_of(np.zeros((5, 4 * len(FEATURES))), whitening(deviations)).shape == (5, 1, 4, len(FEATURES))


def test_surprises_of_a_plan_average_to_nothing_in_the_worlds_it_was_made_from() -> None:
    _, deviations = surprise_of(baseline("plan").knots, KEYS["validation"][:40])
    assert np.abs(deviations.mean(axis=0)).max() < 0.25
    assert 0.3 < deviations.std() < 1.5


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_shipped_rules_still_earn_what_their_files_say(path: Path) -> None:
    shipped = read_tuned(path)
    if path.stem == "myopic":
        outcome = play_worlds(shipped.policy, KEYS["validation"][:256], horizon=24, closing=False)
    else:
        outcome = play_worlds(shipped.policy, KEYS["validation"][:256])
    assert outcome.value.mean() == pytest.approx(shipped.made["J"], rel=1e-5)


def test_the_landscape_is_what_the_benchmark_promises() -> None:
    made = {name: read_tuned(FOLDER / f"{name}.json").made for name in RULES}
    assert made["plan"]["J"] >= 1.3 * made["constant_best"]["J"]
    assert made["low_margin_tuned"]["J"] <= made["constant_best"]["J"] + 1e-9
    assert made["bang_bang"]["J"] <= 0.5 * made["constant_best"]["J"]
    for name in ("plan", "plan_with_feedback"):
        assert made[name]["closing_part"] <= 0.5 * made[name]["J"]


def test_feedback_is_worth_four_percent_of_a_plan_in_worlds_that_neither_met() -> None:
    worlds = KEYS["validation"][900_000:900_512]
    plan, answering = (play_worlds(baseline(name), worlds).value for name in ("plan", "plan_with_feedback"))
    gap = paired_difference(answering, plan, np.random.default_rng(0))
    assert gap.mean >= 0.04 * plan.mean()
    assert gap.interval.low > 0.0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["plan", "--split", "test"], "test worlds are for reporting only"),
        (["plan", "--n-worlds", "0"], "--n-worlds is 0: allowed are 1 to"),
        (["plan", "--population", "3"], "--population is 3: allowed are 4 to"),
        (["plan", "--knots", "1"], "--knots is 1: allowed are 2 to"),
        (["plan", "--seed", "-1"], "--seed is -1: allowed are 0 to"),
        (["clever"], "clever"),
    ],
)
def test_what_cannot_be_tuned_is_refused(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 2
    assert problem in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_an_output_that_cannot_be_written_is_refused_before_the_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["plan", "--output", str(tmp_path / "no" / "plan.json")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_the_command_writes_what_the_package_can_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "low_margin_tuned.json"
    arguments = ["low_margin_tuned", "--n-worlds", "4", "--generations", "2", "--population", "4", "--seed", "3"]
    assert command.main([*arguments, "--output", str(path)]) == 0
    assert "low_margin_tuned: J" in capsys.readouterr().out
    written = read_tuned(path)
    assert written.made["command"] == "python -m thinmargin_agents.tuning " + " ".join(arguments)
    assert json.loads(path.read_text("utf-8"))["levers"][0]["price"] <= 0.031


def test_every_rule_that_can_be_tuned_is_a_baseline_and_can_be_asked_for() -> None:
    assert set(RULES) <= set(BASELINES)
    assert set(get_args(get_type_hints(command.TuneConfig)["rule"])) == set(RULES)
