from __future__ import annotations

import json
import multiprocessing
import os
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thinmargin.baselines import ConstantPolicy
from thinmargin.levers import action_of
from thinmargin.parameters import Parameters
from thinmargin.records import LEVERS
from thinmargin.splits import KEYS
from thinmargin_agents.phase_map import __main__ as command
from thinmargin_agents.phase_map import hidden
from thinmargin_agents.phase_map.boundary import at_boundary, difference_at, on_map, tie, ties
from thinmargin_agents.phase_map.cells import GRIDS, MARKUPS, PROTOTYPE_SIGNS, Best, Cell, Grid, PhaseMap, Place
from thinmargin_agents.phase_map.processes import solve_all
from thinmargin_agents.phase_map.results import Asked, Result, calibrated_difference, find, prototype_changes, signs
from thinmargin_agents.phase_map.search import Case, Effort, in_range, solve
from thinmargin_agents.phase_map.table import markdown, text
from thinmargin_agents.play.rollout import play_worlds

SMALL = replace(GRIDS["services"], rows=(0.25, 2.0), slopes=(2.0, 5.0))
ONE_CELL = replace(GRIDS["patience"], rows=(0.10,), slopes=(3.5,))
FEW = Effort(generations=4)
QUICK = ["--generations", "1", "--n-worlds", "1", "--n-hidden", "2", "--processes", "1"]


def hand_made(grid: Grid, differences: Any) -> PhaseMap:
    """A map with these differences; the middle range is the worst everywhere."""

    def cell(gap: float) -> Cell:
        levers = {lever.name: 0.1 for lever in LEVERS}
        thin, premium = (Best({**levers, "price": markup}, 0.0, 0.0, 0.0) for markup in (0.01, 0.4))
        return Cell(replace(thin, value=100.0 + gap), Best(levers, -100.0, 0.0, 0.0), replace(premium, value=100.0))

    return PhaseMap(grid, tuple(map(cell, np.ravel(differences).tolist())))


@pytest.fixture(scope="module")
def small() -> Result:
    """Four corners of the services map and three hidden worlds, in one process."""
    return find(Asked((SMALL,), n_worlds=1, n_hidden=3, effort=FEW))


def test_thin_wins_where_customers_look_at_prices_and_services_pay(small: Result) -> None:
    premium_corner, _, _, thin_corner = small.maps[0].cells
    assert premium_corner.difference < -30.0
    assert premium_corner.best is premium_corner.premium
    assert thin_corner.difference > 100.0
    assert thin_corner.best is thin_corner.thin
    assert signs(small.maps[0])[0][0] == "-"
    assert signs(small.maps[0])[1][1] == "+"


def test_levers_of_every_range_stay_in_it(small: Result) -> None:
    for cell in small.maps[0].cells:
        for name, (low, high) in MARKUPS.items():
            best: Best = getattr(cell, name)
            assert low - 1e-6 <= best.markup <= high + 1e-6
            for lever in LEVERS:
                assert lever.low <= best.levers[lever.name] <= lever.high
            assert best.closing >= 0.0
            assert 0.0 <= best.bankrupt <= 1.0


def test_the_answer_does_not_depend_on_processes_or_on_the_company(small: Result) -> None:
    again = find(Asked((SMALL,), n_worlds=1, n_hidden=3, effort=FEW), processes=2)
    assert again.maps == small.maps
    assert again.hidden is not None
    assert small.hidden is not None
    assert again.hidden.searched == small.hidden.searched
    place = list(SMALL.places())[3]
    alone = solve(Case(tuple(KEYS["validation"][:1]), parameters=place.parameters()), FEW)
    assert alone == small.maps[0].cells[3]


def test_an_interrupt_ends_the_processes() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    cases = [Case((key,)) for key in KEYS["validation"][:12]]
    with pytest.raises(KeyboardInterrupt):
        solve_all(cases, Effort(1), 2, interrupted)
    for _ in range(100):
        if not multiprocessing.active_children():
            break
        time.sleep(0.1)
    assert not multiprocessing.active_children()


def test_levers_found_earn_in_the_environment_what_the_map_says() -> None:
    keys = KEYS["validation"][:2]
    best = solve(Case(tuple(keys), parameters=Place().parameters()), FEW).best
    policy = ConstantPolicy(action_of(*(best.levers[lever.name] for lever in LEVERS)))
    outcome = play_worlds(policy, keys, worlds="calibrated")
    assert best.value == pytest.approx(outcome.value.mean(), rel=2e-3)  # levers are told with four digits
    assert best.closing == pytest.approx(outcome.closing_part.mean(), rel=2e-3)
    assert best.bankrupt == outcome.bankrupt.mean()


def test_more_generations_never_find_less_and_other_seeds_find_nearly_the_same() -> None:
    case = Case(tuple(KEYS["validation"][:1]))
    short, long, other = (solve(case, effort) for effort in (Effort(3), Effort(15), Effort(15, seed=1)))
    assert long.best.value >= short.best.value
    assert short != long
    assert other != long
    assert other.difference == pytest.approx(long.difference, abs=3.0)


def test_impatient_owners_value_the_firm_less_and_its_future_least() -> None:
    keys = tuple(KEYS["validation"][:1])
    patient, impatient = (solve(Case(keys, parameters=Place(discount_rate=r).parameters()), FEW) for r in (0.03, 0.35))
    assert impatient.best.value < 0.3 * patient.best.value
    assert impatient.thin.closing / impatient.thin.value < patient.thin.closing / patient.thin.value


def test_the_search_leaves_numpys_global_dice_alone() -> None:
    before = np.random.get_state()  # noqa: NPY002  # the global state is what is looked at
    solve(Case((1,)), Effort(1))
    after = np.random.get_state()  # noqa: NPY002  # as above
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_candidates_are_spread_over_the_whole_range_of_markup() -> None:
    points = np.array([[-1.0, 0.1, 0.2, 0.3], [0.0, 0.1, 0.2, 0.3], [1.0, 0.1, 0.2, 0.3]])
    actions = in_range(points, 0.25, 0.60)
    assert 0.20 + 0.40 * actions[:, 0] == pytest.approx([0.25, 0.425, 0.60])
    assert np.array_equal(actions[:, 1:], points[:, 1:])
    assert points[0, 0] == -1.0


def test_a_place_changes_what_it_names() -> None:
    usual = Parameters()
    assert Place(4.2).parameters() == {
        "price_slope": 4.2,
        "services_ceiling": usual.services_ceiling,
        "discount_rate": usual.discount_rate,
    }
    double = Place(services=2.0).parameters()["services_ceiling"]
    assert double == pytest.approx([2.0 * ceiling for ceiling in usual.services_ceiling])
    patience = GRIDS["patience"]
    assert {place.discount_rate for place in patience.places()} == set(patience.rows)
    assert len(list(patience.places())) == 25
    assert [patience.label(0.35), GRIDS["services"].label(0.25)] == ["35 %", "0.25x"]


def test_maps_share_the_row_of_the_calibrated_firm() -> None:
    both = Asked(tuple(GRIDS.values()), 4, 7, FEW)
    assert len(both.cell_cases()) == 45
    assert both.searches == 52
    assert Asked((GRIDS["patience"],), 4, 7, FEW).hidden_cases() == []
    assert all(key in KEYS["validation"] for case in (*both.cell_cases(), *both.hidden_cases()) for key in case.keys)


@pytest.mark.parametrize(
    ("differences", "slope"),
    [
        ([-10.0, 10.0, 20.0], 2.5),
        ([-30.0, 10.0, 20.0], 2.75),
        ([-30.0, -10.0, 30.0], 3.5),
        ([-10.0, 0.0, 10.0], 3.0),
        ([-1.0, 5.0, -3.0], None),
        ([-4.0, -3.0, -2.0], None),
        ([4.0, 3.0, 2.0], None),
        ([5.0, -5.0, 5.0], 4.0),
    ],
)
def test_the_tie_is_where_the_difference_is_zero_between_two_cells(
    differences: list[float], slope: float | None
) -> None:
    assert tie((2.0, 3.0, 5.0), differences) == (None if slope is None else pytest.approx(slope))


def test_differences_are_linear_between_cells_and_held_at_the_edges() -> None:
    grid = replace(GRIDS["services"], rows=(0.5, 1.0, 2.0), slopes=(2.0, 3.0, 5.0))
    phase_map = hand_made(grid, [[-8.0, -4.0, 0.0], [0.0, 4.0, 8.0], [8.0, 16.0, 32.0]])
    slopes = [2.0, 2.5, 4.0, 5.0, 3.0, 3.0, 4.0, 1.0, 9.0, 9.0]
    rows = [0.5, 0.5, 0.5, 2.0, 0.75, 1.5, 1.5, 0.1, 9.0, 0.75]
    assert difference_at(phase_map, slopes, rows) == pytest.approx([-8, -6, -2, 32, 0, 10, 15, -8, 32, 4])
    assert ties(phase_map) == [pytest.approx(5.0), None, None]
    columns, lines = on_map(grid, [4.0], [1.5])
    assert (columns.tolist(), lines.tolist()) == ([1.5], [1.5])
    alone = hand_made(replace(grid, rows=(1.0,), slopes=(3.0,)), [[7.0]])
    assert float(difference_at(alone, 4.0, 2.0)) == 7.0


def test_the_boundary_passes_beside_cells_with_a_neighbour_of_the_other_sign() -> None:
    gaps = np.array([[-1.0, -1.0, -1.0], [-1.0, -1.0, 1.0], [-1.0, -1.0, -1.0]])
    beside = {(row, column) for row in range(3) for column in range(3) if at_boundary(gaps, row, column)}
    assert beside == {(1, 2), (0, 2), (2, 2), (1, 1)}


def test_hidden_worlds_lie_where_their_constants_say() -> None:
    tie_at = 3.8
    grid = replace(GRIDS["services"], rows=(0.5, 2.0), slopes=(tie_at - 1.0, tie_at + 1.0))
    worlds = hidden.placed(hand_made(grid, [[-5.0, 5.0], [-5.0, 5.0]]), [])
    assert len(worlds.slopes) == hidden.DRAWN
    assert np.array_equal(worlds.thin_side, worlds.slopes >= tie_at)
    assert 0.2 < worlds.thin_side.mean() < 0.8
    assert 0.8 < np.median(worlds.services) < 1.25
    inside = (abs(worlds.slopes - tie_at) <= 1.0) & (worlds.services >= 0.5) & (worlds.services <= 2.0)
    assert worlds.outside == pytest.approx(1.0 - inside.mean())


def test_the_share_of_searched_worlds_comes_with_an_interval_and_a_check_of_the_map() -> None:
    searched = hand_made(replace(SMALL, slopes=(2.0, 3.0)), [[9.0, 9.0], [9.0, -9.0]]).cells
    flags = np.array([True, False, True, True])
    worlds = hidden.HiddenWorlds(np.zeros(4), np.zeros(4), flags, 0.0, searched)
    assert worlds.thin_wins.tolist() == [True, True, True, False]
    assert worlds.right == 0.5
    low, high = worlds.share_of_thin(0)
    assert 0.0 <= low < 0.75 < high <= 1.0


def test_the_prototypes_signs_are_compared_cell_by_cell() -> None:
    gaps = np.array([[1.0 if sign == "+" else -1.0 for sign in row] for row in PROTOTYPE_SIGNS])
    same = hand_made(GRIDS["services"], gaps)
    assert prototype_changes(same) == []
    assert signs(same) == PROTOTYPE_SIGNS
    gaps[0, 0], gaps[1, 4] = 1.0, 2.0
    changed = hand_made(GRIDS["services"], gaps)
    assert prototype_changes(changed) == [(0, 0), (1, 4)]
    told = text(Result(Asked((changed.grid,), 1, 0, FEW), (changed,), None)).replace("\n", " ")
    assert "23 of 25 cells agree" in told
    assert "0.25x at slope 2: +1, was -; the boundary passes beside this cell" in told
    assert "0.5x at slope 5: +2, was -; the boundary passes beside this cell" in told
    assert prototype_changes(hand_made(GRIDS["patience"], gaps)) is None
    assert prototype_changes(hand_made(SMALL, gaps[:2, :2])) is None


def test_the_calibrated_firm_is_read_off_the_map() -> None:
    slope = Parameters().price_slope
    grid = replace(GRIDS["patience"], rows=(0.05, 0.15), slopes=(slope - 1.0, slope + 3.0))
    phase_map = hand_made(grid, [[0.0, 8.0], [-4.0, 4.0]])
    assert calibrated_difference(phase_map) == pytest.approx(0.0)
    result = Result(Asked((grid,), 2, 0, FEW), (phase_map,), None)
    assert f"price slope {slope:.2f}" in markdown(result, "COMMAND")


# the command


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Both maps, found in a hurry: the folder of the files and what was printed."""
    folder = tmp_path_factory.mktemp("maps")
    page = folder / "page.md"
    page.write_text("before\n\n<!-- phase map -->\nlast year\n<!-- end -->\n\nafter\n", encoding="utf-8")
    files = ["--json", folder / "map.json", "--picture", folder / "map.png", "--markdown", page]
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("builtins.print", lambda *parts, **_: printed.extend(map(str, parts)))
        assert command.main([*QUICK, *map(str, files)]) == 0
    return folder, "\n".join(printed)


def test_json_is_complete(told: tuple[Path, str]) -> None:
    document = json.loads((told[0] / "map.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert document["command"] == "python -m thinmargin_agents.phase_map --n-worlds 1 --n-hidden 2 --generations 1"
    assert (document["worlds"], document["split"], document["horizon"]) == ("calibrated", "validation", 180)
    assert document["versions"]["numpy"] == np.__version__
    assert set(document["maps"]) == {"services", "patience"}
    for name, entry in document["maps"].items():
        grid = GRIDS[name]
        assert (entry["rows"], entry["price_slopes"]) == (list(grid.rows), list(grid.slopes))
        cells = [cell for row in entry["cells"] for cell in row]
        assert [len(row) for row in entry["cells"]] == [5] * 5
        for cell, place in zip(cells, grid.places(), strict=True):
            assert (cell["price_slope"], cell["services"], cell["discount_rate"]) == place
            assert cell["difference"] == pytest.approx(cell["thin"]["value"] - cell["premium"]["value"])
            best = max(("thin", "middle", "premium"), key=lambda each: cell[each]["value"])
            assert cell["best_markup"] == cell[best]["levers"]["price"]
            assert set(cell[best]) == {"levers", "value", "closing", "bankrupt"}
        gaps = [[cell["difference"] for cell in row] for row in entry["cells"]]
        assert [row["price_slope"] for row in entry["ties"]] == [tie(grid.slopes, row) for row in gaps]
        assert entry["signs"] == ["".join("+" if gap >= 0.0 else "-" for gap in row) for row in gaps]
    assert document["maps"]["services"]["cells"][2] == document["maps"]["patience"]["cells"][2]
    assert document["maps"]["patience"]["prototype"] is None
    prototype = document["maps"]["services"]["prototype"]
    assert prototype["agree"] + len(prototype["changed"]) == prototype["of"] == 25
    share = document["hidden"]
    assert (share["drawn"], share["searched"], len(share["differences"])) == (2000, 2, 2)
    assert share["thin_wins"] == np.mean(np.array(share["differences"]) >= 0.0)
    assert sum(share["best"].values()) == pytest.approx(1.0)
    assert 0.0 < share["thin_side"] < 1.0


def test_the_picture_is_a_png_that_fills_a_page(told: tuple[Path, str]) -> None:
    content = (told[0] / "map.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1800
    assert 800 <= height <= 1200
    assert 50_000 < len(content) < 1_000_000


def test_the_table_stands_in_its_place_on_the_page(told: tuple[Path, str]) -> None:
    page = (told[0] / "page.md").read_text("utf-8")
    assert page.startswith("before\n\n<!-- phase map -->\n`python -m thinmargin_agents.phase_map --n-worlds 1")
    assert page.endswith("\n<!-- end -->\n\nafter\n")
    assert "last year" not in page
    document = json.loads((told[0] / "map.json").read_text("utf-8"))
    cell = document["maps"]["services"]["cells"][4][4]
    words = f"{round(100.0 * cell['best_markup'])} % ({cell['difference']:+.0f})"
    row = next(line for line in page.splitlines() if line.startswith("| 2x |"))
    assert f"| {words} |" in row
    assert words in told[1]
    assert "| 35 % |" in page


def test_the_answer_is_said_in_words(told: tuple[Path, str]) -> None:
    printed = told[1].replace("\n", " ")
    for part in (
        "When does the thin margin win?",
        "of the plausible worlds a thin constant margin beats a premium one: 2 hidden validation worlds",
        "2,000 hidden validation worlds lies on the thin side",
        "The calibrated firm (price slope",
        "Signs of the first prototype's map:",
    ):
        assert part in printed
    assert max(map(len, told[1].splitlines())) <= 120


def test_one_map_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(GRIDS, "patience", ONE_CELL)
    page, picture = tmp_path / "new.md", tmp_path / "map.svg"
    assert command.main([*QUICK, "--map", "patience", "--markdown", str(page), "--picture", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert "patience:" in printed
    assert "services:" not in printed
    assert "hidden" not in printed
    text = page.read_text("utf-8")
    assert text.startswith("<!-- phase map -->\n`python -m thinmargin_agents.phase_map --map patience")
    assert text.endswith("\n<!-- end -->\n")
    assert "<svg" in picture.read_text("utf-8")


def test_an_interrupt_writes_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("thinmargin_agents.phase_map.results.find", interrupted)
    assert command.main(["--json", str(tmp_path / "map.json")]) == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"
    assert list(tmp_path.iterdir()) == []


BAD: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "no worlds": (["--n-worlds", "0"], ("--n-worlds is 0", "1 to 64")),
    "too many worlds": (["--n-worlds", "65"], ("--n-worlds is 65", "1 to 64")),
    "no generations": (["--generations", "0"], ("--generations is 0", "1 to 1000")),
    "too many generations": (["--generations", "1001"], ("--generations is 1001", "1 to 1000")),
    "no processes": (["--processes", "0"], ("--processes is 0", "1 to 64")),
    "too many processes": (["--processes", "65"], ("--processes is 65", "1 to 64")),
    "fewer than no hidden worlds": (["--n-hidden", "-1"], ("--n-hidden is -1", "0 to 2000")),
    "more hidden worlds than are drawn": (["--n-hidden", "2001"], ("--n-hidden is 2001", "0 to 2000")),
    "seed below zero": (["--seed", "-1"], ("--seed is -1", "allowed are 0 to")),
    "unknown map": (["--map", "moon"], ("services", "patience", "both")),
    "no number": (["--n-worlds", "many"], ("many",)),
    "no folder": (["--json", "none/map.json"], ("--json is 'none/map.json'", "there is no folder 'none'")),
    "a folder": (["--markdown", "."], ("--markdown is '.'", "is not a file")),
    "no picture": (["--picture", "map.bmp"], ("--picture is 'map.bmp'", ".png, .svg, .pdf")),
    "no ending": (["--picture", "map"], ("--picture is 'map'", ".png, .svg, .pdf")),
    "one file twice": (["--json", "map.md", "--markdown", "map.md"], ("--json and --markdown are both 'map.md'",)),
    "page without a place": (["--markdown", "letter.md"], ("--markdown is 'letter.md'", "<!-- phase map -->")),
    "page that is no text": (["--markdown", "noise.md"], ("--markdown is 'noise.md'", "UTF-8")),
}


@pytest.mark.parametrize(("flags", "parts"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_used_is_told_before_anything_is_searched(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    parts: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("thinmargin_agents.phase_map.results.find", pytest.fail)
    Path("letter.md").write_text("Dear reader\n<!-- phase map -->\n")
    Path("noise.md").write_bytes(b"\xff\xfe\x00")
    assert command.main(flags) == 2
    shown = capsys.readouterr()
    for part in parts:
        assert part in shown.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter.md", "noise.md"]
    assert Path("letter.md").read_text() == "Dear reader\n<!-- phase map -->\n"


@pytest.mark.parametrize(
    ("module", "extra", "flags"), [("cma", "search", []), ("matplotlib", "report", ["--picture", "map.png"])]
)
def test_a_missing_library_is_told_with_its_extra(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: str,
    extra: str,
    flags: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for place in ("thinmargin_agents.phase_map.__main__", "thinmargin_agents.cli.outputs"):
        monkeypatch.setattr(f"{place}.find_spec", lambda name: None if name == module else name)
    assert command.main(flags) == 2
    assert f"pip install 'thinmargin[{extra}]'" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_in_the_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(GRIDS, "patience", ONE_CELL)
    monkeypatch.setattr("thinmargin.files.write_atomically", full)
    assert command.main([*QUICK, "--map", "patience", "--json", str(tmp_path / "map.json")]) == 1
    shown = capsys.readouterr()
    assert "No space left on device" in shown.err
    assert "patience:" in shown.out


def test_help_imports_nothing_heavy_and_names_every_flag() -> None:
    program = (
        "import sys\n"
        "from thinmargin_agents.phase_map.__main__ import main\n"
        "assert main(['--help']) == 0\n"
        "assert not {'numba', 'numpy', 'gymnasium', 'matplotlib', 'cma', 'torch'} & set(sys.modules)\n"
    )
    done = subprocess.run(  # noqa: S603  # the program is written above
        [sys.executable, "-W", "error", "-c", program], env={**os.environ, "COLUMNS": "100"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    flags = ("map", "n-worlds", "n-hidden", "generations", "seed", "json", "picture", "markdown", "processes")
    for flag in flags:
        assert f"--{flag}" in done.stdout
