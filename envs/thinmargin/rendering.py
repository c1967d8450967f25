"""A month as text, an episode as a picture or in a window. matplotlib is imported only to draw.

A history is a sequence of records of type `thinmargin.records.REPORT`, month 0 (January 2012, nothing
sold yet) first.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import ModuleType

import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled, UnsupportedMode

from thinmargin.statement import YEAR, month_as_text, month_table

__all__ = ["Window", "episode_as_picture", "month_as_text"]


def episode_as_picture(history: Sequence[np.record]) -> npt.NDArray[np.uint8]:
    """The episode so far as a dashboard: uint8 of shape (800, 1200, 3).

    Six panels over the years: price and cost, users, revenue, profit and cash, levers, market share.

    Raises:
        ValueError: the history is empty.
        gymnasium.error.DependencyNotInstalled: matplotlib is missing; the message says how to get it.
    """
    table = month_table(history)
    return _dashboard().picture(table)  # type: ignore[no-any-return]  # a module is typed as Any


def _dashboard() -> ModuleType:
    try:
        from thinmargin import dashboard  # noqa: PLC0415  # a fifth of a second, and an extra package
    except ImportError as error:
        raise _no_matplotlib() from error
    return dashboard


def _no_matplotlib() -> DependencyNotInstalled:
    return DependencyNotInstalled('pictures need matplotlib: pip install "thinmargin[report]"')


class Window:
    """A matplotlib window with the dashboard of the episode, redrawn once a simulated year.

    `MPLBACKEND` chooses the toolkit; one without windows that is chosen there (`MPLBACKEND=agg`) draws
    unseen, which is how to test where there is no display.

    Raises:
        gymnasium.error.DependencyNotInstalled: matplotlib is missing; the message says how to get it.
        gymnasium.error.UnsupportedMode: there is no display, or no toolkit to open a window with.
    """

    def __init__(self) -> None:
        self._dashboard = _dashboard()
        from matplotlib import pyplot as plt  # noqa: PLC0415  # as above, and it chooses a toolkit at once

        size = self._dashboard.WIDTH / self._dashboard.DPI, self._dashboard.HEIGHT / self._dashboard.DPI
        try:
            self._figure = plt.figure(figsize=size, dpi=self._dashboard.DPI)
        except ImportError as error:  # the toolkit that is asked for is missing or finds no display
            raise _no_display(str(error)) from error
        self._pyplot = plt
        self._drawn: np.record | None = None
        self._began: np.record | None = None
        canvas = self._figure.canvas
        self._is_seen = canvas.required_interactive_framework is not None
        if plt.get_backend().lower() == "agg" != os.environ.get("MPLBACKEND", "").lower():
            self.close()  # matplotlib falls back to it where no toolkit can open a window
            raise _no_display("matplotlib found none")
        if canvas.manager is not None:
            canvas.manager.set_window_title("ThinMargin")

    def show(self, history: Sequence[np.record]) -> None:
        """Redraw when a history begins, every twelve months, at a bankruptcy and at the closing month.

        A window that the user has closed stays closed.
        """
        last = history[-1]
        is_new = history[0] is not self._began  # after a reset or `set_state`
        is_due = is_new or last["month"] % YEAR == 0 or last["bankrupt"] or last["closing_term"]
        if last is self._drawn or not is_due or not self._pyplot.fignum_exists(self._figure.number):
            return
        self._drawn, self._began = last, history[0]
        self._figure.clear()
        self._dashboard.draw_dashboard(self._figure, month_table(history))
        self._figure.canvas.draw()
        if self._is_seen:
            self._figure.show()
            self._figure.canvas.flush_events()

    def close(self) -> None:
        """Close the window; it may be closed already."""
        self._pyplot.close(self._figure)


def _no_display(reason: str) -> UnsupportedMode:
    return UnsupportedMode(
        f"render_mode='human' needs a display to open a window on ({reason}): "
        "use render_mode='rgb_array' for pictures or 'ansi' for text"
    )
