"""The back-test as text, on pages and in JSON."""

from __future__ import annotations

import pytest

from thinmargin.backtest.results import Result
from thinmargin.backtest.table import RULE_SERIES, document, markdown, text
from thinmargin.calibration.saved import ORIGINS
from thinmargin.data import parse_period
from thinmargin.history import COMPARED
from thinmargin.names import quantity_name, quantity_with_id

SERIES = tuple(compared.name for compared in COMPARED)


def test_the_text_shows_every_series_in_a_terminals_width(result: Result) -> None:
    shown = text(result).splitlines()
    assert max(map(len, shown)) <= 88
    tables = shown[: shown.index("Goals:")]
    for name in SERIES:
        words = f"{quantity_name(name)} "
        assert sum(line.startswith(words) for line in tables) == (4 if name in RULE_SERIES else 3), name
    assert not any("nan" in line for line in shown)
    row = next(line for line in shown if line.startswith("monthly active users ")).split()
    score = result.scores["mau"]
    assert row == [
        "monthly", "active", "users", "%", f"{score.mape_calibrated:.1f}", f"{score.mape_fit:.1f}", "18.8",
        f"{score.mape_holdout:.1f}", "43.1", "20.8",
    ]  # fmt: skip
    row = next(line for line in shown if line.startswith("profit ")).split()
    assert row[:3] == ["profit", "RMB", "bn"]
    assert "fit 2015-2024, hold-out 2020-2024 of a fit to 2019." in shown[1]
    assert ", ".join(map(str, ORIGINS)) in shown
    june = next(line for line in shown if line.startswith("at home "))
    assert june.split()[2:] == [f"{value:.2f}" for value in result.advertising.values()]


def test_the_same_numbers_stand_in_the_tables_for_pages(result: Result) -> None:
    tables = markdown(result)
    assert list(tables) == [
        "errors", "short errors", "rolling", "rules", "coverage", "elasticity", "advertising", "goals",
    ]  # fmt: skip
    assert "| monthly active users (mau) | % |" in tables["errors"]
    assert "| profit | RMB bn |" in tables["errors"]
    assert f"{result.elasticity[12][2019]:.2f}" in tables["elasticity"]
    assert str(parse_period("2013").year) in tables["elasticity"]
    head, _, row = tables["advertising"].splitlines()
    assert head.split(" | ")[0] == "| 2013"
    assert f"{result.advertising[2015]:.2f}" in row


def test_the_three_rules_stand_in_text_pages_and_json_with_the_same_numbers(result: Result) -> None:
    shown, page, told = text(result).splitlines(), markdown(result)["rules"].splitlines(), document(result)
    assert page[0] == "| series | error in | three years | two years | its own |"
    head = next(k for k, line in enumerate(shown) if line.split("  ")[-1] == "its own")
    assert shown[head].split() == ["series", "error", "in", "three", "years", "two", "years", "its", "own"]
    assert list(told["replay_rules"]) == ["centred", "trailing", "none"]
    assert [line.split(" | ")[0].strip("| ") for line in page[2:]] == list(map(quantity_with_id, RULE_SERIES))
    for name, row, line in zip(RULE_SERIES, page[2:], shown[head + 2 :], strict=False):
        errors = [told["replay_rules"][rule][name] for rule in result.rules]
        assert errors == [result.rules[rule][name] for rule in result.rules]
        cells = [f"{error:.1f}" for error in errors]
        assert row.strip("| ").split(" | ")[2:] == cells
        assert line.startswith(quantity_name(name))
        assert line.split()[-3:] == cells
    assert all(set(errors) == set(SERIES) for errors in told["replay_rules"].values())
    assert told["rolling"]["mean"]["mau"]["model"] == pytest.approx(told["replay_rules"]["centred"]["mau"], rel=1e-12)
