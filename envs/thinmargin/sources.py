"""Where the shocks of a world come from, as numbers that compiled code reads: its key, and the event of its family."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.parameters import NEVER, Checked, constant


@dataclass(frozen=True)
class Event(Checked):
    """An event laid over the shocks of every world of a scenario; what is not given stays as it is.

    Its first month is drawn with the world: every month from `first` to `last` is as likely.

    Raises:
        ValueError: a number is outside the range that it declares, or `first` is behind `last`.
    """

    # fmt: off
    first: float = constant(0.0, "month", 0, 600, "first month in which it may begin, 0 = January 2012", "judgement")
    last: float = constant(0.0, "month", 0, 600, "last month in which it may begin", "judgement")
    months: float = constant(NEVER, "months", 1, NEVER, "how long it lasts; 1200 is for good", "judgement")
    attack: float = constant(0.0, "share", 0, 1, "markup that rivals give up, added", "judgement")
    aggression: float = constant(0.0, "factor", 0, 20, "rivals' readiness for a price war; 0 = its own", "judgement")
    component: float = constant(0.0, "log", -3, 3, "component cost, added", "judgement")
    supply: float = constant(1.0, "factor", 0, 1, "capacity that component makers let the seat run, times", "judgement")
    demand: float = constant(0.0, "log", -3, 3, "market size in both regions, added", "judgement")
    services: float = constant(1.0, "factor", 0, 10, "services revenue, times", "judgement")
    clone: float = constant(0.0, "0/1", 0, 1, "the mass marketer plays the low-margin ecosystem, added", "judgement")
    # fmt: on

    def __post_init__(self) -> None:
        """Check each range, and the order of the two months."""
        super().__post_init__()
        if self.first > self.last:
            raise ValueError(f"Event.first is {self.first:g}: must be at most last, which is {self.last:g}")


SOURCE = np.dtype(
    (
        np.record,
        [
            ("key", np.int64),
            *((name, np.float64) for name in ("tabled", "start", "end", *(item.name for item in fields(Event)))),
        ],
    )
)
"""Record type of where one world's shocks come from.

Its key; 1 in `tabled` if a table of its own stands in for key and event; the numbers of its event, and the months
`start <= month < end` that it lasts. An event that is all zero never comes.
"""


def source_record(event: Event | None) -> npt.NDArray[Any]:
    """The source of a family's worlds, before a key is drawn: an array of one record of type SOURCE."""
    record = np.zeros(1, SOURCE)
    if event is not None:
        for item in fields(event):
            record[item.name] = getattr(event, item.name)
    return record
