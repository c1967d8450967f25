"""The settings in which two trainings differ, which decide whether they are of one agent."""

from __future__ import annotations

from collections.abc import Mapping

PER_RUN = ("seed", "tensorboard_log")
"""Settings in which runs of one agent may differ."""


def differing(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """Names that do not have the same value in both, or are in one only, in the order in which they stand."""
    return [name for name in dict.fromkeys([*one, *other]) if one.get(name, ...) != other.get(name, ...)]
