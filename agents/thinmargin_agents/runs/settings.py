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


def edited(run: Run, saved: Any, at: int) -> str | None:
    """In words, the first setting that `config.json` no longer has as it was; None where all are.

    A run that was lengthened since is compared as it was before.

    Args:
        run: what `config.json` says now.
        saved: settings as `Run.to_json` gave them when the weights were saved.
        at: months of experience of those weights.

    Raises:
        ValueError: `saved` is no mapping of settings.
    """
    if not isinstance(saved, dict) or not isinstance(saved.get("hyperparameters"), dict):
        raise ValueError("its settings are no mapping")
    before = run
    while _flat(before.to_json()) != _flat(saved) and before.lengthened and before.lengthened[-1]["at"] >= at:
        before = before.before_lengthening()
    now = run if _flat(before.to_json()) != _flat(saved) else before
    names = differing(_flat(saved), _flat(now.to_json()))
    if not names:
        return None
    was, is_ = (shown(values.get(names[0], NOTHING)) for values in (_flat(saved), _flat(now.to_json())))
    return f"{names[0]} is {is_}, and {was} where the weights were saved"


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_items(json.loads(json.dumps(settings))))


def _items(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Settings by dotted names, without those that are free."""
    for name, value in settings.items():
        if name in ("hyperparameters", "env_kwargs") and isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", item) for inner, item in flat(value).items())
        elif name not in FREE:
            yield name, value
