"""The formulas in docstrings, which are those of docs/model.md, give what the compiled functions give."""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.formula_cases import FORMULAS, NOT_CHECKED, PLAYED, Case
from tests.playing import Play, watched

from thinmargin import shocks, simulation
from thinmargin.batch import Batch
from thinmargin.economics import month, start
from thinmargin.parameters import Firm, Parameters, Playbook
from thinmargin.records import SEAT
from thinmargin.scenarios import FAMILIES
from thinmargin.simulation import NO_CLOSING

ROOT = Path(__file__).parent.parent
MONTHS = 30
MODULES = [
    importlib.import_module(f"thinmargin.{name}")
    for name in (
        "economics.cost_and_price", "economics.demand", "economics.finance", "economics.loyalty",
        "economics.marketing", "economics.services", "economics.supply", "economics.ventures", "strategies",
    )
]  # fmt: skip
PAGED = (*MODULES, month, start, shocks, simulation)
"""Modules whose formulas are on the page."""
WORDS = {"exp": math.exp, "ln": math.log, "min": min, "max": max, "inf": math.inf}
SIGNED = {
    "component_shock", "dear", "passed", "cash", "gap", "growth", "brand", "price_worth", "imitation", "pretax",
    "markup", "base",
}  # fmt: skip
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
    equations = FORMULAS.equations_of(function)
    for equation in equations:
        assert equation.python is not None, f"{function.__name__}: {equation} is not arithmetic"
        scope[equation.name.rstrip("'")] = value = _value(equation.python, scope)
        lines.append(f"{equation.name} = {equation.expression}")
    assert lines, f"the docstring of {function.__name__} has no block 'Formula:'"
    idle = {line.name for line in equations[:-1]} - {name for line in equations for name in _names(line.python)}
    assert not idle, f"{sorted(idle)} of {function.__name__} are no part of what is compared"
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
    """Random play of a firm that soon sells overseas; parts are short from month 10 on."""
    batch = Batch(1, MONTHS, NO_CLOSING, shaped=False)
    batch.put(0, FAMILIES["benchmark"].draw(11, MONTHS))
    batch.economies["credit_floor"] = 1e5
    batch.economies["firm_entry"][0, SEAT] = (4.0, -3.0, 20.0, 600.0)
    batch.economies["range_start"], batch.economies["research_start"] = 3.0, 5.0
    batch.economies["stock_paid"] = 0.5
    batch.shocks["supply"][0, 10:] = 0.6
    batch.begin(np.zeros(1, np.int64))
    return watched(batch, np.random.default_rng(3).uniform(-1.0, 1.0, (MONTHS, 4)))


def _function(place: str) -> Callable[..., Any]:
    module, _, name = place.rpartition(".")
    found = next(item for item in PAGED if item.__name__.endswith(f".{module}"))
    return FORMULAS.functions_of(found)[name]  # type: ignore[no-any-return]  # the module is loaded by its path


@cache
def _names(expression: str) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name))


def _checked(place: str, parts: Sequence[str], case: Case) -> set[str]:
    """The lines of a formula that a case checks: those compared with a number, and those that these are made of."""
    scope: dict[str, Any] = dict(WORDS)
    lines = []
    for function in map(_function, (*parts, place)):
        scope |= {name: item for name, item in vars(inspect.getmodule(function)).items() if name.isupper()}
        lines += FORMULAS.equations_of(function)
    scope |= case.scope
    made_of: dict[str, frozenset[str]] = {}
    compared = []
    for line in [*lines] * 3:  # a line may use one below it
        expression = " ".join(line.expression.split())
        for phrase, meaning in case.phrases.items():
            expression = expression.replace(phrase, f"{meaning}")
        python = FORMULAS.Equation(line.name, expression).python
        if python is None or line.name in made_of:
            continue
        used = _names(python)
        if not used <= scope.keys():
            continue
        said, made_of[line.name] = _value(python, scope), used
        found = {**case.scope, **case.after}.get(line.name)
        if found is None:
            scope[line.name] = said
            continue
        compared.append(line.name)
        assert found == pytest.approx(said, rel=1e-9, abs=1e-9), (
            f"{place} does not compute what docstrings say: {line.name} = {line.expression}"
        )
    checked: set[str] = set()
    while compared:
        name = compared.pop()
        checked.add(name)
        compared += [part for part in made_of[name] if part in made_of and part not in {*checked, *case.scope}]
    return checked


RECORDS = [
    f"{module.__name__.removeprefix('thinmargin.')}.{name}"
    for module in PAGED
    for name, function in FORMULAS.functions_of(module).items()
    if FORMULAS.equations_of(function) and not (module in MODULES and _of_numbers(function))
]
"""Functions that read records, with a formula."""


@pytest.mark.parametrize("place", RECORDS)
def test_the_lines_of_a_formula_give_what_is_in_the_records(place: str, play: Play) -> None:
    assert place in PLAYED, f"nothing checks the formula of {place}"
    cases, parts = PLAYED[place]
    checked = {name for case in cases(play) for name in _checked(place, parts, case)}
    listed = {line for function, line in NOT_CHECKED if function == place}
    lines = {line.name for line in FORMULAS.equations_of(_function(place))}
    kept = {line.name for part in parts for line in FORMULAS.equations_of(_function(part)) if line.name.endswith("'")}
    assert kept <= checked, f"nothing is compared with {sorted(kept - checked)}, which {place} keeps"
    assert listed <= lines, f"{place} has no {sorted(listed - lines)} any more"
    assert not checked & listed, f"{sorted(checked & listed)} of {place} are checked, but listed as not checked"
    assert lines - listed <= checked, (
        f"nothing is compared with {sorted(lines - listed - checked)} of {place}: check them, or list the reason"
    )


def test_every_formula_of_the_economics_is_on_the_page() -> None:
    text = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    assert set(FORMULAS.BLOCKS) == {name for name in FORMULAS.BLOCKS if f"<!-- table: formulas {name} -->" in text}, (
        "a block of formulas is not asked for"
    )
    shown = {line.split(" = ")[0].strip() for name in FORMULAS.BLOCKS for line in FORMULAS.formulas(name).split("\n")}
    for module in PAGED:
        for name, function in FORMULAS.functions_of(module).items():
            missing = [line.name for line in FORMULAS.equations_of(function) if line.name not in shown]
            assert not missing, f"docs/model.md does not show {missing} of {module.__name__}.{name}"


@pytest.mark.parametrize(("kind", "prefix"), [(Parameters, ""), (Firm, "firm_"), (Playbook, "playbook_")])
def test_every_constant_is_in_a_formula_of_the_page(kind: type[Any], prefix: str) -> None:
    text = "\n".join(FORMULAS.formulas(block) for block in FORMULAS.BLOCKS)
    names = set(re.findall(r"[A-Za-z]\w*", text))
    idle = {
        item.name for item in fields(kind) if "low" in item.metadata and not {item.name, prefix + item.name} & names
    }
    assert idle == ({"updates"} if kind is Playbook else set())  # of what is asked, in words


@pytest.mark.parametrize("block", FORMULAS.BLOCKS)
def test_constants_in_capitals_have_their_value_below_the_formulas(block: str) -> None:
    text = FORMULAS.formulas(block)
    for name in set(re.findall(r"\b[A-Z][A-Z_]+\b", text)):
        assert re.search(rf"^{name} += -?[\d.]+$", text, re.MULTILINE), name


def test_no_formula_of_the_page_is_typed_by_hand() -> None:
    text = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    assert text.count("```text") == len(FORMULAS.BLOCKS)
