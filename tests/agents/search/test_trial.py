from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.agents.search.small import WORLDS, small

from thinmargin.splits import KEYS
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.runs.folder import RunFolder, load_policy
from thinmargin_agents.search.messages import IntermediateValue, Message, TrialJob
from thinmargin_agents.search.trial import end_of
from thinmargin_agents.training import trainer


@pytest.mark.slow
def test_a_trial_is_worth_what_runs_of_train_py_would_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "FINAL_WORLDS", WORLDS)
    run = resolve(small(tmp_path, n_seeds=2))
    saved = []
    for seed in (0, 1):
        one = dataclasses.replace(run, seed=seed)
        folder = RunFolder.create(tmp_path / "runs", one)
        trainer.train(one, folder, shown=False)
        saved.append(play_worlds(load_policy(folder.path), KEYS["validation"][:WORLDS], horizon=24).value)
    sent: list[Message] = []
    ended = end_of(TrialJob(0, (run, dataclasses.replace(run, seed=1))), lambda message: sent.append(message) is None)
    pooled = np.sort(np.concatenate(saved))
    assert ended.state == "complete", ended.reason
    assert ended.value == pytest.approx(pooled[2:-2].mean(), rel=1e-9)
    judged = [message for message in sent if isinstance(message, IntermediateValue)]
    assert [message.step for message in judged] == [192, 384, 576, 768]
    assert [message.place for message in judged] == [0, 0, 1, 1]
    assert ended.details["by_seed"] == pytest.approx([np.sort(row)[1:-1].mean() for row in saved])


def test_a_trial_ends_where_it_is_told_to_unless_all_is_trained(tmp_path: Path) -> None:
    run = resolve(small(tmp_path))
    runs = (run, dataclasses.replace(run, seed=1))

    def ended(job: tuple[Run, ...], last: int) -> str:
        return end_of(
            TrialJob(0, job), lambda message: not isinstance(message, IntermediateValue) or message.step < last
        ).state

    assert [ended(runs, last) for last in (192, 384, 576, 768)] == ["pruned", "pruned", "pruned", "complete"]


@pytest.mark.slow
def test_later_seeds_are_averaged_with_the_earlier_ones_at_the_same_months(tmp_path: Path) -> None:
    run = resolve(small(tmp_path))
    runs = (run, dataclasses.replace(run, seed=1))

    def judged(job: tuple[Run, ...]) -> list[float]:
        sent: list[Message] = []
        end_of(TrialJob(0, job), lambda message: sent.append(message) is None)
        return [message.value for message in sent if isinstance(message, IntermediateValue)]

    first, second = judged(runs[:1]), judged(runs[1:])
    assert judged(runs)[2:] == pytest.approx([(one + two) / 2 for one, two in zip(first, second, strict=True)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": 1.0, "ent_coef": 10.0, "n_epochs": 60}, ("training diverged", "no longer finite")),
        ({"n_steps": 30}, ("n_steps", "30", "24 months")),
    ],
)
def test_weights_that_diverge_and_values_that_do_not_fit_end_a_trial_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], words: tuple[str, ...]
) -> None:
    run = resolve(small(tmp_path))
    bad = dataclasses.replace(run, hyperparameters={**run.hyperparameters, **changes})
    ended = end_of(TrialJob(0, (bad,)), lambda _: True)
    assert ended.state == "impossible"
    assert all(word in ended.reason for word in words)
    assert "\n" not in ended.reason
