"""How large the network of a configuration is at least: known before it is built, from the sizes of its layers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.run import Run

CRITICS = 2
"""Critics of Stable-Baselines3's off-policy algorithms where none are set."""


def least_weights(run: Run) -> int:
    """Weights that the network has between its hidden layers: those of its inputs and outputs come on top."""
    arguments = run.hyperparameters.get("policy_kwargs", {})
    layers = arguments.get("net_arch", [])
    width = int(arguments.get("lstm_hidden_size", 0))
    total = 4 * width * width * int(arguments.get("n_lstm_layers", 1))
    for part in ALGORITHMS[run.algo].parts or ("all",):
        copies = int(arguments.get("n_critics", CRITICS)) if part == "qf" else 1
        total += copies * _between(layers[part] if isinstance(layers, Mapping) and part in layers else layers)
    return total


def weights_in(tree: Any) -> int:
    """Numbers in the arrays of nested mappings and lists; in place of an array may stand its shape."""
    if isinstance(tree, Mapping):
        return sum(map(weights_in, tree.values()))
    if isinstance(tree, list):
        return sum(map(weights_in, tree))
    shape = tree if isinstance(tree, tuple) else getattr(tree, "shape", (0,))
    return math.prod(shape)


def _between(layers: Any) -> int:
    if not isinstance(layers, Sequence):
        return 0
    sizes = [int(size) for size in layers]
    return sum(sizes) + sum(one * other for one, other in itertools.pairwise(sizes))
