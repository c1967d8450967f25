"""From a run's configuration to the environment and the algorithm that it trains with."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import gymnasium
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from thinmargin import ENVIRONMENTS
from thinmargin.families import FAMILY_TABLE
from thinmargin.settings import Settings, observation_space
from thinmargin.shown import shown
from thinmargin.threads import available_threads
from thinmargin.wrappers import Adapter, adapters_of
from thinmargin_agents.config.algorithms import ALGORITHMS, DISCRETE
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import linear_start
from thinmargin_agents.config.rl_zoo_values import instead_of_wrappers
from thinmargin_agents.config.run import Run
from thinmargin_agents.sb3.algorithms import build
from thinmargin_agents.sb3.memory import check_run_fits
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv

FEW_UPDATES = 4
"""Updates of a run of which the last is a quarter or more of its experience."""


def environment_arguments(run: Run) -> dict[str, Any]:
    """Keyword arguments of the training environment: the id's, the run's, and the training reward.

    Raises:
        ConfigError: the environment refuses them, or they ask for worlds reserved for reporting.
    """
    known = [entry.id for entry in ENVIRONMENTS]
    if run.env_id not in known:
        held_out = {entry.id for entry in FAMILY_TABLE.values() if entry.held_out}
        raise ConfigError(
            f"--env is {shown(run.env_id)}: allowed are {', '.join(name for name in known if name not in held_out)}"
        )
    spec = gymnasium.spec(run.env_id)
    arguments = {**spec.kwargs, **run.env_kwargs}
    if arguments.get("split", "train") != "train":
        raise ConfigError(f"--env-kwargs split is {shown(arguments['split'])}: training draws from 'train' only")
    allowed = [item.name for item in dataclasses.fields(Settings)]
    for name in run.env_kwargs:
        if name not in allowed:
            raise ConfigError(f"--env-kwargs has {shown(name)}: allowed are {', '.join(allowed)}")
    try:
        settings = Settings(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"--env-kwargs: {error}") from error
    if settings.parameters:
        raise ConfigError("--env-kwargs parameters: an agent is judged on worlds of the shipped constants only")
    if settings.family().held_out:
        raise ConfigError(f"--env is {shown(run.env_id)}: these worlds are held out, never trained on")
    return arguments


def adapters_for(run: Run) -> list[Adapter]:
    """The adapters between the run's agent and its firms; a ConfigError names one that cannot be used."""
    given = run.hyperparameters.get("env_wrapper")
    try:
        return adapters_of(given)
    except ValueError as error:
        raise ConfigError(f"{error}{instead_of_wrappers(given)}") from error


def check(run: Run) -> None:
    """Raise ConfigError unless the run can be trained: before a folder is made for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run itself gives them
        build_model(run, build_environment(run))


def check_pairing(run: Run) -> None:
    """Raise ConfigError unless updates hold whole episodes where worlds are paired."""
    copies, horizon = int(run.hyperparameters.get("paired_worlds", 1)), Settings(**environment_arguments(run)).horizon
    n_steps = run.hyperparameters.get("n_steps")
    if copies > 1 and (n_steps is None or int(n_steps) % horizon):
        raise ConfigError(
            f"hyper-parameter n_steps is {'missing' if n_steps is None else n_steps}: with paired_worlds {copies} it"
            f" must be a multiple of the episode's {horizon} months (paired_worlds=1 takes any)"
        )


def training_notes(model: BaseAlgorithm, run: Run) -> list[str]:
    """Notes, in words, on months that are rounded up or not learnt from, and on batches that divide no update."""
    months, notes = run.total_timesteps, []
    if isinstance(model, OnPolicyAlgorithm):
        update = model.n_steps * model.n_envs
        updates = -(-months // update)
        if updates * update != months:
            several = f"{updates:,} updates are" if updates > 1 else "one update is"
            notes.append(
                f"an update takes {update:,} months: {months:,} are asked for, and {several} {updates * update:,}"
            )
        before = run.lengthened[-1]["at"] if run.lengthened else 0
        new = -(-(months - before) // update)
        if new <= FEW_UPDATES and linear_start(run.hyperparameters.get("learning_rate")) is not None:
            kind, first = ("new update", "only") if before else ("update", "first")
            which = f"{first} {kind} is the end" if new == 1 else f"last of {new} {kind}s is there"
            lost = "nothing is learnt" if new == 1 else f"its {update:,} months are not learnt from"
            cure = "a larger --total-timesteps" if before else "a smaller --n-envs"
            notes.append(
                f"the learning rate falls to zero at the end, and the {which}: {lost}; {cure} makes more updates of a"
                " run"
            )
        batch = getattr(model, "batch_size", None)
        if batch is not None and update % batch:
            notes.append(
                f"an update of {update:,} months has batches of batch_size {batch:,}, and a last one of"
                f" {update % batch:,}: choose n_steps x n_envs and batch_size so that one divides the other"
            )
    elif isinstance(model, OffPolicyAlgorithm) and model.learning_starts >= months:
        notes.append(f"learning_starts is {model.learning_starts:,}: a run of {months:,} months ends before it learns")
    return notes


def build_environment(run: Run) -> EcosystemVecEnv:
    """The environment a run trains on, a batch of firms.

    Raises:
        ConfigError: hyper-parameters and environment do not fit each other, or the device or what it needs is not
            there.
    """
    values, arguments = run.hyperparameters, environment_arguments(run)
    check_pairing(run)
    if run.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device is 'cuda': PyTorch finds no GPU here; 'cpu' is allowed")
    check_run_fits(run, *check_spaces(run))
    copies = int(values.get("paired_worlds", 1))
    try:
        return EcosystemVecEnv(
            run.env_id, int(values["n_envs"]), adapters_for(run), copies, run.device,
            min(run.num_threads, available_threads()), **arguments,
        )  # fmt: skip
    except ModuleNotFoundError as error:
        if run.device == "cpu":
            raise
        raise ConfigError(f"--{error}") from error  # it begins with the device
    except MemoryError as error:
        raise ConfigError(f"hyper-parameter n_envs is {values['n_envs']}: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{run.algo} on {run.env_id}: {error}") from error


def build_model(run: Run, environment: EcosystemVecEnv) -> BaseAlgorithm:
    """The algorithm with the run's hyper-parameters, seeded.

    Raises:
        ConfigError: the algorithm refuses its hyper-parameters or the environment.
    """
    check_spaces(run)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "You have specified a mini-batch size", UserWarning)  # a note says it
            warnings.filterwarnings("ignore", "You are trying to run .* on the GPU", UserWarning)  # the firms are there
            return build(run, environment)
    except MemoryError as error:
        raise ConfigError(f"{run.algo} on {run.env_id} needs more memory than there is: {error}") from error
    except (ValueError, TypeError, AssertionError) as error:
        raise ConfigError(f"{run.algo} on {run.env_id}: {error}") from error


def check_spaces(run: Run) -> tuple[spaces.Box, spaces.Space[Any]]:
    """The observations and actions of the run's agent; a ConfigError if its algorithm cannot have them."""
    observations: spaces.Box = observation_space()
    actions: spaces.Space[Any] = Settings(**environment_arguments(run)).action_space()
    for adapter in adapters_for(run):
        observations, actions = adapter.observation_space(observations), adapter.action_space(actions)
    algorithm = ALGORITHMS[run.algo]
    required = spaces.Discrete if algorithm.discrete else spaces.Space if algorithm.on_policy else spaces.Box
    if not isinstance(actions, required):
        raise ConfigError(
            f"--algo is {shown(run.algo)} and the actions are {actions}: they must be {required.__name__} (for"
            f" {', '.join(DISCRETE)}, an id with discrete actions, or wrapper Residual with levels)"
        )
    return observations, actions
