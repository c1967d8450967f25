"""How the best known plans were found: sentences with names for people, whatever the document states of it."""

from __future__ import annotations

from thinmargin_agents.report.sections.best_known import best_known

MADE = {
    "command": "python -m thinmargin_agents.foresight",
    "environment": "ThinMargin/Ecosystem-v1",
    "evaluations": 8000,
    "begun_from": {"myopic": 1, "plan": 47, "plan_with_feedback": 464},
    "convergence": {
        "J_begun": 231.244, "J_half": 252.87, "J": 257.207, "worlds_checked": 64, "doubling_adds_percent": 0.304622,
    },
    "versions": {"python": "3.11.7", "numpy": "2.4.6"},
    "worlds_without_gap": 0,
}  # fmt: skip


def told(**changes: object) -> str:
    return best_known({**MADE, **changes}, {"python": "3.11.7", "numpy": "2.4.6"}).replace("\N{NO-BREAK SPACE}", " ")


def test_how_they_were_found_is_told_in_sentences() -> None:
    assert told() == (
        "For each of 512 worlds a search tried 8,000 plans and kept the best. It began from the built-in policy that"
        " earned most there: plan with feedback in 464, fixed plan in 47 and short-sighted rule in 1. Their mean J rose"
        " from RMB 231.2 bn to RMB 252.9 bn in half of the search and to RMB 257.2 bn in all of it. Twice as much"
        " search adds 0.30 % in the first 64 worlds. Command: python -m thinmargin_agents.foresight"
    )


def test_what_differs_from_the_page_is_told() -> None:
    assert "Found with numpy 2.0.0." in told(versions={"python": "3.11.7", "numpy": "2.0.0"})
    assert "In 3 of the worlds of this page it earns no more than the policy that scores 0." in told(
        worlds_without_gap=3
    )


def test_what_a_document_lacks_costs_only_its_sentence() -> None:
    assert best_known({}, {}) == ""
    assert best_known({"evaluations": 1000}, {}) == "For each world a search tried 1,000 plans and kept the best."
    for name in MADE:
        words = told(**{name: None})
        assert "None" not in words
        assert "_" not in words.replace("thinmargin_agents", "")
