"""A command line as a dataclass: tyro reads it, and a number that it cannot be is refused by the name of its flag."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from thinmargin_agents.cli.arguments import flag_with
from thinmargin_agents.cli.errors import UsageError

C = TypeVar("C")
WHOLE = re.compile(r"[-+]?[0-9]+(_[0-9]+)*")
"""A whole number in digits; _ may stand between them, as in 100_000."""
POWER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE]\+?[0-9]{1,2})?")
"""A number with a point or a power of ten, which may be a whole one: 1e5, 2.5e4."""
MOST_DIGITS = 4000
"""Digits of a whole number: Python reads no more than 4,300 of them."""
NUMBERS = ConstructorRegistry()
"""How numbers are read, and values that may be left out."""


class _NoNumberError(Exception):
    """A text that is not the number that it should be; no ValueError, of which tyro would make a page."""

    def __init__(self, text: str, kind: type[float], wanted: str) -> None:
        super().__init__(text)
        self.text, self.kind, self.wanted = text, kind, wanted


def read_flags(program: str, kind: type[C], argv: Sequence[str]) -> C:
    """The dataclass that these words describe; --help, and words that tyro cannot use, end the process.

    Args:
        program: what the command is called in help and messages.
        kind: dataclass of the flags.
        argv: arguments of the process, without its name.

    Raises:
        UsageError: a value is not the number that it should be.
        ValueError: as `kind` itself raises for values that cannot be used together.
    """
    try:
        words = tyro.cli(_unchecked(kind), args=argv, prog=program, description=inspect.getdoc(kind), registry=NUMBERS)
    except _NoNumberError as error:
        from thinmargin.shown import shown  # noqa: PLC0415  # --help needs no NumPy

        flag = flag_with(kind, argv, error.text, error.kind)
        raise UsageError(f"{flag} is {shown(error.text)}: must be {error.wanted}") from error
    if type(words) is kind:
        return words
    return kind(**{item.name: getattr(words, item.name) for item in dataclasses.fields(words)})


def whole_number(text: str) -> int:
    """The whole number that a text is: 100000, 100_000, 1e5 and 1.0e5 are the same one; a ValueError otherwise."""
    if len(text) <= MOST_DIGITS:
        if WHOLE.fullmatch(text):
            return int(text)
        if POWER.fullmatch(text) and (number := Decimal(text)) == (whole := int(number)):
            return whole
    raise ValueError("no whole number")


def _unchecked(kind: type[C]) -> Any:
    """The dataclass without its own checks: tyro would name the class in a box, where the check names the flag."""
    if not hasattr(kind, "__post_init__"):
        return kind
    return type(kind.__name__, (kind,), {"__post_init__": lambda _: None, "__doc__": kind.__doc__})


@NUMBERS.primitive_rule
def _whole(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[int] | None:
    def read(words: list[str]) -> int:
        try:
            return whole_number(words[0])
        except ValueError:
            raise _NoNumberError(words[0], int, "a whole number, such as 100000, 100_000 or 1e5") from None

    if info.type is not int:
        return None
    return PrimitiveConstructorSpec(1, "INT", read, lambda value: type(value) is int, lambda value: [str(value)])


@NUMBERS.primitive_rule
def _real(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[float] | None:
    def read(words: list[str]) -> float:
        try:
            return float(words[0])
        except ValueError:
            raise _NoNumberError(words[0], float, "a number") from None

    if info.type is not float:
        return None
    return PrimitiveConstructorSpec(
        1, "FLOAT", read, lambda value: isinstance(value, (int, float)), lambda value: [str(value)]
    )


@NUMBERS.primitive_rule
def _may_be_left_out(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """`int | None` and the like: a value of the type; None is what stands there where no flag is given."""
    kinds = get_args(info.type)
    inner = next((kind for kind in kinds if kind in (int, float, str, Path)), None)
    if len(kinds) != 2 or NoneType not in kinds or inner is None:
        return None
    spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(inner, info.markers))
    assert isinstance(spec, PrimitiveConstructorSpec)  # noqa: S101  # tyro knows these four
    return dataclasses.replace(
        spec,
        is_instance=lambda value: value is None or spec.is_instance(value),
        str_from_instance=lambda value: ["None"] if value is None else spec.str_from_instance(value),
    )
