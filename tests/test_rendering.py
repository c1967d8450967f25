"""Statements have the figures of the books; pictures show the episode and leave matplotlib's state alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import DependencyNotInstalled, ResetNeeded, UnsupportedMode
from gymnasium.utils.env_checker import check_env

import thinmargin
from thinmargin import dashboard, rendering, statement
from thinmargin.env import EcosystemEnv
from thinmargin.levers import action_of
from thinmargin.records import BOOK_FIELDS, REPORT
from thinmargin.rendering import episode_as_picture, month_as_text
from thinmargin.vector import EcosystemVectorEnv

ID = "thinmargin:ThinMargin/EcosystemCalibrated-v1"
STEADY = action_of(0.10, 0.012, 0.05, 3.0)
GIVING_AWAY = np.full(4, -1.0, np.float32)
SHAPE = (800, 1200, 3)


def played(months: int, horizon: int = 180) -> list[np.record]:
    """The history of an episode with steady levers."""
    env = EcosystemEnv(worlds="calibrated", horizon=horizon, render_mode="rgb_array")
    env.reset(seed=0)
    for _ in range(months):
        env.step(STEADY)
    return env._history


@pytest.fixture(scope="module")
def history() -> list[np.record]:
    return played(30)


def changed(record: np.record, **values: float) -> np.record:
    """A copy of a report with other numbers."""
    copy = record.copy()
    for name, value in values.items():
        copy[name] = value
    return copy  # type: ignore[no-any-return]  # numpy types a record's copy as Any


def numbers_after(label: str, text: str, columns: int = 2) -> list[float]:
    """The numbers that stand behind a label of the statement."""
    found = re.search(rf"(?:^|\| ){re.escape(label)} +((?:[-\d,.]+(?: %)? *){{{columns}}})", text, re.MULTILINE)
    assert found, f"{label!r} is not in the statement"
    return [float(number) for number in found[1].replace(",", "").replace("%", "").split()]


# The statement


@pytest.mark.parametrize(("label", "book", "sign"), statement._PROFIT_AND_LOSS)
def test_profit_and_loss_has_the_month_and_the_last_twelve(
    history: list[np.record], label: str, book: str, sign: int
) -> None:
    month, year = numbers_after(label, month_as_text(history))
    assert month == pytest.approx(sign * history[-1][book], abs=0.0501)
    assert year == pytest.approx(sign * sum(report[book] for report in history[-12:]), abs=0.0501)


def test_lines_of_the_statement_add_up(history: list[np.record]) -> None:
    text = month_as_text(history)
    for column in (0, 1):

        def line(label: str, column: int = column) -> float:
            return numbers_after(label, text)[column]

        costs = ("selling, marketing", "accessory tickets", "software releases", "overhead", "excess stock")
        assert line("REVENUE") == pytest.approx(line("phones") + line("accessories") + line("services"), abs=0.2)
        assert line("OPERATING PROFIT") == pytest.approx(line("GROSS PROFIT") + sum(map(line, costs)), abs=0.4)
        assert line("PROFIT") == pytest.approx(
            line("OPERATING PROFIT") + line("funding cost") + line("income tax"), abs=0.2
        )


@pytest.mark.parametrize(
    ("label", "books", "scale", "digits"),
    [
        ("cash, RMB m", ["cash"], 1, 1),
        ("credit line, RMB m", ["credit_line"], 1, 1),
        ("stock, m phones", ["inventory"], 1, 3),
        ("capacity, m phones a month", ["capacity"], 1, 3),
        ("users, m", ["users_home", "users_overseas"], 1, 2),
        ("active users, m", ["active_users"], 1, 2),
        ("buyers reached", ["coverage_home", "coverage_overseas"], 100, 1),
        ("market, m phones", ["market_home", "market_overseas"], 1, 2),
        ("own share", ["share_home", "share_overseas"], 100, 1),
        ("fans among users", ["fans"], 100, 1),
        ("owners who bought again", ["retention"], 100, 1),
        ("engagement, index", ["engagement"], 1, 2),
        ("live ventures", ["breadth"], 1, 2),
        ("ventures in gestation", ["pipeline"], 1, 2),
        ("list price, RMB", ["price"], 1, 0),
        ("unit cost, RMB", ["unit_cost"], 1, 0),
        ("rivals' home price, RMB", ["rival_price"], 1, 0),
        ("wanted, m", ["wanted"], 1, 3),
        ("sold, m", ["sales"], 1, 3),
        ("demand served", ["fill_rate"], 100, 1),
        ("hardware net margin", ["hardware_net_margin"], 100, 1),
        ("markup", ["asked_price", "applied_price"], 100, 2),
        ("tickets", ["asked_accessories", "applied_accessories"], 100, 2),
        ("releases a month", ["asked_updates", "applied_updates"], 1, 2),
    ],
)
def test_statement_has_the_other_books(
    history: list[np.record], label: str, books: list[str], scale: int, digits: int
) -> None:
    expected = [scale * float(history[-1][book]) for book in books]
    half = 0.5001 * 10.0**-digits
    assert numbers_after(label, month_as_text(history), len(books)) == pytest.approx(expected, abs=half)


@pytest.mark.parametrize(
    ("label", "book", "digits"), [("revenue, RMB m", "revenue", 1), ("phones sold, m", "sales", 3)]
)
def test_what_the_regions_earn_and_sell_adds_up(label: str, book: str, digits: int) -> None:
    months = played(60)
    home, overseas = numbers_after(label, month_as_text(months))
    half = 0.5001 * 10.0**-digits
    assert overseas == pytest.approx(months[-1][f"{book}_overseas"], abs=half)
    assert home + overseas == pytest.approx(months[-1][book], abs=2.0 * half)
    assert min(home, overseas) > 0.0


def test_statement_shows_every_book(history: list[np.record]) -> None:
    before = month_as_text(history)
    silent = {"month", "royalties", "bankrupt"}  # in the title, a memo, in the title
    for field in BOOK_FIELDS:
        if field.name not in silent:
            after = month_as_text([*history[:-1], changed(history[-1], **{field.name: 0.321})])
            assert after != before, f"{field.name} is not in the statement"


def test_statement_fits_a_terminal(history: list[np.record]) -> None:
    for text in (month_as_text(history[:1]), month_as_text(history)):
        assert text.isascii()
        assert max(len(line) for line in text.split("\n")) <= 80


@pytest.mark.parametrize(
    ("month", "date"), [(0, "start of January 2012"), (1, "January 2012"), (12, "December 2012"), (25, "January 2014")]
)
def test_statement_is_dated(history: list[np.record], month: int, date: str) -> None:
    assert f"ThinMargin | {date} | month {month}\n" in month_as_text(history[: month + 1])


def test_bankruptcy_is_told() -> None:
    env = gym.make(ID, render_mode="ansi")
    env.reset(seed=0)
    terminated = False
    while not terminated:
        assert "BANKRUPT" not in env.render()
        *_, terminated, _, _ = env.step(GIVING_AWAY)
    assert "BANKRUPT" in env.render()


def test_no_number_is_minus_zero(history: list[np.record]) -> None:
    text = month_as_text([changed(history[0], profit=-1e-12, profit_term=-1e-16)])
    assert not re.search(r"-0\.0+(?!\d)", text)


def test_an_empty_history_is_an_error() -> None:
    for draw in (month_as_text, episode_as_picture):
        with pytest.raises(ValueError, match="history is empty"):
            draw([])


@pytest.mark.slow
def test_a_history_that_steps_back_or_leaps_is_put_in_order(history: list[np.record]) -> None:
    again = changed(history[5], profit=123.0)
    table = statement.month_table([*history[:20], again])
    assert table["month"].tolist() == list(range(6))
    assert table["profit"][-1] == 123.0
    table = statement.month_table([history[10], history[13]])
    assert table["month"].tolist() == [9, 10, 11, 12, 13]
    assert np.isnan(table["profit"]).tolist() == [True, False, True, True, False]
    assert episode_as_picture([history[10], history[13]]).shape == SHAPE
    assert "month 13" in month_as_text([history[10], history[13]])


# The picture


@pytest.mark.slow
@pytest.mark.parametrize("months", [0, 1, 2, 180])
def test_picture_of_any_length(months: int) -> None:
    picture = episode_as_picture(played(months))
    assert picture.shape == SHAPE
    assert picture.dtype == np.uint8
    assert picture.flags.writeable
    assert picture.flags.owndata
    assert 0.02 < np.mean(picture.min(axis=2) < 200) < 0.6  # something is drawn, and not too much


@pytest.mark.slow
def test_picture_of_fifty_years() -> None:
    assert episode_as_picture(played(600, horizon=600)).shape == SHAPE


@pytest.mark.slow
def test_picture_changes_every_month(history: list[np.record]) -> None:
    pictures = [episode_as_picture(history[:months]) for months in (1, 2, 3, 3)]
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[1] != pictures[2]).any()
    assert (pictures[2] == pictures[3]).all()


PANELS = (
    ("price", "unit_cost", "rival_price", "price", "price"),
    ("users_home", "users_overseas", "fans", "fans", "fans"),
    ("device_revenue", "accessory_revenue", "services_revenue", "device_revenue", "device_revenue"),
    ("profit", "cash", "credit_line", "cash", "cash"),
    ("applied_price", "applied_accessories", "applied_marketing", "applied_updates", "asked_price"),
    ("share_home", "share_overseas", "fill_rate", "fill_rate", "fill_rate"),
)
"""What the panels show, row by row from the left."""


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(5))
def test_each_panel_shows_its_books(history: list[np.record], turn: int) -> None:
    books = [panel[turn] for panel in PANELS]
    other = [changed(report, **{book: 0.6 * report[book] - 0.01 for book in books}) for report in history]
    before, after = episode_as_picture(history), episode_as_picture(other)
    for number, book in enumerate(books):
        top, left = 130 + 335 * (number // 3), 400 * (number % 3)
        panel = np.s_[top : top + 330, left : left + 400]
        assert (before[panel] != after[panel]).any(), f"{book} is not in its panel"


@pytest.mark.slow
def test_pictures_leave_no_trace_in_matplotlib(fresh_run: Callable[..., str]) -> None:
    said = fresh_run(
        "import sys, gymnasium as gym\n"
        f"env = gym.make('{ID}', render_mode='ansi'); env.reset(seed=0); env.render()\n"
        "print('matplotlib' in sys.modules)\n"
        "import matplotlib\n"
        "rc = matplotlib.rcParams\n"
        "def settings(): return {name: rc[name] for name in rc if name != 'backend'}\n"
        "before = settings()\n"
        f"env = gym.make('{ID}', render_mode='rgb_array'); env.reset(seed=0); env.render()\n"
        "print('matplotlib.pyplot' in sys.modules, settings() == before)\n"
    )
    assert said.split() == ["False", "False", "True"]


def test_missing_matplotlib_is_told_with_the_command(history: list[np.record], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules, "matplotlib"]:
        if name.partition(".")[0] == "matplotlib":
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "thinmargin.dashboard")
    monkeypatch.delattr(thinmargin, "dashboard")
    for ask in (lambda: episode_as_picture(history), rendering.Window):
        with pytest.raises(DependencyNotInstalled, match=re.escape('pip install "thinmargin[report]"')):
            ask()
    assert "month 30" in month_as_text(history)


# The window


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A toolkit without windows; the list grows by the month of every drawing."""
    plt = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setenv("MPLBACKEND", "agg")
    plt.switch_backend("agg")
    drawn: list[int] = []
    draw = dashboard.draw_dashboard

    def counted(figure: object, table: np.ndarray) -> None:
        drawn.append(int(table["month"][-1]))
        draw(figure, table)  # type: ignore[arg-type]  # the figure it is given

    monkeypatch.setattr(dashboard, "draw_dashboard", counted)
    yield drawn
    assert plt.get_fignums() == []


@pytest.mark.slow
def test_window_is_redrawn_once_a_year(unseen: list[int]) -> None:
    env = gym.make(ID, render_mode="human")
    env.reset(seed=0)
    for _ in range(25):
        env.step(STEADY)
    env.reset(seed=1)
    env.close()
    env.close()
    assert unseen == [0, 12, 24, 0]


@pytest.mark.slow
def test_window_shows_how_it_ended(unseen: list[int]) -> None:
    env = gym.make(ID, render_mode="human")
    env.reset(seed=0)
    month, terminated = 0, False
    while not terminated:
        month += 1
        *_, terminated, _, info = env.step(GIVING_AWAY)
    env.close()
    assert info["books"]["bankrupt"] == 1.0
    assert unseen[-1] == month


@pytest.mark.slow
def test_a_closed_window_stays_closed(unseen: list[int]) -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415  # only here is a window closed by hand

    env = gym.make(ID, render_mode="human")
    env.reset(seed=0)
    plt.close("all")
    for _ in range(13):
        env.step(STEADY)
    env.close()
    assert unseen == [0]


@pytest.mark.slow
def test_an_environment_that_was_closed_opens_a_new_window(unseen: list[int]) -> None:
    env = EcosystemEnv(worlds="calibrated", render_mode="human")
    env.reset(seed=0)
    env.close()
    env.reset(seed=0)
    env.close()
    assert unseen == [0, 0]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a display cannot be taken away")
def test_no_display_is_told_with_what_to_do(fresh_run: Callable[..., str]) -> None:
    said = fresh_run(
        "import gymnasium as gym\n"
        f"env = gym.make('{ID}', render_mode='human')\n"
        "try:\n    env.reset(seed=0)\n"
        f"except gym.error.{UnsupportedMode.__name__} as error:\n    print(error)\n",
        without=("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"),
    )
    assert "needs a display" in said
    assert "render_mode='rgb_array'" in said
    assert "'ansi'" in said


# The ways in


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Ecosystem-v1", "EcosystemDiscrete-v1", "EcosystemContinuing-v1"])
def test_gymnasium_checks_rendering_too(name: str, unseen: list[int]) -> None:
    check_env(gym.make(f"ThinMargin/{name}").unwrapped)
    assert unseen == [0, 0]  # a picture and a window


@pytest.mark.slow
def test_scalar_environment_renders() -> None:
    env = gym.make(ID, render_mode="ansi")
    env.reset(seed=0)
    assert "month 0" in env.render()
    env.step(STEADY)
    assert "month 1" in env.render()
    env.reset(seed=0)
    assert "month 0" in env.render()
    env = gym.make(ID, render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == SHAPE


@pytest.mark.slow
def test_vector_environment_renders_each() -> None:
    envs = gym.make_vec(ID, num_envs=2, render_mode="ansi")
    envs.reset(seed=0)
    envs.step(np.stack([STEADY, GIVING_AWAY]))
    one, two = envs.render()
    assert "month 1" in one
    assert one != two
    envs = gym.make_vec(ID, num_envs=2, render_mode="rgb_array")
    envs.reset(seed=0)
    assert [picture.shape for picture in envs.render()] == [SHAPE, SHAPE]


def test_vector_environment_renders_after_autoreset() -> None:
    envs = gym.make_vec(ID, num_envs=2, horizon=2, render_mode="ansi")
    envs.reset(seed=0)
    for month in ("month 1", "month 0", "month 1"):
        envs.step(np.stack([STEADY, STEADY]))
        assert all(month in text for text in envs.render())


def test_a_restored_environment_renders_the_restored_month() -> None:
    env = EcosystemEnv(worlds="calibrated", render_mode="ansi")
    env.reset(seed=0)
    for _ in range(3):
        env.step(STEADY)
    saved, shown = env.get_state(), env.render()
    env.step(STEADY)
    env.set_state(saved)
    assert "month 3" in env.render()
    assert env.render().split("REWARD")[0].count("month 3") == shown.split("REWARD")[0].count("month 3")


def test_reports_are_copies(history: list[np.record]) -> None:
    assert [int(report["month"]) for report in history] == list(range(31))
    assert np.array(history, REPORT).dtype == REPORT


@pytest.fixture
def fresh_run() -> Callable[..., str]:
    """Runs code in a new interpreter with warnings as errors and returns what it printed."""

    def run(code: str, without: tuple[str, ...] = ()) -> str:
        environ = {name: value for name, value in os.environ.items() if name not in without}
        done = subprocess.run(  # noqa: S603  # our own interpreter and our own code
            [sys.executable, "-W", "error", "-c", code], env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("mode", ["rgb_array", "ansi"])
def test_a_batch_shows_nothing_before_its_first_episode(mode: str) -> None:
    envs = EcosystemVectorEnv(2, render_mode=mode)
    with pytest.raises(ResetNeeded, match="render needs running episodes: call reset first"):
        envs.render()
