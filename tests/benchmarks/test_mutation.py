"""The mutation figures: what is changed and what is not, what a seed draws, and that the plan names what is there."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from benchmarks.mutation import __main__ as command
from benchmarks.mutation.operators import OPERATORS, Mutant, changes_code, mutants_of
from benchmarks.mutation.plan import GROUPS, TARGETS
from benchmarks.mutation.trial import ROOT


def made(source: str) -> set[tuple[str, str]]:
    """Operator and mutated source of every mutant of one line."""
    before = source.encode()
    return {(mutant.operator, mutant.apply(before).decode()) for mutant in mutants_of("m.py", before)}


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("a + b", {("arithmetic", "a - b"), ("statement", "pass")}),
        ("a = (b) * c", {("arithmetic", "a = (b) / c")}),
        ("a = b < c", {("comparison", "a = b >= c"), ("boundary", "a = b <= c")}),
        ("a = b is not c", {("comparison", "a = b is c")}),
        ("a = b not in c", {("comparison", "a = b in c")}),
        ("a = 2", {("constant", "a = 3"), ("constant", "a = 1")}),
        ("a = 0.5", {("constant", "a = 1.5"), ("constant", "a = 0.55")}),
        ("a = True", {("constant", "a = False")}),
        ("a = b if c else d", {("negation", "a = b if (not (c)) else d")}),
        ("a = not b", {("negation", "a = (b)")}),
        ("a = b and c or d", {("and_or", "a = b or c or d"), ("and_or", "a = b and c and d")}),
        ("a = min(b, c)", {("min_max", "a = max(b, c)")}),
        ("a = np.maximum(b, c)", {("min_max", "a = np.minimum(b, c)")}),
        ("a = -b", {("sign", "a = (b)")}),
        ("a.b = c", {("statement", "pass")}),
        ("a = f(b, c)", {("arguments", "a = f(c, b)")}),
        ("a += b", {("statement", "pass"), ("arithmetic", "a -= b")}),
    ],
)  # fmt: skip
def test_an_operator_makes_its_changes_and_no_others(source: str, mutants: set[tuple[str, str]]) -> None:
    assert made(source) == mutants


def test_a_return_before_the_end_and_a_raise_can_be_dropped() -> None:
    source = "def f(a):\n    if a:\n        return\n    raise E(a + 1)\n    return a\n"
    assert ("return", source.replace("        return\n", "        pass\n")) in made(source)
    assert ("raise", source.replace("raise E(a + 1)", "pass")) in made(source)
    assert {operator for operator, _ in made(source)} == {"return", "raise", "negation"}


@pytest.mark.parametrize(
    "source",
    [
        '"""1 + 2, not 3."""',
        "__all__ = [*'a'] + b",
        "a: Literal[1]",
        "from a import b",
        "@f(1, True)\ndef g(a: Literal[1] = b) -> Literal[2]:\n    return a",
        "a = f'{b + 1:.2f}'",
        "a = 'b' + c",
        "a: TypeAlias = Literal[1]",
    ],
)
def test_texts_types_decorators_and_imports_stay_as_they_are(source: str) -> None:
    assert made(source) == set()


def test_what_does_not_compile_or_gives_the_same_bytecode_is_not_counted() -> None:
    source = b"a = 1e30\n"
    assert not changes_code(Mutant("m.py", "module", "constant", 4, 8, "1e30 + 1.0"), source)
    assert not changes_code(Mutant("m.py", "module", "constant", 4, 8, "1e30 +"), source)
    assert changes_code(Mutant("m.py", "module", "constant", 4, 8, "1.1e30"), source)


def test_a_seed_draws_the_same_mutants_again_and_another_seed_others() -> None:
    some = command.draw(3, 12, ["scoring"])
    assert len(some) == 12
    assert len(set(some)) == 12
    assert some == command.draw(3, 12, ["scoring"])
    assert some != command.draw(4, 12, ["scoring"])
    assert {TARGETS[mutant.file].group for mutant in some} == {"scoring"}
    assert {mutant.operator for mutant in some} <= set(OPERATORS)


@pytest.mark.parametrize("count", [1, 7, 400])
def test_every_group_gets_its_share_of_all_mutants(count: int) -> None:
    shares = command.shares(count, list(GROUPS))
    assert sum(shares.values()) == count
    assert all(abs(shares[group] - count * part) <= 1.0 for group, part in GROUPS.items())
    assert command.shares(count, ["checks"]) == {"checks": count}


def test_the_plan_names_files_and_tests_that_are_there() -> None:
    for name, target in TARGETS.items():
        assert (ROOT / name).is_file(), name
        assert target.group in GROUPS
        for argument in (word for stage in target.stages for word in stage.arguments if word.startswith("tests/")):
            path, _, test = argument.partition("::")
            assert (ROOT / path).exists(), path
            test = test.partition("[")[0]
            assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), argument


def test_what_is_called_harmless_is_a_mutant_and_has_a_reason() -> None:
    entries = tomllib.loads(command.HARMLESS.read_text(encoding="utf-8"))["harmless"]
    found: dict[str, set[tuple[str, str]]] = {}
    for entry in entries:
        name = entry["file"]
        source = (ROOT / name).read_bytes()
        if name not in found:
            some = mutants_of(name, source, functions_only=TARGETS[name].functions_only)
            found[name] = {(mutant.function, mutant.lines(source)) for mutant in some}
        assert (entry["function"], entry["diff"].strip()) in found[name], entry
        assert len(entry["reason"]) > 20, entry


def test_results_of_another_draw_are_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({"seed": 1}) + "\n" + json.dumps({"mutant": "a", "status": "killed"}) + "\n")
    assert command.read_results(path, {"seed": 1})["a"]["status"] == "killed"
    with pytest.raises(SystemExit, match="seed"):
        command.read_results(path, {"seed": 2})


@pytest.mark.parametrize(("words", "named"), [(["--count", "0"], "--count"), (["--group", "luck"], "luck")])
def test_a_bad_word_is_refused(words: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.arguments_of(words)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err
