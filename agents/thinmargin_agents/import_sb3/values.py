"""Values of the settings of a stock zip: read from its plain JSON where they stand there, and in words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from thinmargin.shown import plain
from thinmargin_agents.import_sb3.origin import SERIALIZED, TYPE, class_told, fields_of
from thinmargin_agents.import_sb3.pickled import numbers_in, train_freq_in

UNTOLD = object()
"""A value that cannot be read from the zip without executing something in it."""
PLAIN = (bool, int, float, str, type(None))
SCHEDULES = "stable_baselines3.common.utils."
TRAIN_FREQ = "stable_baselines3.common.type_aliases.TrainFreq"
SCALARS = ("numpy.float32", "numpy.float64", "numpy.int32", "numpy.int64")
NOISES = "stable_baselines3.common.noise."
_NUMBER = r"([-+.\deE]+)"
_CONSTANT = re.compile(rf"ConstantSchedule\(val={_NUMBER}\)")
_LINEAR = re.compile(rf"LinearSchedule\(start={_NUMBER}, end={_NUMBER}, end_fraction={_NUMBER}\)")
_NOISE = re.compile(r"NormalActionNoise\(mu=(\[[^\]]*\]), sigma=(\[[^\]]*\])\)")
DIGITS = 1e-7
"""Relative difference of a number that was stored as float32."""


def value_told(value: Any) -> Any:
    """A number, text or null as the zip tells it, a schedule as hyper-parameters here write it; else UNTOLD."""
    if isinstance(value, PLAIN):
        return value
    if not isinstance(value, Mapping):
        return UNTOLD
    kind, fields, encoded = class_told(value.get(TYPE, "")), fields_of(value), value.get(SERIALIZED)
    if kind.startswith(SCHEDULES):
        return _schedule(_in_words(kind.removeprefix(SCHEDULES), fields))
    if kind == TRAIN_FREQ:
        return _train_freq(encoded)
    if kind in SCALARS:
        found = numbers_in(encoded, np.dtype(kind.removeprefix("numpy.")), 1)
        return UNTOLD if found is None else found.flat[0].item()
    return UNTOLD


def noise_told(value: Any) -> float | object:
    """The standard deviation of the action noise that the zip tells, 0 for none; UNTOLD for one of another kind."""
    if value is None:
        return 0.0
    if not isinstance(value, Mapping):
        return UNTOLD
    kind, fields = class_told(value.get(TYPE, "")), fields_of(value)
    mean, deviation = fields.get("_mu"), fields.get("_sigma")
    if kind == f"{NOISES}VectorizedActionNoise":
        found = _NOISE.fullmatch(str(fields.get("_base_noise")))
        mean, deviation = found.groups() if found else (None, None)
    elif kind != f"{NOISES}NormalActionNoise":
        return UNTOLD
    means, deviations = numbers_printed(mean), numbers_printed(deviation)
    if means is None or deviations is None or not len(deviations) or means.any() or np.ptp(deviations):
        return UNTOLD
    return float(deviations[0])


def numbers_printed(text: Any) -> Any:
    """The numbers of an array that NumPy has printed whole; None for anything else."""
    if not isinstance(text, str) or "..." in text:
        return None
    try:
        return np.array([float(word) for word in text.replace("[", " ").replace("]", " ").split()])
    except ValueError:
        return None


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same, numbers to the digits of float32."""
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in (one, other)):
        return type(one) is type(other) and bool(one == other)
    try:
        return math.isclose(one, other, rel_tol=DIGITS)
    except OverflowError:  # a whole number of more than 300 digits
        return bool(one == other)


def words_of(value: Any) -> str:
    """A value of a zip in a message: as --hyperparams takes it where it can be."""
    read = value_told(value)
    value = value if read is UNTOLD else read
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, Mapping) or TYPE not in value:
        return plain(value)
    kind, fields = class_told(value[TYPE]), fields_of(value)
    if kind == "abc.ABCMeta":
        return plain(f"a class of {fields.get('__module__')}")
    inside = [f"{name.lstrip('_')} {fields[name]}" for name in ("_sigma", "_base_noise") if name in fields]
    inside = inside or [str(fields[name]) for name in ("value_schedule",) if name in fields]
    told = f" ({', '.join(inside)})" if inside else ""
    return plain(f"{kind.rpartition('.')[2]}{told}")


def _in_words(kind: str, fields: Mapping[str, Any]) -> str:
    """A schedule as Stable-Baselines3 writes it in words."""
    if kind == "FloatSchedule":
        return str(fields.get("value_schedule", ""))
    return f"{kind}({', '.join(f'{name}={value}' for name, value in fields.items())})"


def _train_freq(encoded: Any) -> Any:
    """Months between updates, or as many episodes in words, which no run here has."""
    found = train_freq_in(encoded)
    if found is None:
        return UNTOLD
    number, unit = found
    return number if unit == "step" else f"{number} {unit}"


def _schedule(text: str) -> Any:
    """A number, or `lin_NUMBER`, of a schedule that Stable-Baselines3 has written in words."""
    constant, linear = _CONSTANT.fullmatch(text), _LINEAR.fullmatch(text)
    try:
        if constant:
            return float(constant[1])
        if linear and (float(linear[2]), float(linear[3])) == (0.0, 1.0):
            return f"lin_{float(linear[1])}"
    except ValueError:
        return UNTOLD
    return UNTOLD
