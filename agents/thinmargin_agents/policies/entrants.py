"""The entrants of an evaluation: policies with their origin, and the seeds that count as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from thinmargin.baselines import Policy


@dataclass(frozen=True)
class Member:
    """One policy as it is played, with its origin."""

    name: str
    policy: Policy
    discrete: bool | None = None
    """Whether it answers with grid indices; None where it answers as the environment asks."""
    is_run: bool = False
    seed: int | None = None
    """Seed of the run."""
    env_id: str | None = None
    """Environment that a shipped agent was trained for."""
    task: Mapping[str, object] = field(default_factory=dict)
    """Arguments of the environment it was trained in that decide what is judged; empty if it was not trained here."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Settings of its training without those in which seeds of one agent differ; empty if it was not trained here."""
    at_once: bool = False
    """Whether its answers are for the worlds of the evaluation in their order, so that all must be played at once."""


@dataclass(frozen=True)
class Entrant:
    """The policies judged under one name: one policy, or the runs of several training seeds together."""

    name: str
    members: tuple[Member, ...]
