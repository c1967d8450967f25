"""Policies as ONNX files: they answer as `predict` does, say what they are, and are not written otherwise."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tests.agents.export.cases import (
    CASES,
    ECOSYSTEM,
    GRID,
    HORIZON,
    folder_of,
    random_observations,
    run_of,
)
from tests.messages import naming

import thinmargin
from thinmargin.baselines import BASELINES, baseline
from thinmargin.observation import FEATURE_COUNT
from thinmargin.plans import PlanPolicy
from thinmargin.records import FEATURES, LEVERS
from thinmargin.settings import Settings, observation_space
from thinmargin.splits import KEYS
from thinmargin.tuned import tuned_policy
from thinmargin.wrappers import Adapter
from thinmargin.wrappers.adapters import ResidualAdapter
from thinmargin_agents.export import __main__ as command
from thinmargin_agents.export.file import TOLERANCE, compare, end_months, to_onnx
from thinmargin_agents.export.graph import Graph
from thinmargin_agents.export.torch_modules import ExportError, policy_module, stage_of
from thinmargin_agents.runs.folder import load_policy
from thinmargin_agents.sb3.building import adapters_for, environment_arguments


def session_of(path: Path) -> Any:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_file_answers_as_the_policy_does_in_any_number_of_worlds(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(case, tmp_path)
    assert command.main([str(folder)]) == 0
    assert "largest difference" in capsys.readouterr().out
    session, policy = session_of(folder / "best.onnx"), load_policy(folder)
    inputs = {item.name: item for item in session.get_inputs()}
    outputs = [item.name for item in session.get_outputs()]
    run = run_of(case)
    envs = [gymnasium.make(f"thinmargin:{run.env_id}", horizon=HORIZON) for _ in range(3)]
    seen = np.stack([
        env.reset(options={"world": key})[0] for env, key in zip(envs, KEYS["validation"][500:503], strict=True)
    ])  # fmt: skip
    first = next(iter(inputs.values()))
    window = np.repeat(seen[:, None], first.shape[1] if len(first.shape) == 3 else 1, axis=1)
    memory = {
        name: np.zeros((item.shape[0], 3, item.shape[2]), np.float32)
        for name, item in inputs.items()
        if name in ("hidden", "cell")
    }
    state = None
    for month in range(8):
        start = np.full(3, month == 0)
        actions, state = policy.predict(seen, state, start)
        given = {first.name: window if len(first.shape) == 3 else seen, **memory}
        if memory:
            given["start"] = start.astype(np.float32)
        answers = dict(zip(outputs, session.run(None, given), strict=True))
        np.testing.assert_allclose(answers["action"], actions, atol=TOLERANCE, rtol=0)
        assert answers["action"].dtype == (np.int64 if run.env_id == GRID else np.float32)
        memory = {name: answers[f"{name}_next"] for name in memory}
        seen = np.stack([env.step(action)[0] for env, action in zip(envs, actions, strict=True)])
        window = np.concatenate([seen[:, None], window[:, :-1]], axis=1)


def test_months_at_the_ends_have_every_observation_at_both_ends_and_every_change() -> None:
    months = end_months()
    space = observation_space()
    assert (months == space.low).any(axis=(0, 1)).all()
    assert (months == space.high).any(axis=(0, 1)).all()
    assert ((months >= space.low) & (months <= space.high)).all()
    changes = np.diff(months, axis=0)
    for sign in (-1.0, 1.0):
        assert np.isclose((sign * changes).max(axis=(0, 1)), space.high - space.low).all()


STEEP = {"ppo alone": 4.0, "sac": 2.0, "td3": 2.0, "ppo_lstm": 2.0, "crossq": 1.5, "dqn grid": 2.0, "ppo history": 2.0}
"""Factors on all parameters: single precision rounds, and every layer multiplies what the ones before have rounded."""


@pytest.mark.parametrize(
    ("case", "steepness"), [(case, factor) for case, steep in STEEP.items() for factor in (1.0, steep)]
)
def test_a_steep_policy_is_restated_at_the_ends_of_observations_and_actions(
    case: str, steepness: float, tmp_path: Path
) -> None:
    run = run_of(case)
    policy = load_policy(folder_of(case, tmp_path))
    network = policy.policy
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(steepness)
    graph = Graph(run.algo, network, adapters_for(run))
    content = to_onnx(graph, {})
    settings = Settings(**environment_arguments(run))
    agreement = compare(content, graph, policy, settings, worlds=2)
    assert 0 < agreement.months - end_months()[..., 0].size <= 2 * HORIZON
    assert agreement.is_close, agreement.in_words
    if steepness > 1.0 and case == "ppo alone":  # the others correct a rule, or choose
        actions, _ = policy.predict(end_months()[0])
        assert np.abs(actions).max() > 0.99, "the ends of the actions are reached"


def test_a_file_that_is_wrong_at_the_ends_only_is_noticed(tmp_path: Path) -> None:
    run = run_of("ppo alone")
    policy = load_policy(folder_of("ppo alone", tmp_path))
    graph = Graph(run.algo, policy.policy, adapters_for(run))
    content = to_onnx(graph, {})
    settings = Settings(**environment_arguments(run))

    class Cut:
        """The policy, with observations cut a little inside of their ranges."""

        def predict(
            self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
        ) -> Any:
            space = observation_space()
            inside = 0.02 * (space.high - space.low)
            made = len(observation) > 2
            seen = np.clip(observation, space.low + inside, space.high - inside) if made else observation
            return policy.predict(seen, state, episode_start, deterministic)

    assert compare(content, graph, policy, settings, worlds=2).is_close
    assert not compare(content, graph, Cut(), settings, worlds=2).is_close


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    folder = folder_of("ppo history", tmp_path)
    output = tmp_path / "policy.onnx"
    assert command.main([str(folder), "--output", str(output)]) == 0
    model = onnx.load(output)
    facts = {item.key: item.value for item in model.metadata_props}
    assert json.loads(facts["features"]) == [feature.name for feature in FEATURES]
    assert json.loads(facts["levers"]) == [lever.name for lever in LEVERS]
    assert facts["environment"] == ECOSYSTEM
    assert json.loads(facts["environment_arguments"]) == {"horizon": HORIZON}
    assert facts["thinmargin"] == thinmargin.__version__
    assert facts["config_sha256"] == hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()
    assert (facts["algorithm"], facts["policy"], facts["seed"]) == ("ppo", "best", "0")
    ends = json.loads(facts["inputs"])
    assert f"float32 (n, 11, {FEATURE_COUNT})" in ends["observations"]
    assert "first observation" in ends["observations"]
    assert list(ends) == [item.name for item in model.graph.input]
    assert list(json.loads(facts["outputs"])) == [item.name for item in model.graph.output]


def test_a_grid_of_corrections_tells_its_choice_too(tmp_path: Path) -> None:
    folder = folder_of("dqn", tmp_path)
    assert command.main([str(folder)]) == 0
    session, policy = session_of(folder / "best.onnx"), load_policy(folder)
    seen = random_observations(500)
    action, choice = session.run(None, {"observation": seen})
    assert choice.dtype == np.int64
    adapter = ResidualAdapter(levels=3)
    np.testing.assert_allclose(adapter.act(seen, choice), action, atol=TOLERANCE)
    assert (np.abs(action - policy.predict(seen)[0]).max(axis=1) < TOLERANCE).mean() > 0.99  # but for equal scores


def test_a_recurrent_policy_forgets_where_an_episode_starts(tmp_path: Path) -> None:
    folder = folder_of("ppo_lstm", tmp_path)
    assert command.main([str(folder)]) == 0
    session = session_of(folder / "best.onnx")
    seen = random_observations(2)
    noise = np.random.default_rng(0).normal(size=(1, 2, 8)).astype(np.float32)
    blank = np.zeros_like(noise)
    start = np.ones(2, np.float32)

    def ask(hidden: Any, start: Any) -> Any:
        return session.run(["action"], {"observation": seen, "hidden": hidden, "cell": hidden, "start": start})[0]

    assert np.array_equal(ask(noise, start), ask(blank, start))
    assert np.array_equal(ask(blank, start), ask(blank, 0.0 * start))
    assert not np.array_equal(ask(noise, 0.0 * start), ask(blank, start))


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "random"])
def test_every_policy_that_can_be_corrected_is_restated(name: str) -> None:
    seen = random_observations(4000)
    policy = baseline(name)
    actions = policy_module(policy)(torch.from_numpy(seen)).numpy()
    assert actions.dtype == np.float32
    np.testing.assert_allclose(actions, policy.predict(seen)[0], rtol=0, atol=1e-7)


def test_what_has_no_graph_is_refused() -> None:
    class Mine(Adapter):
        pass

    with pytest.raises(ExportError, match="Mine has no graph"):
        stage_of(Mine())
    with pytest.raises(ExportError, match=naming("RandomPolicy", "plans", "constant levers")):
        policy_module(baseline("random"))
    plan = tuned_policy("plan")
    assert policy_module(PlanPolicy(plan.knots[:1]))(torch.zeros(3, FEATURE_COUNT)).shape == (3, 4)
