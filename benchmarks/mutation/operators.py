"""Mutants of one file: every small change of its source that one of the operators makes.

A change replaces a stretch of the source, so that a mutant reads as the file does but for it. Nothing is changed in
imports, decorators, annotations, docstrings and other strings, `__all__`, and what a `raise` says.
"""

from __future__ import annotations

import ast
import difflib
import re
from types import CodeType
from typing import NamedTuple

OPERATORS = {
    "arithmetic": "+ and - change places, so do * and /; // and % become *, ** becomes *; also in +=",
    "comparison": "a comparison becomes its opposite: == and !=, < and >=, is and is not, in and not in",
    "boundary": "< and <= change places, so do > and >=",
    "constant": "a whole number one more or less, another number one more or a tenth larger, True and False",
    "negation": "the condition of an if, a while or a comprehension is negated; not is dropped",
    "and_or": "and and or change places, so do & and |",
    "min_max": "min and max change places; so do any and all, argmin and argmax, floor and ceil, also NumPy's",
    "sign": "a minus sign is dropped",
    "statement": "a call, an update or an assignment to a field or an item is dropped; continue and break, too",
    "return": "a return before the end of a function is dropped",
    "raise": "a raise is dropped",
    "arguments": "two neighbouring arguments of a call change places, but not of min, max, isinstance and zip",
}
"""What each operator does."""

ARITHMETIC = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"), ast.Mod: ("%", "*"), ast.Pow: ("**", "*"),
}  # fmt: skip
BITS = {ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&")}
OPPOSITES = {
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Lt: ("<", ">="), ast.GtE: (">=", "<"), ast.Gt: (">", "<="),
    ast.LtE: ("<=", ">"), ast.Is: ("is", "is not"), ast.IsNot: (r"is\s+not", "is"), ast.In: ("in", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
}  # fmt: skip
BOUNDARIES = {ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">")}
ENDS = [("min", "max"), ("minimum", "maximum"), ("any", "all"), ("argmin", "argmax"), ("floor", "ceil")]
EXCHANGED = {**dict(ENDS), **{b: a for a, b in ENDS}}
EITHER_WAY = {"min", "max", "minimum", "maximum", "isinstance", "zip", "cast"}
"""Calls whose arguments are not exchanged: the order of numbers is nothing to them, or they hold no numbers."""


class Mutant(NamedTuple):
    """One change of one file: the bytes from `start` to `end` become `text`."""

    file: str
    function: str
    operator: str
    start: int
    end: int
    text: str

    def apply(self, source: bytes) -> bytes:
        """The source with the change."""
        return source[: self.start] + self.text.encode() + source[self.end :]

    def diff(self, source: bytes) -> str:
        """The change as a unified diff."""
        before, after = source.decode().splitlines(), self.apply(source).decode().splitlines()
        return "\n".join(difflib.unified_diff(before, after, f"a/{self.file}", f"b/{self.file}", lineterm="", n=2))

    def lines(self, source: bytes) -> str:
        """The changed lines alone, "-" and "+" before them, without indentation."""
        changed = (line for line in self.diff(source).splitlines()[3:] if line[0] in "+-")
        return "\n".join(f"{line[0]}{line[1:].strip()}" for line in changed)


def mutants_of(file: str, source: bytes, *, functions_only: bool = False) -> list[Mutant]:
    """Every mutant of a file, in the order of its source, no change twice.

    Args:
        file: its path, for the mutants.
        source: its bytes, UTF-8.
        functions_only: leave the tables of modules and classes alone.
    """
    finder = _Finder(file, source, functions_only=functions_only)
    finder.visit(ast.parse(source))
    unique = {(mutant.start, mutant.end, mutant.text): mutant for mutant in reversed(finder.found)}
    return sorted(unique.values(), key=lambda mutant: (mutant.start, mutant.end, mutant.text))


def changes_code(mutant: Mutant, source: bytes) -> bool:
    """Whether a mutant compiles, and to other bytecode than the source."""
    try:
        mutated = compile(mutant.apply(source), mutant.file, "exec")
    except SyntaxError:
        return False
    return _content(mutated) != _content(compile(source, mutant.file, "exec"))


def _content(code: CodeType) -> tuple[object, ...]:
    constants = tuple(
        _content(item) if isinstance(item, CodeType) else (type(item), repr(item)) for item in code.co_consts
    )
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_exceptiontable


class _Finder(ast.NodeVisitor):
    """Collects the mutants of a module."""

    def __init__(self, file: str, source: bytes, *, functions_only: bool) -> None:
        self.file = file
        self.source = source
        self.functions_only = functions_only
        self.found: list[Mutant] = []
        self.names: list[str] = []
        self.depth = 0
        self.last: ast.stmt | None = None
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def _begin(self, node: ast.expr | ast.stmt) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None  # noqa: S101  # every node of parsed source has an end
        assert node.end_col_offset is not None  # noqa: S101  # as above
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def _code(self, node: ast.expr | ast.stmt) -> str:
        return self.source[self._begin(node) : self._end(node)].decode()

    def _add(self, operator: str, start: int, end: int, text: str) -> None:
        if self.functions_only and not self.depth:
            return
        self.found.append(Mutant(self.file, ".".join(self.names) or "module", operator, start, end, text))

    def _replace(self, operator: str, node: ast.expr | ast.stmt, text: str) -> None:
        self._add(operator, self._begin(node), self._end(node), text)

    def _token(self, operator: str, left: ast.expr, right: ast.expr, token: str, text: str) -> None:
        """Replace the token between two expressions; `token` is a regular expression."""
        start = self._end(left)
        between = re.sub(rb"#[^\n]*", lambda comment: b" " * len(comment[0]), self.source[start : self._begin(right)])
        place = re.search(token.encode(), between)
        assert place is not None, (self._code(left), token)  # noqa: S101  # the grammar has it there
        self._add(operator, start + place.start(), start + place.end(), text)

    # what holds other things

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:  # as ast calls it
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self.names.append(node.name)
        self.depth += 1
        outer, self.last = self.last, node.body[-1]
        for statement in node.body:
            self.visit(statement)
        self.last = outer
        self.depth -= 1
        self.names.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:  # as ast calls it
        self.names.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self.names.pop()

    def visit_Import(self, node: ast.Import) -> None:  # as ast calls it
        """No change."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:  # as ast calls it
        """No change."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:  # as ast calls it
        """No change: texts."""

    # statements

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:  # as ast calls it
        if node.value is None or self._code(node.annotation) == "TypeAlias":
            return
        if not isinstance(node.target, ast.Name):
            self._replace("statement", node, "pass")
        self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:  # as ast calls it
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            return
        if all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in node.targets):
            self._replace("statement", node, "pass")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:  # as ast calls it
        self._replace("statement", node, "pass")
        for operator, table in (("arithmetic", ARITHMETIC), ("and_or", BITS)):
            if type(node.op) in table:
                token, text = table[type(node.op)]
                self._token(operator, node.target, node.value, re.escape(token) + "=", text + "=")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:  # as ast calls it
        if isinstance(node.value, ast.Constant):
            return
        self._replace("statement", node, "pass")
        self.generic_visit(node)

    def visit_Continue(self, node: ast.Continue) -> None:  # as ast calls it
        self._replace("statement", node, "pass")

    def visit_Break(self, node: ast.Break) -> None:  # as ast calls it
        self._replace("statement", node, "pass")

    def visit_Return(self, node: ast.Return) -> None:  # as ast calls it
        if node is not self.last:
            self._replace("return", node, "pass")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:  # as ast calls it
        self._replace("raise", node, "pass")

    def visit_If(self, node: ast.If) -> None:  # as ast calls it
        self._negate(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:  # as ast calls it
        self._negate(node.test)
        self.generic_visit(node)

    # expressions

    def visit_IfExp(self, node: ast.IfExp) -> None:  # as ast calls it
        self._negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._negate(test)
        self.generic_visit(node)

    def _negate(self, test: ast.expr) -> None:
        self._replace("negation", test, f"(not ({self._code(test)}))")

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:  # as ast calls it
        if isinstance(node.op, ast.Not):
            self._replace("negation", node, f"({self._code(node.operand)})")
        elif isinstance(node.op, ast.USub):
            self._replace("sign", node, f"({self._code(node.operand)})")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:  # as ast calls it
        if not (_is_text(node.left) or _is_text(node.right)):
            for operator, table in (("arithmetic", ARITHMETIC), ("and_or", BITS)):
                if type(node.op) in table:
                    token, text = table[type(node.op)]
                    self._token(operator, node.left, node.right, re.escape(token), text)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:  # as ast calls it
        token, text = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._token("and_or", left, right, rf"\b{token}\b", text)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:  # as ast calls it
        operands = [node.left, *node.comparators]
        for left, op, right in zip(operands, node.ops, node.comparators, strict=False):
            for operator, table in (("comparison", OPPOSITES), ("boundary", BOUNDARIES)):
                if type(op) in table:
                    token, text = table[type(op)]
                    self._token(operator, left, right, rf"\b{token}\b" if token[0].isalpha() else token, text)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:  # as ast calls it
        value = node.value
        if isinstance(value, bool):
            self._replace("constant", node, repr(not value))
        elif isinstance(value, int):
            self._replace("constant", node, f"{value + 1}")
            self._replace("constant", node, f"{value - 1}" if value else "(-1)")
        elif isinstance(value, float):
            self._replace("constant", node, repr(value + 1.0))
            self._replace("constant", node, repr(float(f"{value * 1.1:.12g}")) if value else "0.1")

    def visit_Call(self, node: ast.Call) -> None:  # as ast calls it
        name = node.func.attr if isinstance(node.func, ast.Attribute) else self._code(node.func)
        if name in EXCHANGED:
            end = self._end(node.func)
            self._add("min_max", end - len(name), end, EXCHANGED[name])
        if name not in EITHER_WAY:
            for first, second in zip(node.args, node.args[1:], strict=False):
                if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
                    between = self.source[self._end(first) : self._begin(second)].decode()
                    text = self._code(second) + between + self._code(first)
                    self._add("arguments", self._begin(first), self._end(second), text)
        self.generic_visit(node)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
