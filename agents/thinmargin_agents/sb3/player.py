"""A network that only plays: what Stable-Baselines3's `predict` answers, without what it does again every month."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from sb3_contrib.crossq.policies import CrossQPolicy
from sb3_contrib.tqc.policies import TQCPolicy
from stable_baselines3.common.distributions import DiagGaussianDistribution, SquashedDiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy

from thinmargin_agents.config.algorithms import ALGORITHMS


class _OfNetwork:
    """What is asked of a network that plays, besides its actions."""

    network: Any

    @property
    def action_space(self) -> spaces.Space[Any]:
        """Of the network."""
        space: spaces.Space[Any] = self.network.action_space
        return space

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """Of the network."""
        found: Iterator[torch.nn.Parameter] = self.network.parameters()
        return found


class Player(_OfNetwork):
    """A network without memory as a policy: bit for bit the actions of its own `predict`.

    `predict` tells every layer each month that it is not being trained, and makes a distribution of which it takes the
    mean: more than half the time of a small network. Here the layers that act are called one after the other.

    Args:
        network: of Stable-Baselines3; it may go on learning between two calls.
    """

    def __init__(self, network: BasePolicy) -> None:
        self.network: Any = network
        self._layers = _acting_layers(network)
        self._linear: Any = next((layer for layer in self._layers if isinstance(layer, torch.nn.Linear)), None)
        space = network.action_space
        if isinstance(space, spaces.Box):
            self._bounds = _one_if_all_are(space.low), _one_if_all_are(space.high)

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
            if deterministic and self._layers:
                device = self._linear.weight.device
                chosen = torch.as_tensor(observation, dtype=torch.float32, device=device)
                for layer in self._layers:
                    chosen = layer.forward(chosen)
                if isinstance(network, DQNPolicy):
                    chosen = chosen.argmax(dim=1)
            else:
                seen = torch.as_tensor(observation, dtype=torch.float32, device=network.device)
                chosen = network._predict(seen, deterministic=deterministic)  # noqa: SLF001  # its hook
            actions = chosen.cpu().numpy()
        space = network.action_space
        actions = actions.reshape((-1, *(space.shape or ())))
        if isinstance(space, spaces.Box):
            actions = network.unscale_action(actions) if network.squash_output else np.clip(actions, *self._bounds)
        return actions, state


class RecurrentPlayer(_OfNetwork):
    """A recurrent network as a policy, likewise; its state is what sb3-contrib's own `predict` returns.

    Args:
        network: of sb3-contrib; it may go on learning between two calls.
    """

    def __init__(self, network: BasePolicy) -> None:
        self.network: Any = network
        self._layers = _acting_layers(network)
        space: Any = network.action_space
        self._bounds = _one_if_all_are(space.low), _one_if_all_are(space.high)

    def predict(
        self,
        observation: npt.NDArray[np.float32],
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[npt.NDArray[Any], Any]:
        """Actions for observations of shape (n, features), and what the network remembers."""
        network = self.network
        begins = state is None or episode_start is None or bool(np.any(episode_start))
        if begins or not deterministic or not self._layers or np.ndim(observation) != 2:
            answer: tuple[npt.NDArray[Any], Any] = network.predict(observation, state, episode_start, deterministic)
            return answer
        if network.training:
            network.set_training_mode(False)
        with torch.inference_mode():
            device = network.action_net.weight.device
            seen, *before = (torch.as_tensor(it, dtype=torch.float32, device=device) for it in (observation, *state))
            hidden, after = network.lstm_actor.forward(seen[None], tuple(before))
            chosen = hidden[0]
            for layer in self._layers:
                chosen = layer.forward(chosen)
            remembered = tuple(tensor.cpu().numpy() for tensor in after)
            actions = np.clip(chosen.cpu().numpy(), *self._bounds)
        return actions, remembered


def _acting_layers(network: Any) -> list[Any]:
    """Layers from observations to the actions, or to values; empty where only the network knows the way."""
    if isinstance(network, ActorCriticPolicy):
        extractor = network.pi_features_extractor
        known = isinstance(network.action_dist, DiagGaussianDistribution)
        parts = [network.mlp_extractor.policy_net, network.action_net]
    elif isinstance(network, (SACPolicy, TQCPolicy, CrossQPolicy)):
        extractor = network.actor.features_extractor
        known = isinstance(network.actor.action_dist, SquashedDiagGaussianDistribution)
        parts = [network.actor.latent_pi, network.actor.mu, torch.nn.Tanh()]
    elif isinstance(network, TD3Policy):
        extractor, known, parts = network.actor.features_extractor, True, [network.actor.mu]
    elif isinstance(network, DQNPolicy):
        extractor, known, parts = network.q_net.features_extractor, True, [network.q_net.q_net]
    else:
        return []
    if not known or type(extractor) is not FlattenExtractor:
        return []
    return [layer for part in parts for layer in (part if isinstance(part, torch.nn.Sequential) else [part])]


def _one_if_all_are(bounds: npt.NDArray[Any]) -> Any:
    """These bounds; one number if they are the same, which is sooner compared."""
    return bounds.flat[0] if (bounds == bounds.flat[0]).all() else bounds


def player_of(network: BasePolicy, algo: str) -> Player | RecurrentPlayer:
    """The network as a policy."""
    return RecurrentPlayer(network) if ALGORITHMS[algo].recurrent else Player(network)
