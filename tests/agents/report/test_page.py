"""The page says what the results say, needs nothing from outside, and survives whatever it is given."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from tests.messages import lacks
from tests.reporting import (
    COMMAND,
    HOSTILE,
    Judged,
    Reacting,
    Remembering,
    hand_coded,
    judged,
    run_of,
)

from thinmargin.data import Period, reported
from thinmargin.history import COMPARED
from thinmargin.names import POLICIES
from thinmargin.palette import TONES
from thinmargin.settings import SCORED, Settings
from thinmargin.splits import KEYS
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.report.roles import cast_of
from thinmargin_agents.report.sections.headline import headline
from thinmargin_agents.report.sections.leaderboard import columns_of
from thinmargin_agents.report.sections.responses import around, follow, levers_of, responses
from thinmargin_agents.report.sections.stress import stress_table
from thinmargin_agents.report.sections.years import PANELS
from thinmargin_agents.report.style import canvas, drawing, svg_of
from thinmargin_agents.report.words import interval, number
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES, rule_of

SECTIONS = (
    "What the firm should do, and why",
    "Leaderboard",
    "What counts behind the horizon",
    "How J spreads over worlds",
    "What policies do, year by year",
    "Where the difference comes from",
    "What the policy reacts to",
    "When something breaks",
    "How real is it?",
    "How to get these numbers again",
)


def settings(**changes: Any) -> Settings:
    return Settings(**{"horizon": 72, **changes})


class Reader(HTMLParser):
    """Everything that a test asks of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._open[-1:]):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.fixture(scope="module")
def page(whole: Judged) -> str:
    return whole.page()


@pytest.fixture(scope="module")
def seen(page: str) -> Reader:
    return Reader(page)


class Narrow(Reacting):
    """A policy for three worlds at a time."""

    def predict(self, observation: Any, state: Any = None, **_: Any) -> tuple[Any, Any]:
        if len(observation) != 3:
            raise RuntimeError("three rows, please")
        return super().predict(observation, state)


@pytest.fixture(scope="module")
def poor() -> Reader:
    """A page of a document that says nothing, and of a policy that answers few."""
    few = judged([run_of(Narrow(), name="narrow"), *hand_coded("low_margin_ecosystem")], worlds=3, horizon=14)
    report = dict.fromkeys(few.report)
    report["policies"] = {name: dict.fromkeys(summary) for name, summary in few.report["policies"].items()}
    return Reader(replace(few, report=report).page())


@pytest.fixture(scope="module")
def alone() -> Reader:
    """A page of one policy that is always bankrupt."""
    return Reader(judged(hand_coded("do_nothing"), worlds=3).page())


@pytest.fixture(scope="module")
def nameless(whole: Judged) -> str:
    """A page of names that are no text, of policies that were not trained, without a document."""
    names = ["a\udcff\x00b", "logs/\N{PILE OF POO}_1", "x" * 300]
    results = [replace(whole.results[1], name=name) for name in names]
    return replace(whole, results=results, report={}, stress={}, entrants=[]).page()


@pytest.mark.slow
def test_no_section_is_empty_and_every_picture_says_what_it_shows(seen: Reader) -> None:
    for title in SECTIONS:
        assert title in seen.text
    assert not any("missing" in tag.get("class", "") for _, tag in seen.tags)
    pictures = [attributes for attributes in seen.all("svg") if attributes.get("role") == "img"]
    assert len(pictures) == len(seen.all("figure")) > 35
    assert all(len(attributes["aria-label"]) > 20 for attributes in pictures)
    assert all(attributes["viewbox"].split()[:2] == ["0", "0"] for attributes in pictures)


@pytest.mark.slow
def test_the_numbers_of_the_document_are_on_the_page(whole: Judged, seen: Reader) -> None:
    for name, summary in whole.report["policies"].items():
        assert name in seen.text.replace("_ ", "_")
        assert number(summary["J_mean"]) in seen.text
        assert number(summary["score"]) in seen.text
        assert interval(summary["J_ci95"]) in seen.text
    assert COMMAND in seen.text
    for version in whole.report["versions"].values():
        assert str(version) in seen.text
    assert "keys 1000000 to 1000011" in seen.text


@pytest.mark.slow
def test_j_is_told_under_every_closing_rule_and_the_scored_one_is_named(whole: Judged, seen: Reader) -> None:
    for summary in whole.report["policies"].values():
        for entry in summary["closing_rules"].values():
            assert number(entry["J_mean"]) in seen.text
            assert interval(entry["J_ci95"]) in seen.text
    for rule in CLOSING_RULES.values():
        assert rule.meaning in seen.text
    assert not lacks(seen.text, "Scored is own last year.", "by the rule that is scored (own last year)")
    for scenario in whole.report["stress"].values():
        rules = scenario["plan"]["closing_rules"]
        assert f"playbook {number(rules['playbook']['J_mean'])}, years alone {number(rules['years']['J_mean'])}" in (
            seen.text
        )


@pytest.mark.slow
def test_nothing_is_loaded_from_anywhere(page: str, seen: Reader) -> None:
    assert not re.search(r"https?:|//[a-z0-9]+\.|@import|@font-face", page)
    assert not re.findall(r"url\((?!#)", page)
    loading = {"img", "link", "iframe", "object", "embed", "audio", "video", "source", "base", "form", "image"}
    assert not loading & {tag for tag, _ in seen.tags}
    assert not any("src" in attributes or "onclick" in attributes for _, attributes in seen.tags)
    assert len(page.encode()) < 1_000_000


@pytest.mark.slow
def test_ids_are_unique_and_every_reference_has_its_target(page: str, seen: Reader) -> None:
    ids = Counter(attributes["id"] for _, attributes in seen.tags if "id" in attributes)
    assert ids.most_common(1)[0][1] == 1
    targets = set(re.findall(r"url\(#([^)]+)\)", page))
    targets |= {attributes["href"][1:] for _, attributes in seen.tags if attributes.get("href", "").startswith("#")}
    assert len(targets) > 50
    assert targets <= set(ids)


@pytest.mark.slow
def test_a_hostile_name_stays_a_name(page: str, seen: Reader) -> None:
    assert len(seen.all("script")) == 1
    assert 'document.title="lost"' not in page.replace("&#34;", '"').split("<script>")[1]
    assert "<script>document" not in page
    assert HOSTILE in seen.text.replace("_ ", "_")
    assert not any(name.startswith("b_$x$") for _, attributes in seen.tags for name in attributes)


@pytest.mark.slow
def test_the_same_results_give_the_same_page(whole: Judged, page: str) -> None:
    assert whole.page() == page


def test_matplotlib_is_left_as_it_was(whole: Judged) -> None:
    before = dict(mpl.rcParams)
    with drawing():
        stress_table(cast_of(whole.report, whole.results), whole.report, whole.stress)
        figure, axes = canvas(100, 80)
        axes.plot([0, 1])
        svg_of(figure, "some", "a line")
    assert dict(mpl.rcParams) == before


@pytest.mark.slow
def test_importing_the_report_starts_no_window() -> None:
    program = (
        "import sys, thinmargin_agents.report\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules\n"
    )
    done = subprocess.run(  # noqa: S603  # the program is written above
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_what_a_document_does_not_say_the_page_says_is_missing(poor: Reader) -> None:
    for title in SECTIONS:
        assert title in poor.text
    assert "There is no score: it takes tuned low margin (low_margin_tuned)" in poor.text
    assert not lacks(poor.text, "No stress worlds", "python evaluate.py")
    assert "performance profile of scores is missing" in poor.text
    assert "None" not in poor.text


@pytest.mark.slow
def test_a_policy_that_cannot_be_asked_costs_only_its_section(poor: Reader) -> None:
    assert not lacks(poor.text, "No answers to show", "'narrow_0'", "RuntimeError: three rows, please")


def test_why_there_is_no_score_is_stated_in_the_words_of_the_document(whole: Judged) -> None:
    policies = {name: {**summary, "score": None} for name, summary in whole.report["policies"].items()}
    report = {**whole.report, "policies": policies, "note": "score is null: run this"}
    top = headline(cast_of(report, whole.results), report, 0)
    assert "There is no score: run this." in top.sentences
    assert not any(fact.what == "score" for fact in top.facts)
    assert columns_of(cast_of(report, whole.results), rule_of(SCORED))[0].head == "J, RMB bn"


@pytest.mark.slow
def test_one_policy_alone_gives_a_page_without_comparisons(alone: Reader) -> None:
    assert "Do nothing earns RMB" in alone.text
    assert "no other policy was played beside it" in alone.text
    assert "It takes two policies" in alone.text
    assert "Differences are missing" in alone.text


@pytest.mark.slow
def test_a_page_of_few_worlds_says_why_it_has_no_intervals_and_claims_none(poor: Reader, seen: Reader) -> None:
    few = "Of fewer than 10 worlds, as here, no interval is given: it would be too narrow."
    leaderboard = poor.text[poor.text.index("Best first, by mean J.") :]
    assert not lacks(leaderboard[: leaderboard.index("How J spreads")], few)
    assert few not in seen.text
    for words in ("with 95 % intervals below", "with its 95 % interval, and the rank", "Strokes across the bars"):
        assert words in seen.text
        assert words not in poor.text


@pytest.mark.slow
def test_a_page_says_how_worlds_count_where_a_policy_has_several_training_seeds(seen: Reader, alone: Reader) -> None:
    told = "Of a policy with several training seeds every world counts once for each of them."
    assert seen.text.count(told) == 3
    assert told not in alone.text


@pytest.mark.slow
def test_a_policy_that_is_always_bankrupt_has_its_place(alone: Reader) -> None:
    assert "Often bankrupt: do nothing (in all 3 worlds)." in alone.text
    assert "nan" not in re.split(r"\W+", alone.text.lower())


def test_results_must_not_be_empty(whole: Judged) -> None:
    with pytest.raises(ValueError, match="results is empty"):
        replace(whole, results=[]).page()


@pytest.mark.slow
def test_names_that_are_no_text_can_be_written(nameless: str) -> None:
    assert nameless.encode()
    assert "\\udcff" in nameless
    assert "x" * 300 in nameless


@pytest.mark.slow
def test_without_a_run_the_tuned_rule_with_feedback_is_asked(nameless: str) -> None:
    text = Reader(nameless).text
    assert "What plan with feedback does" in text
    assert "No trained policy was played" in text


@pytest.mark.slow
def test_the_command_line_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["premium", "--split", "validation", "--n-worlds", "2", "--html", "report.html"]) == 0
    text = Reader(Path("report.html").read_text("utf-8")).text
    assert "thinmargin-evaluate premium --env ThinMargin/Ecosystem-v1 --split validation --n-worlds 2" in text


@pytest.mark.slow
def test_a_policy_with_memory_is_asked_from_a_fresh_one_and_the_page_says_so(seen: Reader) -> None:
    keys = KEYS["validation"][:4]
    found = responses(Remembering(), keys, settings(horizon=14), "recurrent")
    plain = responses(Reacting(), keys, settings(horizon=14), "plain")
    assert (found.remembers, plain.remembers) == (True, False)
    then = follow(Remembering(), keys, settings(horizon=14), "recurrent").seen[12]
    fresh = levers_of(Reacting().predict(around(then, "cash"))[0].astype(np.float64))
    np.testing.assert_array_equal(found.curves["cash"][0].levers, fresh)
    assert "This policy has a memory" in seen.text


@pytest.mark.slow
def test_every_table_has_a_caption_and_every_region_that_scrolls_a_name(page: str, seen: Reader) -> None:
    tables = re.findall(r"<table.*?</table>", page, re.DOTALL)
    assert len(tables) >= 5
    for table in tables:
        assert re.search(r"<caption><span>[^<]{10,}</span></caption>", table)
        assert "<thead>" in table
        assert 'scope="col"' in table
        assert 'scope="row"' in table
    for tag in (attributes for _, attributes in seen.tags if "tabindex" in attributes):
        assert tag["role"] == "region"
        assert len(tag["aria-label"]) > 8


@pytest.mark.slow
def test_every_policy_and_quantity_on_the_page_has_a_name_beside_its_id(whole: Judged, seen: Reader) -> None:
    for name in whole.report["policies"]:
        if name in POLICIES:
            assert POLICIES[name] in seen.text
            assert POLICIES[name].replace(" ", "_") != POLICIES[name]
    prose = re.sub(r"\b(python -m|policy|--env|evaluate)\b[^.]*", "", seen.text)
    for name in (compared.name for compared in COMPARED):
        if "_" in name:
            assert name not in prose
    headline_text = seen.text[: seen.text.index("Leaderboard", seen.text.index("Terms are explained"))]
    assert not re.search(r"\b[a-z]+_[a-z_]+\b", headline_text.replace(HOSTILE, "").replace('a"b_$x$_1', ""))


@pytest.mark.slow
def test_all_colours_of_pictures_are_variables_that_a_dark_page_changes(page: str) -> None:
    pictures = re.findall(r"<svg[^>]*role=.*?</svg>", page, re.DOTALL)
    assert len(pictures) > 35
    for picture in pictures:
        bare = re.sub(r"var\(--[a-z]+, #[0-9a-f]{6}\)", "", picture)
        assert not re.search(r"#[0-9a-f]{6}\b", bare)
    light, dark = re.findall(r":root \{ ([^}]*) \}", page)[:2]
    names = re.findall(r"--([a-z]+):", light)
    assert re.findall(r"--([a-z]+):", dark) == [name for name in names if f"--{name}:" in dark] == list(TONES)
    used = set(re.findall(r"var\(--([a-z]+)", page))
    assert used <= {*TONES, "sans", "mono"}
    style = page[page.index("<style>") : page.index("</style>")]
    assert set(re.findall(r"#[0-9a-f]{3,6}\b", style)) <= {color for tone in TONES.values() for color in tone}


@pytest.mark.slow
def test_every_picture_has_values_for_pointer_and_keys(page: str, seen: Reader) -> None:
    figures = {attributes["id"]: attributes for attributes in seen.all("figure")}
    for name, attributes in figures.items():
        if name == "figure-backtest-key":
            continue
        readings = json.loads(attributes["data-readings"])
        assert readings, name
        for x, y, words in readings:
            assert x is not None or y is not None
            assert any(letter.isdigit() for letter in words)
    assert len(seen.all("output")) == len(figures) - 1
    years = json.loads(figures["figure-years-users"]["data-readings"])
    assert [words[:5] for _, _, words in years] == [f"{year}:" for year in range(2012, 2027)]
    reported_users = reported().value("miui_mau_m", Period(12 * 8, 12))
    assert f"reported {number(reported_users)}" in years[8][2]
    assert "reported" not in years[14][2]
    box = re.search(r'id="figure-years-users".*?viewBox="0 0 ([0-9.]+) ([0-9.]+)"', page, re.DOTALL)
    assert box is not None
    assert all(0.0 <= x <= float(box[1]) and y is None for x, y, _ in years)
    assert [x for x, _, _ in years] == sorted(x for x, _, _ in years)


@pytest.mark.slow
def test_the_reported_line_of_the_firm_is_in_the_yearly_panels(page: str, seen: Reader) -> None:
    assert "reported by the firm" in seen.text
    assert not lacks(seen.text, "implied by the gross margin of phones", "average selling price", "adjusted net profit")
    told = [attributes for attributes in seen.all("figure") if attributes["id"].startswith("figure-years-")]
    with_reported = [one["id"] for one in told if "reported " in one["data-readings"]]
    assert len(with_reported) == sum(panel.reported is not None for panels in PANELS.values() for panel in panels)
    assert page.count("medians of the worlds") == len(PANELS)
