"""Every hyper-parameter: its algorithms, allowed values and meaning.

Names and values are those of Stable-Baselines3 and rl-zoo3, so that a preset is readable by both; nothing heavy is
imported here, so that a wrong name is refused at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from thinmargin_agents.config.algorithms import (
    ALGORITHMS,
    ALL,
    CLIPPED,
    CONTINUOUS,
    NETWORKS,
    OFF_POLICY,
    ON_POLICY,
    RECURRENT,
    SDE,
    SOFT,
    TARGETED,
)
from thinmargin_agents.config.errors import ConfigError, shown
from thinmargin_agents.config.rl_zoo import NOT_HERE, asks_for_nothing
from thinmargin_agents.config.rl_zoo_values import instead_of

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
"""A text that is a number."""
LINEAR = "lin_"
"""A schedule is a number, or `lin_NUMBER`: falling linearly to zero at the end of the run."""


MOST_LAYERS = 32
"""Hidden layers of a network."""


@dataclass(frozen=True)
class Kind:
    """The allowed values: a test, and its words in messages and tables."""

    allows: Callable[[Any], bool]
    words: str
    integer: bool = False
    """Whether a number must be whole: 3.0 becomes 3."""


@dataclass(frozen=True)
class Hyperparameter:
    """One hyper-parameter."""

    name: str
    kind: Kind
    meaning: str
    algorithms: tuple[str, ...] = ALL


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _number(low: float, high: float) -> Kind:
    return Kind(lambda value: _is_number(value, low, high), f"allowed are {low:g} to {high:g}")


def _whole(low: int, high: int = 1 << 40) -> Kind:
    def allows(value: Any) -> bool:
        return _is_number(value, low, high) and float(value).is_integer()

    return Kind(allows, f"allowed are whole numbers from {low}{f' to {high}' if high < 1 << 40 else ''}", integer=True)


def _schedule(low: float, high: float) -> Kind:
    def allows(value: Any) -> bool:
        start = linear_start(value)
        return _is_number(value if start is None else start, low, high)

    return Kind(allows, f"allowed are {low:g} to {high:g}, or {LINEAR}NUMBER for one that falls to zero")


def _choice(*allowed: Any) -> Kind:
    def allows(value: Any) -> bool:
        return any(value == item and isinstance(value, bool) == isinstance(item, bool) for item in allowed)

    return Kind(allows, f"allowed are {', '.join('null' if item is None else str(item) for item in allowed)}")


def _or(kind: Kind, extra: Callable[[Any], bool], words: str) -> Kind:
    return Kind(lambda value: extra(value) or kind.allows(value), f"{kind.words}, or {words}", kind.integer)


def linear_start(value: Any) -> float | None:
    """The start of a `lin_NUMBER` schedule; None for anything else."""
    if isinstance(value, str) and value.startswith(LINEAR):
        try:
            return float(value.removeprefix(LINEAR))
        except ValueError:
            return None
    return None


def _are_sizes(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) <= MOST_LAYERS
        and all(_whole(1, 8192).allows(size) for size in value)
    )


def _are_layers(value: Any) -> bool:
    if isinstance(value, Mapping):
        return set(value) <= {"pi", "vf", "qf"} and len(value) > 1 and all(map(_are_sizes, value.values()))
    return _are_sizes(value)


FLAG = Kind(lambda value: isinstance(value, bool), "allowed are true and false")
NETWORK = Kind(
    lambda value: value in tuple(NETWORKS),
    "allowed are " + ", ".join(f"{network} ({', '.join(names)})" for network, names in NETWORKS.items()),
)
ENTROPY = _or(
    _number(0.0, 10.0),
    lambda value: isinstance(value, str) and re.fullmatch(r"auto(_\d*\.?\d+)?", value) is not None,
    "auto, or auto_START",
)
TABLE: tuple[Hyperparameter, ...] = (
    Hyperparameter("n_timesteps", _whole(1), "months of experience, over all environments"),
    Hyperparameter("n_envs", _whole(1, 1 << 20),
                   "firms run in step, in one compiled batch (on-policy: a multiple of paired_worlds)"),
    Hyperparameter(
        "paired_worlds", _whole(1, 1024),
        "firms that live through the same world side by side; the mean of their advantages in a month is"
        " subtracted, so that luck cancels", ON_POLICY,
    ),
    Hyperparameter(
        "env_wrapper", Kind(lambda value: value is None or isinstance(value, (str, list, tuple, Mapping)),
                            "allowed are lists of wrappers of thinmargin.wrappers"),
        "wrappers of thinmargin.wrappers around the environment, innermost first",
    ),
    Hyperparameter("policy", NETWORK, "kind of network"),
    Hyperparameter("learning_rate", _schedule(0.0, 1.0), "step size"),
    Hyperparameter("gamma", _number(0.0, 1.0), "discount of a month; the benchmark's own if not given"),
    Hyperparameter("n_steps", _whole(1, 1 << 20),
                   "months of each firm in one update, whole episodes where worlds are paired"
                   " (off-policy: in one target)"),
    Hyperparameter("batch_size", _whole(2), "months in one gradient step", (*CLIPPED, *OFF_POLICY)),
    Hyperparameter("n_epochs", _whole(1, 1000), "passes over the experience of an update", CLIPPED),
    Hyperparameter("gae_lambda", _number(0.0, 1.0), "advantage estimation (Schulman et al. 2016)", ON_POLICY),
    Hyperparameter("gae_lambda_start", _number(0.0, 1.0),
                   "gae_lambda at the beginning: it moves evenly to gae_lambda in the first 2,000,000 months",
                   ("ppo", "a2c")),
    Hyperparameter("clip_range", _schedule(1e-6, 1.0), "how far an update may move the policy (Schulman et al. 2017)",
                   CLIPPED),
    Hyperparameter("target_kl", _or(_number(1e-6, 10.0), lambda value: value is None, "null: never"),
                   "an update ends when the policy has moved this far", CLIPPED),
    Hyperparameter("normalize_advantage", FLAG, "advantages have mean 0 and deviation 1 in a batch", ON_POLICY),
    Hyperparameter("ent_coef", _number(0.0, 10.0), "weight of the entropy bonus", ON_POLICY),
    Hyperparameter("ent_coef", ENTROPY, "weight of the entropy bonus", SOFT),
    Hyperparameter("vf_coef", _number(0.0, 10.0), "weight of the value loss", ON_POLICY),
    Hyperparameter("max_grad_norm", _number(1e-6, 1e6), "longer gradients are cut", (*ON_POLICY, "dqn")),
    Hyperparameter("use_sde", FLAG, "exploration that depends on the state (Raffin et al. 2022)", SDE),
    Hyperparameter("sde_sample_freq", _whole(-1, 1 << 20), "months between draws of that noise; -1: once an update",
                   SDE),
    Hyperparameter("use_rms_prop", FLAG, "RMSprop instead of Adam", ("a2c",)),
    Hyperparameter("buffer_size", _whole(1, 10_000_000), "months of experience that are remembered", OFF_POLICY),
    Hyperparameter("learning_starts", _whole(0), "months before the first gradient step", OFF_POLICY),
    Hyperparameter("tau", _number(1e-6, 1.0), "how fast target networks follow", TARGETED),
    Hyperparameter("train_freq", _whole(1, 1 << 20), "months of each firm between updates", OFF_POLICY),
    Hyperparameter("gradient_steps", _or(_whole(1, 1 << 20), lambda value: value == -1, "-1: one a month"),
                   "gradient steps of an update", OFF_POLICY),
    Hyperparameter("target_update_interval", _whole(1), "updates (dqn: months) between two of the target network",
                   ("sac", "tqc", "dqn")),
    Hyperparameter("target_entropy", _or(_number(-100.0, 100.0), lambda value: value == "auto", "auto"),
                   "entropy that ent_coef auto aims at", SOFT),
    Hyperparameter("policy_delay", _whole(1, 1000), "critic updates for one of the policy", ("td3", "crossq")),
    Hyperparameter("target_policy_noise", _number(0.0, 2.0), "noise on the target's actions", ("td3",)),
    Hyperparameter("target_noise_clip", _number(0.0, 2.0), "limit of that noise", ("td3",)),
    Hyperparameter("noise_type", _choice("normal", None), "exploration noise that is added to actions", CONTINUOUS),
    Hyperparameter("noise_std", _number(0.0, 2.0), "standard deviation of the exploration noise", CONTINUOUS),
    Hyperparameter("top_quantiles_to_drop_per_net", _whole(0, 100), "most hopeful quantiles left out", ("tqc",)),
    Hyperparameter("exploration_fraction", _number(0.0, 1.0), "share of the run in which random choices become fewer",
                   ("dqn",)),
    Hyperparameter("exploration_initial_eps", _number(0.0, 1.0), "share of random choices at the start", ("dqn",)),
    Hyperparameter("exploration_final_eps", _number(0.0, 1.0), "share of random choices at the end", ("dqn",)),
    Hyperparameter("policy_kwargs.net_arch",
                   Kind(_are_layers, f"allowed are lists of sizes from 1 to 8192, at most {MOST_LAYERS}, or one each"
                                     " for pi and vf (off-policy: qf)"), "hidden layers"),
    Hyperparameter("policy_kwargs.activation_fn", _choice("tanh", "relu"), "activation of the hidden layers"),
    Hyperparameter("policy_kwargs.log_std_init", _number(-10.0, 3.0), "log standard deviation of actions at the start",
                   (*ON_POLICY, "sac", "tqc")),
    Hyperparameter("policy_kwargs.ortho_init", FLAG, "orthogonal weights at the start", ON_POLICY),
    Hyperparameter("policy_kwargs.lstm_hidden_size", _whole(1, 4096), "width of the memory", RECURRENT),
    Hyperparameter("policy_kwargs.n_lstm_layers", _whole(1, 8), "layers of the memory", RECURRENT),
    Hyperparameter("policy_kwargs.enable_critic_lstm", FLAG, "whether the critic remembers too", RECURRENT),
    Hyperparameter("policy_kwargs.n_critics", _whole(1, 20), "critics", CONTINUOUS),
    Hyperparameter("policy_kwargs.n_quantiles", _whole(1, 1000), "quantiles of each critic", ("tqc",)),
)  # fmt: skip
"""Names with a dot are inside a mapping: `policy_kwargs.net_arch` is `policy_kwargs: {net_arch: ...}`."""

NOT_SB3_ARGUMENTS = (
    "n_timesteps", "n_envs", "paired_worlds", "gae_lambda_start", "env_wrapper", "noise_type", "noise_std", "policy",
)  # fmt: skip
"""Names that are not arguments of Stable-Baselines3's classes."""


def names_of(algo: str) -> list[str]:
    """The hyper-parameters an algorithm has."""
    return [item.name for item in TABLE if algo in item.algorithms]


def checked(origin: str, algo: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, nested, whole numbers as such; names may be dotted.

    Raises:
        ConfigError: a name the algorithm does not have or that is given twice, or a value that is not allowed; the
            message says which.
    """
    known = {item.name: item for item in TABLE if algo in item.algorithms}
    found: dict[str, Any] = {}
    try:
        named = flat(values)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from error
    for name, given in named.items():
        if asks_for_nothing(name, given):
            continue
        if name in NOT_HERE:
            raise ConfigError(f"{origin}: {name} is {shown(given)}: {NOT_HERE[name]}")
        if name not in known:
            close = difflib.get_close_matches(str(name), list(known), n=3)
            close += [other for other in known if other.endswith(f".{name}")]
            elsewhere = [other for item in TABLE if item.name == name for other in item.algorithms]
            hint = (
                f"did you mean {', '.join(close)}?" if close else
                f"{algo} has none, {', '.join(elsewhere)} do" if elsewhere else f"allowed are {', '.join(known)}"
            )  # fmt: skip
            raise ConfigError(f"{origin}: unknown hyper-parameter {shown(name)} of {algo}; {hint}")
        kind = known[name].kind
        value = _number_of(given, kind)
        if not kind.allows(value):
            instead = instead_of(name, value, ALGORITHMS[algo].parts)
            raise ConfigError(f"{origin}: hyper-parameter {name} is {shown(value)}: {kind.words}{instead}")
        _put(found, name, int(value) if kind.integer and isinstance(value, float) else value)
    return found


def _number_of(value: Any, kind: Kind) -> Any:
    """The number that a text is, where one is allowed: YAML reads 3e-4 as a text."""
    if isinstance(value, str) and NUMBER.fullmatch(value) and not kind.allows(value) and kind.allows(float(value)):
        number = float(value)
        return int(number) if number.is_integer() and "." not in value and "e" not in value.lower() else number
    return value


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested `policy_kwargs` as dotted names; everything else as it is.

    Raises:
        ConfigError: a name is given both nested and dotted.
    """
    one: dict[str, Any] = {}
    for name, value in values.items():
        inside = {name: value}
        if name == "policy_kwargs" and isinstance(value, Mapping):
            inside = {f"policy_kwargs.{inner}": item for inner, item in value.items()}
        for key, item in inside.items():
            if key in one:
                raise ConfigError(f"{shown(key)} stands twice, with {shown(one[key])} and {shown(item)}: give it once")
            one[key] = item
    return one


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values of all layers, the later ones first."""
    found: dict[str, Any] = {}
    for layer in layers:
        for name, value in flat(layer).items():
            _put(found, name, value)
    return found


def _put(found: dict[str, Any], name: str, value: Any) -> None:
    outer, dot, inner = name.partition(".")
    if dot:
        found.setdefault(outer, {})[inner] = list(value) if isinstance(value, tuple) else value
    else:
        found[outer] = list(value) if isinstance(value, tuple) else value
