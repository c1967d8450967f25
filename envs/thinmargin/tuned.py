"""The tuned rules and plans that the package ships, one JSON file each: `python -m thinmargin_agents.tuning NAME`.

A file says what is played and how it was found: the command, the worlds, the seeds, what it earned there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thinmargin.files import DamagedFileError
from thinmargin.levers import read_levers
from thinmargin.plans import FEATURE_NAMES, Feedback, Numbers, PlanPolicy, Surprise
from thinmargin.records import LEVERS
from thinmargin.shown import plain, shown
from thinmargin.versions import UNNAMED, outdated

FOLDER = Path(__file__).parent / "data" / "tuned"
"""Folder of the files, NAME.json."""
LEVER_NAMES = tuple(lever.name for lever in LEVERS)


@dataclass(frozen=True, eq=False)
class Tuned:
    """A rule as it is played, and how it was found.

    Attributes:
        policy: the rule itself.
        made: command, environment, split, worlds, seed, generations, evaluations, J and its closing value in RMB bn,
            versions.
    """

    policy: PlanPolicy
    made: Mapping[str, Any]


def tuned_policy(name: str) -> PlanPolicy:
    """The shipped policy of this name."""
    return read_tuned(FOLDER / f"{name}.json").policy


def document(tuned: Tuned) -> dict[str, Any]:
    """Content of a file: the rule as numbers and as levers, how it was found, and a digest of the numbers."""
    policy, numbers = tuned.policy, played(tuned.policy)
    return {"levers": levers_of(policy.knots), "played": numbers, "digest": digest(numbers), "made": dict(tuned.made)}


def played(policy: PlanPolicy) -> dict[str, Any]:
    """Rule as plain numbers."""
    numbers: dict[str, Any] = {"knots": policy.knots.tolist(), "feedback": None}
    if policy.feedback is not None:
        numbers["feedback"] = {
            **expected(policy.feedback.surprise),
            "gain": policy.feedback.gain.tolist(),
            "limit": policy.feedback.limit,
        }
    return numbers


def expected(surprise: Surprise) -> dict[str, Any]:
    """Expected course of the observations, as plain numbers."""
    return {
        "features": list(surprise.features),
        "centre": surprise.centre.tolist(),
        "scale": surprise.scale.tolist(),
    }


def levers_of(knots: Numbers) -> list[dict[str, float]]:
    """Levers at every knot, each in its own unit with four digits."""
    table = []
    for action in knots:
        asked = np.zeros(len(LEVERS))
        read_levers(action, asked)
        table.append({name: float(f"{number:.4g}") for name, number in zip(LEVER_NAMES, asked, strict=True)})
    return table


def digest(played: Mapping[str, Any]) -> str:
    """SHA-256 of the numbers of a rule, by which a changed file is noticed."""
    return hashlib.sha256(json.dumps(played, sort_keys=True).encode()).hexdigest()


def read_tuned(path: Path) -> Tuned:
    """The rule of a file.

    Raises:
        DamagedFileError: the file is missing, is no such file, does not fit its digest, or was tuned for another
            version of the environment.
    """
    remedy = f"python -m thinmargin_agents.tuning {plain(path.stem)} makes it anew"
    try:
        content = json.loads(path.read_text("utf-8"))
        played, made = content["played"], content["made"]
        if digest(played) != content["digest"]:
            raise DamagedFileError(
                f"{plain(path)} does not fit its digest: it was changed after it was written; {remedy}"
            )
        told = outdated(plain(path), str(made.get("environment", UNNAMED)), remedy)
        if told:
            raise DamagedFileError(told)
        policy = PlanPolicy(_array(played["knots"], (None, len(LEVERS))), _feedback(played["feedback"]))
    except OSError as error:
        raise DamagedFileError(f"{plain(path)} cannot be read: {error.strerror}; {remedy}") from error
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedFileError(f"{plain(path)} is no tuned rule: {shown(error)}; {remedy}") from error
    except ValueError as error:
        if isinstance(error, DamagedFileError):
            raise
        raise DamagedFileError(f"{plain(path)} is no tuned rule: {plain(error)}; {remedy}") from error
    return Tuned(policy, made)


def _feedback(saved: Mapping[str, Any] | None) -> Feedback | None:
    if saved is None:
        return None
    features = tuple(saved["features"])
    unknown = set(features) - set(FEATURE_NAMES)
    if unknown or not features:
        raise ValueError(f"features are {shown(features)}: must be some of {', '.join(FEATURE_NAMES)}")
    width = len(features)
    surprise = Surprise(features, _array(saved["centre"], (None, width)), _array(saved["scale"], (width,)))
    return Feedback(surprise, _array(saved["gain"], (None, len(LEVERS), width)), float(saved["limit"]))


def _array(numbers: Any, shape: tuple[int | None, ...]) -> Numbers:
    """Return an array of this shape, None for any length from 1; raise ValueError unless it fits and is finite."""
    array = np.array(numbers, np.float64)
    fits = array.ndim == len(shape) and all(
        have > 0 and want in (None, have) for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits or not np.isfinite(array).all():
        raise ValueError(f"an array has shape {array.shape}: must be finite numbers of shape {shape}")
    return array
