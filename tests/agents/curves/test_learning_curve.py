"""Learning curves and pages of the shipped agents: their numbers, and that what is out of date is noticed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.docs_modules import load
from tests.messages import lacks, said

from thinmargin.names import policy_name, with_id
from thinmargin_agents.curves.__main__ import main
from thinmargin_agents.curves.learning_curve import LearningCurve, learning_curve_of
from thinmargin_agents.curves.picture import ALL, curves_by_picture, draw_all, draw_one, png_of, shows
from thinmargin_agents.policies import shipped
from thinmargin_agents.policies.manifest import COLUMNS, Manifest, Seed, Validation
from thinmargin_agents.policies.shipped import trained_names
from thinmargin_agents.scoring.statistics import bootstrap_interval

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "algorithms"
REFERENCES = {"low_margin_tuned": 100.0, "plan": 150.0, "plan_with_feedback": 160.0, "foresight": 200.0}


def write_agent(folder: Path, name: str, scores: Sequence[Sequence[float]], *, scored: bool = True) -> Manifest:
    """An agent without weights whose seeds scored this, a row a seed, after 1000, 2000, ... months."""
    lines = [",".join(COLUMNS)]
    for seed, row in enumerate(scores):
        lines += [
            f"{seed},{1000 * (k + 1)},{k}.5,{100.0 + score},{score if scored else ''},0.25"
            for k, score in enumerate(row)
        ]
    text = "\n".join(lines) + "\n"
    last = [row[-1] for row in scores]
    mean = float(np.mean(last))
    manifest = Manifest(
        name=name, meaning="Made up | for a test.", algo="ppo", env_id="ThinMargin/Ecosystem-v1",
        env_kwargs={"reward": "shaped"},
        hyperparameters={"n_timesteps": 4000, "n_envs": 8, "policy_kwargs": {"net_arch": {"pi": [8], "vf": [4]}}},
        preset="default", command="python train.py --seeds 0 1", versions={"numpy": "2.0"},
        evaluations=hashlib.sha256(text.encode()).hexdigest(),
        validation=Validation(
            worlds=9, J=100.0 + mean, J_ci95=(90.0, 210.0), score=mean if scored else None,
            score_ci95=(mean - 1.0, mean + 1.0) if scored else None, references=REFERENCES,
        ),
        seeds=tuple(
            Seed(seed, f"seed_{seed}.safetensors", "0" * 64, 100.0 + score, score if scored else None, 4000, 3000,
                 60.0, (1.0,))
            for seed, score in enumerate(last)
        ),
    )  # fmt: skip
    (folder / name).mkdir()
    (folder / name / "manifest.json").write_text(json.dumps(manifest.to_json()), encoding="utf-8")
    (folder / name / "evaluations.csv").write_text(text, encoding="utf-8")
    return manifest


@pytest.fixture
def agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three agents: two with several seeds, one of which begins very low, and one with one seed."""
    folder = tmp_path / "trained"
    folder.mkdir()
    monkeypatch.setattr(shipped, "FOLDER", folder)
    write_agent(folder, "ppo", [[40.0, 60.0, 70.0, 75.0], [44.0, 50.0, 72.0, 71.0], [36.0, 64.0, 68.0, 70.0]])
    write_agent(folder, "sac", [[-300.0, 0.0, 30.0, 50.0], [-200.0, -20.0, 40.0, 60.0]])
    write_agent(folder, "one", [[10.0, 20.0, 30.0, 25.0]])
    return folder


@pytest.mark.usefixtures("agents")
def test_a_curve_is_the_mean_over_seeds_with_its_bootstrap_interval() -> None:
    curve = learning_curve_of("ppo")
    assert (curve.name, curve.scored, curve.seeds, curve.worlds) == ("ppo", True, 3, 9)
    assert curve.months == (1000, 2000, 3000, 4000)
    assert curve.mean == pytest.approx((40.0, 58.0, 70.0, 72.0))
    for k, row in enumerate(([40.0, 44.0, 36.0], [60.0, 50.0, 64.0], [70.0, 72.0, 68.0], [75.0, 71.0, 70.0])):
        low, high = bootstrap_interval(row, np.random.default_rng(0))
        assert (curve.low[k], curve.high[k]) == pytest.approx((low, high), abs=1e-3)
        assert min(row) <= curve.low[k] < curve.mean[k] < curve.high[k] <= max(row)
    assert curve.lines == {"low_margin_tuned": 0.0, "plan": 50.0, "plan_with_feedback": 60.0}


@pytest.mark.usefixtures("agents")
def test_one_seed_has_no_band() -> None:
    curve = learning_curve_of("one")
    assert curve.low == curve.mean == curve.high == (10.0, 20.0, 30.0, 25.0)


def test_without_a_score_the_curve_is_in_money(agents: Path) -> None:
    write_agent(agents, "plain", [[1.0, 2.0], [3.0, 4.0]], scored=False)
    curve = learning_curve_of("plain")
    assert not curve.scored
    assert curve.mean == (102.0, 103.0)
    assert curve.lines == {name: REFERENCES[name] for name in ("low_margin_tuned", "plan", "plan_with_feedback")}
    assert "J, RMB bn" in draw_one(curve).axes[0].get_ylabel()
    pictures = curves_by_picture([learning_curve_of("ppo"), curve])
    assert list(pictures) == ["ppo", "plain", ALL]
    assert [item.name for item in pictures[ALL]] == ["ppo"]
    assert ALL not in curves_by_picture([curve])


def drawn(curve: LearningCurve) -> tuple[list[list[float]], dict[str, float]]:
    """The points of a picture's curve, and the heights of its lines by name."""
    axes = draw_one(curve).axes[0]
    curve, *lines = axes.get_lines()
    heights = {text.get_text(): float(text.get_position()[1]) for text in axes.texts}
    assert sorted(heights.values()) == sorted(float(np.asarray(line.get_ydata())[0]) for line in lines)
    return np.column_stack([np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata())]).tolist(), heights


@pytest.mark.usefixtures("agents")
def test_a_picture_shows_the_numbers_of_the_curve() -> None:
    curve = learning_curve_of("ppo")
    points, heights = drawn(curve)
    assert points == [[months, score] for months, score in zip(curve.months, curve.mean, strict=True)]
    assert heights == {policy_name(name): value for name, value in curve.lines.items()}
    axes = draw_one(curve).axes[0]
    assert axes.get_title(loc="left") == "PPO + feedback (ppo): mean of 3 training seeds and its 95 % interval"
    assert axes.get_ylabel() == "score, 9 validation worlds"
    low, high = axes.get_ylim()
    assert low < 0.0
    assert high > 75.0
    together = draw_all([curve, learning_curve_of("sac")])
    assert [text.get_text() for text in together.legends[0].get_texts()] == ["PPO + feedback", "SAC on the plan"]


@pytest.mark.usefixtures("agents")
def test_a_bad_beginning_does_not_flatten_the_rest() -> None:
    low, high = draw_one(learning_curve_of("sac")).axes[0].get_ylim()
    assert -80.0 < low < -50.0
    assert high > 60.0


@pytest.mark.slow
@pytest.mark.usefixtures("agents")
def test_pictures_are_small_and_their_numbers_can_be_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], agents: Path
) -> None:
    folder = ["--folder", str(tmp_path)]
    assert main([*folder, "--check"]) == 1
    assert f"{tmp_path / 'ppo.png'} is out of date" in capsys.readouterr().err
    assert list(tmp_path.glob("*.png")) == []
    assert main(folder) == 0
    output = capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["all.png", "one.png", "ppo.png", "sac.png"]
    for path in tmp_path.glob("*.png"):
        assert path.stat().st_size < 60_000
        assert f"{path}: {path.stat().st_size:,} bytes" in output
        with Image.open(path) as image:
            assert image.size[0] == 1440
    assert main([*folder, "--check"]) == 0
    for path in (agents / "sac").iterdir():
        path.unlink()
    (agents / "sac").rmdir()
    write_agent(agents, "sac", [[-300.0, 0.0, 30.0, 50.0], [-200.0, -20.0, 40.0, 60.01]])
    capsys.readouterr()
    assert main([*folder, "--check"]) == 1
    words = capsys.readouterr().err
    assert "sac.png is out of date" in words
    assert "all.png is out of date" in words
    assert "ppo.png" not in words


@pytest.mark.slow
@pytest.mark.usefixtures("agents")
def test_the_same_numbers_give_the_same_picture_and_others_are_noticed(tmp_path: Path) -> None:
    curve = learning_curve_of("ppo")
    one, two = (png_of(draw_one(curve), [curve]) for _ in range(2))
    assert one == two
    path = tmp_path / "ppo.png"
    path.write_bytes(one)
    assert shows(path, [curve])
    assert not shows(path, [dataclasses.replace(curve, mean=(40.001, *curve.mean[1:]))])
    assert not shows(path, [dataclasses.replace(curve, lines={})])
    path.write_bytes(one[:200])
    assert not shows(path, [curve])
    path.write_bytes(b"no picture")
    assert not shows(path, [curve])
    assert not shows(tmp_path / "absent.png", [curve])


def test_what_cannot_be_drawn_is_refused(
    agents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--folder", "absent"]) == 2
    assert not lacks(said(capsys), "--folder is 'absent'", "folder that exists")
    (agents / "ppo" / "evaluations.csv").write_text("changed", encoding="utf-8")
    assert main(["--folder", str(tmp_path)]) == 2
    assert "evaluations.csv is damaged or foreign" in capsys.readouterr().err
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "absent")
    assert main(["--folder", str(tmp_path)]) == 0
    assert "no agent is shipped" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["--folder", str(tmp_path)]) == 2
    assert "pip install 'thinmargin[report]'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_picture_that_cannot_be_written_is_reported(
    agents: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert agents.is_dir()
    (tmp_path / "ppo.png").mkdir()
    assert main(["--folder", str(tmp_path)]) == 1
    assert "ppo.png could not be written" in capsys.readouterr().err
    assert (tmp_path / "sac.png").is_file()


def test_a_new_agent_gets_a_page_whose_tables_come_from_its_manifest(
    agents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = load("tables", "tables_of_agents")
    monkeypatch.setattr(tables, "ALGORITHMS", tmp_path)
    (tmp_path / "sac.md").write_text("mine\n", encoding="utf-8")
    tables.add_missing_pages()
    assert (tmp_path / "sac.md").read_text(encoding="utf-8") == "mine\n"
    page = tables.with_tables((tmp_path / "ppo.md").read_text(encoding="utf-8"))
    assert tables.with_tables(page) == page
    assert page.startswith("# ppo\n")
    assert "(ppo.png)" in page
    assert "Proximal policy optimisation (Schulman et al. 2017)" in page
    assert "```sh\npython train.py --seeds 0 1\n```" in page
    assert "3 trainings of 4,000 months of experience, 1.0 minutes each" in page
    assert '| `policy_kwargs.net_arch` | `{"pi": [8], "vf": [4]}` | hidden layers |' in page
    assert "| `env_kwargs reward` | `shaped` |" in page
    assert "| all seeds | 72.0 [71.0, 73.0] | 172.0 [90.0, 210.0] |" in page
    assert "| seed 1 | 71.0 | 171.0 | 3,000 |" in page
    assert "| fixed plan (plan) | 50.0 | 150.0 |" in page
    assert "- Scores of the seeds are 70.0 to 75.0, standard deviation 2.6." in page
    assert "- More than plan with feedback (plan_with_feedback) on these worlds: 3 of 3 seeds." in page
    assert "found after 75 % of the experience" in page
    assert "40.0 after 1,000 months and 72.0 after 4,000 months" in page
    index = tables.with_tables("<!-- table: agents -->\n<!-- end -->\n")
    row = "| [PPO + feedback (ppo)](ppo.md) | Made up \\| for a test. | `ppo` | `ThinMargin/Ecosystem-v1` | 3 | 4,000 |"
    assert row in index
    assert index.index("(ppo.md)") < index.index("(sac.md)") < index.index("(one.md)") < index.index("(all.png)")
    alone = tables.TABLES["noticed one"]()
    assert "Scores of one seed: 25.0; its spread over trainings is not known." in alone
    assert "More than fixed plan (plan) on these worlds: 0 of 1 seed." in alone
    assert agents.is_dir()


@pytest.mark.parametrize("name", trained_names())
def test_every_shipped_agent_has_its_page(name: str) -> None:
    assert (PAGES / f"{name}.md").is_file(), "run python docs/tables.py"
    assert f"[{with_id(name)}]({name}.md)" in (PAGES / "index.md").read_text(encoding="utf-8")


def test_pictures_show_what_is_shipped() -> None:
    for name, curves in curves_by_picture([learning_curve_of(name) for name in trained_names()]).items():
        assert shows(PAGES / f"{name}.png", curves), "run python -m thinmargin_agents.curves"


def test_pictures_are_of_agents_that_are_shipped() -> None:
    assert {path.stem for path in PAGES.glob("*.png")} - {ALL} == set(trained_names())
