from __future__ import annotations

import dataclasses
import shlex
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import tyro

from thinmargin.baselines import baseline
from thinmargin.observation import FEATURE_COUNT
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.policies.shipped import agent, evaluations_of, manifest_of, trained_names
from thinmargin_agents.sb3.building import environment_arguments
from thinmargin_agents.shipping.shipment import COMPARED

SHIPPED = trained_names()
LIGHT = """
import sys
import thinmargin_agents.curves.__main__, thinmargin_agents.evaluate.command, thinmargin_agents.shipping.__main__
from thinmargin_agents.policies.shipped import trained_names
trained_names()
print([name for name in ("torch", "numpy", "numba", "matplotlib", "gymnasium") if name in sys.modules])
"""


def test_names_and_help_need_no_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)  # noqa: S603  # ours
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_earns_what_its_manifest_says(name: str) -> None:
    manifest = manifest_of(name)
    one = manifest.seeds[0]
    arena = Settings(**environment_arguments(manifest.run(one.seed)))
    outcome = play_worlds(
        agent(name, one.seed), KEYS["validation"][: len(one.probe)], worlds=arena.worlds, horizon=arena.horizon,
        closing=arena.closing, discrete=arena.discrete,
    )  # fmt: skip
    assert outcome.value == pytest.approx(one.probe, rel=1e-3), "train it anew: the economics or its plan have changed"


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_is_whole_and_trained_again_by_its_command(name: str) -> None:
    manifest = manifest_of(name)
    config = tyro.cli(TrainConfig, args=shlex.split(manifest.command)[2:])
    run = resolve(dataclasses.replace(config, seeds=(), seed=manifest.seeds[0].seed))
    assert (run.algo, run.env_id, run.env_kwargs) == (manifest.algo, manifest.env_id, manifest.env_kwargs)
    assert run.hyperparameters == manifest.hyperparameters, "its preset has changed since"
    for one in manifest.seeds:
        assert agent(name, one.seed).predict(np.zeros((1, FEATURE_COUNT), np.float32))[0].size
    assert {row.seed for row in evaluations_of(manifest)} == {one.seed for one in manifest.seeds}


@cache
def earned(rule: str, worlds: str, horizon: int, closing: bool, count: int) -> float:
    keys = KEYS["validation"][:count]
    return float(play_worlds(baseline(rule), keys, worlds=worlds, horizon=horizon, closing=closing).value.mean())


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_is_compared_with_what_others_earn_now(name: str) -> None:
    manifest = manifest_of(name)
    arena = Settings(**environment_arguments(manifest.run(manifest.seeds[0].seed)))
    for rule in COMPARED:
        now = earned(rule, arena.worlds, arena.horizon, arena.closing, manifest.validation.worlds)
        assert now == pytest.approx(manifest.validation.references[rule], rel=1e-6), f"{rule} has changed: ship anew"
