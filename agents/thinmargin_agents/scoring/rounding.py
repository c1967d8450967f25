"""Shares as they are printed: what is not nothing or all does not read as if it were."""

from __future__ import annotations

from thinmargin_agents.scoring.comparison import rounded


def shown_share(share: float, digits: int, whole: float = 1.0) -> str:
    """A part of `whole` with so many digits: `0.4`, and `<0.1` or `>99.9` where it would round to none or all of it.

    Args:
        share: the part, 0 to 1 of the whole; others are told as numbers.
        digits: behind the point.
        whole: 100 for percent.
    """
    value, least = rounded(whole * share, digits), 10.0**-digits
    if 0.0 < share < 1.0 and value in (0.0, whole):
        return f"<{least:.{digits}f}" if value == 0.0 else f">{whole - least:.{digits}f}"
    return f"{value:,.{digits}f}"
