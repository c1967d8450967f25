"""The compiled months: equal to plain Python, never stale, compiled once."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thinmargin
from thinmargin import generators, replay, worlds
from thinmargin.economics.compiled import source_digest
from thinmargin.env import EcosystemEnv
from thinmargin.observation import observe
from thinmargin.records import FEATURES
from thinmargin.scenarios import FAMILIES
from thinmargin.simulation import KERNELS, LAYOUTS
from thinmargin.tuned import tuned_policy
from thinmargin.vector import EcosystemVectorEnv

PACKAGE = Path(thinmargin.__file__).parent

PRINT_NUMBERS = """
import json, sys
import numpy
from thinmargin.vector import EcosystemVectorEnv
family, reward = sys.argv[1:]
envs = EcosystemVectorEnv(2, worlds=family, reward=reward, horizon=28)
rng = numpy.random.default_rng(2)
observations, infos = envs.reset(seed=4)
seen = [numpy.array([list(row.tobytes()) for row in envs.get_state()["economies"]])]
for _ in range(30):
    observations, rewards, terminated, truncated, infos = envs.step(rng.uniform(-0.7, 0.9, (2, 4)))
    reports = numpy.array([infos["books"][name] for name in infos["books"].dtype.names])
    seen += [observations, rewards, terminated, truncated, reports, envs.get_state()["states"].view(numpy.float64)]
print(json.dumps([float(number).hex() for array in seen for number in numpy.ravel(array)]))
"""

BEGIN = """
import numpy
from thinmargin.batch import Batch
from thinmargin.parameters import Parameters, economy_record
batch = Batch(1, 1, 2, False)
batch.economies[0] = economy_record(Parameters())
batch.begin(numpy.zeros(1, numpy.int64))
"""
PRINT_START = BEGIN + "print(batch.observations.tobytes().hex(), batch.reports.tobytes().hex())"
PRINT_MONTH = BEGIN + (
    "batch.states['user_years'][0, 0] = 5.0\n"
    "batch.step(numpy.zeros((1, 4)))\n"
    "print(batch.observations.tobytes().hex(), batch.rewards[0].hex())"
)
EDITS = {
    "list_price": (PRINT_START, "economics/cost_and_price.py"),
    "markup_rule": (PRINT_MONTH, "strategies.py"),
    "update_satisfaction": (PRINT_START, "economics/loyalty.py"),
    "monetisation": (PRINT_MONTH, "economics/services.py"),
}
"""An equation; a program that it changes, and the file it stands in."""


def numbers_of(output: str) -> np.ndarray:
    return np.array([float.fromhex(number) for number in json.loads(output)])


def halved(text: str, function: str) -> str:
    """The source with this function returning half of what it did."""
    tree = ast.parse(text)
    body = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    last = body.body[-1]
    assert isinstance(last, ast.Return)
    assert last.value is not None
    expression = ast.get_source_segment(text, last.value)
    line = text.splitlines()[last.lineno - 1]
    assert expression is not None
    return text.replace(line, line.replace(expression, f"0.5 * ({expression})"))


def test_compiled_months_are_the_plain_python_months(fresh_python: Any) -> None:
    compiled = numbers_of(fresh_python(PRINT_NUMBERS, "entrant_clone", "shaped"))
    plain = numbers_of(fresh_python(PRINT_NUMBERS, "entrant_clone", "shaped", NUMBA_DISABLE_JIT="1"))
    assert compiled.shape == plain.shape
    np.testing.assert_allclose(compiled, plain, rtol=1e-12, atol=1e-15)


@pytest.fixture(scope="module")
def copy_of_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package, without compiled files."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(PACKAGE, folder / "thinmargin", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def run_copy(copy_of_package: Path, compiled_copies: Path, fresh_python: Any) -> Callable[[str], str]:
    """Runs a program with the copy instead of the installed package, and with a disk cache of its own."""

    def run(program: str) -> str:
        check = f"import thinmargin; assert thinmargin.__file__.startswith({str(copy_of_package)!r})\n"
        places = {"PYTHONPATH": str(copy_of_package), "NUMBA_CACHE_DIR": str(compiled_copies)}
        output: str = fresh_python(check + program, **places)
        return output

    return run


@pytest.fixture(scope="module")
def unedited(run_copy: Callable[[str], str]) -> dict[str, str]:
    """What the two programs print before any edit, from a cold cache."""
    month = run_copy(PRINT_MONTH)
    return {PRINT_MONTH: month, PRINT_START: run_copy(PRINT_START)}


@pytest.mark.slow
@pytest.mark.parametrize("equation", list(EDITS))
def test_an_edit_of_an_equation_takes_effect_in_the_next_process(
    equation: str, copy_of_package: Path, run_copy: Callable[[str], str], unedited: dict[str, str]
) -> None:
    program, name = EDITS[equation]
    path = copy_of_package / "thinmargin" / name
    text = path.read_text()
    try:
        path.write_text(halved(text, equation))
        assert path.read_text() != text
        assert run_copy(program) != unedited[program]
    finally:
        path.write_text(text)
    assert run_copy(program) == unedited[program]


@pytest.mark.slow
def test_an_unchanged_package_is_loaded_from_disk_not_compiled(
    run_copy: Callable[[str], str], unedited: dict[str, str]
) -> None:
    counted = (
        "\nfrom thinmargin.simulation import KERNELS\n"
        "print(*(sum(k.stats.cache_hits.values()) for k in KERNELS[:2]))\n"
        "print(*(sum(k.stats.cache_misses.values()) for k in KERNELS[:2]))"
    )
    assert run_copy(PRINT_MONTH + counted).splitlines() == [unedited[PRINT_MONTH], "1 1", "0 0"]


COMPILED = {"mechanism", "entry_point"}


ENTRIES = ("simulation.py", "worlds.py", "generators.py", "replay.py")
"""The files of the entry points."""


def compiled_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions that end up in machine code."""
    for node in ast.walk(tree):
        decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
        if isinstance(node, ast.FunctionDef) and COMPILED & {
            name.id for name in decorators if isinstance(name, ast.Name)
        }:
            yield node


RECORD_TYPES = {"STATE", "ECONOMY", "SOURCE", "SHOCKS", "FLOWS", "REPORT"}
"""They count by their layout, which the digest has, and not by the files that it is made from."""


def names_in(code: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(code) if isinstance(node, ast.Name)} - RECORD_TYPES


def used_names(tree: ast.Module, wanted: set[str]) -> set[str]:
    """Names that a module needs for these: its functions and constants of that name, and what those are made from."""
    made: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for name in {getattr(node, "name", "")}.union(*(names_in(target) for target in targets if target is not None)):
            made.setdefault(name, []).append(node)
    used: set[str] = set()
    while wanted - used:
        name = (wanted - used).pop()
        used.add(name)
        for node in made.get(name, []):
            wanted = wanted | names_in(node)
    return used


def compiled_files() -> list[str]:
    """Files that the machine code is made from, beginning with those of the entry points."""
    needed: dict[Path, set[str]] = {}
    waiting = []
    for entry in ENTRIES:
        tree = ast.parse((PACKAGE / entry).read_text())
        waiting.append((PACKAGE / entry, set().union(*map(names_in, compiled_functions(tree)))))
    while waiting:
        path, wanted = waiting.pop()
        if path in needed and wanted <= needed[path]:
            continue
        tree = ast.parse(path.read_text())
        needed[path] = used_names(tree, wanted | needed.get(path, set()))
        for node in ast.walk(tree):
            module = (node.module or "").split(".") if isinstance(node, ast.ImportFrom) else [""]
            if module[0] == "thinmargin":
                names = {alias.name for alias in node.names if (alias.asname or alias.name) in needed[path]}  # type: ignore[attr-defined]  # an import
                if names:
                    waiting.append((PACKAGE.parent.joinpath(*module).with_suffix(".py"), names))
    return sorted(str(path.relative_to(PACKAGE)) for path in needed)


def test_machine_code_is_made_from_every_room_of_the_economics() -> None:
    modules = {str(path.relative_to(PACKAGE)) for path in PACKAGE.glob("economics/*.py")}
    modules_above = ("simulation", "worlds", "shocks", "counter", "strategies", "levers", "observation", "replay")
    above = {f"{module}.py" for module in modules_above}
    below = {"records.py", "parameters.py"}
    assert set(compiled_files()) >= (modules - {"economics/__init__.py"}) | above | below
    decorated = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(compiled_functions(ast.parse(path.read_text())))
    }
    assert decorated <= set(compiled_files()), "a compiled function that no entry point reaches"


@pytest.fixture(scope="module")
def digest_of_copy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Callable[[], str]]:
    """Another copy of the package, and its `source_digest`."""
    folder = tmp_path_factory.mktemp("digest") / "thinmargin"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    spec = util.spec_from_file_location("compiled_of_copy", folder / "economics" / "compiled.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return folder, module.source_digest


@pytest.mark.parametrize("name", compiled_files())
def test_the_key_of_the_disk_cache_knows_every_file_that_is_compiled(
    name: str, digest_of_copy: tuple[Path, Callable[[], str]]
) -> None:
    folder, digest = digest_of_copy
    before = digest()
    assert digest() == before
    text = (folder / name).read_bytes()
    try:
        (folder / name).write_bytes(text + b"\n")
        assert digest() != before
    finally:
        (folder / name).write_bytes(text)
    assert digest() == before


def test_what_is_not_compiled_does_not_throw_the_disk_cache_away(
    digest_of_copy: tuple[Path, Callable[[], str]],
) -> None:
    folder, digest = digest_of_copy
    before = digest()
    alive = {Path(name) for name in compiled_files()}
    idle = [path for path in folder.rglob("*.py") if path.relative_to(folder) not in alive]
    idle = [path for path in idle if path.parent.name != "economics"]
    assert {"history.py", "fitted.py", "env.py", "search.py"} <= {path.name for path in idle}
    for path in [*idle, folder / "data" / "calibration.json"]:
        path.write_bytes(path.read_bytes() + b"\n")
        assert digest() == before, path.name


def test_every_entry_point_carries_the_digest() -> None:
    for dispatcher in (*KERNELS, *worlds._COMPILED, generators._DRAW, replay._REPLAY):
        function = dispatcher.py_func
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        assert len(cells["digest"].cell_contents) == 64, function.__name__


def test_the_key_of_the_disk_cache_knows_the_layout_of_every_record_that_numbers_are_viewed_as() -> None:
    assert len(LAYOUTS) == len(RECORD_TYPES)
    digests = {source_digest(*LAYOUTS), source_digest()}
    for layout in LAYOUTS:
        names = list(layout.names or ())
        moved = {name: layout.fields[name][0] for name in reversed(names)}  # type: ignore[index]  # it has fields
        digests.add(source_digest(*(np.dtype(list(moved.items())) if kind is layout else kind for kind in LAYOUTS)))
    assert len(digests) == 2 + len(LAYOUTS)


def test_nothing_is_compiled_twice(bits: Callable[[Any], Any]) -> None:
    for settings in (
        {},
        {"worlds": "calibrated", "reward": "shaped", "closing": "none", "horizon": 3},
        {"discrete": True, "parameters": {"price_slope": 4}},
        {"worlds": "price_war", "split": "test"},
    ):
        for make in (EcosystemEnv, EcosystemEnv, lambda **more: EcosystemVectorEnv(3, copy=False, **more)):
            env: Any = make(**settings)
            env.reset(seed=0)
            env.step(env.action_space.sample())
            env.set_state(env.get_state())
            env.step(env.action_space.sample().tolist())
            if isinstance(env, EcosystemEnv):
                env.reset(options={"world": FAMILIES["benchmark"].draw(1, 180)})
            env.step(env.action_space.sample())
    for dispatcher in (KERNELS.begin, KERNELS.step, *worlds._COMPILED):
        assert len(dispatcher.signatures) == 1, dispatcher.py_func.__name__
    before = bits(EcosystemEnv().reset(seed=3))
    assert bits(EcosystemEnv().reset(seed=3)) == before


REDUCTIONS = frozenset({
    "sum", "mean", "std", "var", "prod", "cumsum", "cumprod", "dot", "nansum", "nanmean", "median", "average", "ptp",
})  # fmt: skip
"""Of NumPy: numba's own add float32 one by one and in single precision, and NumPy in pairs."""


def test_no_machine_code_adds_up_numbers_in_single_precision() -> None:
    for name in compiled_files():
        for function in compiled_functions(ast.parse((PACKAGE / name).read_text())):
            single = {
                item.arg for item in function.args.args if item.annotation and "float32" in ast.unparse(item.annotation)
            }
            for node in ast.walk(function):
                called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
                assert called not in REDUCTIONS, f"{name}: {function.name} calls {called}"
                if isinstance(node, ast.AugAssign):
                    assert not names_in(node.target) & single, f"{name}: {function.name} adds to single precision"


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e6])
def test_every_observation_is_the_same_single_precision_number_compiled_and_plain(scale: float) -> None:
    env = EcosystemEnv(horizon=40)
    dice = np.random.default_rng(8)
    compiled, plain = (np.zeros(len(FEATURES), np.float32) for _ in range(2))
    for world in range(6):
        env.reset(seed=world)
        for _ in range(12):
            env.step(dice.uniform(-1.0, 1.0, 4))
            batch = env._batch
            report, state = batch.reports.copy(), batch.states.copy()
            numbers = report.view(np.float64)
            numbers *= scale ** dice.integers(0, 2, numbers.shape)
            arguments = state[0], batch.economies[0], float(dice.normal()), report[0], 40.0
            observe(*arguments, compiled)
            observe.py_func(*arguments, plain)  # type: ignore[attr-defined]  # numba's
            assert compiled.tobytes() == plain.tobytes()


def test_deviations_of_observations_are_computed_in_double_precision() -> None:
    feedback = tuned_policy("plan_with_feedback").feedback
    assert feedback is not None
    seen = EcosystemVectorEnv(64).reset(seed=0)[0]
    single, double = (feedback.surprise.of(numbers, np.array([0.25])) for numbers in (seen, seen.astype(np.float64)))
    assert single.dtype == np.float64
    assert single.tobytes() == double.tobytes()
