from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from tests.agents.export.cases import network_of, random_observations, run_of

from thinmargin.plans import Feedback, between, correction
from thinmargin.settings import Settings
from thinmargin.tuned import tuned_policy
from thinmargin.wrappers import Adapter
from thinmargin.wrappers.adapters import HistoryAdapter, ResidualAdapter, ScaledRewardAdapter, SurprisesAdapter
from thinmargin_agents.export.file import TOLERANCE, compare, to_onnx
from thinmargin_agents.export.graph import Graph
from thinmargin_agents.export.torch_modules import Answer, Between, Deviations, features_of, stage_of
from thinmargin_agents.sb3.building import adapters_for, environment_arguments
from thinmargin_agents.sb3.networks import policy_of


@pytest.mark.parametrize("rows", [1, 2, 11, 181])
def test_tables_are_interpolated_as_in_numpy(rows: int) -> None:
    table = np.random.default_rng(rows).normal(size=(rows, 5))
    time = random_observations(2000)[:, 0].astype(np.float64)
    np.testing.assert_allclose(Between(table)(torch.from_numpy(time)), between(table, time), rtol=0, atol=1e-15)


def feedback() -> Feedback:
    found = tuned_policy("plan_with_feedback").feedback
    assert found is not None
    return found


def test_surprises_and_answers_are_those_of_numpy() -> None:
    plan_feedback, seen = feedback(), random_observations(4000)
    time = seen[:, 0].astype(np.float64)
    deviation = plan_feedback.surprise.of(seen, time)
    assert np.abs(deviation).max() == 3.0
    np.testing.assert_allclose(
        Deviations(plan_feedback.surprise)(torch.from_numpy(seen)), deviation, rtol=0, atol=1e-13
    )
    many = np.random.default_rng(0).normal(size=(7, *plan_feedback.gain.shape[1:]))
    for gain in (plan_feedback.gain, plan_feedback.gain[:1], many):
        answer = Answer(dataclasses.replace(plan_feedback, gain=gain))
        np.testing.assert_allclose(
            answer(torch.from_numpy(seen)), correction(gain, deviation, time, plan_feedback.limit), rtol=0, atol=1e-13
        )


@pytest.mark.parametrize(
    "adapter", [SurprisesAdapter(), HistoryAdapter([3]), HistoryAdapter([1, 6]), ScaledRewardAdapter(0.1)]
)
def test_stages_show_what_adapters_show(adapter: Adapter) -> None:
    stage = stage_of(adapter)
    months = [random_observations(200, seed) for seed in range(12)]
    memory: Any = None
    window = np.repeat(months[0][:, None], stage.months + 1, axis=1)
    for month, seen in enumerate(months):
        memory, shown = adapter.observe(memory, seen, np.full(200, month == 0))
        if month:
            window = np.concatenate([seen[:, None], window[:, :-1]], axis=1)
        observed = stage.observe(torch.from_numpy(window))
        assert observed.shape[1] == 1
        np.testing.assert_allclose(observed[:, 0], shown, rtol=0, atol=1e-6)
        assert np.array_equal(features_of(torch.from_numpy(window)), seen)


@pytest.mark.parametrize("levels", [None, 2, 3])
def test_corrections_are_added_as_adapters_add_them(levels: int | None) -> None:
    adapter = ResidualAdapter("plan_with_feedback", 0.7, levels)
    seen, generator = random_observations(3000), np.random.default_rng(0)
    corrections: Any = generator.normal(size=(3000, 4)).astype(np.float32)
    if levels is not None:
        corrections = generator.integers(0, levels**4, 3000)
    actions = stage_of(adapter).act(torch.from_numpy(seen), torch.from_numpy(corrections))
    np.testing.assert_allclose(actions, adapter.act(seen, corrections), rtol=0, atol=2e-7)


@pytest.mark.slow
def test_either_of_equal_scores_may_be_chosen_and_no_worse_one() -> None:
    run = run_of("dqn grid")
    network, settings = network_of(run), Settings(**environment_arguments(run))
    graph = Graph(run.algo, network, adapters_for(run))
    content = to_onnx(graph, {})
    assert compare(content, graph, policy_of(network, run), settings, 2).difference == 0.0

    class Other:
        """Chooses otherwise than the network."""

        def predict(self, observation: Any, state: Any = None, *_: Any, **__: Any) -> Any:
            return np.full(len(observation), 7), state

    assert not compare(content, graph, Other(), settings, 2).is_close
    with torch.no_grad():
        network.q_net.q_net[-1].weight.zero_()
        network.q_net.q_net[-1].bias.zero_()
    tied = to_onnx(graph, {})
    with torch.no_grad():
        network.q_net.q_net[-1].bias[9] = 1e-7  # as little as rounding may do
    assert policy_of(network, run).predict(random_observations(2))[0].tolist() == [9, 9]
    agreement = compare(tied, graph, policy_of(network, run), settings, 2)
    assert 0.0 < agreement.difference < TOLERANCE
