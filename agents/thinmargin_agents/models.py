"""From a run's configuration to Stable-Baselines3's model, and everything of it that must be saved."""

from __future__ import annotations

import numbers
from collections import deque
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy

from thinmargin import ENVIRONMENTS, MONTHLY_DISCOUNT
from thinmargin.settings import Settings, observation_space
from thinmargin_agents.configs import ConfigError, Hyperparameters, Run
from thinmargin_agents.sb3 import EcosystemVecEnv


def learning_rate(hyperparameters: Hyperparameters) -> Any:
    """A schedule from the share of the run left to a step size: it falls linearly."""
    first, last = hyperparameters.learning_rate, hyperparameters.learning_rate_end

    def schedule(left: float) -> float:
        return last + (first - last) * max(left, 0.0)  # the last update may pass the end

    return schedule


def policy_arguments(hyperparameters: Hyperparameters) -> dict[str, Any]:
    """`policy_kwargs` of the model."""
    return {
        "net_arch": {"pi": list(hyperparameters.policy_layers), "vf": list(hyperparameters.value_layers)},
        "activation_fn": {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[hyperparameters.activation],
        "log_std_init": hyperparameters.log_std_init,
    }


def environment_arguments(run: Run) -> dict[str, Any]:
    """Keyword arguments of the training environment: the id's, the run's, and the training reward.

    Raises:
        ConfigError: the environment refuses them, or they ask for worlds kept for reporting.
    """
    known = [entry.id for entry in ENVIRONMENTS]
    if run.env_id not in known:
        raise ConfigError(f"--env is {run.env_id!r}: allowed are {', '.join(known)}")
    if run.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device is 'cuda': PyTorch finds no GPU here; 'cpu' is allowed")
    spec = gymnasium.spec(run.env_id)
    arguments = {"reward": run.hyperparameters.reward, **spec.kwargs, **run.env_kwargs}
    if arguments.get("split", "train") != "train":
        raise ConfigError(f"--env-kwargs split is {arguments['split']!r}: training draws from 'train' only")
    try:
        settings = Settings(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"--env-kwargs: {error}") from error
    if settings.parameters:
        raise ConfigError("--env-kwargs parameters: an agent is judged on worlds of the shipped constants only")
    if settings.family().held_out:
        raise ConfigError(f"--env is {run.env_id!r}: these worlds are held out, never trained on")
    return arguments


def build_environment(run: Run) -> EcosystemVecEnv:
    """The batch of firms a run trains on."""
    hyperparameters = run.hyperparameters
    return EcosystemVecEnv(
        run.env_id, hyperparameters.n_envs, hyperparameters.reward_scale, **environment_arguments(run)
    )


def build_model(run: Run, environment: EcosystemVecEnv) -> PPO:
    """PPO with the run's hyper-parameters, seeded."""
    hyperparameters = run.hyperparameters
    size = hyperparameters.n_steps * hyperparameters.n_envs
    return PPO(
        "MlpPolicy",
        environment,
        learning_rate=learning_rate(hyperparameters),
        n_steps=hyperparameters.n_steps,
        batch_size=min(hyperparameters.batch_size, size),
        n_epochs=hyperparameters.n_epochs,
        gamma=MONTHLY_DISCOUNT,
        gae_lambda=hyperparameters.gae_lambda,
        clip_range=hyperparameters.clip_range,
        ent_coef=hyperparameters.ent_coef,
        vf_coef=hyperparameters.vf_coef,
        max_grad_norm=hyperparameters.max_grad_norm,
        policy_kwargs=policy_arguments(hyperparameters),
        seed=run.seed,
        device=run.device,
    )


def build_policy(run: Run) -> ActorCriticPolicy:
    """The policy alone, with fresh weights: no environment, no optimiser state."""
    arguments = environment_arguments(run)
    space = Settings(**arguments).action_space()
    policy = ActorCriticPolicy(
        observation_space(), space, learning_rate(run.hyperparameters), **policy_arguments(run.hyperparameters)
    )
    policy.set_training_mode(False)
    return policy


def weights(policy: ActorCriticPolicy) -> dict[str, Any]:
    """The policy's weights as arrays."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in policy.state_dict().items()}


def load_weights(policy: ActorCriticPolicy, arrays: Mapping[str, Any]) -> None:
    """Put weights into a policy; a missing, extra or misshapen one is a RuntimeError."""
    policy.load_state_dict({name: torch.as_tensor(array) for name, array in arrays.items()})


def capture(model: PPO, environment: EcosystemVecEnv) -> dict[str, Any]:
    """Everything that decides how training goes on, between two updates."""
    optimizer = model.policy.optimizer.state_dict()
    generator = np.random.get_state(legacy=False)  # noqa: NPY002  # Stable-Baselines3 shuffles with it
    return {
        "policy": weights(model.policy),
        "optimizer": [
            {name: np.asarray(value.detach().cpu().numpy()) for name, value in moments.items()}
            for _, moments in sorted(optimizer["state"].items())
        ],
        "torch_generator": torch.get_rng_state().numpy().copy(),
        "cuda_generators": [state.numpy() for state in torch.cuda.get_rng_state_all()],
        "numpy_generator": dict(generator),
        "logged": [
            [tag, float(value), list(model.logger.name_to_excluded.get(tag) or ())]
            for tag, value in model.logger.name_to_value.items()
            if isinstance(value, numbers.Real)
        ],
        "environment": environment.get_state(),
        "last_observations": np.asarray(model._last_obs),  # noqa: SLF001  # no public name exists
        "last_starts": np.asarray(model._last_episode_starts),  # noqa: SLF001  # as above
        "timesteps": model.num_timesteps,
        "updates": model._n_updates,  # noqa: SLF001  # as above
        "episodes": list(model.ep_info_buffer or ()),
    }


def restore(model: PPO, environment: EcosystemVecEnv, tree: Mapping[str, Any]) -> None:
    """Go back to what `capture` saw; a tree that does not fit raises KeyError, ValueError or RuntimeError."""
    load_weights(model.policy, tree["policy"])
    optimizer = model.policy.optimizer.state_dict()
    optimizer["state"] = {
        k: {name: torch.as_tensor(value) for name, value in moments.items()}
        for k, moments in enumerate(tree["optimizer"])
    }
    model.policy.optimizer.load_state_dict(optimizer)
    environment.set_state(tree["environment"])
    model._last_obs = np.array(tree["last_observations"])  # noqa: SLF001  # no public name exists
    model._last_episode_starts = np.array(tree["last_starts"])  # noqa: SLF001  # as above
    model.num_timesteps = int(tree["timesteps"])
    model._n_updates = int(tree["updates"])  # noqa: SLF001  # as above
    model.ep_info_buffer = deque(tree["episodes"], maxlen=model._stats_window_size)  # noqa: SLF001  # as above
    model.ep_success_buffer = deque(maxlen=model._stats_window_size)  # noqa: SLF001  # as above
    for tag, value, excluded in tree["logged"]:
        model.logger.record(tag, value, exclude=tuple(excluded))
    torch.set_rng_state(torch.as_tensor(tree["torch_generator"]))
    torch.cuda.set_rng_state_all([torch.as_tensor(state) for state in tree["cuda_generators"]])
    np.random.set_state(tree["numpy_generator"])  # noqa: NPY002  # Stable-Baselines3 shuffles with it
