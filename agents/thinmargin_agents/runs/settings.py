"""The settings of a run that its weights were saved with: `config.json` must still have them, and says what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from thinmargin.shown import shown
from thinmargin_agents.config.hyperparameters import flat
from thinmargin_agents.config.run import Run
from thinmargin_agents.runs.same_agent import differing

FREE = ("tensorboard_log", "device")
"""Settings of the machine, which another one may not have: they may be edited."""
NOTHING = "not set"
MOST_NAMED = 5
"""Settings that a message names."""


def edited(run: Run, saved: Any, at: int) -> str | None:
    """In words, the settings that `config.json` no longer has as they were; None where all are.

    A run that was lengthened since is compared as it was before: with the length that differs least.

    Args:
        run: what `config.json` says now.
        saved: settings as `Run.to_json` gave them when the weights were saved.
        at: months of experience of those weights.

    Raises:
        ValueError: `saved` is no mapping of settings.
    """
    if not isinstance(saved, dict) or not isinstance(saved.get("hyperparameters"), dict):
        raise ValueError("its settings are no mapping")
    before = [run]
    while before[-1].lengthened and before[-1].lengthened[-1]["at"] >= at:
        before.append(before[-1].before_lengthening())
    was = _flat(saved)
    is_ = min((_flat(one.to_json()) for one in before), key=lambda settings: len(differing(was, settings)))
    names = differing(was, is_)
    if not names:
        return None
    told = [f"{name} is {shown(is_.get(name, NOTHING))}, and {shown(was.get(name, NOTHING))}" for name in names]
    more = f", and {len(told) - MOST_NAMED} settings more" if len(told) > MOST_NAMED else ""
    return f"{'; '.join(told[:MOST_NAMED])} where the weights were saved{more}"


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_items(json.loads(json.dumps(settings))))


def _items(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Settings by dotted names, without those that are free."""
    for name, value in settings.items():
        if name in ("hyperparameters", "env_kwargs") and isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", item) for inner, item in flat(value).items())
        elif name not in FREE:
            yield name, value
