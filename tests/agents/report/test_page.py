"""The page says what the results say, needs nothing from outside, and survives whatever it is given."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from tests.reporting import (
    COMMAND,
    HOSTILE,
    Judged,
    Reacting,
    Remembering,
    everything,
    hand_coded,
    judged,
    run_of,
    synthetic,
    without,
)

from thinmargin.batch import Batch
from thinmargin.levers import action_of, read_levers
from thinmargin.plans import FEATURE_NAMES
from thinmargin.records import LEVERS
from thinmargin.scenarios import FAMILIES
from thinmargin.settings import Settings, discrete_actions
from thinmargin.splits import KEYS
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.report.roles import MOST_CHOSEN, cast_of
from thinmargin_agents.report.sections.gaps import gap
from thinmargin_agents.report.sections.headline import headline
from thinmargin_agents.report.sections.leaderboard import columns_of
from thinmargin_agents.report.sections.response_charts import log_ticks
from thinmargin_agents.report.sections.responses import VARIED, around, follow, levers_of, responses
from thinmargin_agents.report.sections.spread import at_least, density
from thinmargin_agents.report.sections.stress import stress_table
from thinmargin_agents.report.sections.waterfall import adding_up, waterfall_of, waterfall_rows
from thinmargin_agents.report.sections.years import middle_and_band
from thinmargin_agents.report.style import canvas, drawing, svg_of
from thinmargin_agents.report.words import MINUS, interval, money, number, percent, short_name, signed
from thinmargin_agents.scoring.comparison import Result

SECTIONS = (
    "What came out",
    "Leaderboard",
    "How J spreads over worlds",
    "What policies do, year by year",
    "Where the difference comes from",
    "What the policy reacts to",
    "When something breaks",
    "How real is it?",
    "How to get these numbers again",
)


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
def whole() -> Judged:
    return everything()


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


def test_no_section_is_empty_and_every_picture_says_what_it_shows(seen: Reader) -> None:
    for title in SECTIONS:
        assert title in seen.text
    assert not any("missing" in tag.get("class", "") for _, tag in seen.tags)
    pictures = [attributes for attributes in seen.all("svg") if attributes.get("role") == "img"]
    assert len(pictures) == len(seen.all("figure")) > 35
    assert all(len(attributes["aria-label"]) > 20 for attributes in pictures)
    assert all(attributes["viewbox"].split()[:2] == ["0", "0"] for attributes in pictures)


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


def test_nothing_is_loaded_from_anywhere(page: str, seen: Reader) -> None:
    assert not re.search(r"https?:|//[a-z0-9]+\.|@import|@font-face", page)
    assert not re.findall(r"url\((?!#)", page)
    loading = {"img", "link", "iframe", "object", "embed", "audio", "video", "source", "base", "form", "image"}
    assert not loading & {tag for tag, _ in seen.tags}
    assert not any("src" in attributes or "onclick" in attributes for _, attributes in seen.tags)
    assert len(page.encode()) < 1_000_000


def test_ids_are_unique_and_every_reference_has_its_target(page: str, seen: Reader) -> None:
    ids = Counter(attributes["id"] for _, attributes in seen.tags if "id" in attributes)
    assert ids.most_common(1)[0][1] == 1
    targets = set(re.findall(r"url\(#([^)]+)\)", page))
    targets |= {attributes["href"][1:] for _, attributes in seen.tags if attributes.get("href", "").startswith("#")}
    assert len(targets) > 50
    assert targets <= set(ids)


def test_a_hostile_name_stays_a_name(page: str, seen: Reader) -> None:
    assert len(seen.all("script")) == 1
    assert 'document.title="lost"' not in page.replace("&#34;", '"').split("<script>")[1]
    assert "<script>document" not in page
    assert HOSTILE in seen.text.replace("_ ", "_")
    assert not any(name.startswith("b_$x$") for _, attributes in seen.tags for name in attributes)


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


def test_importing_the_report_starts_no_window() -> None:
    program = (
        "import sys, thinmargin_agents.report\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules\n"
    )
    done = subprocess.run(  # noqa: S603  # the program is written above
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_a_document_does_not_say_the_page_says_is_missing(poor: Reader) -> None:
    for title in SECTIONS:
        assert title in poor.text
    assert "There is no score: it takes low_margin_tuned" in poor.text
    assert "No stress worlds were played. They go with the benchmark's test worlds: python evaluate.py" in poor.text
    assert "performance profile of scores is missing" in poor.text
    assert "None" not in poor.text


def test_a_policy_that_cannot_be_asked_costs_only_its_section(poor: Reader) -> None:
    assert "No answers to show: policy 'narrow_0': predict raised RuntimeError: three rows, please" in poor.text


def test_why_there_is_no_score_is_told_in_the_words_of_the_document(whole: Judged) -> None:
    policies = {name: {**summary, "score": None} for name, summary in whole.report["policies"].items()}
    report = {**whole.report, "policies": policies, "note": "score is null: run this"}
    said = headline(cast_of(report, whole.results), report, 0)
    assert "There is no score: run this." in said.sentences
    assert not any(fact.what == "score" for fact in said.facts)
    assert columns_of(cast_of(report, whole.results))[0].head == "J, RMB bn"


def test_one_policy_alone_gives_a_page_without_comparisons(alone: Reader) -> None:
    assert "do_nothing earns RMB" in alone.text
    assert "no other policy was played beside it" in alone.text
    assert "It takes two policies" in alone.text
    assert "Differences are missing" in alone.text


def test_a_policy_that_is_always_bankrupt_has_its_place(alone: Reader) -> None:
    assert "Often bankrupt: do_nothing (100 %)." in alone.text
    assert "nan" not in re.split(r"\W+", alone.text.lower())


def test_results_must_not_be_empty(whole: Judged) -> None:
    with pytest.raises(ValueError, match="results is empty: at least one"):
        replace(whole, results=[]).page()


def test_names_that_are_no_text_can_be_written(nameless: str) -> None:
    assert nameless.encode()
    assert "\\udcff" in nameless
    assert "x" * 300 in nameless


def test_without_a_run_the_tuned_rule_with_feedback_is_asked(nameless: str) -> None:
    text = Reader(nameless).text
    assert "What plan_with_feedback does as one thing it observes changes" in text
    assert "No trained policy was played" in text


def test_the_command_line_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["premium", "--split", "validation", "--n-worlds", "2", "--html", "report.html"]) == 0
    text = Reader(Path("report.html").read_text("utf-8")).text
    assert "python evaluate.py premium --env ThinMargin/Ecosystem-v0 --split validation --n-worlds 2" in text


# From one J to another


def test_steps_of_the_waterfall_sum_from_one_j_to_the_other(whole: Judged) -> None:
    fall = waterfall_of(cast_of(whole.report, whole.results), 0)
    assert fall is not None
    assert (fall.before.name, fall.after.name) == ("low_margin_tuned", fall.after.name)
    assert fall.after.name == next(name for name in whole.report["policies"] if name not in ("foresight", "random"))
    total = sum(step.change for step in fall.steps)
    assert total == pytest.approx(fall.after.mean - fall.before.mean, abs=1e-9)
    assert sum(step.before for step in fall.steps) == pytest.approx(fall.before.mean, abs=1e-9)
    assert fall.steps[-1].what == "closing value"
    assert fall.steps[-1].before == pytest.approx(fall.before.result.closing_part.mean())
    for step in fall.steps:
        assert step.interval[0] <= step.change <= step.interval[1]


def test_printed_numbers_of_the_waterfall_add_up_to_the_last_digit(whole: Judged) -> None:
    fall = waterfall_of(cast_of(whole.report, whole.results), 0)
    assert fall is not None
    rows = waterfall_rows(fall)
    table = [[Decimal(cell.replace(MINUS, "-").replace(",", "")) for cell in row[1:4]] for row in rows]
    *lines, total = table
    for column in range(3):
        assert sum(line[column] for line in lines) == total[column]
    assert all(after - before == change for before, after, change in table)
    assert float(total[0]) == pytest.approx(fall.before.mean, abs=0.051)
    assert float(total[1]) == pytest.approx(fall.after.mean, abs=0.051)


def test_numbers_are_rounded_so_that_they_add_up() -> None:
    assert adding_up([0.04, 0.04, 0.04]) == [0.0, 0.1, 0.0]
    assert adding_up([1.25, -1.25]) == [1.2, -1.2]
    assert adding_up([]) == []


def test_the_tuned_rule_can_be_the_best(whole: Judged) -> None:
    like = whole.results[1]
    results = [synthetic("low_margin_tuned", [3.0, 4.0], like), synthetic("plan", [1.0, 2.0], like)]
    cast = cast_of({}, results)
    fall = waterfall_of(cast, 0)
    assert fall is not None
    assert (cast.best.name, fall.after.name) == ("low_margin_tuned", "plan")
    assert "plan earns RMB\N{NO-BREAK SPACE}2.0\N{NO-BREAK SPACE}bn (57\N{NO-BREAK SPACE}%) less than" in "".join(
        headline(cast, {}, 0).sentences
    )


# What a policy answers


def settings(**changes: Any) -> Settings:
    return Settings(**{"horizon": 72, **changes})


def test_curves_are_what_the_policy_predicts() -> None:
    policy, keys = Reacting(), KEYS["validation"][:6]
    followed = follow(policy, keys, settings(), "mine")
    found = responses(policy, keys, settings(), "mine")
    assert [curve.month for curve in found.curves["cash"]] == [12, 60]
    for varied in VARIED:
        for curve in found.curves[varied.feature]:
            observations = around(followed.seen[curve.month], varied.feature)
            answer = policy.predict(observations)[0]
            for row in (0, curve.typical, len(answer) - 1):
                lever = np.zeros(len(LEVERS))
                read_levers(answer[row].astype(np.float64), lever)
                np.testing.assert_array_equal(curve.levers[row], lever)
            column = observations[:, FEATURE_NAMES.index(varied.feature)]
            np.testing.assert_allclose(curve.x, varied.natural(column.astype(np.float64)))
            others = np.delete(observations, FEATURE_NAMES.index(varied.feature), axis=1)
            assert (others == others[0]).all()
            np.testing.assert_array_equal(
                others[0], np.delete(np.median(followed.seen[curve.month], axis=0), column_of(varied.feature))
            )


def column_of(feature: str) -> int:
    return FEATURE_NAMES.index(feature)


def test_features_are_shown_in_their_own_units() -> None:
    family, batch = FAMILIES["benchmark"], Batch(4, 72, pays_closing=True, shaped=False)
    for row, key in enumerate(KEYS["validation"][:4]):
        batch.draw(row, family, key)
    batch.begin(np.arange(4))
    for _ in range(60):
        batch.step(np.tile(action_of(0.1, 0.01, 0.05, 3.0).astype(np.float64), (4, 1)))
    books, natural = batch.reports, {}
    for varied in VARIED:
        natural[varied.feature] = varied.natural(batch.observations[:, column_of(varied.feature)].astype(np.float64))
    np.testing.assert_allclose(natural["share_home"], 100.0 * books["share_home"], rtol=1e-5)
    np.testing.assert_allclose(natural["cash"], books["cash"] / 1e3, rtol=1e-4)
    start = batch.economies["firm_unit_cost"][:, 0]
    np.testing.assert_allclose(natural["unit_cost"], 100.0 * books["unit_cost"] / start, rtol=1e-5)
    per_user = 12.0 * books["services_revenue"] / books["active_users"]
    np.testing.assert_allclose(natural["services_per_user"], per_user, rtol=1e-5)


def test_following_a_policy_plays_it_as_it_is_judged() -> None:
    few = judged([run_of(Reacting(), name="mine")], worlds=5, horizon=26)
    done = follow(Reacting(), KEYS["validation"][:5], settings(horizon=26), "mine").done
    asked = few.results[0].tracks["applied_updates"]
    np.testing.assert_allclose(done[:12, :, 3].mean(axis=0), asked[0])


def test_worlds_behind_a_bankruptcy_are_not_followed() -> None:
    few = hand_coded("do_nothing")[0].members[0].policy
    followed = follow(few, KEYS["validation"][:4], Settings(), "do_nothing")
    assert set(followed.seen) <= {12}
    assert np.isnan(followed.done[-1]).all()
    assert not np.isnan(followed.done[0]).any()


def test_a_logarithmic_axis_always_has_a_few_numbers() -> None:
    assert log_ticks(0.9, 2.3, 1.0) == [1.0, 2.0]
    assert log_ticks(3.0, 300.0, 1.0) == [10.0, 100.0]
    assert log_ticks(-3.0, 60.0, 10.0) == [0.0, 10.0, 20.0, 50.0]
    for low, high in ((11.0, 19.0), (-4000.0, 4000.0), (-0.4, 0.3), (60.0, 61.0)):
        ticks = log_ticks(low, high, 10.0)
        assert 2 <= len(ticks) <= 4
        assert ticks == sorted(ticks)
        assert low <= ticks[0] <= ticks[-1] <= high


def test_grid_indices_are_read_as_levers() -> None:
    class Grid:
        def predict(self, observation: Any, state: Any = None, **_: Any) -> tuple[Any, Any]:
            return np.full(len(observation), 100), state

    found = responses(Grid(), KEYS["validation"][:4], settings(discrete=True, horizon=14), "grid")
    np.testing.assert_allclose(found.path[0, 0], levers_of(discrete_actions()[[100]])[0])


def test_a_policy_with_memory_is_asked_from_a_fresh_one_and_the_page_says_so(seen: Reader) -> None:
    keys = KEYS["validation"][:4]
    found = responses(Remembering(), keys, settings(horizon=14), "recurrent")
    plain = responses(Reacting(), keys, settings(horizon=14), "plain")
    assert (found.remembers, plain.remembers) == (True, False)
    then = follow(Remembering(), keys, settings(horizon=14), "recurrent").seen[12]
    fresh = levers_of(Reacting().predict(around(then, "cash"))[0].astype(np.float64))
    np.testing.assert_array_equal(found.curves["cash"][0].levers, fresh)
    assert "This policy has a memory" in seen.text


@pytest.mark.parametrize("answer", [np.zeros((4, 3)), np.full((4, 4), np.nan)])
def test_an_answer_that_is_no_action_is_named(answer: Any) -> None:
    class Wrong:
        def predict(self, _: Any, state: Any = None, **__: Any) -> tuple[Any, Any]:
            return answer, state

    with pytest.raises(PolicyError, match=r"'wrong': finite actions of shape \(4, 4\) are wanted"):
        follow(Wrong(), KEYS["validation"][:4], settings(), "wrong")


# Words


def results_of(like: Result, **values: Sequence[Any]) -> list[Result]:
    return [synthetic(name, value, like) for name, value in values.items()]


def lead_of(results: Sequence[Result]) -> str:
    return headline(cast_of({}, results), {}, 0).lead.replace("\N{NO-BREAK SPACE}", " ")


def test_the_headline_calls_a_winner_only_if_the_interval_does(whole: Judged) -> None:
    like = whole.results[1]
    luck = np.random.default_rng(0).normal(0.0, 10.0, 40)
    noise = np.random.default_rng(1).normal(0.0, 10.0, 40)
    far = lead_of(results_of(like, a=100.0 + luck, b=90.0 + luck))
    assert far.startswith(f"a wins: RMB {number(100.0 + luck.mean())} bn a world, 10.0 more than b, the next best")
    assert far.endswith("(95 % interval 10.0 to 10.0).")
    assert "cannot be told apart" in lead_of(results_of(like, a=100.0 + luck, b=100.0 + noise))
    assert "earn the same in every world" in lead_of(results_of(like, a=luck, b=luck))


def test_foresight_does_not_win(whole: Judged) -> None:
    cast = cast_of(whole.report, whole.results)
    assert cast.players[0].name == "foresight"
    assert cast.best.name != "foresight"
    assert not headline(cast, whole.report, 0).lead.startswith("foresight")


def test_a_failure_is_told(whole: Judged) -> None:
    report = {**whole.report, "failures": {"x": "policy 'x' broke"}}
    assert "policy 'x' broke" in headline(cast_of(report, whole.results), report, 0).sentences[-1]


def test_every_policy_has_one_label_and_chosen_ones_have_colours_of_their_own(whole: Judged) -> None:
    many = [replace(whole.results[0], name=f"/tmp/{folder}/ppo/Ecosystem-v0_1") for folder in range(4)]  # noqa: S108
    cast = cast_of({}, [*many, *whole.results[1:]])
    labels = [player.label for player in cast.players]
    assert len(set(labels)) == len(labels)
    assert all(len(label) <= 22 for label in labels)
    assert len(cast.chosen) == MOST_CHOSEN
    assert len({player.color for player in cast.chosen}) == MOST_CHOSEN
    assert len({player.dashes for player in cast.chosen}) == MOST_CHOSEN


def test_names_are_short_enough_for_a_picture() -> None:
    assert short_name("plan_with_feedback") == "plan_with_feedback"
    assert short_name("/home/me/logs/ppo/Ecosystem-v0_1") == "ppo/Ecosystem-v0_1"
    assert short_name("logs/ppo/E_1,logs/ppo/E_2,logs/ppo/E_3") == "ppo/E_1 +2"
    assert short_name("policies/mine.py:CostPlus") == "mine.py:CostPlus"
    assert short_name("a\nb\x00") == "a?b?"
    assert short_name("", ["?"]) == "? (2)"
    assert len(short_name("w" * 99, [short_name("w" * 99)])) <= 22


def test_numbers_read_as_numbers() -> None:
    assert number(-1234.56) == f"{MINUS}1,234.6"
    assert number(-0.04) == "0.0"
    assert (signed(2.0), signed(-2.0), signed(0.01)) == ("+2.0", f"{MINUS}2.0", "0.0")
    assert number(None) == number(float("nan")) == percent(None) == interval(None) == "\N{EN DASH}"
    assert percent(0.256, 1) == "25.6\N{NO-BREAK SPACE}%"
    assert money(3.14159) == "RMB\N{NO-BREAK SPACE}3.1\N{NO-BREAK SPACE}bn"
    assert interval([1.0, -2.0]) == f"1.0 to {MINUS}2.0"


# Statistics


def test_a_gap_between_policies_of_several_seeds_counts_both_seeds_and_worlds() -> None:
    generator = np.random.default_rng(3)
    luck = generator.normal(0.0, 20.0, 30)
    seeds = np.array([[0.0], [2.0], [4.0]])
    found = gap(10.0 + seeds + luck, luck + np.array([[0.0], [1.0]]), 0)
    assert found.mean == pytest.approx(11.5)
    assert found.probability == 1.0
    assert 9.0 <= found.interval.low < 11.5 < found.interval.high <= 14.0
    assert found.interval.high - found.interval.low > 1.5
    assert found.is_clear
    back = gap(luck[None], luck[None] + seeds, 0)
    assert back.mean == pytest.approx(-2.0)
    assert back.probability == pytest.approx((0.5 + 0.0 + 0.0) / 3)


def test_a_curve_says_how_many_reach_at_least_so_much() -> None:
    values, share = at_least(np.array([3.0, 1.0, 2.0, 2.0]))
    np.testing.assert_array_equal(values, [3.0, 3.0, 2.0, 2.0, 1.0])
    np.testing.assert_array_equal(share, [0.0, 0.25, 0.5, 0.75, 1.0])


def test_a_density_is_high_where_the_values_are() -> None:
    grid = np.linspace(-10.0, 10.0, 101)
    heights = density(np.r_[np.full(50, -4.0), np.full(50, 4.0)] + np.linspace(-1, 1, 100), grid)
    assert heights.max() == 1.0
    assert heights[30] > 0.9
    assert heights[50] < 0.5
    assert density(np.full(5, 2.0), grid).argmax() == 60


def test_bands_leave_out_worlds_that_are_over() -> None:
    table = np.array([[1.0, 2.0, 3.0], [5.0, np.nan, 7.0], [np.nan] * 3])
    middle, low, high = middle_and_band(table)
    np.testing.assert_allclose(middle[:2], [2.0, 6.0])
    assert low[0] < 2.0 < high[0]
    assert np.isnan([middle[2], low[2], high[2]]).all()


def test_stress_is_read_from_the_document_and_else_from_the_results(whole: Judged) -> None:
    cast = cast_of(whole.report, whole.results)
    said = stress_table(cast, whole.report, {})
    played = stress_table(cast, without(whole.report, "stress"), whole.stress)
    assert said is not None
    assert played is not None
    assert [title for title, _ in said.scenarios] == ["price war", "demand slump"]
    assert said.scenarios[0][1].startswith("Some day rivals")
    assert [name for name, _ in said.rows] == [player.name for player in cast.players if not player.knows_future]
    for (_, mine), (_, theirs) in zip(said.rows, played.rows, strict=True):
        assert [cell and cell.value for cell in mine] == [cell and cell.value for cell in theirs]
        assert [cell and cell.bankrupt for cell in mine] == [cell and cell.bankrupt for cell in theirs]
    assert stress_table(cast, {}, {}) is None
    own = stress_table(cast, {"stress": {"ThinMargin/PriceWar-v0": {"plan": {"J_mean": 1.0, "kept": -2.0}}}}, {})
    assert own is not None
    assert own.scenarios[0][0] == "price war"
    assert own.rows[0][1][0] is not None
    assert own.rows[0][1][0].kept == "nothing kept"
