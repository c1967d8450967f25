"""Plans, surprises and wrappers as torch modules, so that a graph can hold them.

This is their only second implementation: formulas are those of `thinmargin.plans` and `thinmargin.wrappers`, in the
same precision, and every number is read from the objects themselves. Tests compare both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from thinmargin.baselines import ConstantPolicy, Policy
from thinmargin.plans import FEATURE_NAMES, REACH, TIME, Feedback, PlanPolicy, Surprise
from thinmargin.records import LEVERS
from thinmargin.shown import class_name
from thinmargin.wrappers import Adapter
from thinmargin.wrappers.adapters import (
    FEATURE_COUNT,
    HistoryAdapter,
    ResidualAdapter,
    ScaledRewardAdapter,
    SurprisesAdapter,
)


class ExportError(ValueError):
    """A policy that cannot be written as a graph; the message says why."""


def _numbers(array: Any) -> Tensor:
    return torch.from_numpy(np.array(array, np.float64))


class Between(nn.Module):
    """Rows of a table, shape (rows, m), at times from 0 to 1: `thinmargin.plans.between`."""

    table: Tensor

    def __init__(self, table: Any) -> None:
        super().__init__()
        self.register_buffer("table", _numbers(table))
        self._rows = len(table)

    def forward(self, time: Tensor) -> Tensor:
        """Shape (n, m) for times of shape (n,)."""
        if self._rows == 1:
            return self.table.expand(time.shape[0], -1)
        at = time * (self._rows - 1)
        below = torch.clamp(at.to(torch.int64), max=self._rows - 2)
        share = (at - below)[:, None]
        return self.table[below] * (1.0 - share) + self.table[below + 1] * share


class Deviations(nn.Module):
    """Deviations of observations from the expectations of a plan: `thinmargin.plans.Surprise.of`."""

    columns: Tensor
    scale: Tensor

    def __init__(self, surprise: Surprise) -> None:
        super().__init__()
        self.register_buffer("columns", torch.tensor([FEATURE_NAMES.index(name) for name in surprise.features]))
        self.register_buffer("scale", _numbers(surprise.scale))
        self.centre = Between(surprise.centre)

    def forward(self, observations: Tensor) -> Tensor:
        """Shape (n, features), double precision, for observations of shape (n, 32) or wider."""
        time = observations[:, TIME].double()
        deviation = (observations[:, self.columns] - self.centre(time)) / self.scale
        return torch.clamp(deviation, -REACH, REACH)


class Answer(nn.Module):
    """Correction that feedback adds to a plan: `thinmargin.plans.correction`."""

    def __init__(self, feedback: Feedback) -> None:
        super().__init__()
        self.limit = float(feedback.limit)
        self.deviations = Deviations(feedback.surprise)
        rows, levers, features = feedback.gain.shape
        self._shape = (levers, features)
        self.gain = Between(feedback.gain.reshape(rows, levers * features))

    def forward(self, observations: Tensor) -> Tensor:
        """Shape (n, 4) for observations of shape (n, 32)."""
        gain = self.gain(observations[:, TIME].double()).reshape(-1, *self._shape)
        linear = (gain * self.deviations(observations)[:, None, :]).sum(dim=2)
        return self.limit * torch.tanh(linear / self.limit)


class Plan(nn.Module):
    """`thinmargin.plans.PlanPolicy`."""

    def __init__(self, policy: PlanPolicy) -> None:
        super().__init__()
        self.knots = Between(policy.knots)
        self.answer = None if policy.feedback is None else Answer(policy.feedback)

    def forward(self, observations: Tensor) -> Tensor:
        """Actions, shape (n, 4), for observations of shape (n, 32)."""
        actions = self.knots(observations[:, TIME].double())
        if self.answer is not None:
            actions = actions + self.answer(observations)
        return torch.clamp(actions, -1.0, 1.0).float()


class Constant(nn.Module):
    """`thinmargin.baselines.ConstantPolicy`."""

    action: Tensor

    def __init__(self, policy: ConstantPolicy) -> None:
        super().__init__()
        self.register_buffer("action", torch.from_numpy(np.array(policy.action, np.float32)))

    def forward(self, observations: Tensor) -> Tensor:
        """The action, shape (n, 4), for observations of shape (n, 32)."""
        return self.action.expand(observations.shape[0], len(LEVERS))


def policy_module(policy: Policy) -> nn.Module:
    """A hand-coded policy as a module; raises ExportError for a kind that has none."""
    if isinstance(policy, PlanPolicy):
        return Plan(policy)
    if isinstance(policy, ConstantPolicy):
        return Constant(policy)
    raise ExportError(
        f"the policy that is corrected is a {class_name(type(policy))}: only plans and constant levers have a graph"
    )


class Stage(nn.Module):
    """An adapter on windows of observations, shape (n, months, k), the latest first; this one changes nothing."""

    months = 0
    """Number of earlier months it looks at."""

    def observe(self, window: Tensor) -> Tensor:
        """Observations for the next stage, shape (n, months less the earlier ones it looks at, its k)."""
        return window

    def act(self, observations: Tensor, actions: Tensor) -> Tensor:
        """The environment's actions for the agent's; observations of now, shape (n, 32)."""
        del observations
        return actions


class SurprisesStage(Stage):
    """`thinmargin.wrappers.adapters.SurprisesAdapter`."""

    def __init__(self, adapter: SurprisesAdapter) -> None:
        super().__init__()
        self.deviations = Deviations(adapter.surprise)

    def observe(self, window: Tensor) -> Tensor:
        """The window with deviations behind every month's observations."""
        months, width = window.shape[1], window.shape[2]
        found = self.deviations(window.reshape(-1, width)).float()
        return torch.cat([window, found.reshape(-1, months, found.shape[1])], dim=2)


class HistoryStage(Stage):
    """`thinmargin.wrappers.adapters.HistoryAdapter`: months before the episode hold its first observation."""

    def __init__(self, adapter: HistoryAdapter) -> None:
        super().__init__()
        self._lags = adapter.lags
        self.months = max(adapter.lags)

    def observe(self, window: Tensor) -> Tensor:
        """The window, shorter by the longest lag, with the changes behind every month's observations."""
        left = window.shape[1] - self.months
        now = window[:, :left]
        return torch.cat([now, *(now - window[:, lag : lag + left] for lag in self._lags)], dim=2)


class ResidualStage(Stage):
    """`thinmargin.wrappers.adapters.ResidualAdapter`."""

    grid: Tensor | None

    def __init__(self, adapter: ResidualAdapter) -> None:
        super().__init__()
        self.base = policy_module(adapter.base)
        self.bound = float(adapter.bound)
        self.register_buffer("grid", None if adapter.grid is None else torch.from_numpy(adapter.grid.copy()))

    def act(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Base actions plus the bounded corrections."""
        correction = actions if self.grid is None else self.grid[actions]
        corrected: Tensor = self.base(observations) + self.bound * torch.clamp(correction, -1.0, 1.0)
        return torch.clamp(corrected, -1.0, 1.0)


def stage_of(adapter: Adapter) -> Stage:
    """An adapter as a module; raises ExportError for a kind that has none."""
    if isinstance(adapter, SurprisesAdapter):
        return SurprisesStage(adapter)
    if isinstance(adapter, HistoryAdapter):
        return HistoryStage(adapter)
    if isinstance(adapter, ResidualAdapter):
        return ResidualStage(adapter)
    if isinstance(adapter, ScaledRewardAdapter):
        return Stage()
    raise ExportError(f"wrapper {class_name(type(adapter))} has no graph")


def features_of(window: Tensor) -> Tensor:
    """The environment's own observations of now, shape (n, 32)."""
    return window[:, 0, :FEATURE_COUNT]
