"""The graph: network and wrappers as one torch module, from observations to the environment's action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from thinmargin.records import FEATURES
from thinmargin.wrappers import Adapter
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.export.torch_modules import ExportError, ResidualStage, features_of, stage_of
from thinmargin_agents.sb3.player import Player, RecurrentPlayer


class Network(nn.Module):
    """A network's answer without randomness: an action in [-1, 1], or the number it chooses.

    Args:
        algo: that trained it.
        network: Stable-Baselines3's policy, as `thinmargin_agents.sb3.networks.build_network` makes it, or its player.
    """

    def __init__(self, algo: str, network: BasePolicy | Player | RecurrentPlayer) -> None:
        super().__init__()
        network = network.network if isinstance(network, (Player, RecurrentPlayer)) else network
        self._output = ALGORITHMS[algo].output
        self._policy = cast("Any", network)
        self.chooses = isinstance(network.action_space, spaces.Discrete)
        self.lstm: nn.LSTM | None = self._policy.lstm_actor if ALGORITHMS[algo].recurrent else None
        if not self.chooses and network.action_space != spaces.Box(-1.0, 1.0, network.action_space.shape or ()):
            raise ExportError(f"the agent's actions are {network.action_space}: they must be numbers in [-1, 1]")

    def answer(self, seen: Tensor, remembered: tuple[Tensor, Tensor, Tensor] | None) -> tuple[Tensor, list[Tensor]]:
        """Actions before they are cut, shape (n, 4), or scores of all choices, shape (n, choices); and the memory.

        Args:
            seen: shape (n, k).
            remembered: hidden and cell state, shape (layers, n, width), and whether an episode starts, shape (n,).
        """
        policy, memory = self._policy, []
        if self._output == "values":
            answer = policy.q_net(seen)
        elif self._output == "action":
            answer = policy.actor(seen)
        elif self._output == "tanh":
            answer = torch.tanh(policy.actor.get_action_dist_params(seen)[0])
        else:
            features = policy.pi_features_extractor(seen)
            if self.lstm is not None and remembered is not None:
                hidden, cell, start = remembered
                continues = (1.0 - start)[None, :, None]
                features, memory = self.lstm(features[None], (continues * hidden, continues * cell))
                features = features[0]
            answer = policy.action_net(policy.mlp_extractor.forward_actor(features))
        return answer, list(memory)

    def action_of(self, answer: Tensor) -> Tensor:
        """Actions in [-1, 1], shape (n, 4), or the choices with the highest scores, shape (n,)."""
        return answer.argmax(dim=1) if self.chooses else torch.clamp(answer, -1.0, 1.0)


class Graph(nn.Module):
    """The whole policy.

    Args:
        algo: that trained it.
        network: Stable-Baselines3's policy.
        adapters: of the wrappers it was trained with, innermost first.

    Attributes:
        months: number of earlier months whose observations the graph takes besides the current ones.
        inputs, outputs: meaning of each input and output by name, in the order of `forward`.

    Raises:
        ExportError: the policy cannot be a graph.
    """

    def __init__(self, algo: str, network: BasePolicy, adapters: Sequence[Adapter]) -> None:
        super().__init__()
        self.network = Network(algo, network)
        self._stages = [stage_of(adapter) for adapter in adapters]
        self.stages = nn.ModuleList(self._stages)
        self.months = sum(stage.months for stage in self._stages)
        self._has_grid = any(isinstance(stage, ResidualStage) and stage.grid is not None for stage in self._stages)
        self.inputs, self.outputs = self._ends()
        self.eval()

    def _ends(self) -> tuple[dict[str, str], dict[str, str]]:
        wide = len(FEATURES)
        inputs = {"observation": f"float32 (n, {wide}): what the environment shows of n firms"}
        if self.months:
            inputs = {
                "observations": f"float32 (n, {self.months + 1}, {wide}): what the environment showed, the latest"
                " month first; months before the episode began hold its first observation"
            }
        outputs = {"action": "float32 (n, 4): the environment's actions in [-1, 1], in the order of the levers"}
        if self._has_grid:
            outputs["choice"] = "int64 (n,): the number of the correction in the agent's grid"
        elif self.network.chooses:
            outputs = {"action": "int64 (n,): the environment's action, a number of its grid"}
        if self.network.lstm is not None:
            shape = f"({self.network.lstm.num_layers}, n, {self.network.lstm.hidden_size})"
            inputs |= {
                "hidden": f"float32 {shape}: zeros at first, then hidden_next of the month before",
                "cell": f"float32 {shape}: zeros at first, then cell_next of the month before",
                "start": "float32 (n,): 1 where an episode begins, which forgets, else 0",
            }
            outputs |= {"hidden_next": f"float32 {shape}", "cell_next": f"float32 {shape}"}
        return inputs, outputs

    def examples(self, firms: int = 2) -> tuple[Tensor, ...]:
        """Inputs of the right shapes."""
        shape = (firms, self.months + 1, len(FEATURES)) if self.months else (firms, len(FEATURES))
        lstm = self.network.lstm
        if lstm is None:
            return (torch.zeros(shape),)
        state = torch.zeros(lstm.num_layers, firms, lstm.hidden_size)
        return torch.zeros(shape), state, state.clone(), torch.ones(firms)

    def forward(self, observation: Tensor, *remembered: Tensor) -> tuple[Tensor, ...]:
        """The outputs in their order."""
        window, answer, memory = self._seen(observation, remembered)
        chosen = self.network.action_of(answer)
        action = chosen
        for stage in reversed(self._stages):
            action = stage.act(features_of(window), action)
        return (action, *((chosen,) if self._has_grid else ()), *memory)

    def scores(self, observation: Tensor, *remembered: Tensor) -> Tensor:
        """Scores of all choices, shape (n, choices)."""
        return self._seen(observation, remembered)[1]

    def _seen(self, observation: Tensor, remembered: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """The window of observations, the network's answer to it, and its memory."""
        window = observation if self.months else observation[:, None]
        seen = window
        for stage in self._stages:
            seen = stage.observe(seen)
        memory = (remembered[0], remembered[1], remembered[2]) if remembered else None
        return window, *self.network.answer(seen[:, 0], memory)
