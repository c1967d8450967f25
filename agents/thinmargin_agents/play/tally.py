"""What is added up, month by month, of worlds that are played in step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.batch import Batch
from thinmargin.records import LEVER_NAMES, MONEY_SCALE, REPORT_FIELDS
from thinmargin.settings import Closing
from thinmargin.simulation import BANKRUPT, CLOSED, CLOSING_RULES
from thinmargin_agents.play.candidates import REWARD_UNIT
from thinmargin_agents.play.outcome import BILLION, EARNED, MONTHS, SATURATED, SPENT, YEARLY, Numbers

RULES: tuple[Closing, ...] = ("own_levers", "playbook")
"""Closing rules that pay something, the scored one first."""
_PLACE = {field.name: place for place, field in enumerate(REPORT_FIELDS)}
_YEARLY_COLUMNS = [_PLACE[name] for name in YEARLY]
LINE_COLUMNS = np.array([_PLACE[name] for name in (*EARNED, *SPENT)])
"""Places of the statement's lines among the numbers of a report."""
_LINE_SIGNS = np.array([1.0] * len(EARNED) + [-1.0] * len(SPENT))
_PROFIT, _CLOSING = _PLACE["profit_term"], _PLACE["closing_term"]


@dataclass(frozen=True, eq=False)
class Part:
    """One batch played: arrays of `Outcome`, worlds last."""

    value: Numbers
    profit_part: Numbers
    closing_part: Numbers
    bankrupt: npt.NDArray[np.bool_]
    months: npt.NDArray[np.int64]
    saturated: npt.NDArray[np.int64]
    """Shape (levers, n): months in which the lever was asked for at the end of its range."""
    yearly: Numbers
    """Shape (names, years, n)."""
    lines: Numbers
    """Shape (lines, n)."""
    keys: npt.NDArray[np.int64]
    closed_at: Numbers
    """Shape (closing rules, n)."""

    def of(self, worlds: slice) -> Part:
        """Of some of the worlds."""
        return Part(**{field.name: getattr(self, field.name)[..., worlds] for field in fields(self)})


class Tally:
    """The sums of a batch's worlds.

    Args:
        batch: that is played, from its first month on.
        rules: closing rules to price every firm by at the end; the batch must then pay none.
        closing: which of them the reward pays.
    """

    def __init__(self, batch: Batch, rules: Sequence[Closing], closing: Closing) -> None:
        size, width = batch.report_numbers.shape
        years = -(-int(batch.horizon) // MONTHS)
        self._rules, self._closing = rules, closing
        self._keys = batch.keys.copy()
        self._value, self._profit_part, self._closing_part = np.zeros(size), np.zeros(size), np.zeros(size)
        self._bankrupt = np.zeros(size, np.bool_)
        self._saturated = np.zeros((size, len(LEVER_NAMES)), np.int64)
        self._year = np.zeros((size, width))
        self._sums = np.zeros((years, size, len(YEARLY)))
        self._counts = np.zeros((years, size))
        self._lines = np.zeros((size, len(LINE_COLUMNS)))
        self._line = np.zeros_like(self._lines)
        self._closed_at = np.zeros((len(rules), size))

    def add(self, month: int, actions: Numbers, batch: Batch, alive: npt.NDArray[np.bool_], *, everyone: bool) -> None:
        """Add the month just run.

        Args:
            month: counted from 0.
            actions: that were played, shape (n, 4).
            batch: behind the month.
            alive: shape (n,), the worlds that had not ended before it: no others count.
            everyone: whether that is all of them, which needs no selection.
        """
        report = batch.report_numbers
        some = alive[:, None]
        stuck = np.abs(actions) >= SATURATED
        self._saturated += stuck if everyone else stuck & some
        weight = alive * (REWARD_UNIT * MONTHLY_DISCOUNT**month)
        ended = batch.ends.any()
        closing_term = self._close(month, batch, alive) if ended else 0.0
        self._value += weight * (batch.rewards + closing_term)
        self._profit_part += weight * report[:, _PROFIT]
        if ended:
            self._closing_part += weight * (report[:, _CLOSING] + closing_term)
            self._bankrupt |= alive & (batch.ends == BANKRUPT)
        np.take(report, LINE_COLUMNS, axis=1, out=self._line, mode="clip")  # checks nothing, and copies straight
        factor = BILLION * MONTHLY_DISCOUNT**month
        self._line *= factor if everyone else (alive * factor)[:, None]
        self._lines += self._line
        year, behind = divmod(month, MONTHS)
        if behind == 0:
            self._end_year(year - 1)
        np.add(self._year, report, out=self._year, where=True if everyone else some)
        self._counts[year] += alive

    def _close(self, month: int, batch: Batch, alive: npt.NDArray[np.bool_]) -> Numbers:
        """Price the firms that end here by every rule; returns what the reward's has to have added."""
        term = np.zeros(len(alive))
        closed = np.flatnonzero(alive & (batch.ends == CLOSED))
        for place, rule in enumerate(self._rules if len(closed) else ()):
            worth = batch.closing_values(closed, CLOSING_RULES.index(rule))
            self._closed_at[place, closed] = BILLION * MONTHLY_DISCOUNT**month * worth
            if rule == self._closing:
                term[closed] = worth / MONEY_SCALE
        return term

    def _end_year(self, year: int) -> None:
        """Keep the sums of a year, if it has begun, and start with the next."""
        if year >= 0:
            self._sums[year] = self._year[:, _YEARLY_COLUMNS]
            self._year[...] = 0.0

    def part(self) -> Part:
        """The sums, when nothing more is added."""
        months = self._counts.sum(axis=0).astype(np.int64)
        self._end_year(int(months.max() - 1) // MONTHS)
        with np.errstate(invalid="ignore"):
            yearly = self._sums / self._counts[:, :, None]  # 0 / 0, the years after a bankruptcy, is NaN
        return Part(
            self._value, self._profit_part, self._closing_part, self._bankrupt, months, self._saturated.T,
            yearly.transpose(2, 0, 1), (self._lines * _LINE_SIGNS).T, self._keys, self._closed_at,
        )  # fmt: skip
