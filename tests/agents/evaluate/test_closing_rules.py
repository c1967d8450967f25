from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.agents.evaluate.stand_ins import hindsight, read, read_rows
from tests.messages import lacks

from thinmargin.baselines import baseline
from thinmargin.settings import Closing
from thinmargin.splits import KEYS
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.play.rollout import play_worlds

RULES: dict[str, Closing] = {"own_levers": "own_levers", "playbook": "playbook", "years": "none"}
"""Names in files, and what an environment that pays such a closing value is called with."""


def played(name: str, closing: Closing, worlds: str = "benchmark") -> Any:
    return play_worlds(baseline(name), KEYS["test"][:4], worlds=worlds, closing=closing).value


@pytest.mark.usefixtures("here", "intervals_of_few")
def test_j_under_every_rule_is_what_an_environment_with_that_rule_pays(shipped: Any) -> None:
    shipped(hindsight)
    arguments = ["premium", "do_nothing", "--n-worlds", "4", "--no-stress", "--json", "all.json", "--csv", "all.csv"]
    assert main(arguments) == 0
    report = read("all.json")
    assert report["closing"]["scored"] == "own_levers"
    assert set(report["closing"]["rules"]) == set(report["closing"]["order"]) == set(RULES)
    rows = read_rows("all.csv")
    for rule, closing in RULES.items():
        cheap = played("low_margin_ecosystem", closing)
        for name in ("premium", "do_nothing", "low_margin_ecosystem"):
            entry, value = report["policies"][name]["closing_rules"][rule], played(name, closing)
            assert [float(row[f"J_{rule}"]) for row in rows if row["policy"] == name] == pytest.approx(value.tolist())
            assert entry["J_mean"] == pytest.approx(value.mean())
            assert entry["J_ci95"][0] <= entry["J_mean"] <= entry["J_ci95"][1]
            if name == "low_margin_ecosystem":
                assert entry["diff_mean"] is entry["diff_ci95"] is None
            else:
                assert entry["diff_mean"] == pytest.approx(np.mean(value - cheap))
                assert entry["diff_ci95"][0] <= entry["diff_mean"] <= entry["diff_ci95"][1]
        names = report["closing"]["order"][rule]
        assert set(names) == set(report["policies"]) - {"foresight"}
        means = [report["policies"][name]["closing_rules"][rule]["J_mean"] for name in names]
        assert means == sorted(means, reverse=True)
    scored = report["policies"]["premium"]
    assert scored["closing_rules"]["own_levers"]["J_mean"] == pytest.approx(scored["J_mean"])


@pytest.mark.slow
@pytest.mark.usefixtures("intervals_of_few")
def test_the_table_of_rules_says_what_each_is_and_stands_on_pages_that_have_its_place(
    here: Path, shipped: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped(hindsight)
    page = here / "page.md"
    page.write_text("<!-- results -->\n<!-- end -->\n\n<!-- closing rules -->\n<!-- end -->\n")
    assert main(["premium", "--n-worlds", "3", "--no-stress", "--markdown", "page.md", "--json", "all.json"]) == 0
    report = read("all.json")
    text = page.read_text(encoding="utf-8")
    table = text[text.index("<!-- closing rules -->") :]
    for shown in (table, capsys.readouterr().out):
        for rule, order in report["closing"]["order"].items():
            entry = report["policies"]["premium"]["closing_rules"][rule]
            low, high = entry["J_ci95"]
            assert f"{entry['J_mean']:.1f} [{low:.1f}, {high:.1f}]" in shown
            assert report["closing"]["rules"][rule] in shown
            assert order.index("premium") + 1 in (1, 2, 3)
        assert not lacks(shown, "own last year", "playbook", "years alone", "Scored is own last year")
    row = next(line for line in table.splitlines() if line.startswith("| premium "))
    ranks = [report["closing"]["order"][rule].index("premium") + 1 for rule in RULES]
    assert [int(cell) for cell in row.strip("| ").split(" | ")[2::2]] == ranks
    row = next(line for line in table.splitlines() if line.startswith("| perfect foresight (foresight) "))
    assert row.strip("| ").split(" | ")[2::2] == ["-"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "family", "horizon", "scored", "words"),
    [
        ("OneState", "one_state", 60, "playbook", ("closing value (playbook)", "Scored is playbook")),
        ("Continuing", "benchmark", 180, "years", ("no closing value", "Scored is years alone")),
    ],
)
@pytest.mark.usefixtures("here")
def test_an_environment_with_another_rule_says_what_was_scored_and_gives_all_three(
    environment: str,
    family: str,
    horizon: int,
    scored: str,
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        main(["premium", "--env", f"ThinMargin/Ecosystem{environment}-v1", "--n-worlds", "2", "--json", "all.json"])
        == 0
    )
    report = read("all.json")
    assert report["closing"]["scored"] == scored
    premium = report["policies"]["premium"]
    assert premium["closing_rules"][scored]["J_mean"] == pytest.approx(premium["J_mean"])
    for rule, closing in RULES.items():
        keys = KEYS["test"][:2]
        value = play_worlds(baseline("premium"), keys, worlds=family, horizon=horizon, closing=closing).value
        assert premium["closing_rules"][rule]["J_mean"] == pytest.approx(value.mean())
    assert not lacks(capsys.readouterr().out, *words)


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_held_out_scenarios_are_told_under_every_rule_too(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["premium", "--n-worlds", "4", "--n-stress-worlds", "4", "--json", "all.json", "--markdown", "new.md"]
    assert main(arguments) == 0
    entry = read("all.json")["stress"]["price_war"]["premium"]["closing_rules"]
    for rule, closing in RULES.items():
        value = played("premium", closing, "price_war")
        assert entry[rule]["J_mean"] == pytest.approx(value.mean())
        assert entry[rule]["diff_mean"] == pytest.approx(
            np.mean(value - played("low_margin_tuned", closing, "price_war"))
        )
    cell = " / ".join(f"{entry[rule]['J_mean']:.1f}" for rule in RULES)
    assert cell in capsys.readouterr().out
    assert cell in Path("new.md").read_text(encoding="utf-8")
