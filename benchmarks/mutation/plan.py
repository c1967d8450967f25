"""What is mutated, and which tests look at a mutant first, next and last.

A stage is one run of pytest that ends at the first failure. Most mutants of an equation fall in the first, which runs
the equations as plain Python; a mutant that survives a stage meets the next one.
"""

from __future__ import annotations

from typing import NamedTuple


class Stage(NamedTuple):
    """One run of pytest; stages of one name differ in their arguments alone."""

    name: str
    arguments: tuple[str, ...]
    plain: bool = False
    """Whether the equations run as plain Python: nothing is compiled."""
    recompiles: bool = False
    """Whether mutants get an empty disk cache of machine code: those of compiled files must."""


class Target(NamedTuple):
    """A file that is mutated."""

    group: str
    stages: tuple[Stage, ...]
    functions_only: bool = False


GROUPS = {"economics": 0.4, "scoring": 0.125, "statistics": 0.175, "checks": 0.3}
"""The groups, and the share of the mutants that each gets."""
ECONOMICS, AGENTS, ENVIRONMENT = "tests/economics/test_", "tests/agents/", "tests/environment/test_"
MONTH = f"{ECONOMICS}month.py::test_the_compiled_month_equals_the_month_written_a_second_time"
FORMULAS = "tests/test_formulas.py"


def _tests(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}{name}.py" for name in names)


def _plain(*arguments: str) -> Stage:
    return Stage("plain Python", arguments, plain=True)


ECONOMICS_COMPILED = Stage(
    "economics",
    (
        *_tests(
            ENVIRONMENT, "report_by_hand", "shocks_by_hand", "ranges_by_hand", "one_state", "closing", "rewards",
            "worlds", "rebuilt_worlds", "schemas", "counter", "scenarios", "levers",
        ),
        "tests/economics",
        *_tests(ENVIRONMENT, "state", "vector_equals_scalar", "parameter_ranges"),
    ),
    recompiles=True,
)  # fmt: skip
ECONOMICS_LAST = Stage(
    "results that hang on the economics",
    (*_tests(ENVIRONMENT, "tuned", "plans"), "tests/test_construct_validity.py", *_tests("tests/calibration/test_",
     "replay", "saved", "derived"), "-m", "not slow"),
    recompiles=True,
)  # fmt: skip
PICTURES = Stage("pictures", ("tests/test_rendering.py",))
SCORING_LAST = Stage(
    "what is printed", tuple(f"{AGENTS}{name}" for name in ("evaluate", "judging", "curves", "report", "phase_map"))
)
CHECKS_LAST = Stage("environment", ("tests/environment", "--ignore", f"{ENVIRONMENT}compiled.py"))


SHORT_PLAYS = _plain(
    *_tests(ENVIRONMENT, "report_by_hand", "shocks_by_hand"),
    f"{ENVIRONMENT}schemas.py::test_features_say_what_books_calendar_and_market_say_and_nothing_of_the_hidden_world",
    f"{ENVIRONMENT}schemas.py::test_the_books_at_reset_are_the_balance_of_the_start",
    f"{ENVIRONMENT}rewards.py::test_bankruptcy_terminates_without_a_closing_value",
    *(
        f"{ENVIRONMENT}rewards.py::test_the_named_terms_are_the_reward[{case}]"
        for case in ("default-own_levers-shaped", "paid-none-shaped", "failing-own_levers-profit")
    ),
    *(
        f"{ENVIRONMENT}rewards.py::test_the_closing_value_is_what_sixty_calm_months_under_the_rule_would_pay[{case}]"
        for case in (
            "supply-0.7-False-0.6-own_levers-1e-09", "brand--0.4-False-0.6-playbook-1e-05",
            "component-0.1-False-0.0-own_levers-1e-09", "services-0.5-True-0.6-playbook-1e-05",
            "attack-0.1-True-0.0-own_levers-1e-09", "hit-2.0-False-0.0-own_levers-1e-09",
        )
    ),
)  # fmt: skip
WORLDS_STAGES = (
    _plain(
        *_tests(ENVIRONMENT, "shocks_by_hand", "rebuilt_worlds", "counter", "ranges_by_hand", "one_state"),
        *(
            f"{ENVIRONMENT}worlds.py::{test}"
            for test in (
                "test_a_number_is_hidden_once",
                "test_hidden_constants_stay_in_the_range_they_declare",
                "test_the_neutral_world_has_no_shock_at_all",
                "test_drawing_into_some_rows_leaves_the_others_alone",
            )
        ),
    ),
    ECONOMICS_COMPILED,
    ECONOMICS_LAST,
)


def _equations(*first: str) -> Target:
    return Target("economics", (_plain(*dict.fromkeys((*first, FORMULAS, MONTH))), ECONOMICS_COMPILED, ECONOMICS_LAST))


def _figures(group: str, *first: str) -> Target:
    return Target(group, (Stage("own tests", first), SCORING_LAST))


def _checks(*first: str, then: tuple[Stage, ...] = ()) -> Target:
    return Target("checks", (Stage("own tests", _tests(ENVIRONMENT, *first)), *then, CHECKS_LAST))


TARGETS = {
    **{
        f"envs/thinmargin/economics/{name}.py": _equations(f"{ECONOMICS}{name}.py")
        for name in (
            "compiled", "cost_and_price", "demand", "finance", "loyalty", "marketing", "services", "start", "supply",
            "ventures",
        )
    },
    "envs/thinmargin/economics/month.py": _equations(MONTH, f"{ENVIRONMENT}report_by_hand.py"),
    "envs/thinmargin/counter.py": Target("economics", WORLDS_STAGES),
    "envs/thinmargin/shocks.py": Target("economics", WORLDS_STAGES),
    "envs/thinmargin/worlds.py": Target("economics", WORLDS_STAGES),
    "envs/thinmargin/scenarios.py": Target(
        "economics",
        (
            Stage("own tests", _tests(ENVIRONMENT, "one_state", "scenarios", "rebuilt_worlds")),
            Stage("the one-state world", (f"{AGENTS}exact",)),
            CHECKS_LAST,
        ),
    ),
    "envs/thinmargin/simulation.py": Target("economics", (SHORT_PLAYS, ECONOMICS_COMPILED, ECONOMICS_LAST)),
    "envs/thinmargin/strategies.py": _equations(),
    "envs/thinmargin/observation.py": Target("economics", (SHORT_PLAYS, ECONOMICS_COMPILED, ECONOMICS_LAST)),
    "agents/thinmargin_agents/scoring/score.py": _figures("scoring", f"{AGENTS}scoring"),
    "agents/thinmargin_agents/scoring/closing_rules.py": _figures(
        "scoring", f"{AGENTS}scoring/test_closing_rules.py", f"{AGENTS}evaluate/test_closing_rules.py"
    ),
    "agents/thinmargin_agents/scoring/statistics.py": _figures("statistics", f"{AGENTS}scoring"),
    "agents/thinmargin_agents/scoring/comparison.py": _figures(
        "statistics", f"{AGENTS}scoring", f"{AGENTS}evaluate/test_scores.py", f"{AGENTS}evaluate/test_closing_rules.py"
    ),
    "agents/thinmargin_agents/judging/validation.py": _figures("statistics", f"{AGENTS}judging"),
    "agents/thinmargin_agents/judging/stress.py": _figures(
        "statistics", f"{AGENTS}judging/test_stress_by_hand.py", f"{AGENTS}evaluate/test_stress.py"
    ),
    "envs/thinmargin/settings.py": _checks("bad_input", "ranges_by_hand", "levers", "state", "worlds"),
    "envs/thinmargin/record_checks.py": _checks("ranges_by_hand", "state", "worlds"),
    "envs/thinmargin/env.py": _checks("bad_input", "state", "closing", "rewards", then=(PICTURES,)),
    "envs/thinmargin/vector.py": _checks(
        "vector_equals_scalar", "bad_input", "state", "closing", "seeds", then=(PICTURES,)
    ),
    "envs/thinmargin/batch.py": _checks("state", "bad_input", "vector_equals_scalar", "closing", "worlds"),
    "envs/thinmargin/splits.py": _checks("bad_input", "ranges_by_hand", "worlds", "seeds"),
    "envs/thinmargin/sources.py": _checks("ranges_by_hand", "scenarios", "worlds"),
    "envs/thinmargin/levers.py": Target(
        "checks",
        (
            _plain(
                f"{ENVIRONMENT}levers.py",
                f"{ENVIRONMENT}ranges_by_hand.py",
                f"{ENVIRONMENT}bad_input.py::test_levers_out_of_their_range_have_no_action",
            ),
            ECONOMICS_COMPILED,
            CHECKS_LAST._replace(name="environment, compiled anew", recompiles=True),
        ),
    ),
    "envs/thinmargin/parameters.py": Target(
        "checks",
        (
            _plain(
                f"{ENVIRONMENT}ranges_by_hand.py",
                f"{ENVIRONMENT}parameter_ranges.py::test_a_constant_that_is_no_number_in_range_is_named",
                f"{ENVIRONMENT}parameter_ranges.py::test_constants_that_would_break_a_bound_are_refused_by_name",
                f"{ENVIRONMENT}bad_input.py::test_a_bad_keyword_argument_is_refused",
            ),
            ECONOMICS_COMPILED,
            CHECKS_LAST._replace(name="environment, compiled anew", recompiles=True),
        ),
        functions_only=True,
    ),
}  # fmt: skip
"""Every file that is mutated. Of the table of constants only the checks are: its numbers are data."""
