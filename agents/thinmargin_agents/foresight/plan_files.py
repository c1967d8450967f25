"""Files of the best plans known: where they are shipped, how they are written, read and checked."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from thinmargin.files import DamagedFileError, check_regular, same_file, write_atomically
from thinmargin.records import LEVERS
from thinmargin.settings import SCORED, Closing, Settings
from thinmargin.shown import plain
from thinmargin.splits import KEYS, MOST
from thinmargin.versions import UNNAMED, outdated
from thinmargin_agents.cli.programs import shell_word
from thinmargin_agents.foresight.config import FoundSplit
from thinmargin_agents.foresight.tables import Numbers, Steps, in_actions, value_of

FOLDER = Path(__file__).parent / "plans"
"""Folder of the shipped files, FAMILY_SPLIT.npz."""
BENCHMARK_WORLDS = "benchmark"
"""Family of the worlds whose plans are looked for."""
AGREEMENT = 1e-6
"""Relative tolerance of the value of a plan: if it earns something else now, it was found under other economics."""


@dataclass(frozen=True, eq=False)
class TablePolicy:
    """A table of actions for each of n worlds, shape (n, horizon, 4) in steps: the rows of a batch are its worlds."""

    tables: Steps

    def predict(
        self,
        observation: npt.NDArray[np.float32],
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,  # noqa: ARG002  # the arguments of Stable-Baselines3
        deterministic: bool = True,  # noqa: ARG002  # the arguments of Stable-Baselines3
    ) -> tuple[npt.NDArray[np.float64], Any]:
        """Actions of shape (n, 4) for observations of shape (n, 32); another n is a ValueError."""
        seen = np.atleast_2d(observation)
        if len(seen) != len(self.tables):
            raise ValueError(
                f"{len(seen)} observations for plans of {len(self.tables)} worlds: there must be one for each"
            )
        horizon = self.tables.shape[1]
        months = np.minimum(np.rint(seen[:, 0] * horizon).astype(np.int64), horizon - 1)
        actions = in_actions(self.tables[np.arange(len(seen)), months])
        return actions.reshape(*np.shape(observation)[:-1], len(LEVERS)), state


@dataclass(frozen=True, eq=False)
class KnownPlans:
    """Plans for some worlds.

    Attributes:
        keys: shape (n,), world keys.
        tables: actions in steps, shape (n, horizon, 4).
        value: J of the plans, shape (n,), RMB bn.
        made: command, environment, evaluations a world, gain from doubling them, policies to start from, versions.
    """

    keys: npt.NDArray[np.int64]
    tables: Steps
    value: Numbers
    made: Mapping[str, Any]

    @property
    def policy(self) -> TablePolicy:
        """The plans as a policy for a batch of these worlds in this order."""
        return TablePolicy(self.tables)

    def of(self, keys: Sequence[int] | npt.NDArray[np.int64]) -> KnownPlans | None:
        """The plans of these worlds in this order; None if one of them has none."""
        place = {key: row for row, key in enumerate(self.keys.tolist())}
        requested = [int(key) for key in keys]
        if not all(key in place for key in requested):
            return None
        rows = [place[key] for key in requested]
        return KnownPlans(self.keys[rows], self.tables[rows], self.value[rows], self.made)


def file_of(family: str, split: str) -> Path:
    """Path of the shipped plans of a family and split."""
    return FOLDER / f"{family}_{split}.npz"


def known_plans(
    family: str, keys: Sequence[int] | npt.NDArray[np.int64], horizon: int = 180, closing: Closing = SCORED
) -> KnownPlans | None:
    """The shipped plans of these worlds, replayed to check that they still earn the same; None without any.

    Raises:
        DamagedFileError: the file cannot be read, or its plans are of another version or earn something else now.
    """
    split = next((name for name, span in KEYS.items() if len(keys) and int(keys[0]) in span), None)
    if split is None or closing != SCORED or not file_of(family, split).is_file():
        return None
    path = file_of(family, split)
    whole = read_plans(path)
    some = whole.of(keys)
    if some is None or some.tables.shape[1] != horizon:
        return None
    check_version(path, whole)
    now = value_of(some.keys.tolist(), some.tables, Settings(worlds=family, horizon=horizon))
    if not np.allclose(now, some.value, rtol=AGREEMENT, atol=AGREEMENT):
        worst = int(np.abs(now - some.value).argmax())
        raise DamagedFileError(
            f"{path} is of other economics: in world {some.keys[worst]} its plan earns {now[worst]:.3f} RMB bn,"
            f" not {some.value[worst]:.3f}; {_remedy(path, whole.keys)}"
        )
    return some


def check_version(path: Path, plans: KnownPlans) -> None:
    """Raise DamagedFileError unless the plans of this file are of this version of the environment."""
    told = outdated(path, str(plans.made.get("environment", UNNAMED)), _remedy(path, plans.keys))
    if told:
        raise DamagedFileError(told)


def check_begun(path: Path, plans: KnownPlans, split: FoundSplit, horizon: int) -> None:
    """Raise DamagedFileError unless a search in worlds of this split can go on from the plans of this file."""
    months, keys = plans.tables.shape[1], plans.keys
    if months != horizon:
        raise DamagedFileError(
            f"{plain(path)} has plans of {months} months, and an episode has {horizon}; {_remedy(path, keys)}"
        )
    other = keys[(keys < KEYS[split].start) | (keys >= KEYS[split].stop)]
    if other.size:
        raise DamagedFileError(
            f"{plain(path)} has a plan of world {other[0]}, which is none of --split {split}: allowed are"
            f" {KEYS[split].start} to {KEYS[split].stop - 1}; give another --output, or --fresh"
        )


def save_plans(path: Path, plans: KnownPlans) -> None:
    """Write plans to a file, whole or not at all; raises OSError if it cannot be written."""
    content = io.BytesIO()
    np.savez_compressed(
        content,
        keys=plans.keys,
        steps=np.diff(plans.tables, axis=1, prepend=np.int16(0)),  # small numbers: half the size
        value=plans.value,
        made=np.array(json.dumps(dict(plans.made))),
    )
    write_atomically(path, content.getvalue())


def read_plans(path: Path) -> KnownPlans:
    """The plans of a file; nothing in it is executed.

    Raises:
        DamagedFileError: it cannot be read, or does not hold plans.
    """
    try:
        check_regular(path)
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            keys, steps, value = file["keys"], file["steps"], file["value"]
            made = json.loads(str(file["made"]))
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise DamagedFileError(f"{path} cannot be read: {plain(error)}; {_remedy(path)}") from error
    count = keys.size
    fits = (
        keys.shape == value.shape == (count,)
        and (keys.dtype, steps.dtype, value.dtype) == (np.int64, np.int16, np.float64)
        and steps.ndim == 3
        and (len(steps), steps.shape[2]) == (count, len(LEVERS))
        and bool(np.isfinite(value).all())
        and bool(((keys >= 0) & (keys <= MOST)).all())
        and len(np.unique(keys)) == count
        and isinstance(made, dict)
    )
    if not fits:
        raise DamagedFileError(f"{plain(path)} does not hold plans of worlds, each once; {_remedy(path)}")
    return KnownPlans(keys, np.cumsum(steps, axis=1, dtype=np.int16), value, made)


def _remedy(path: Path, keys: npt.NDArray[np.int64] | None = None) -> str:
    """The command that makes a file anew, in words.

    Its worlds are those of `keys`; where these say nothing, as in a damaged file, they are those that a shipped file
    of this name has, or the split is left to the reader.
    """
    splits = get_args(FoundSplit)
    shipped = next((split for split in splits if same_file(file_of(BENCHMARK_WORLDS, split), path)), None)
    place = "" if shipped else f" --output {shell_word(str(path))}"
    worlds = _worlds_of(keys)
    if worlds is not None:
        found = f"--split {worlds[0]} --n-worlds {worlds[1]}"
        return f"python -m thinmargin_agents.foresight {found} --fresh{place} makes it anew"
    command = f"python -m thinmargin_agents.foresight --split {shipped or 'SPLIT'} --fresh{place} makes it anew"
    return command if shipped else f"{command}, where SPLIT is {' or '.join(splits)}"


def _worlds_of(keys: npt.NDArray[np.int64] | None) -> tuple[str, int] | None:
    """The split that these are worlds of, and how many of its first ones include all of them; None if there is none."""
    if keys is None or not keys.size:
        return None
    low, high = int(keys.min()), int(keys.max())
    split = next((name for name in get_args(FoundSplit) if low in KEYS[name] and high in KEYS[name]), None)
    return None if split is None else (split, high - KEYS[split].start + 1)
