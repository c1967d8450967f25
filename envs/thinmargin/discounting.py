"""What a month later is worth."""

from __future__ import annotations

MONTHLY_DISCOUNT: float = 1.10 ** (-1 / 12)
"""Discount factor of one month at 10 % a year; use it as gamma."""
