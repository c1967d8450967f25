"""The outcome of a policy in n worlds, and the names of its parts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from thinmargin.settings import APPLIED_NAMES

Numbers = npt.NDArray[np.float64]

SATURATED = 0.99
"""An action this far from the middle counts as stuck at the end of its range."""
FIRST_YEAR = 2012
MONTHS = 12
"""Months in a calendar year; episodes begin in January."""
YEARLY = (
    *APPLIED_NAMES,
    "users_home",
    "users_overseas",
    "active_users",
    "fans",
    "engagement",
    "breadth",
    "device_revenue",
    "accessory_revenue",
    "services_revenue",
    "revenue",
    "device_profit",
    "accessory_profit",
    "services_profit",
    "marketing",
    "tickets",
    "releases",
    "profit",
    "hardware_net_margin",
    "cash",
    "price",
    "unit_cost",
    "sales",
    "share_home",
    "share_overseas",
)
"""Columns of `Outcome.yearly`: names and units of `thinmargin.records.REPORT_FIELDS`."""
EARNED = ("device_profit", "accessory_profit", "services_profit")
SPENT = ("marketing", "tickets", "releases", "overhead", "holding", "interest", "tax", "stock")
"""Lines of the statement: what is left to owners is the sum of EARNED less that of SPENT."""
BILLION = 1e-3
"""RMB bn in a RMB million."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome of one policy in n worlds.

    Attributes:
        value: shape (n,), RMB bn: J, the discounted sum of rewards, the first month at its face value.
        profit_part, closing_part: shape (n,), RMB bn: the profits of the years run and the closing
            value, discounted; they sum to `value`.
        bankrupt: shape (n,), whether investors stopped.
        months: shape (n,), months run; the month of the bankruptcy is counted, and so is its reward.
        saturation: by lever name, the share of months run in which the action asked for was within
            0.01 of the end of [-1, 1] or beyond it, before the environment cuts it.
        yearly: by name of YEARLY, shape (years, n): means of each calendar year over the months run,
            NaN in the years after a bankruptcy.
        lines: by name of EARNED and SPENT, shape (n,), RMB bn: the statement of the years run, discounted,
            those of SPENT with a minus sign; they sum to `profit_part`.
        keys: shape (n,), world keys.
        closing_rules: by closing rule, shape (n,), RMB bn: the closing value that it would have paid, discounted, 0 for
            a bankrupt firm; empty unless asked for.
    """

    value: Numbers
    profit_part: Numbers
    closing_part: Numbers
    bankrupt: npt.NDArray[np.bool_]
    months: npt.NDArray[np.int64]
    saturation: dict[str, float]
    yearly: dict[str, Numbers]
    lines: dict[str, Numbers]
    keys: npt.NDArray[np.int64]
    closing_rules: dict[str, Numbers] = field(default_factory=dict)
