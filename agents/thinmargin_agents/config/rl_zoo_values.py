"""Values in the forms of rl-zoo3 and Stable-Baselines3 that no run here takes, and what to write for each instead."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_NO_CLASS = "classes of other packages are not imported"
_NUMBER = r"(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
LONGEST = 100
"""Letters of layers that are written out."""
WRAPPERS = {
    "HistoryWrapper FrameStack FrameStackObservation HistoryWrapperObsDict": (
        "changes since earlier months are shown by thinmargin.wrappers.History: {lags: [6, 24]}; write that"
    ),
    "TimeLimit": "write env_kwargs: {horizon: 60} for episodes of 60 months",
    "TimeFeatureWrapper TimeAwareObservation": "the month is in the observation already: leave it out",
    "NormalizeObservation RescaleObservation": "observations here are scaled already: leave it out",
    "NormalizeReward TransformReward ClipReward": (
        "rewards are scaled by thinmargin.wrappers.ScaledReward: {factor: 0.1}; write that"
    ),
    "Monitor RecordEpisodeStatistics": "a run here writes its own statistics of episodes: leave it out",
}
"""By the names of wrappers, of whatever package: what to write instead."""


def instead_of_wrappers(given: Any) -> str:
    """What to write for the first wrapper of another package, after a semicolon; empty if there is none."""
    for item in given if isinstance(given, (list, tuple)) else [given]:
        name = next(iter(item)) if isinstance(item, Mapping) and len(item) == 1 else item
        if isinstance(name, str) and "." in name and not name.startswith("thinmargin."):
            last = name.rpartition(".")[2]
            advice = next((words for names, words in WRAPPERS.items() if last in names.split()), "")
            return f"; {_NO_CLASS}, and {advice or 'no wrapper here does the same: leave it out'}"
    return ""


def instead_of(name: str, value: Any, parts: tuple[str, ...]) -> str:
    """What to write for a value in another form, after a semicolon; empty for any other value.

    Args:
        name: of the hyper-parameter, dotted.
        value: that is not allowed.
        parts: of the algorithm's network that may have layers of their own.
    """
    advice = _BY_NAME[name](value, parts) if name in _BY_NAME else _of_any(value)
    return f"; {advice}" if advice else ""


def _of_any(value: Any) -> str:
    """What may be meant by a text, whatever it is for."""
    text = value.strip().lower() if isinstance(value, str) else ""
    if text in ("true", "false"):
        return f"write {text} without quotes"
    found = re.fullmatch(rf"(?:linear|lin)[_ ]?{_NUMBER}", text)
    if found:
        return f"write lin_{found[1]}{found[2] or ''} for one that falls to zero"
    return ""


def _train_freq(value: Any, _: tuple[str, ...]) -> str:
    count, unit = value if isinstance(value, (list, tuple)) and len(value) == 2 else (1, value)
    if unit == "step":
        return f"months are meant here already: write train_freq: {json.dumps(count, default=str)}"
    if unit == "episode":
        return (
            "updates come after months, not after episodes: write their months, such as train_freq: 180 for an episode"
            " of 180"
        )
    return ""


def _layers(value: Any, parts: tuple[str, ...]) -> str:
    if not isinstance(value, (list, tuple)):
        named = isinstance(value, str)
        return "write the sizes themselves, such as net_arch: [64, 64]" if named else _of_parts(value, [], parts)
    shared = [item for item in value if not isinstance(item, Mapping)]
    own = [item for item in value if isinstance(item, Mapping)]
    if len(own) != 1 or value[-1] is not own[0]:
        return ""
    return _of_parts(own[0], shared, parts)


def _of_parts(own: Any, shared: list[Any], parts: tuple[str, ...]) -> str:
    """The layers of every part, those that all shared before first."""
    if not isinstance(own, Mapping) or not set(own) <= set(parts):
        return f"{' and '.join(parts)} are the parts of this network" if parts else ""
    if not all(isinstance(sizes, (list, tuple)) for sizes in own.values()):
        return ""
    if set(own) < set(parts) and "vf" not in parts:  # Stable-Baselines3 wants both there
        return ""
    whole = {part: [*shared, *own.get(part, [])] for part in parts}
    text = ", ".join(f"{part}: {json.dumps(sizes, default=str)}" for part, sizes in whole.items())
    return f"write net_arch: {{{text}}}" if len(text) <= LONGEST else ""


def _activation(value: Any, _: tuple[str, ...]) -> str:
    last = value.rpartition(".")[2].lower() if isinstance(value, str) else ""
    return f"write {last}: {_NO_CLASS}" if last in ("tanh", "relu") else ""


def _noise(value: Any, _: tuple[str, ...]) -> str:
    return "correlated noise is not offered: write normal" if value == "ornstein-uhlenbeck" else ""


_BY_NAME: Mapping[str, Callable[[Any, tuple[str, ...]], str]] = {
    "train_freq": _train_freq, "policy_kwargs.net_arch": _layers, "policy_kwargs.activation_fn": _activation,
    "noise_type": _noise,
}  # fmt: skip
