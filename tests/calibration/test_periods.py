"""Periods: how they are written, read and counted."""

from __future__ import annotations

import re

import pytest

from thinmargin.data import (
    Period,
    parse_period,
    parse_until,
)


@pytest.mark.parametrize(
    ("text", "first", "months"),
    [
        ("2011", -12, 12),
        ("2012", 0, 12),
        ("2015", 36, 12),
        ("2025-Q1", 156, 3),
        ("2025-Q3", 162, 3),
        ("2025-H1", 156, 6),
        ("2025-H2", 162, 6),
        ("2025-09", 164, 1),
        ("2025-01/2025-09", 156, 9),
        ("2024-11/2025-01", 154, 3),
        ("2024-07/2025-06", 150, 12),
    ],
)
def test_a_period_is_read_and_written_alike(text: str, first: int, months: int) -> None:
    period = parse_period(text)
    assert period == Period(first, months)
    assert str(period) == text
    assert period.end == first + months
    assert period.year == int(text[:4])
    assert period.is_year == text.isdecimal()


def test_a_span_that_is_a_named_period_is_that_period() -> None:
    assert str(parse_period("2025-01/2025-12")) == "2025"
    assert str(parse_period("2025-07/2025-09")) == "2025-Q3"
    assert str(parse_period("2025-05/2025-05")) == "2025-05"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "25",
        "2025-",
        "2025-13",
        "2025-00",
        "2025-9",
        "2025-Q5",
        "2025Q1",
        "2025-q1",
        "2025-H3",
        "2025-09-30",
        "2025/2026",
        "2025-01/2025-02/2025-03",
        "2025-01/",
        " 2025",
        "2025\n",
        "٢٠٢٥",
        "FY2025",
        2025,
    ],
)
def test_any_other_period_is_told_the_allowed_forms(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))) as told:
        parse_period(text)
    for form in ("2015", "2025-Q3", "2025-H1", "2025-09", "2025-01/2025-09"):
        assert form in str(told.value)


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'2025-09/2025-01'.*no earlier"):
        parse_period("2025-09/2025-01")


def test_until_is_one_past_the_last_month() -> None:
    assert parse_until("2025-09") == 165
    assert parse_until("2024") == parse_until("2024-12") == 156
    assert parse_until("2025-Q3") == 165
    with pytest.raises(ValueError, match=r"until.*'soon'.*2025-09"):
        parse_until("soon")
