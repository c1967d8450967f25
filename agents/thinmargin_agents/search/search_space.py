"""The search space: one table, and the hyper-parameters of a run made of its values.

A search starts from a run: hyper-parameters that its command line gives are fixed, those of the table are searched,
and all others are the preset's.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from thinmargin_agents.config.algorithms import (
    ALL,
    CLIPPED,
    CONTINUOUS,
    FEEDFORWARD,
    OFF_POLICY,
    ON_POLICY,
    RECURRENT,
    SOFT,
    UNCLIPPED,
)
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import LINEAR, checked, flat, linear_start, merged, names_of
from thinmargin_agents.config.preset import PAIRED, RESIDUAL
from thinmargin_agents.config.run import Run

BOUND = "residual_bound"
"""The bound of the wrapper Residual, where the preset has one."""
SMALLEST = 16
"""Months of the smallest batch that is made by sharing an update."""
DIGITS = 4
"""Significant digits of a number that is tried, so that the stored number is the one that was trained."""


@dataclass(frozen=True)
class NumberRange:
    """Numbers from `low` to `high`, evenly or evenly in their logarithms; a preset's `lin_` schedule stays one."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def words(self) -> str:
        """The values tried, in words."""
        how = ", ".join([*(["whole"] if self.whole else []), *(["log"] if self.log else [])])
        return f"{self.low:g} to {self.high:g}{f' ({how})' if how else ''}"

    def distribution(self) -> BaseDistribution:
        """The range as Optuna's distribution."""
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)


@dataclass(frozen=True)
class OneOf:
    """Some values, by the names that Optuna gets."""

    values: Mapping[str, Any]

    @property
    def words(self) -> str:
        """The values tried, in words."""
        return ", ".join(
            name if name == _name(value) else f"{name}: {_name(value)}" for name, value in self.values.items()
        )

    def distribution(self) -> BaseDistribution:
        """The names as Optuna's distribution."""
        return CategoricalDistribution(list(self.values))


@dataclass(frozen=True)
class Share:
    """The months of an update in so many equal parts, those that come out even."""

    parts: tuple[int, ...]

    @property
    def words(self) -> str:
        """The values tried, in words."""
        return f"an update's months / {', '.join(map(str, self.parts))}"


Dimension: TypeAlias = NumberRange | OneOf


@dataclass(frozen=True)
class Searched:
    """A hyper-parameter that is searched, its values, and the algorithms of the row.

    A row of a family holds for those of it that have the hyper-parameter.
    """

    name: str
    kind: NumberRange | OneOf | Share
    family: tuple[str, ...]

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms that it is searched for."""
        return tuple(algo for algo in self.family if self.name == BOUND or self.name in names_of(algo))


def _name(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _one_of(*values: Any) -> OneOf:
    return OneOf({_name(value): value for value in values})


ACTORS = OneOf({
    "small": [32, 32],
    "even": [64, 64],
    "wide critic": {"pi": [64, 64], "vf": [128, 128]},
    "wide": [128, 128],
    "wider": [256, 256],
})  # fmt: skip
MEMORIES = OneOf({
    "linear": [],
    "small": {"pi": [32], "vf": [32]},
    "even": {"pi": [64], "vf": [64]},
    "wide": {"pi": [128], "vf": [128]},
})  # fmt: skip
CRITICS = OneOf({
    "even": [64, 64],
    "wide critic": {"pi": [64, 64], "qf": [256, 256]},
    "wide": [128, 128],
    "wider": [256, 256],
})  # fmt: skip
VALUES = OneOf({"even": [64, 64], "wide": [128, 128], "wider": [256, 256], "deep": [128, 128, 128]})
FLAG = OneOf({"yes": True, "no": False})
TABLE: tuple[Searched, ...] = (
    Searched("learning_rate", NumberRange(1e-4, 5e-3, log=True), CLIPPED),
    Searched("learning_rate", NumberRange(1e-4, 1e-2, log=True), UNCLIPPED),
    Searched("learning_rate", NumberRange(5e-5, 3e-3, log=True), OFF_POLICY),
    Searched("gae_lambda", NumberRange(0.9, 1.0), ON_POLICY),
    Searched("n_epochs", NumberRange(2, 20, log=True, whole=True), CLIPPED),
    Searched("batch_size", Share((3, 6, 12, 24, 48, 96)), CLIPPED),
    Searched("batch_size", _one_of(128, 256, 512, 1024, 2048), OFF_POLICY),
    Searched("clip_range", NumberRange(0.05, 0.4), CLIPPED),
    Searched("ent_coef", _one_of(0.0, 1e-4, 1e-3, 1e-2), ON_POLICY),
    Searched("ent_coef", _one_of("auto", "auto_0.1", 2e-4, 5e-4, 2e-3, 1e-2), SOFT),
    Searched("max_grad_norm", _one_of(0.3, 0.5, 1.0, 5.0), ("a2c", "dqn")),
    Searched("use_rms_prop", FLAG, ("a2c",)),
    Searched("normalize_advantage", FLAG, ("a2c",)),
    Searched(PAIRED, _one_of(1, 2, 4, 8, 16, 32), ON_POLICY),
    Searched("tau", NumberRange(2e-3, 5e-2, log=True), OFF_POLICY),
    Searched("train_freq", _one_of(1, 2, 4, 8), OFF_POLICY),
    Searched("gradient_steps", _one_of(1, 2, 4, 8, 16), OFF_POLICY),
    Searched("n_steps", _one_of(1, 6, 12, 36), OFF_POLICY),
    Searched("noise_std", _one_of(0.0, 0.1, 0.2, 0.4), CONTINUOUS),
    Searched("policy_delay", _one_of(1, 2, 4), ("td3", "crossq")),
    Searched("target_policy_noise", NumberRange(0.05, 0.4), ("td3",)),
    Searched("top_quantiles_to_drop_per_net", NumberRange(0, 8, whole=True), ("tqc",)),
    Searched("exploration_fraction", NumberRange(0.05, 0.5), ("dqn",)),
    Searched("exploration_final_eps", NumberRange(0.01, 0.2, log=True), ("dqn",)),
    Searched("policy_kwargs.net_arch", ACTORS, FEEDFORWARD),
    Searched("policy_kwargs.net_arch", MEMORIES, RECURRENT),
    Searched("policy_kwargs.net_arch", CRITICS, CONTINUOUS),
    Searched("policy_kwargs.net_arch", VALUES, ("dqn",)),
    Searched("policy_kwargs.activation_fn", _one_of("tanh", "relu"), ON_POLICY),
    Searched("policy_kwargs.log_std_init", NumberRange(-2.5, 0.0), ON_POLICY),
    Searched("policy_kwargs.lstm_hidden_size", _one_of(16, 32, 64, 128), RECURRENT),
    Searched("policy_kwargs.n_critics", _one_of(1, 2, 5), ("tqc",)),
    Searched(BOUND, NumberRange(0.05, 1.0, log=True), ALL),
)
"""Names are those of `thinmargin_agents.config.hyperparameters.TABLE`, and BOUND. `gamma` is not among them: a policy
is judged by the benchmark's own discount."""


@dataclass(frozen=True)
class Space:
    """The search space around a run.

    Attributes:
        base: the run; it has the values of all that is not searched.
        dimensions: the values tried, by name of TABLE.
    """

    base: Run
    dimensions: Mapping[str, Dimension]

    def distributions(self) -> dict[str, BaseDistribution]:
        """The dimensions as Optuna's distributions, by name."""
        return {name: dimension.distribution() for name, dimension in self.dimensions.items()}

    def start(self) -> dict[str, Any]:
        """The run's own values, as far as it has them and they are among what is tried: the first trial."""
        found: dict[str, Any] = {}
        for name, dimension in self.dimensions.items():
            value = own_value(self.base, name)
            if isinstance(dimension, OneOf):
                names = [choice for choice, item in dimension.values.items() if _same(item, value)]
                found |= {name: names[0]} if names else {}
            else:
                number = linear_start(value) if isinstance(value, str) else value
                if number is not None and dimension.low <= number <= dimension.high:
                    found[name] = int(number) if dimension.whole else float(number)
        return found

    def hyperparameters(self, tried: Mapping[str, Any]) -> dict[str, Any]:
        """A run's hyper-parameters for what Optuna tries; a ConfigError if there can be no such run."""
        values: dict[str, Any] = {}
        for name, choice in tried.items():
            dimension = self.dimensions[name]
            if isinstance(dimension, OneOf):
                values[name] = dimension.values[choice]
            elif dimension.whole:
                values[name] = int(choice)
            else:
                number = float(f"{choice:.{DIGITS}g}")
                falls = linear_start(own_value(self.base, name)) is not None
                values[name] = f"{LINEAR}{number:g}" if falls else number
        if BOUND in values:
            values["env_wrapper"] = _with_bound(self.base, values.pop(BOUND))
        return checked("a trial", self.base.algo, merged(self.base.hyperparameters, values))

    def document(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            name: dict(dimension.values) if isinstance(dimension, OneOf) else vars(dimension).copy()
            for name, dimension in self.dimensions.items()
        }


def space_of(base: Run, given: Collection[str] = (), horizon: int = 180) -> Space:
    """The search space around a run.

    Args:
        base: the run.
        given: names that its command line gives; they are not searched.
        horizon: months of an episode.

    Raises:
        ConfigError: nothing is left to search.
    """
    dimensions: dict[str, Dimension] = {}
    for item in TABLE:
        if base.algo not in item.algorithms or item.name in given:
            continue
        if item.name == BOUND and bound_of(base.hyperparameters) is None:
            continue
        kind = _shares(base, item.kind) if isinstance(item.kind, Share) else item.kind
        if item.name == PAIRED:
            kind = _pairings(base, horizon)
        if isinstance(kind, OneOf):
            own = own_value(base, item.name)
            if own is not None and not any(_same(value, own) for value in kind.values.values()):
                kind = OneOf({**kind.values, "preset": own})
            if len(kind.values) < 2:
                continue
        dimensions[item.name] = kind
    if not dimensions:
        raise ConfigError(f"--optimize: every hyper-parameter of {base.algo} that is searched is given")
    return Space(base, dimensions)


def own_value(base: Run, name: str) -> Any:
    """The run's value, or the algorithm's default; None where the network decides."""
    from thinmargin_agents.sb3.algorithms import CLASSES  # noqa: PLC0415  # torch takes seconds; the table needs none

    values = flat(base.hyperparameters)
    if name == BOUND:
        return bound_of(base.hyperparameters)
    if name in values:
        return values[name]
    if name in (PAIRED, "noise_std"):
        return {PAIRED: 1, "noise_std": 0.0}[name]
    parameter = inspect.signature(CLASSES[base.algo]).parameters.get(name)
    return parameter.default if parameter is not None else None


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _update(base: Run) -> tuple[int, int]:
    """Months of each firm in an update, and firms."""
    return int(own_value(base, "n_steps")), int(base.hyperparameters["n_envs"])


def _shares(base: Run, share: Share) -> OneOf:
    n_steps, firms = _update(base)
    months = n_steps * firms
    return _one_of(*(months // parts for parts in share.parts if months % parts == 0 and months // parts >= SMALLEST))


def _pairings(base: Run, horizon: int) -> OneOf:
    """Firms a world that divide the firms; one alone where an update does not hold whole episodes."""
    n_steps, firms = _update(base)
    paired = next(item.kind for item in TABLE if item.name == PAIRED)
    values = paired.values if isinstance(paired, OneOf) else {}
    whole = n_steps % horizon == 0
    return OneOf({name: copies for name, copies in values.items() if copies == 1 or (whole and firms % copies == 0)})


def bound_of(hyperparameters: Mapping[str, Any]) -> float | None:
    """The bound of the wrapper Residual, None without one."""
    for item in _wrappers(hyperparameters):
        if item == RESIDUAL:
            return 0.5
        if isinstance(item, Mapping) and RESIDUAL in item:
            return float((item[RESIDUAL] or {}).get("bound", 0.5))
    return None


def _with_bound(base: Run, bound: float) -> list[Any]:
    wrappers = []
    for item in _wrappers(base.hyperparameters):
        if item == RESIDUAL or (isinstance(item, Mapping) and RESIDUAL in item):
            old = item[RESIDUAL] or {} if isinstance(item, Mapping) else {}
            wrappers.append({RESIDUAL: {**old, "bound": bound}})
        else:
            wrappers.append(item)
    return wrappers


def _wrappers(hyperparameters: Mapping[str, Any]) -> list[Any]:
    wrappers = hyperparameters.get("env_wrapper")
    return list(wrappers) if isinstance(wrappers, (list, tuple)) else [] if wrappers is None else [wrappers]
