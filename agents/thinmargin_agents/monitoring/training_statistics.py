"""Statistics of the firms between two points of TensorBoard's curves: sums over months and firms, reported as means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.records import LEVERS
from thinmargin.shown import shown
from thinmargin_agents.monitoring.tags import Means
from thinmargin_agents.play.outcome import SATURATED

Numbers = npt.NDArray[np.float64]


class TrainingStatistics:
    """Sums since `clear`.

    Args:
        names: columns of the reports that are added.
        corrected: whether the agent corrects a base policy, so that corrections are added too.
        take_reports: where reports are summed elsewhere, on a GPU: the sums of their means over firms since it was last
            called, shape (names,). It is asked when somebody wants to know.
    """

    def __init__(
        self, names: Sequence[str], *, corrected: bool, take_reports: Callable[[], Numbers] | None = None
    ) -> None:
        self._names, self.corrected, self._take_reports = tuple(names), corrected, take_reports
        self.clear()

    def clear(self) -> None:
        """Set all sums to zero."""
        levers = len(LEVERS)
        self._fetch()
        self._counts = np.zeros(3)  # months, episodes that ended, bankruptcies among them
        self._sums = {
            "reports": np.zeros(len(self._names)), "asked": np.zeros(levers), "squares": np.zeros(levers),
            "edges": np.zeros(levers), "corrections": np.zeros(levers),
        }  # fmt: skip

    def add(self, reports: Numbers | None, asked: Numbers, corrections: npt.NDArray[Any] | None = None) -> None:
        """Add a month of n firms.

        Args:
            reports: shape (n, names); None where they are summed elsewhere.
            asked: actions, shape (n, 4).
            corrections: what the agent added to the base policy's actions, shape (n, 4).
        """
        self._counts[0] += 1
        if reports is not None:
            self._sums["reports"] += reports.mean(axis=0)
        self._sums["asked"] += asked.mean(axis=0)
        self._sums["squares"] += np.square(asked).mean(axis=0)
        self._sums["edges"] += (np.abs(asked) >= SATURATED).mean(axis=0)
        if corrections is not None:
            self._sums["corrections"] += np.abs(corrections).mean(axis=0)

    def add_episode_ends(self, ended: int, bankrupt: float) -> None:
        """Add episodes that ended, and how many of them in bankruptcy."""
        self._counts[1:] += ended, bankrupt

    def means(self) -> Means:
        """Means since `clear`."""
        self._sums["reports"] += self._fetch()
        months, ended, bankrupt = self._counts.tolist()
        means = {name: sums / max(months, 1.0) for name, sums in self._sums.items()}
        spreads = np.sqrt(np.maximum(means["squares"] - np.square(means["asked"]), 0.0))
        columns = {"mean": means["asked"], "spread": spreads, "saturation": means["edges"]}
        if self.corrected:
            columns["correction"] = means["corrections"]
        return Means(
            books=dict(zip(self._names, means["reports"].tolist(), strict=True)),
            bankrupt_share=bankrupt / ended if ended else None,
            levers={
                lever.name: {what: float(column[place]) for what, column in columns.items()}
                for place, lever in enumerate(LEVERS)
            },
        )

    def _fetch(self) -> Numbers | float:
        return 0.0 if self._take_reports is None else self._take_reports()

    def get_state(self) -> dict[str, Any]:
        """All sums."""
        self._sums["reports"] += self._fetch()
        return {"counts": self._counts.copy(), **{name: sums.copy() for name, sums in self._sums.items()}}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a state of `get_state`; a foreign one is a ValueError or KeyError, and changes nothing."""
        found = {}
        for name, current in (("counts", self._counts), *self._sums.items()):
            found[name] = np.array(state[name], np.float64)
            if found[name].shape != current.shape:
                raise ValueError(f"state[{shown(name)}] has shape {found[name].shape}: it must be {current.shape}")
        self._fetch()
        self._counts = found.pop("counts")
        self._sums = found
