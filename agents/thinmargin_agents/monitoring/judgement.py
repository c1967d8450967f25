"""The judgement of a policy on validation worlds while it learns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Judgement:
    """Results of a policy: means in RMB bn, the paired difference to the baseline with its 95 % interval.

    Ends of intervals are None where too few worlds were played for one. The score, its 95 % interval and the mean of
    the middle half of the worlds' scores are in percent; None where the best plans of the worlds are not known.
    """

    J: float
    profit_part: float
    closing_part: float
    bankrupt_share: float
    saturation: dict[str, float]
    difference: float
    low: float | None
    high: float | None
    score: float | None = None
    score_low: float | None = None
    score_high: float | None = None
    score_iqm: float | None = None

    @property
    def score_in_words(self) -> str:
        """The score with its interval, such as `score 76.1 [74.0, 78.2]`; empty where there is none."""
        ends = ends_in_words(self.score_low, self.score_high, "{:.1f}")
        return "" if self.score is None else f"score {self.score:.1f} [{ends}]"


def ends_in_words(low: float | None, high: float | None, form: str = "{:+.1f}") -> str:
    """The ends of an interval, such as `-1.0, +2.0`; a hyphen where too few worlds were played for one.

    Args:
        low: its lower end, or None.
        high: its upper end, or None.
        form: of a number.
    """
    return "-" if low is None or high is None else f"{form.format(low)}, {form.format(high)}"
