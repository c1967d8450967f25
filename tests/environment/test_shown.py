"""Values of others in messages: short, on one line, escaped, and never run."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import gymnasium
import numpy as np
import pytest
from tests.import_graph import AGENTS

import thinmargin
from thinmargin.scenarios import FAMILIES
from thinmargin.shown import (
    LONGEST,
    LONGEST_MESSAGE,
    LONGEST_PATH,
    MOST_ITEMS,
    class_name,
    listed,
    plain,
    printable,
    quoted,
    shown,
)

ENVIRONMENT = Path(thinmargin.__file__).parent
PACKAGES = {"envs": ENVIRONMENT, "agents": AGENTS}
CODES = "\x00\x07\x08\x1b[2J\x1b]0;title\x07\r\x7f\x9b31m\u202e\u2028\udcff"


class Raises:
    """Every look at it fails."""

    def __repr__(self) -> str:
        raise SystemError("no")

    __str__ = __repr__

    @property
    def __class__(self) -> type:  # type: ignore[override]  # that is the point
        raise ZeroDivisionError


class Told(str):
    """A text that says something else of itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return CODES * 1000

    __str__ = __repr__


class Endless(list):  # type: ignore[type-arg]  # that is the point
    """A list without an end."""

    def __iter__(self) -> Iterator[Any]:
        while True:
            yield self

    def __repr__(self) -> str:
        return "x" * 10**6


def looped() -> list[Any]:
    inside: list[Any] = []
    inside.append(inside)
    return inside


PLAIN: list[tuple[Any, str]] = [
    (1, "1"),
    (-1.5, "-1.5"),
    (True, "True"),
    (None, "None"),
    (float("nan"), "nan"),
    ("a", "'a'"),
    ("it's", '"it\'s"'),
    ("a\nb", r"'a\nb'"),
    (b"a\x00", r"b'a\x00'"),
    (["benchmark"], "['benchmark']"),
    ((0.1, 0.2), "(0.1, 0.2)"),
    ((1,), "(1,)"),
    ({"price": 0.0}, "{'price': 0.0}"),
    ({3}, "{3}"),
    ((), "()"),
    (np.float32(3), "np.float32(3.0)"),
    (np.int64(12), "np.int64(12)"),
    (np.array(7), "array(7)"),
    (np.array([0.0, np.nan]), "array([0.0, nan])"),
    (np.zeros((2, 2)), "array([[0.0, 0.0], [0.0, 0.0]])"),
    (np.zeros((20, 2)), "<ndarray of shape (20, 2) and type float64>"),
    (np.ma.masked_array([1.0], [True]), "<MaskedArray of shape (1,) and type float64>"),
    (gymnasium.spaces.Discrete(3), "Discrete(3)"),
    (PurePosixPath("/a/b"), "'/a/b'"),
    (KeyError("x"), "KeyError('x')"),
    (int, "<class int>"),
    (object(), "<object>"),
    (FAMILIES["benchmark"].draw(1, 3), "<World>"),
    (Raises(), "<Raises>"),
    ([Raises(), 1], "[<Raises>, 1]"),
]


@pytest.mark.parametrize(("value", "text"), PLAIN, ids=[text for _, text in PLAIN])
def test_a_plain_value_is_written_as_python_writes_it(value: Any, text: str) -> None:
    assert shown(value) == text


HUGE: list[Any] = [
    "x" * 10**6,
    CODES * 10**5,
    Told("y" * 10**5),
    b"z" * 10**6,
    10**4000,
    -(10**4000),
    1 << 10**6,
    [0] * 10**6,
    [["x" * 1000] * 1000] * 1000,
    {str(k): [k] * 50 for k in range(10**5)},
    {CODES: {CODES: {CODES: {CODES: CODES}}}},
    looped(),
    Endless(),
    [Endless()],
    np.zeros(10**6),
    np.zeros(3, object),
    np.array(["x" * 1000] * 3),
    np.str_(CODES * 100),
    range(10**50),
    KeyError("x" * 10**6),
    ValueError(CODES * 1000),
    ValueError(Raises()),
    type("X" * 10**4, (), {}),
    type("X" * 10**4, (), {})(),
    gymnasium.spaces.Dict({str(k): gymnasium.spaces.Discrete(2) for k in range(10**3)}),
    lambda: None,
    memoryview(b"x" * 1000),
]


@pytest.mark.parametrize("place", range(len(HUGE)))
def test_whatever_it_is_stays_short_on_one_line_and_escaped(place: int) -> None:
    value = HUGE[place]
    for text, longest in (
        (shown(value), LONGEST),
        (shown(value, 20), 20),
        (quoted(value), LONGEST_PATH),
        (plain(value), LONGEST_MESSAGE if isinstance(value, BaseException) else LONGEST),
        (listed([value]), LONGEST_MESSAGE if isinstance(value, BaseException) else LONGEST),
    ):
        assert len(text) <= longest
        assert text.isprintable()


def test_a_path_is_longer_than_other_values_and_bounded_too() -> None:
    path = PurePosixPath("/" + "/".join(["folder"] * 30))
    assert shown(path) == f"'{path}'"
    assert plain(path) == str(path)
    assert len(shown(PurePosixPath("x" * 5000))) == len(plain(PurePosixPath("x" * 5000))) == LONGEST_PATH


def test_names_are_listed_up_to_a_number() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(1000))) == ", ".join([*map(str, range(MOST_ITEMS)), "..."])


def test_a_whole_text_keeps_its_lines() -> None:
    assert printable("a\n\tb\x1b[2Jé") == "a\n\tb\\x1b[2Jé"


class NamedByItself(type):
    """Classes whose name is what their own code says."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]  # that is the point
        raise SystemError("no")


def named_by_codes(base: type) -> type:
    """A class whose names are control codes."""
    return type("\x1b[31mX\x07\n", (base,), {"__qualname__": CODES})


@pytest.mark.parametrize("base", [object, Exception, KeyboardInterrupt, np.ndarray])
def test_the_name_of_a_class_is_escaped(base: type) -> None:
    kind = named_by_codes(base)
    value = np.zeros(3).view(kind) if base is np.ndarray else kind()
    for text in (class_name(kind), shown(kind), shown(value), shown([value, kind]), plain(value), listed([value])):
        assert text.isprintable()
    assert class_name(kind) == "\\x1b[31mX\\x07\\n"
    assert "\\x1b[31mX" in shown(kind)
    assert "\\x1b[31mX" in shown(value)


def test_an_error_without_words_is_named_by_its_class_escaped() -> None:
    kind = named_by_codes(Exception)
    assert plain(kind(Raises())) == class_name(kind)


def test_the_name_of_a_class_runs_nothing_of_it() -> None:
    kind = NamedByItself("Told", (Exception,), {})
    assert class_name(kind) == "Told"
    assert shown(kind) == "<class Told>"
    assert plain(kind(Raises())) == "Told"
    assert class_name(type("X" * 1000, (), {})) == "X" * (LONGEST - 3) + "..."


def random_value(dice: random.Random, depth: int = 0) -> Any:
    """Something that a caller may hand in by mistake or on purpose."""
    leaves = (
        None, True, 10**400, -5, 1.5, float("inf"), CODES, "x" * 200, b"\x1b" * 99, Raises(), Told("t"), np.int8(3),
        np.zeros(dice.randrange(30)), np.array(CODES), np.zeros(2, [("a", float)])[0], object, 1 + 2j,
    )  # fmt: skip
    if depth > 3 or dice.random() < 0.6:
        return dice.choice(leaves)
    items = [random_value(dice, depth + 1) for _ in range(dice.randrange(6))]
    kind = dice.choice(("list", "tuple", "dict", "array"))
    if kind == "dict":
        return {dice.choice((k, str(k) * 30, CODES)): item for k, item in enumerate(items)}
    if kind == "array":
        array = np.empty(len(items), object)
        array[:] = [None] * len(items)
        return array
    return items if kind == "list" else tuple(items)


def test_nothing_at_all_gets_through() -> None:
    dice = random.Random(7)  # noqa: S311  # nothing secret
    for _ in range(2000):
        text = shown(random_value(dice))
        assert len(text) <= LONGEST
        assert text.isprintable()


MAY_SAY_REPR: dict[str, str] = {
    "envs/shown.py": "it writes values of plain types",
}
"""Files that may call repr, or ask for it in a text, with the reason."""


def sources() -> list[tuple[str, ast.Module]]:
    return [
        (f"{package}/{path.relative_to(folder)}", ast.parse(path.read_text(encoding="utf-8")))
        for package, folder in PACKAGES.items()
        for path in sorted(folder.rglob("*.py"))
    ]


def test_no_message_asks_a_value_for_its_own_words() -> None:
    found = [
        f"{name}:{node.lineno}: {ast.unparse(node)[:80]}"
        for name, tree in sources()
        if name not in MAY_SAY_REPR
        for node in ast.walk(tree)
        if (isinstance(node, ast.FormattedValue) and node.conversion in (ord("r"), ord("a")))
        or (isinstance(node, ast.Name) and node.id in ("repr", "ascii") and isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and "{!r}" in node.value)
    ]
    assert found == [], "use thinmargin.shown"


SAFE_PARTS = frozenset({"shape", "dtype", "name", "itemsize", "ndim", "size", "strerror"})
"""Attributes of anything that say no more than a few letters or numbers."""
SAFE_CALLS = frozenset({"shown", "quoted", "plain", "listed", "len", "class_name", "in_words", "_shown"})
"""Functions whose answer is short and escaped, or a number."""


def foreign(function: ast.FunctionDef) -> set[str]:
    """Arguments that may be anything: their annotation says so."""
    arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return {one.arg for one in arguments if one.annotation and ast.unparse(one.annotation) in ("Any", "object")}


def roots(expression: ast.expr) -> set[str]:
    """Names that an expression shows something of."""
    if isinstance(expression, ast.Call) and ast.unparse(expression.func).rpartition(".")[2] in SAFE_CALLS:
        return set()
    if isinstance(expression, ast.Attribute) and expression.attr in SAFE_PARTS:
        return set()
    if isinstance(expression, ast.Name):
        return {expression.id}
    return set().union(*(roots(child) for child in ast.iter_child_nodes(expression) if isinstance(child, ast.expr)))


def bare(tree: ast.Module) -> list[str]:
    """Values in messages of errors that may be anything and are formatted as they are."""
    return [
        f"{value.lineno}: {ast.unparse(value)}"
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for statement in ast.walk(function)
        if isinstance(statement, ast.Raise)
        for value in ast.walk(statement)
        if isinstance(value, ast.FormattedValue)
        and value.format_spec is None
        and roots(value.value) & foreign(function)
    ]


def test_what_may_be_anything_is_formatted_by_the_one_helper() -> None:
    found = [f"{name}:{line}" for name, tree in sources() for line in bare(tree)]
    assert found == [], "use thinmargin.shown"


@pytest.mark.parametrize(
    ("formatted", "is_bare"),
    [
        ("value", True), ("value[0]", True), ("value.text", True), ("str(value)", True), ("', '.join(value)", True),
        ("shown(value)", False), ("len(value)", False), ("value.shape", False), ("value:g", False), ("name", False),
        ("type(value).__name__", True), ("class_name(type(value))", False),
        ("', '.join(shown(value) for value in value)", False),
    ],
)  # fmt: skip
def test_the_scan_sees_a_value_that_is_formatted_as_it_is(formatted: str, is_bare: bool) -> None:  # a table
    code = f'def check(name: str, value: object) -> None:\n    raise ValueError(f"{{{formatted}}}")\n'
    assert bool(bare(ast.parse(code.replace("', '", "','")))) is is_bare


def test_a_file_that_was_written_is_named_escaped() -> None:
    said = [
        f"{name}: {message}"
        for name, tree in sources()
        for message in (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
        if "written: {" in message and not message.endswith("could not be written: {error}'")
    ]
    assert any("written: {plain(" in message for message in said)
    named = [message for message in said if "{error" not in message and "{problem" not in message]
    assert [message for message in named if "{failure" not in message and "written: {plain(" not in message] == []
