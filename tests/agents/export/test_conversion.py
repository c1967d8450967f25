"""Policies as ONNX files: they answer as `predict` does, say what they are, and are not written otherwise."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import thinmargin
from thinmargin.baselines import BASELINES, baseline
from thinmargin.plans import Feedback, PlanPolicy, between, correction
from thinmargin.records import FEATURES, LEVERS
from thinmargin.settings import Settings, observation_space
from thinmargin.splits import KEYS
from thinmargin.tuned import tuned_policy
from thinmargin.wrappers import Adapter
from thinmargin.wrappers.adapters import HistoryAdapter, ResidualAdapter, ScaledRewardAdapter, SurprisesAdapter
from thinmargin_agents.config.run import Run
from thinmargin_agents.export import __main__ as command
from thinmargin_agents.export import file as files
from thinmargin_agents.export.conversion import exported
from thinmargin_agents.export.file import TOLERANCE, compare, to_onnx
from thinmargin_agents.export.graph import Graph
from thinmargin_agents.export.torch_modules import (
    Answer,
    Between,
    Deviations,
    ExportError,
    features_of,
    policy_module,
    stage_of,
)
from thinmargin_agents.policies import shipped
from thinmargin_agents.runs.folder import RunFolder, load_policy
from thinmargin_agents.sb3.building import adapters_for, environment_arguments
from thinmargin_agents.sb3.networks import build_network, policy_of, weights

ECOSYSTEM = "ThinMargin/Ecosystem-v0"
GRID = "ThinMargin/EcosystemDiscrete-v0"
SURPRISES, SCALED = "thinmargin.wrappers.Surprises", {"thinmargin.wrappers.ScaledReward": {"factor": 0.1}}
HISTORY = {"thinmargin.wrappers.History": {"lags": [5, 2]}}
HORIZON = 24


def residual(base: str = "plan", **more: Any) -> dict[str, Any]:
    return {"thinmargin.wrappers.Residual": {"base": base, **more}}


CASES = {
    "ppo": ("ppo", ECOSYSTEM, [SURPRISES, SCALED, residual("plan_with_feedback", bound=0.3)], {}),
    "ppo alone": ("ppo", ECOSYSTEM, [], {"use_sde": True}),
    "ppo grid": ("ppo", GRID, [SURPRISES], {}),
    "ppo corrections": ("ppo", ECOSYSTEM, [residual(levels=2)], {}),
    "ppo history": ("ppo", ECOSYSTEM, [HISTORY, SURPRISES, HISTORY, residual()], {}),
    "a2c": ("a2c", ECOSYSTEM, [residual("low_margin_ecosystem")], {}),
    "ppo_lstm": ("ppo_lstm", ECOSYSTEM, [SURPRISES, residual()], {"lstm": True}),
    "ppo_lstm history": ("ppo_lstm", ECOSYSTEM, [HISTORY], {"lstm": True}),
    "sac": ("sac", ECOSYSTEM, [SURPRISES, residual()], {}),
    "sac noise": ("sac", ECOSYSTEM, [], {"use_sde": True}),
    "td3": ("td3", ECOSYSTEM, [residual("low_margin_tuned")], {}),
    "tqc": ("tqc", ECOSYSTEM, [HISTORY], {}),
    "crossq": ("crossq", ECOSYSTEM, [SURPRISES], {}),
    "dqn": ("dqn", ECOSYSTEM, [SURPRISES, residual(levels=3)], {}),
    "dqn grid": ("dqn", GRID, [], {}),
}


def run_of(case: str) -> Run:
    algo, env_id, wrappers, more = CASES[case]
    values: dict[str, Any] = {"n_timesteps": 96, "n_envs": 2, "env_wrapper": wrappers}
    values["policy_kwargs"] = {"net_arch": [16], **({"lstm_hidden_size": 8} if more.get("lstm") else {})}
    values |= {name: value for name, value in more.items() if name != "lstm"}
    return Run(
        algo=algo, env_id=env_id, env_kwargs={"horizon": HORIZON}, seed=0, num_threads=1, device="cpu",
        eval_freq=96, n_eval_episodes=2, save_freq=96, hyperparameters=values,
    )  # fmt: skip


def network_of(run: Run) -> Any:
    """A network that is not what it starts as."""
    generator = torch.Generator().manual_seed(1)
    network = build_network(run)
    with torch.no_grad():
        for name, numbers in network.state_dict().items():
            if numbers.is_floating_point():
                noise = 0.2 * torch.randn(numbers.shape, generator=generator)
                numbers.add_(noise.abs() if name.endswith("ra_var") else noise)
    return network


def folder_of(case: str, parent: Path) -> Path:
    """A run folder with a policy that nobody trained."""
    run = run_of(case)
    folder = RunFolder.create(parent, run)
    folder.save("best", {"policy": weights(network_of(run)), "timesteps": 0, "J": 0.0})
    return folder.path


def session_of(path: Path) -> Any:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def random_observations(count: int, seed: int = 0) -> Any:
    """Whatever the space allows, with times on knots and at both ends among them."""
    space, generator = observation_space(), np.random.default_rng(seed)
    seen = generator.uniform(space.low, space.high, (count, len(FEATURES))).astype(np.float32)
    seen[: count // 4, 0] = generator.integers(0, 11, count // 4) / 10
    seen[count // 4 : count // 2, 0] = generator.integers(0, 181, count // 2 - count // 4) / 180
    seen[:2, 0] = 0.0, 1.0
    return seen


@pytest.mark.parametrize("case", CASES)
def test_the_file_answers_as_the_policy_does_in_any_number_of_worlds(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(case, tmp_path)
    assert command.main([str(folder)]) == 0
    told = capsys.readouterr().out
    assert "largest difference" in told
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
    assert "float32 (n, 11, 28)" in ends["observations"]
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
    ours, seen = feedback(), random_observations(4000)
    time = seen[:, 0].astype(np.float64)
    deviation = ours.surprise.of(seen, time)
    assert np.abs(deviation).max() == 3.0
    np.testing.assert_allclose(Deviations(ours.surprise)(torch.from_numpy(seen)), deviation, rtol=0, atol=1e-13)
    many = np.random.default_rng(0).normal(size=(7, *ours.gain.shape[1:]))
    for gain in (ours.gain, ours.gain[:1], many):
        answer = Answer(dataclasses.replace(ours, gain=gain))
        np.testing.assert_allclose(
            answer(torch.from_numpy(seen)), correction(gain, deviation, time, ours.limit), rtol=0, atol=1e-13
        )


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "random"])
def test_every_policy_that_can_be_corrected_is_restated(name: str) -> None:
    seen = random_observations(4000)
    policy = baseline(name)
    said = policy_module(policy)(torch.from_numpy(seen)).numpy()
    assert said.dtype == np.float32
    np.testing.assert_allclose(said, policy.predict(seen)[0], rtol=0, atol=1e-7)


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
        theirs = stage.observe(torch.from_numpy(window))
        assert theirs.shape[1] == 1
        np.testing.assert_allclose(theirs[:, 0], shown, rtol=0, atol=1e-6)
        assert np.array_equal(features_of(torch.from_numpy(window)), seen)


@pytest.mark.parametrize("levels", [None, 2, 3])
def test_corrections_are_added_as_adapters_add_them(levels: int | None) -> None:
    adapter = ResidualAdapter("plan_with_feedback", 0.7, levels)
    seen, generator = random_observations(3000), np.random.default_rng(0)
    wanted: Any = generator.normal(size=(3000, 4)).astype(np.float32)
    if levels is not None:
        wanted = generator.integers(0, levels**4, 3000)
    theirs = stage_of(adapter).act(torch.from_numpy(seen), torch.from_numpy(wanted))
    np.testing.assert_allclose(theirs, adapter.act(seen, wanted), rtol=0, atol=2e-7)


def test_what_has_no_graph_is_refused() -> None:
    class Mine(Adapter):
        pass

    with pytest.raises(ExportError, match="Mine has no graph"):
        stage_of(Mine())
    with pytest.raises(ExportError, match="a RandomPolicy: plans and constant levers are known"):
        policy_module(baseline("random"))
    plan = tuned_policy("plan")
    assert policy_module(PlanPolicy(plan.knots[:1]))(torch.zeros(3, 28)).shape == (3, 4)


def test_equal_scores_may_be_told_apart_either_way_and_worse_choices_not() -> None:
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


def test_a_shipped_agent_is_exported_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = dataclasses.replace(run_of("ppo"), seed=4)
    network = network_of(run)
    one = shipped.Seed(4, "seed_4.safetensors", "", 1.0, None, 96, 96, 1.0, ())
    manifest: Any = SimpleNamespace(seeds=(one,), run=lambda _: run)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / shipped.MANIFEST).write_text("{}", encoding="utf-8")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    monkeypatch.setattr(shipped, "manifest_of", lambda _: manifest)
    monkeypatch.setattr(shipped, "agent", lambda *_: policy_of(network, run))
    monkeypatch.chdir(tmp_path)
    assert command.main(["mine"]) == 0
    facts = {item.key: item.value for item in onnx.load(tmp_path / "mine_4.onnx").metadata_props}
    assert (facts["policy"], facts["seed"]) == ("mine:4", "4")
    assert facts["manifest_sha256"] == hashlib.sha256(b"{}").hexdigest()
    assert command.main(["mine:4", "--output", "other.onnx"]) == 0
    capsys.readouterr()
    assert command.main(["mine:5"]) == 2
    assert "allowed are mine:4" in capsys.readouterr().err
    assert command.main(["mine", "--which", "best"]) == 2
    assert "one policy a seed" in capsys.readouterr().err


def test_a_file_that_answers_otherwise_is_not_written_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of("ppo", tmp_path)
    made = to_onnx

    def spoilt(graph: Graph, facts: Any) -> bytes:
        model = onnx.load_from_string(made(graph, facts))
        for item in model.graph.initializer:
            if item.name.endswith("action_net.bias"):
                numbers = onnx.numpy_helper.to_array(item) + np.float32(1e-3)
                item.CopyFrom(onnx.numpy_helper.from_array(numbers, item.name))
        content: bytes = model.SerializeToString()
        return content

    monkeypatch.setattr("thinmargin_agents.export.conversion.to_onnx", spoilt)
    output = folder / "best.onnx"
    assert command.main([str(folder)]) == 1
    assert "was not written" in capsys.readouterr().err
    assert not output.exists()
    output.write_bytes(b"old")
    assert command.main([str(folder)]) == 1
    assert output.read_bytes() == b"old"


def test_answers_that_are_no_numbers_are_never_close() -> None:
    run = run_of("ppo alone")
    network = network_of(run)
    sound = policy_of(network_of(run), run)
    with torch.no_grad():
        network.action_net.bias[0] = torch.nan
    graph = Graph(run.algo, network, [])
    agreement = compare(to_onnx(graph, {}), graph, sound, Settings(horizon=3), 2)
    assert agreement.difference == np.inf
    assert not agreement.is_close


def test_a_policy_that_cannot_play_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of("a2c")
    run = dataclasses.replace(
        run, hyperparameters={**run.hyperparameters, "policy_kwargs": {"net_arch": [4], "activation_fn": "relu"}}
    )
    network = network_of(run)
    with torch.no_grad():
        network.mlp_extractor.policy_net[0].weight[:] = 3e38  # finite, but what comes of it is not
    folder = RunFolder.create(tmp_path, run)
    folder.save("best", {"policy": weights(network), "timesteps": 0, "J": 0.0})
    assert command.main([str(folder.path)]) == 1
    assert "nothing was written" in capsys.readouterr().err
    assert not (folder.path / "best.onnx").exists()


def test_the_check_plays_some_thousand_months_of_validation_worlds(tmp_path: Path) -> None:
    run = dataclasses.replace(run_of("a2c"), env_kwargs={})
    folder = RunFolder.create(tmp_path, run)
    folder.save("best", {"policy": weights(build_network(run)), "timesteps": 0, "J": 0.0})
    agreement = exported(str(folder.path)).agreement
    assert agreement.months == files.WORLDS * 180 >= 2000
    assert agreement.is_close


def test_best_or_checkpoint_is_what_is_asked_for_or_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of("ppo alone")
    folder = RunFolder.create(tmp_path, run)
    assert command.main([str(folder.path)]) == 2
    assert "the run ended before it was written" in capsys.readouterr().err
    folder.save("checkpoint", {"parameters": {"policy": weights(network_of(run))}})
    assert command.main([str(folder.path)]) == 0
    assert (folder.path / "checkpoint.onnx").is_file()
    assert command.main([str(folder.path), "--which", "best"]) == 2
    folder.save("best", {"policy": weights(network_of(run)), "timesteps": 0, "J": 0.0})
    assert command.main([str(folder.path)]) == 0
    assert (folder.path / "best.onnx").is_file()


def test_bad_arguments_are_refused_with_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    absent = tmp_path / "absent"
    for arguments, words in (
        ([str(absent)], f"RUN is '{absent}': a run folder is wanted"),
        ([str(tmp_path)], "has no config.json"),
        ([""], "RUN is '': a run folder is wanted"),
        ([str(tmp_path), "--output", str(absent / "x.onnx")], "--output is"),
        ([str(tmp_path), "--output", str(tmp_path)], "is not a file"),
    ):
        assert command.main(arguments) == 2
        assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("absent", ["onnx", "onnxruntime"])
def test_a_missing_library_is_named_with_what_brings_it(
    absent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == absent else find_spec(name))
    assert command.main([str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert f"needs {absent}: pip install 'thinmargin[export]'" in told


def test_a_full_disk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of("ppo alone", tmp_path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("thinmargin_agents.export.conversion.write_atomically", full)
    assert command.main([str(folder)]) == 1
    assert "cannot be written: [Errno 28] No space left on device" in capsys.readouterr().err


def test_help_answers_without_a_learning_library() -> None:
    code = (
        "import sys\nfrom thinmargin_agents.export.__main__ import main\nstatus = main(['--help'])\n"
        "sys.exit(status or any(name in sys.modules for name in ('torch', 'onnx', 'numba')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603  # our own line
    assert done.returncode == 0, done.stderr
    assert "--which" in done.stdout
