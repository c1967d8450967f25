"""What the length of a run decides, and what becomes of it when that is changed: schedules fall to the new end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from thinmargin_agents.config.run import Run

Schedule = Callable[[float], float]
SCHEDULES = {
    "learning_rate": "lr_schedule",
    "clip_range": "clip_range",
    "share of random choices": "exploration_schedule",
}
"""Names for readers of what a schedule may set, with the attribute of Stable-Baselines3's classes that holds it."""


def schedules(model: BaseAlgorithm) -> Iterator[tuple[str, Schedule]]:
    """The schedules of an algorithm by the names of SCHEDULES, constant ones too: the share that is left to a value."""
    for name, attribute in SCHEDULES.items():
        schedule = getattr(model, attribute, None)
        if callable(schedule):
            yield name, schedule


def length_notes(model: BaseAlgorithm, run: Run) -> list[str]:
    """In words, every time the run's length was changed: when, from what to what, and what that did to its schedules.

    Where a month of a run of `n` months stands, a schedule has `1 - month / n` left: so a longer run takes it back up.
    """
    return [
        f"{'lengthened' if entry['to'] > entry['from'] else 'shortened'} at month {entry['at']:,} from"
        f" {entry['from']:,} to {entry['to']:,} months: {'; '.join(_changes(model, **_named(entry)))}"
        for entry in run.lengthened
    ]


def _named(entry: dict[str, int]) -> dict[str, int]:
    return {"at": entry["at"], "before": entry["from"], "after": entry["to"]}


def _changes(model: BaseAlgorithm, at: int, before: int, after: int) -> Iterator[str]:
    fixed = []
    update = model.n_steps * model.n_envs if isinstance(model, OnPolicyAlgorithm) else 0  # it learns after these months
    for name, schedule in schedules(model):
        if schedule(1.0) == schedule(0.0):
            fixed.append(name)
            continue
        was = float(schedule(max(1.0 - at / before, 0.0)))
        now = float(schedule(max(1.0 - (at + update) / after, 0.0)))
        which = "in the first update from there" if update else "from there"
        yield f"{name} was {was:.3g} there, is {now:.3g} {which} and {float(schedule(0.0)):.3g} at the end"
    if fixed:
        yield f"{' and '.join(fixed)} {'stays' if len(fixed) == 1 else 'stay'} as set"
    yield "everything else is as it was"
