"""The formulas of the model's description, taken from the docstrings of the functions that compute them.

A docstring has a block `Formula:` of lines `name = expression`; a longer line goes on below, further indented. A prime
marks next month's value, `^` a power. The last line is what the function returns. A line that is not arithmetic, such
as a sum over firms, is said in words.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

from table_text import number

BLOCKS: dict[str, tuple[str, ...]] = {
    "cost_and_price": ("economics.cost_and_price", "economics.month.set_prices"),
    "demand": (
        "economics.demand",
        "economics.month.size_markets",
        "economics.month.share_markets",
        "economics.month.move_users",
        "economics.month.region_price",
        "economics.month.move_prices",
    ),
    "marketing": ("economics.marketing", "economics.month.move_channels"),
    "loyalty": ("economics.loyalty",),
    "services": ("economics.services",),
    "ventures": ("economics.ventures", "economics.month.move_ventures"),
    "supply": ("economics.supply", "economics.month.make_and_sell"),
    "finance": (
        "economics.month.spend",
        "economics.finance.release_cost",
        "economics.finance.research",
        "economics.finance.monthly_discount",
        "economics.finance.credit_line",
        "economics.finance.funding_cost",
        "economics.finance.income_tax",
        "economics.month.keep_books",
        "simulation.is_bankrupt",
        "simulation.write_report",
    ),
    "run off": ("economics.finance.run_off_value",),
    "start": ("economics.start",),
    "closing": ("economics.month.own_mean", "simulation.closing_value"),
    "strategies": ("strategies",),
    "shocks": ("shocks",),
}
"""Sources of each block of `docs/model.md`: functions of `thinmargin`, or modules with all of theirs."""


class Equation(NamedTuple):
    """One line of a formula."""

    name: str
    expression: str
    """As it stands in the docstring, line breaks included."""

    @property
    def python(self) -> str | None:
        """The expression as Python; None where it is said in words."""
        text = re.sub(r"\s+", " ", self.expression).replace("^", "**")
        text = re.sub(r"\bmod\b", "%", text)
        try:
            ast.parse(text, mode="eval")
        except SyntaxError:
            return None
        return text


def functions_of(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The functions of a module by name, in the order of the file, as plain Python."""
    plain = {name: getattr(item, "py_func", item) for name, item in vars(module).items()}
    return {
        name: item for name, item in plain.items() if inspect.isfunction(item) and item.__module__ == module.__name__
    }


def equations_of(function: Callable[..., Any]) -> list[Equation]:
    """The formula in a function's docstring; empty if it has none."""
    text = inspect.getdoc(function) or ""
    found = re.search(r"^Formula:\n((?: +.*\n?)+)", text, re.MULTILINE)
    lines = re.findall(r"^    (\S.*(?:\n     +.*)*)", found[1], re.MULTILINE) if found else []
    return [Equation(*line.split(" = ", maxsplit=1)) for line in lines]


def _functions(place: str) -> Iterator[Callable[..., Any]]:
    try:
        yield from functions_of(importlib.import_module(f"thinmargin.{place}")).values()
    except ModuleNotFoundError:
        module, _, name = place.rpartition(".")
        yield functions_of(importlib.import_module(f"thinmargin.{module}"))[name]


def _constants(function: Callable[..., Any]) -> Iterator[Equation]:
    """The constants in capitals that a function's formula names, with their values."""
    known = vars(inspect.getmodule(function))
    for _, expression in equations_of(function):
        yield from (Equation(name, number(known[name])) for name in re.findall(r"\b[A-Z][A-Z_]+\b", expression))


def formulas(block: str) -> str:
    """The formulas of one block, below one another, and the constants they name; one that two share is written once."""
    functions = [function for place in BLOCKS[block] for function in _functions(place)]
    equations = dict.fromkeys(equation for function in functions for equation in equations_of(function))
    equations |= dict.fromkeys(constant for function in functions for constant in _constants(function))
    width = max(len(equation.name) for equation in equations)
    lines = []
    for name, expression in equations:
        first, *others = [line.strip() for line in expression.split("\n")]
        lines += [f"{name:<{width}} = {first}", *(f"{'':<{width}}   {line}" for line in others)]
    return "\n".join(["```text", *lines, "```"])
