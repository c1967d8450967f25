from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.messages import naming

from thinmargin.baselines import BASELINES, baseline
from thinmargin.economics.cost_and_price import capped_markup
from thinmargin.families import BENCHMARK
from thinmargin.files import DamagedFileError
from thinmargin.parameters import LOW_MARGIN_ECOSYSTEM, Parameters
from thinmargin.tuned import FOLDER, document, levers_of, read_tuned

NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def test_every_tuned_rule_is_a_policy_that_can_be_named() -> None:
    assert NAMES == ["bang_bang", "constant_best", "low_margin_tuned", "myopic", "plan", "plan_with_feedback"]
    for name in NAMES:
        assert f"python -m thinmargin_agents.tuning {name}" in BASELINES[name].source
        assert (baseline(name).knots == read_tuned(FOLDER / f"{name}.json").policy.knots).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_how_it_was_found_and_on_which_worlds(name: str) -> None:
    made = read_tuned(FOLDER / f"{name}.json").made
    assert made["split"] == "validation"
    assert made["worlds"] >= 256
    assert made["command"].startswith(f"python -m thinmargin_agents.tuning {name}")
    assert {"seed", "generations", "population", "evaluations", "J", "closing_part", "versions"} <= made.keys()


@pytest.mark.parametrize("name", NAMES)
def test_reading_and_writing_again_changes_nothing(name: str) -> None:
    path = FOLDER / f"{name}.json"
    assert document(read_tuned(path)) == json.loads(path.read_text("utf-8"))


def test_the_tuned_low_margin_rule_keeps_the_pledge() -> None:
    p = Parameters()
    cap = capped_markup(
        LOW_MARGIN_ECOSYSTEM.hardware_cap, p.tax_rate, p.research_share + p.admin_share, p.model_decline
    )
    asked = levers_of(read_tuned(FOLDER / "low_margin_tuned.json").policy.knots)
    assert len(asked) == 1
    assert asked[0]["price"] <= cap + 1e-4


def test_the_plan_has_eleven_knots_and_only_feedback_has_feedback() -> None:
    plan, answering = baseline("plan"), baseline("plan_with_feedback")
    assert plan.knots.shape == answering.knots.shape == (11, 4)
    assert plan.feedback is None
    assert answering.feedback is not None
    assert "time" not in answering.feedback.surprise.features


def damaged(change: Callable[[dict[str, Any]], None], folder: Path) -> Path:
    content = json.loads((FOLDER / "plan_with_feedback.json").read_text("utf-8"))
    change(content)
    path = folder / "plan_with_feedback.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


def shift_a_knot(content: dict[str, Any]) -> None:
    content["played"]["knots"][3][0] += 1e-9


def forget_the_knots(content: dict[str, Any]) -> None:
    del content["played"]["knots"]


@pytest.mark.parametrize("change", [shift_a_knot, forget_the_knots, dict.clear])
def test_a_changed_file_is_refused_and_says_how_it_is_made_anew(
    change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    with pytest.raises(DamagedFileError, match=r"python -m thinmargin_agents\.tuning plan_with_feedback makes it anew"):
        read_tuned(damaged(change, tmp_path))


def test_a_rule_of_another_version_of_the_environment_is_refused_by_name(tmp_path: Path) -> None:
    path = damaged(lambda content: content["made"].update(environment="ThinMargin/Ecosystem-v0"), tmp_path)
    words = ("plan_with_feedback.json", "Ecosystem-v0", "Ecosystem-v1", "tuning plan_with_feedback makes it anew")
    with pytest.raises(DamagedFileError, match=naming(*words)):
        read_tuned(path)


def test_a_rule_that_names_no_environment_is_of_the_first_version(tmp_path: Path) -> None:
    """Files of the first version did not say."""
    path = damaged(lambda content: content["made"].pop("environment"), tmp_path)
    with pytest.raises(DamagedFileError, match=naming("Ecosystem-v0", "Ecosystem-v1", "makes it anew")):
        read_tuned(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"played": 3, "made": {}, "digest": ""}'])
def test_what_is_no_such_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text, "utf-8")
    with pytest.raises(DamagedFileError, match=r"plan\.json"):
        read_tuned(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError, match="cannot be read: No such file"):
        read_tuned(tmp_path / "plan.json")


@pytest.mark.parametrize(
    ("played", "problem"),
    [
        ({"knots": [[0.0, 0.0, 0.0]], "feedback": None}, r"shape \(1, 3\)"),
        ({"knots": [[0.0, 0.0, 0.0, float("nan")]], "feedback": None}, "finite"),
        (
            {
                "knots": [[0.0] * 4],
                "feedback": {
                    "features": ["luck"],
                    "centre": [[0.0]],
                    "scale": [1.0],
                    "gain": [[[0.0]] * 4],
                    "limit": 1,
                },
            },
            "luck",
        ),
    ],
)
def test_numbers_that_do_not_fit_are_refused(played: dict[str, Any], problem: str, tmp_path: Path) -> None:
    from thinmargin.tuned import digest  # noqa: PLC0415  # only here

    path = tmp_path / "plan.json"
    made = {"environment": BENCHMARK}
    path.write_text(json.dumps({"played": played, "digest": digest(played), "made": made}), "utf-8")
    with pytest.raises(DamagedFileError, match=problem):
        read_tuned(path)


def test_levers_are_told_in_their_own_units() -> None:
    assert levers_of(np.array([[-1.0, 1.0, 0.0, 1.0]])) == [
        {"price": -0.2, "accessories": 0.1, "marketing": 0.075, "updates": 8.0}
    ]


@pytest.mark.parametrize("content", [None, "{}", "no JSON", '{"played": {}, "made": {}, "digest": "0"}'])
def test_the_path_of_a_file_that_is_no_rule_is_escaped(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "\x1b[2Jplan.json"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(DamagedFileError) as caught:
        read_tuned(path)
    assert str(caught.value).isprintable()
    assert str(caught.value).count("\\x1b[2Jplan") == 2  # the file, and the command that makes it anew
