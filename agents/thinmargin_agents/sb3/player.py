"""A network that only plays: what Stable-Baselines3's `predict` answers, without what it does again every month."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy

from thinmargin_agents.config.algorithms import ALGORITHMS


class Player:
    """A network without memory as a policy: bit for bit the actions of its own `predict`.

    `predict` tells every layer each month that it is not being trained, and makes a distribution of which it takes the
    mean: half the time of a small network.

    Args:
        network: of Stable-Baselines3; it may go on learning between two calls.
    """

    def __init__(self, network: BasePolicy) -> None:
        self.network: Any = network
        self._is_gaussian = isinstance(network, ActorCriticPolicy) and isinstance(
            network.action_dist, DiagGaussianDistribution
        )

    def predict(
        self,
        observation: npt.NDArray[np.float32],
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[npt.NDArray[Any], Any]:
        """Actions for observations of shape (n, features), and `state`."""
        del episode_start
        network = self.network
        if network.training:
            network.set_training_mode(False)
        with torch.inference_mode():
            seen = torch.as_tensor(observation, dtype=torch.float32, device=network.device)
            if deterministic and self._is_gaussian:  # the mean is all of it: no distribution is made
                features = network.extract_features(seen, network.pi_features_extractor)
                chosen = network.action_net(network.mlp_extractor.forward_actor(features))
            else:
                chosen = network._predict(seen, deterministic=deterministic)  # noqa: SLF001  # its hook
            actions = chosen.cpu().numpy()
        space = network.action_space
        actions = actions.reshape((-1, *(space.shape or ())))
        if isinstance(space, spaces.Box):
            if network.squash_output:
                actions = network.unscale_action(actions)
            else:
                actions = np.clip(actions, space.low, space.high)
        return actions, state


def player_of(network: BasePolicy, algo: str) -> Any:
    """The network as a policy: a `Player`, or the network itself if it has a memory, which only its own code knows."""
    return network if ALGORITHMS[algo].recurrent else Player(network)
