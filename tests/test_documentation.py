"""The pages say what the code says: tables, examples, links, arguments."""

from __future__ import annotations

import inspect
import json
import re
import runpy
from collections.abc import Callable
from contextlib import nullcontext as does_not_raise
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from tests.docs_modules import load

from thinmargin import ENVIRONMENTS
from thinmargin.calibration.saved import shipped
from thinmargin.calibration.unknowns import UNKNOWNS, shipped_values
from thinmargin.env import EcosystemEnv
from thinmargin.parameters import Parameters
from thinmargin.scenarios import FAMILIES, HIDDEN

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/algorithms/*.md")])
MODEL = ROOT / "docs" / "model.md"
DOCSTRING = inspect.cleandoc(EcosystemEnv.__doc__ or "")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"python", "sh", "text", "toml", "json", ""}
TABLES = load("tables", "documentation_tables")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _examples() -> list[pytest.param]:
    texts = {_name(page): page.read_text(encoding="utf-8") for page in PAGES}
    texts["EcosystemEnv"] = DOCSTRING
    return [
        pytest.param(match[2], id=f"{name}:{text[: match.start()].count(chr(10)) + 1}")
        for name, text in texts.items()
        for match in FENCE.finditer(text)
        if match[1] == "python"
    ]


def _without_code(text: str) -> str:
    return FENCE.sub("", text)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+)$", _without_code(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## +(.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_tables_of_pages_are_those_of_the_code(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    asked = TABLES.asked_for(text)
    assert len(asked) == _without_code(text).count("\n<!-- table:"), "a marker is misspelt or has no end"
    for name in asked:
        assert name in TABLES.TABLES, f"no table is called {name!r}"
    assert TABLES.with_tables(text) == text, "out of date: run python docs/tables.py"


def test_every_table_is_used() -> None:
    asked = {name for page in PAGES for name in TABLES.asked_for(page.read_text(encoding="utf-8"))}
    assert set(TABLES.TABLES) - asked == {"features"}  # the docstring's form of the observation table


def test_tables_of_the_docstring_are_those_of_the_code() -> None:
    source = TABLES.ENVIRONMENT.read_text(encoding="utf-8")
    assert TABLES.with_docstring_tables(source) == source, "out of date: run python docs/tables.py"
    for make in TABLES.IN_DOCSTRING:
        assert make() in DOCSTRING


def test_an_outdated_table_is_noticed_and_rewritten() -> None:
    page = "before\n<!-- table: splits -->\n| old |\n<!-- end -->\nafter\n"
    written = TABLES.with_tables(page)
    assert "| train |" in written
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert TABLES.with_tables(written) == written
    source = TABLES.ENVIRONMENT.read_text(encoding="utf-8")
    broken = source.replace("| 0 | price | -0.2 |", "| 0 | price | -0.9 |")
    assert broken != source
    assert TABLES.with_docstring_tables(broken) == source


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only page that `docs/tables.py` knows, out of date."""
    page = tmp_path / "page.md"
    page.write_text("<!-- table: splits -->\n<!-- end -->\n", encoding="utf-8")
    monkeypatch.setattr(TABLES, "pages", lambda: [page])
    monkeypatch.setattr(TABLES, "add_missing_pages", lambda: None)
    return page


def _refused(page: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `docs/tables.py` says when it writes nothing."""
    before = page.read_bytes()
    assert TABLES.main() == 1
    assert page.read_bytes() == before
    return str(capsys.readouterr().err)


def test_tables_are_written_while_constants_and_code_belong_together(page: Path) -> None:
    assert TABLES.freshness.stale() == []
    assert TABLES.main() == 0
    assert "| train |" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("shipped", lambda: replace(shipped(), misfit=shipped().misfit + 1e-6), "other equations or parameters"),
        ("figures_digest", lambda: "0" * 64, "other figures"),
        ("shipped_values", lambda z: shipped_values(z + 1e-6), "not those of its z"),
    ],
)
def test_no_table_is_written_of_constants_that_are_not_fitted(
    name: str, change: object, problem: str, page: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(TABLES.freshness, name, change)
    said = _refused(page, capsys)
    assert problem in said
    assert "python -m thinmargin.calibration --output envs/thinmargin/data/calibration.json" in said


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rule: rule["made"].update(J=rule["made"]["J"] + 0.01), "says J"),
        (lambda rule: rule["levers"][0].update(price=0.59), "other levers"),
        (lambda rule: rule["played"]["knots"][0].__setitem__(0, 0.5), "digest"),
    ],
    ids=["earns something else", "plays something else", "changed by hand"],
)
def test_no_table_is_written_of_a_rule_that_is_not_tuned(
    change: Callable[[Any], None], problem: str, tmp_path: Path, page: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    rule = json.loads((TABLES.FOLDER / "myopic.json").read_text("utf-8"))
    change(rule)
    (tmp_path / "myopic.json").write_text(json.dumps(rule), "utf-8")
    monkeypatch.setattr(TABLES.freshness, "FOLDER", tmp_path)
    said = _refused(page, capsys)
    assert "myopic.json" in said
    assert problem in said
    assert "python -m thinmargin_agents.tuning myopic" in said


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.7505891615724076, "3.751"), (0.0118995, "0.0119"), (58850.4, "58850"), (3009.16, "3009"), (1e6, "1000000"),
        (0.0, "0"), (-0.2, "-0.2"), (12, "12"), ((977.847, -0.00283312), "977.8, -0.002833"),
    ],
)  # fmt: skip
def test_numbers_have_four_significant_digits_and_no_exponent(value: object, text: str) -> None:
    assert TABLES.number(value) == text


def test_the_table_of_unknowns_says_of_each_what_was_believed_found_and_left_open() -> None:
    rows = [line.strip("| ").split(" | ") for line in TABLES.TABLES["unknowns"]().split("\n")[2:]]
    assert len(rows) == len(UNKNOWNS)
    for row, unknown, z in zip(rows, UNKNOWNS, shipped().z, strict=True):
        name, value, centre, _, written, left, reason = row
        assert f"`{unknown.name}`" in name
        assert float(value) == pytest.approx(float(unknown.constant(z)), rel=1e-3)
        assert float(centre) == pytest.approx(unknown.centre, rel=1e-3)
        assert float(written) == pytest.approx(z, abs=0.006)
        assert 0.0 < float(left) <= 1.0, "no figure widens what was believed"
        assert reason == unknown.reason


def test_the_table_of_hidden_constants_has_every_number_that_differs() -> None:
    rows = [line.strip("| ").split(" | ") for line in TABLES.TABLES["hidden"]().split("\n")[2:]]
    assert len({row[0] for row in rows}) == len(rows) == len(HIDDEN.hidden)
    for row, item in zip(rows, HIDDEN.hidden, strict=True):
        assert f"`{item.field.removeprefix('firm_')}`" in row[0]
        assert float(row[2]) == pytest.approx(sum(weight**2 for weight in item.weights) ** 0.5, rel=0.06)


def test_docstring_has_gymnasiums_sections_in_order() -> None:
    assert list(_sections(DOCSTRING)) == [
        "Description",
        "Action Space",
        "Observation Space",
        "Rewards",
        "Starting State",
        "Episode End",
        "Information",
        "Arguments",
        "Vectorized environment",
        "Version History",
        "References",
    ]


def test_docstring_names_the_spaces_arguments_and_families() -> None:
    env = EcosystemEnv()
    assert f"`Box(-1, 1, {env.action_space.shape}, float32)`" in DOCSTRING
    assert f"shape {env.observation_space.shape}" in DOCSTRING
    assert f"`{EcosystemEnv(discrete=True).action_space}`" in DOCSTRING
    named = re.findall(r"^- `(\w+)`:", _sections(DOCSTRING)["Arguments"], re.MULTILINE)
    assert named == list(inspect.signature(EcosystemEnv).parameters)
    for family in FAMILIES:
        assert f"`{family}`" in DOCSTRING


def test_docstring_names_what_info_holds() -> None:
    env = EcosystemEnv()
    env.reset(seed=0)
    *_, info = env.step(env.action_space.sample())
    named = re.findall(r"^- `(\w+)`:", _sections(DOCSTRING)["Information"], re.MULTILINE)
    assert named == list(info)


def test_every_parameter_is_explained_in_one_section() -> None:
    listed = [name for names in TABLES.model_tables.SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(item.name for item in fields(Parameters))
    sections = _sections(MODEL.read_text(encoding="utf-8"))
    heading_of = {"rivals": "Strategies"}
    for section, names in TABLES.model_tables.SECTIONS.items():
        heading = heading_of.get(section, section.capitalize().replace("_", " "))
        prose = re.sub(r"^\|.*$", "", sections[heading], flags=re.MULTILINE)
        missing = [name for name in names if not re.search(rf"\b{name}(_r)?\b", prose)]
        assert not missing, f"section {heading!r} does not explain {missing}"


def test_every_module_of_the_economics_has_a_section() -> None:
    text = MODEL.read_text(encoding="utf-8")
    modules = {path.name for path in (ROOT / "envs" / "thinmargin" / "economics").glob("*.py")}
    for module in modules - {"compiled.py"}:
        assert f"economics/{module}" in text


def test_every_id_is_in_readme_and_reference() -> None:
    for page in (ROOT / "README.md", ROOT / "docs" / "environment.md"):
        text = page.read_text(encoding="utf-8")
        for entry in ENVIRONMENTS:
            assert entry.id.removeprefix("ThinMargin/") in text, f"{_name(page)} does not name {entry.id}"
            assert entry.id in gym.registry


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_blocks_have_a_known_language(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("\n```") == 2 * len(FENCE.findall(text)), "a block has no end or is indented"
    assert {language for language, _ in FENCE.findall(text)} <= LANGUAGES


@pytest.mark.slow
@pytest.mark.parametrize("code", _examples())
def test_examples_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "example.py"
    script.write_text(code, encoding="utf-8")
    with does_not_raise():
        runpy.run_path(str(script), run_name="__main__")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", _without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in _anchors(there), f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_scripts_in_commands_exist(page: Path) -> None:
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        for script in re.findall(r"python3? ([\w./]+\.py)", block if language == "sh" else ""):
            assert (ROOT / script).exists(), f"{script} does not exist"
