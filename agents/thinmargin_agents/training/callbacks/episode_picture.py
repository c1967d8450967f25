"""A picture of one validation episode: the levers a policy asks for and their results, beside the baseline's.

matplotlib is imported only to draw, through its objects, never pyplot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.baselines import Policy, baseline
from thinmargin.env import EcosystemEnv
from thinmargin.names import policy_name, quantity_name
from thinmargin.palette import LOOKS, TONES, dashes
from thinmargin.records import ACCESSORIES, LEVERS, MARKETING, PRICE, UPDATES
from thinmargin.settings import Settings
from thinmargin_agents.play.candidates import REWARD_UNIT
from thinmargin_agents.play.outcome import BILLION, FIRST_YEAR, MONTHS
from thinmargin_agents.scoring.comparison import REFERENCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

Numbers = npt.NDArray[np.float64]

WIDTH, HEIGHT, DPI = 640, 1000, 100
"""Pixels of a picture, and pixels an inch. TensorBoard shows it about 340 pixels wide, whatever its size: two panels
stand side by side, and the letters are large enough to be read at that width."""
HEAD, LABEL = 11.0, 11.0
"""Sizes of letters, points."""
AGENT, BASELINE = LOOKS["ppo"], LOOKS[REFERENCE]
"""How the policy in training is drawn, which has no name here, and the baseline."""
INK, GREY, PALE = (TONES[tone].light for tone in ("ink", "grey", "grid"))
SMALLEST = 1e-3
"""Least upper end of an axis."""
MISSING = "no pictures of episodes in TensorBoard: they need matplotlib, pip install 'thinmargin[report]'"


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


@dataclass(frozen=True, eq=False)
class Track:
    """One episode, month by month.

    Attributes:
        asked: shape (months, 4), what was asked for in the levers' own units.
        cash, users, profit: shape (months,): RMB bn, million, RMB bn a month.
        value: J, RMB bn.
        bankrupt: whether the firm ended in bankruptcy.
    """

    asked: Numbers
    cash: Numbers
    users: Numbers
    profit: Numbers
    value: float
    bankrupt: bool


def follow(policy: Policy, key: int, settings: Settings) -> Track:
    """Play the world of `key` to its end."""
    environment = EcosystemEnv(
        settings.worlds, closing=settings.closing, horizon=settings.horizon, discrete=settings.discrete
    )
    observation, _ = environment.reset(options={"world": key})
    state: Any = None
    rows, value, months, running = [], 0.0, 0, True
    info: dict[str, Any] = {}
    while running:
        start = np.full(1, months == 0)
        actions, state = policy.predict(observation[None], state=state, episode_start=start, deterministic=True)
        observation, reward, terminated, truncated, info = environment.step(actions[0])
        books = info["books"]
        rows.append([
            *info["levers"]["asked"].values(), BILLION * books["cash"],
            books["users_home"] + books["users_overseas"], BILLION * books["profit"],
        ])  # fmt: skip
        value += REWARD_UNIT * MONTHLY_DISCOUNT**months * float(reward)
        months += 1
        running = not (terminated or truncated)
    table = np.array(rows)
    cash, users, profit = table[:, -3:].T
    return Track(table[:, :-3], cash, users, profit, value, bool(info["books"]["bankrupt"]))


class EpisodePicture:
    """Pictures of one world, the policy's episode beside the baseline's.

    Args:
        key: of the world.
        settings: of its family, horizon and actions.
    """

    def __init__(self, key: int, settings: Settings) -> None:
        self._key, self._settings = key, settings
        self._drawing: _Drawing | None = None

    def __call__(self, policy: Policy) -> npt.NDArray[np.uint8]:
        """The picture of a policy's episode: uint8 of shape (HEIGHT, WIDTH, 3).

        Raises:
            ModuleNotFoundError: matplotlib is not installed.
        """
        if self._drawing is None:
            plain = replace(self._settings, discrete=False)
            heading = f"validation world {self._key:,},\nlevers as asked for"
            baselines = follow(baseline(REFERENCE), self._key, plain)
            self._drawing = _Drawing(baselines, heading, self._settings.horizon)
        return self._drawing.show(follow(policy, self._key, self._settings))


@dataclass(frozen=True)
class _Panel:
    """One quantity over the years; `limits` are those of the axis, None for what fits."""

    title: str
    of: Callable[[Track], Numbers]
    limits: tuple[float, float] | None = None


def _lever(k: int, title: str, scale: float = 1.0) -> _Panel:
    low, high = scale * LEVERS[k].low, scale * LEVERS[k].high
    return _Panel(title.format(quantity_name(LEVERS[k].name)), lambda track: scale * track.asked[:, k], (low, high))


PANELS = (
    _lever(PRICE, "{}, %", 100.0),
    _lever(ACCESSORIES, "{}, % of revenue", 100.0),
    _lever(MARKETING, "{}, % of revenue", 100.0),
    _lever(UPDATES, "{} a month"),
    _Panel("cash, RMB bn", lambda track: track.cash),
    _Panel("users, million", lambda track: track.users),
    _Panel("profit, RMB bn a month", lambda track: track.profit),
)
"""The levers, then their results; the eighth place has the legend."""


class _Drawing:
    """The figure with the baseline's lines; the agent's are moved from picture to picture.

    Axes and ticks are made once: they take twice as long as drawing them.
    """

    def __init__(self, baselines: Track, heading: str, horizon: int) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  # only pictures need it
        from matplotlib.figure import Figure  # noqa: PLC0415  # only pictures need it

        figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
        self._canvas: Any = FigureCanvasAgg(figure)
        *panels, legend = figure.subplots(4, 2).flat
        figure.subplots_adjust(left=0.075, right=0.955, bottom=0.03, top=0.965, wspace=0.24, hspace=0.34)
        self._baselines = baselines
        self._panels: list[tuple[_Panel, Axes, Line2D]] = []
        for panel, axes in zip(PANELS, panels, strict=True):
            _prepare(axes, panel.title, horizon)
            axes.plot(*_line(panel.of(baselines)), color=BASELINE.color, ls=dashes(BASELINE.dashes), lw=2.0)
            self._panels.append((panel, axes, axes.plot([], [], color=AGENT.color, ls=dashes(AGENT.dashes), lw=2.0)[0]))
        self._earned = _legend(legend, heading, baselines)

    def show(self, track: Track) -> npt.NDArray[np.uint8]:
        """The picture with the agent's episode."""
        for panel, axes, line in self._panels:
            agent, reference = panel.of(track), panel.of(self._baselines)
            line.set_data(*_line(agent))
            low, high = panel.limits or (
                min(float(agent.min()), float(reference.min()), 0.0),
                max(float(agent.max()), float(reference.max()), SMALLEST),
            )
            margin = 0.04 * (high - low)
            axes.set_ylim(low - margin, high + margin)
        self._earned.set_text(_earned(track))
        self._canvas.draw()
        return np.asarray(self._canvas.buffer_rgba(), np.uint8)[..., :3].copy()


def _line(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """Ends of the months in years, and the numbers, which begin as the first month ends."""
    return FIRST_YEAR + np.arange(1, len(numbers) + 1) / MONTHS, numbers


def _prepare(axes: Axes, title: str, horizon: int) -> None:
    axes.set_title(title, fontsize=HEAD, color=INK, loc="left")
    axes.axhline(0.0, color=GREY, lw=0.8, zorder=1)
    axes.set_xlim(FIRST_YEAR, FIRST_YEAR + horizon / MONTHS)
    apart = max(round(horizon / MONTHS / 3), 1)
    axes.set_xticks(range(FIRST_YEAR, FIRST_YEAR + horizon // MONTHS + 1, apart))
    axes.locator_params(axis="y", nbins=4)
    axes.tick_params(labelsize=LABEL, colors=GREY, length=0, pad=6)
    axes.grid(axis="y", color=PALE, lw=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def _legend(axes: Axes, heading: str, baselines: Track) -> Text:
    """The names of agent and baseline and their J; the agent's is filled in later."""
    axes.set_axis_off()
    axes.text(0.0, 1.0, heading, fontsize=LABEL, color=GREY, va="top", transform=axes.transAxes)
    texts = []
    for top, name, look in ((0.7, "agent", AGENT), (0.28, policy_name(REFERENCE), BASELINE)):
        axes.plot([0.0, 0.15], [top, top], color=look.color, ls=dashes(look.dashes), lw=2.0, transform=axes.transAxes)
        axes.text(0.19, top, name, fontsize=HEAD, color=INK, va="center", transform=axes.transAxes)
        words = _earned(baselines)
        texts.append(axes.text(0.19, top - 0.06, words, fontsize=HEAD, color=INK, va="top", transform=axes.transAxes))
    return texts[0]


def _earned(track: Track) -> str:
    ending = f"\nbankrupt in month {len(track.profit)}" if track.bankrupt else ""
    return f"J {track.value:,.1f} RMB bn{ending}"
