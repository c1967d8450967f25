"""The formulas in docstrings, which are those of docs/model.md, give what the compiled functions give."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.playing import Play, watched

from thinmargin.batch import Batch
from thinmargin.economics import month
from thinmargin.records import ACCESSORIES, FIRMS, FLOWS, MARKETING, REGIONS, SEAT, STATE
from thinmargin.scenarios import FAMILIES

ROOT = Path(__file__).parent.parent
MONTHS = 30


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


FORMULAS = _load("model_formulas")
MODULES = [
    importlib.import_module(f"thinmargin.{name}")
    for name in (
        "economics.cost_and_price", "economics.demand", "economics.finance", "economics.loyalty",
        "economics.marketing", "economics.services", "economics.supply", "economics.ventures", "strategies",
    )
]  # fmt: skip
WORDS = {"exp": math.exp, "ln": math.log, "min": min, "max": max, "inf": math.inf}
SIGNED = {"component_shock", "cash", "gap", "growth", "brand", "price_worth", "imitation", "pretax", "markup", "base"}
"""Arguments that may be negative."""


def _of_numbers(function: Callable[..., Any]) -> bool:
    return all(item.annotation != "Record" for item in inspect.signature(function).parameters.values())


CLOSED_FORMS = [
    pytest.param(module, name, id=f"{module.__name__.removeprefix('thinmargin.')}.{name}")
    for module in MODULES
    for name, function in FORMULAS.functions_of(module).items()
    if _of_numbers(function)
]


def _value(expression: str, scope: Mapping[str, Any]) -> float:
    return float(eval(expression, {"__builtins__": {}}, dict(scope)))  # noqa: S307  # our own docstrings


def _by_docstring(function: Callable[..., Any], arguments: Mapping[str, float]) -> tuple[float, str]:
    """What the docstring's formula gives, and the formula."""
    constants = {name: item for name, item in vars(inspect.getmodule(function)).items() if name.isupper()}
    scope: dict[str, Any] = {**constants, **WORDS, **arguments}
    lines = []
    for equation in FORMULAS.equations_of(function):
        assert equation.python is not None, f"{function.__name__}: {equation} is not arithmetic"
        scope[equation.name.rstrip("'")] = value = _value(equation.python, scope)
        lines.append(f"{equation.name} = {equation.expression}")
    assert lines, f"the docstring of {function.__name__} has no block 'Formula:'"
    return value, "; ".join(lines)


@pytest.mark.parametrize(("module", "name"), CLOSED_FORMS)
def test_the_formula_of_a_docstring_gives_what_the_function_gives(module: ModuleType, name: str) -> None:
    function = FORMULAS.functions_of(module)[name]
    generator = np.random.default_rng(0)
    for _ in range(200):
        arguments = {
            argument: float(generator.uniform(0.05, 1.5) * (generator.choice([-1, 1]) if argument in SIGNED else 1))
            for argument in inspect.signature(function).parameters
        }
        said, formula = _by_docstring(function, arguments)
        assert getattr(module, name)(*arguments.values()) == pytest.approx(said, rel=1e-12, abs=1e-12), (
            f"{module.__name__}.{name} does not compute what its docstring says, {formula}, for {arguments}"
        )


@pytest.fixture(scope="module")
def play() -> Play:
    """Random play of a firm that soon sells overseas."""
    batch = Batch(1, MONTHS, pays_closing=False, shaped=False)
    batch.draw(0, FAMILIES["benchmark"], 11)
    batch.economies["credit_floor"] = 1e5
    batch.economies["firm_entry"][0, SEAT] = (4.0, -3.0, 20.0, 600.0)
    batch.begin(np.zeros(1, np.int64))
    return watched(batch, np.random.default_rng(3).uniform(-1.0, 1.0, (MONTHS, 4)))


def _numbers(record: Any, firm: int, region: int) -> dict[str, float]:
    """The numbers of a record that belong to a firm and a region, or to all."""
    found = {}
    for name in record.dtype.names:
        array = np.asarray(record[name])
        if array.shape == ():
            found[name] = float(array)
        elif array.shape in ((FIRMS,), (FIRMS, REGIONS)):
            found[name] = float(array[firm] if array.ndim == 1 else array[firm, region])
        elif array.shape == (REGIONS,):
            found[name] = float(array[region])
    return found


CHECKED = {"spend": 3, "size_markets": 3, "make_and_sell": 5, "keep_books": 11, "move_users": 4}
"""Functions of a month whose formulas are checked in play, and how many of their lines are arithmetic with numbers
that the records hold."""


@pytest.mark.parametrize("name", CHECKED)
def test_the_formulas_of_a_month_give_what_is_in_the_books(name: str, play: Play) -> None:
    function = FORMULAS.functions_of(month)[name]
    for t in range(MONTHS):
        flows, after = play.flows[t], play.after[t]
        for firm in range(FIRMS):
            for region in range(REGIONS):
                scope: dict[str, Any] = dict(WORDS)
                scope |= _numbers(play.economy, firm, region)
                scope |= {f"{key}_shock": value for key, value in _numbers(play.shocks[t], firm, region).items()}
                scope |= _numbers(play.before[t], firm, region) | _numbers(flows, firm, region)
                scope |= {key: float(after[key][firm]) for key in ("price", "unit_cost", "markup")}
                scope["lever_marketing"], scope["lever_accessories"] = (
                    float(flows["lever"][firm, lever]) for lever in (MARKETING, ACCESSORIES)
                )
                scope["owners"] = float(play.before["users"][t, :, region].sum())
                if name == "make_and_sell":
                    scope["wanted"] = float(flows["wanted"][firm].sum())
                checked = _check(function, scope, after, firm, region)
                assert checked >= CHECKED[name], f"only {checked} lines of {name} could be checked"


def _check(function: Callable[..., Any], scope: dict[str, Any], after: Any, firm: int, region: int) -> int:
    """How many lines of a formula were evaluated; each that names a quantity of the records must give it."""
    checked = 0
    for equation in FORMULAS.equations_of(function):
        key = equation.name.rstrip("'")
        if equation.python is None:
            continue
        try:
            said = _value(equation.python, scope)
        except NameError:  # a number that no record holds
            continue
        checked += 1
        if equation.name != key:
            found = _numbers(after, firm, region)[key]
        elif key in (FLOWS.names or ()) or key in (STATE.names or ()):
            found = scope[key]
        else:
            scope[key] = said
            continue
        assert found == pytest.approx(said, rel=1e-9, abs=1e-9), (
            f"economics.month.{function.__name__} does not compute what its docstring says: "
            f"{equation.name} = {equation.expression}"
        )
    return checked


def test_every_formula_of_the_economics_is_on_the_page() -> None:
    text = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    assert set(FORMULAS.BLOCKS) == {name for name in FORMULAS.BLOCKS if f"<!-- table: formulas {name} -->" in text}, (
        "a block of formulas is not asked for"
    )
    shown = {line.split(" = ")[0].strip() for name in FORMULAS.BLOCKS for line in FORMULAS.formulas(name).split("\n")}
    for module in [*MODULES, month]:
        for name, function in FORMULAS.functions_of(module).items():
            missing = [line.name for line in FORMULAS.equations_of(function) if line.name not in shown]
            assert not missing, f"docs/model.md does not show {missing} of {module.__name__}.{name}"


def test_no_formula_of_the_page_is_typed_by_hand() -> None:
    text = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    assert text.count("```text") == len(FORMULAS.BLOCKS)
