"""One firm's reported annual figures, 2011 to 2024, with a source and a status for every cell.

`reported()` are the shipped figures, `read_figures` reads newer ones from a CSV file, `Figures.merged` puts the second
on top of the first, and `check_plausible` compares them. `python -m thinmargin.data` prints what is shipped.
"""

from __future__ import annotations

from thinmargin.data.figures import Figures, FiguresError, annual
from thinmargin.data.periods import Period, parse_period, parse_until
from thinmargin.data.plausible import check_plausible
from thinmargin.data.reading import read_figures
from thinmargin.data.series import BREAKS, EV_REVENUE_2024, SERIES, Series, series_named
from thinmargin.data.shipped import STATUSES, Provenance, provenance, reported

__all__ = [
    "BREAKS",
    "EV_REVENUE_2024",
    "SERIES",
    "STATUSES",
    "Figures",
    "FiguresError",
    "Period",
    "Provenance",
    "Series",
    "annual",
    "check_plausible",
    "parse_period",
    "parse_until",
    "provenance",
    "read_figures",
    "reported",
    "series_named",
]
