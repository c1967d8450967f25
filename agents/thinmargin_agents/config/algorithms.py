"""The learning algorithms: one table with all that this package knows of each.

Hyper-parameters, search, weights, export and documentation read it. Nothing heavy is imported: a class is named by
its path, and `thinmargin_agents.sb3.algorithms` imports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

_FORWARD = ("mlp_extractor.policy_net.", "action_net.", "log_std")
"""Weights with which an on-policy network acts."""


@dataclass(frozen=True)
class Algorithm:
    """One learning algorithm.

    Attributes:
        name: as rl-zoo3 names it.
        library_class: `module:class`.
        about: a short description, with its source.
        on_policy: whether it learns from the experience of its present policy only.
        output: how its actor's output becomes an action: it is the mean of the actions, cut to [-1, 1]; its
            hyperbolic tangent is the action; it is the action; or it holds the values of a finite list of actions.
        acting_weights: how the names of those weights begin that `predict` reads.
        clipped: whether the step of an update is clipped (Schulman et al. 2017).
        soft: whether entropy is part of what it maximises (Haarnoja et al. 2018).
        sde: whether it can explore depending on the state (Raffin et al. 2022).
        recurrent: whether its network has a memory.
        target_networks: whether it learns against slow copies of its networks.
    """

    name: str
    library_class: str
    about: str
    on_policy: bool
    output: Literal["mean", "tanh", "action", "values"]
    acting_weights: tuple[str, ...]
    clipped: bool = False
    soft: bool = False
    sde: bool = False
    recurrent: bool = False
    target_networks: bool = False

    @property
    def discrete(self) -> bool:
        """Whether it chooses from a finite list of actions."""
        return self.output == "values"

    @property
    def policy(self) -> str:
        """Stable-Baselines3's name of its network."""
        return "MlpLstmPolicy" if self.recurrent else "MlpPolicy"

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of its network that may have hidden layers of their own; none where there is one part only."""
        return () if self.discrete else ("pi", "vf") if self.on_policy else ("pi", "qf")


_TABLE = (
    Algorithm(
        name="ppo",
        library_class="stable_baselines3:PPO",
        about=(
            "Proximal policy optimisation (Schulman et al. 2017) plays a batch of firms for a while, estimates"
            " how much better each action was than expected, and makes the better ones likelier. The step is"
            " clipped: once an action's probability has moved by more than a set share, moving it further earns"
            " nothing. So the same experience can be used for several passes, and is then thrown away."
        ),
        on_policy=True,
        sde=True,
        clipped=True,
        output="mean",
        acting_weights=_FORWARD,
    ),
    Algorithm(
        name="a2c",
        library_class="stable_baselines3:A2C",
        about=(
            "Advantage actor-critic (Mnih et al. 2016) is the plain policy gradient with a learnt value as its"
            " baseline: after a few months of all firms, one gradient step makes actions that beat the value"
            " likelier. Firms run in step instead of asynchronously, so an update is deterministic. Nothing limits"
            " the step but its size, and no experience is used twice."
        ),
        on_policy=True,
        sde=True,
        output="mean",
        acting_weights=_FORWARD,
    ),
    Algorithm(
        name="ppo_lstm",
        library_class="sb3_contrib:RecurrentPPO",
        about=(
            "Recurrent PPO is proximal policy optimisation (Schulman et al. 2017) whose policy has a memory, a"
            " long short-term memory network (Hochreiter and Schmidhuber 1997). It sees one month at a time and"
            " decides itself what to keep, so it can infer the hidden world from how the market answered."
            " Gradients run back through the months of an update."
        ),
        on_policy=True,
        clipped=True,
        recurrent=True,
        output="mean",
        acting_weights=("lstm_actor.", *_FORWARD),
    ),
    Algorithm(
        name="sac",
        library_class="stable_baselines3:SAC",
        about=(
            "Soft actor-critic (Haarnoja et al. 2018) remembers all experience and learns from random samples of"
            " it. Two critics learn what an action is worth, the lower of their two estimates counts, and the"
            " policy follows them while staying as random as it can: entropy is part of what it maximises. The"
            " weight of that entropy is tuned while it learns."
        ),
        on_policy=False,
        sde=True,
        soft=True,
        target_networks=True,
        output="tanh",
        acting_weights=("actor.",),
    ),
    Algorithm(
        name="td3",
        library_class="stable_baselines3:TD3",
        about=(
            "Twin delayed deep deterministic policy gradient (Fujimoto et al. 2018) learns a deterministic policy"
            " from remembered experience, by climbing a critic. Three remedies keep the critic from"
            " overestimating: the lower of two estimates counts, the policy is updated less often, and the target's"
            " actions are blurred by noise. Exploration is noise that is added to the actions."
        ),
        on_policy=False,
        target_networks=True,
        output="action",
        acting_weights=("actor.",),
    ),
    Algorithm(
        name="tqc",
        library_class="sb3_contrib:TQC",
        about=(
            "Truncated quantile critics (Kuznetsov et al. 2020) is soft actor-critic with critics that learn the"
            " whole distribution of what an action is worth, as quantiles. The most hopeful quantiles of all"
            " critics together are dropped, which controls overestimation more finely than the lower of two means."
            " Everything else, entropy and memory included, is as in SAC."
        ),
        on_policy=False,
        sde=True,
        soft=True,
        target_networks=True,
        output="tanh",
        acting_weights=("actor.",),
    ),
    Algorithm(
        name="crossq",
        library_class="sb3_contrib:CrossQ",
        about=(
            "CrossQ (Bhatt et al. 2024) is soft actor-critic without target networks. Its critics normalise their"
            " inputs batch by batch, over current and next states together, which keeps them stable without a slow"
            " copy. It needs few gradient steps a month, and so little time."
        ),
        on_policy=False,
        soft=True,
        output="tanh",
        acting_weights=("actor.",),
    ),
    Algorithm(
        name="dqn",
        library_class="stable_baselines3:DQN",
        about=(
            "Deep Q-network (Mnih et al. 2015) learns what every action of a finite list is worth and takes the"
            " best. It learns from random samples of remembered experience against a copy of itself that is"
            " renewed now and then. Exploration is a share of random actions that falls while it learns; levers"
            " must be a grid."
        ),
        on_policy=False,
        target_networks=True,
        output="values",
        acting_weights=("q_net.",),
    ),
)
ALGORITHMS = {algorithm.name: algorithm for algorithm in _TABLE}
"""By name, in the order of help texts and tables."""

if TYPE_CHECKING:
    AlgorithmName = str
else:
    AlgorithmName = Literal[tuple(ALGORITHMS)]

ALL = tuple(ALGORITHMS)
ON_POLICY = tuple(item.name for item in _TABLE if item.on_policy)
OFF_POLICY = tuple(item.name for item in _TABLE if not item.on_policy)
CLIPPED = tuple(item.name for item in _TABLE if item.clipped)
UNCLIPPED = tuple(item.name for item in _TABLE if item.on_policy and not item.clipped)
FEEDFORWARD = tuple(item.name for item in _TABLE if item.on_policy and not item.recurrent)
SOFT = tuple(item.name for item in _TABLE if item.soft)
SDE = tuple(item.name for item in _TABLE if item.sde)
RECURRENT = tuple(item.name for item in _TABLE if item.recurrent)
DISCRETE = tuple(item.name for item in _TABLE if item.discrete)
TARGETED = tuple(item.name for item in _TABLE if item.target_networks)
"""With target networks."""
CONTINUOUS = tuple(item.name for item in _TABLE if not item.on_policy and not item.discrete)
"""Off-policy, with actions that are numbers."""
NETWORKS = {
    network: tuple(item.name for item in _TABLE if item.policy == network)
    for network in dict.fromkeys(item.policy for item in _TABLE)
}
"""The algorithms of every kind of network, by Stable-Baselines3's name of it."""
