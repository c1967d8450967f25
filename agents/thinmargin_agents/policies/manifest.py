"""The manifest of a shipped agent: what it is, how it was trained, what its seeds earned."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from thinmargin_agents.config.run import Run

MANIFEST = "manifest.json"
COLUMNS = ("seed", "timesteps", "seconds", "J", "score", "bankrupt_share")
"""Of `evaluations.csv`."""
FORMAT = "thinmargin-agent-1"
KINDS: dict[type, tuple[str, ...]] = {
    str: ("name", "meaning", "algo", "env_id", "preset", "command", "evaluations"),
    dict: ("env_kwargs", "hyperparameters", "versions"),
}
"""Entries of a manifest that are texts, and those that are tables."""
_FILE = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
"""The form of the name of a file with weights: it cannot lead out of its folder."""
MOST_WEIGHTS = 1 << 30
"""Bytes of a file of weights that is read."""


class ShippedError(ValueError):
    """A file of a shipped agent that cannot be used; the message names it, what is wrong, and what helps."""


@dataclass(frozen=True)
class Seed:
    """One training of an agent.

    Attributes:
        seed: of the training.
        file: with its weights, beside the manifest.
        sha256: of that file.
        J: mean of the validation worlds, RMB bn.
        score: on the same worlds, percent; None where no best plans are known.
        months: of experience it learnt from.
        best_at: months after which the policy that is shipped was the best so far.
        seconds: the training took.
        probe: J of the first validation worlds one by one, RMB bn: tests play them again.
    """

    seed: int
    file: str
    sha256: str
    J: float
    score: float | None
    months: int
    best_at: int
    seconds: float
    probe: tuple[float, ...]


@dataclass(frozen=True)
class Validation:
    """Results of an agent on the validation worlds that its policies were chosen on.

    Attributes:
        worlds: how many, the first of the split.
        J: mean of seeds and worlds, RMB bn.
        J_ci95: its 95 % interval over both.
        score: percent of the gap from low_margin_tuned to foresight; None where no best plans are known.
        score_ci95: its 95 % interval over both.
        references: mean J of policies it is compared with, by name, RMB bn.
    """

    worlds: int
    J: float
    J_ci95: tuple[float, float]
    score: float | None
    score_ci95: tuple[float, float] | None
    references: Mapping[str, float]

    def score_of(self, value: float) -> float | None:
        """The score of a mean J of these worlds, percent, or None."""
        if self.score is None:
            return None
        none, full = self.references["low_margin_tuned"], self.references["foresight"]
        return 100.0 * (value - none) / (full - none)


@dataclass(frozen=True)
class Manifest:
    """The description of a shipped agent: the content of its manifest.json.

    Attributes:
        name: what it is called.
        meaning: one sentence.
        algo, env_id, env_kwargs, hyperparameters: as of `thinmargin_agents.config.run.Run`, the same for all seeds.
        preset: shipped preset that the hyper-parameters come from.
        command: trains it again.
        versions: of Python and the libraries that trained it.
        evaluations: SHA-256 of evaluations.csv.
        validation: what it earned.
        seeds: its trainings.
    """

    name: str
    meaning: str
    algo: str
    env_id: str
    env_kwargs: Mapping[str, Any]
    hyperparameters: Mapping[str, Any]
    preset: str
    command: str
    versions: Mapping[str, str]
    evaluations: str
    validation: Validation
    seeds: tuple[Seed, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, with a digest of them all."""
        content = json.loads(json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, allow_nan=False))
        return {**content, "digest": digest(content)}

    @classmethod
    def from_json(cls, content: Any) -> Manifest:
        """Read what `to_json` made; anything else is a KeyError, TypeError, AttributeError or ValueError."""
        rest = {name: item for name, item in content.items() if name != "digest"}
        if rest.pop("format", None) != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        if digest({"format": FORMAT, **rest}) != content["digest"]:
            raise ValueError("it does not fit its digest: it was changed after it was written")
        validation, seeds = dict(rest.pop("validation")), rest.pop("seeds")
        for seed in seeds:
            check_file_name(seed["file"])
        for kind, names in KINDS.items():
            for name in names:
                _check_kind(name, rest[name], kind)
        for interval in ("J_ci95", "score_ci95"):
            if validation[interval] is not None:
                validation[interval] = tuple(validation[interval])
        return cls(
            **rest,
            validation=Validation(**validation),
            seeds=tuple(Seed(**{**seed, "probe": tuple(seed["probe"])}) for seed in seeds),
        )

    @property
    def command_now(self) -> str:
        """The command that trains it again, in this version of its environment."""
        from thinmargin.versions import current  # noqa: PLC0415  # --help needs no NumPy

        return self.command.replace(self.env_id, current(self.env_id))

    def of(self, seed: int | None = None) -> Seed:
        """The training with this seed, the first if none is asked for; another is a ValueError that lists them."""
        from thinmargin.shown import shown  # noqa: PLC0415  # --help needs no NumPy

        if seed is None:
            return self.seeds[0]
        found = next((item for item in self.seeds if item.seed == seed), None)
        if found is None:
            listed = ", ".join(str(item.seed) for item in self.seeds)
            raise ValueError(f"agent {shown(self.name)} has no training seed {shown(seed)}: allowed are {listed}")
        return found

    def run(self, seed: int) -> Run:
        """The training run of a seed as far as its network and worlds need it; it plays on the processor."""
        months = max(1, int(self.hyperparameters["n_timesteps"]))
        return Run(
            algo=self.algo, env_id=self.env_id, env_kwargs=dict(self.env_kwargs), seed=seed, num_threads=1,
            device="cpu", eval_freq=months, n_eval_episodes=max(2, self.validation.worlds), save_freq=months,
            hyperparameters=dict(self.hyperparameters),
        )  # fmt: skip


class Evaluation(NamedTuple):
    """The result of one seed after so many months of experience; a row of `evaluations.csv`."""

    seed: int
    timesteps: int
    seconds: float
    J: float
    """Mean of the validation worlds, RMB bn."""
    score: float | None
    """On the same worlds, percent; None where no best plans are known."""
    bankrupt_share: float


def _check_kind(name: str, value: Any, kind: type) -> None:
    """Raise ValueError unless an entry is a text, or a table."""
    from thinmargin.shown import shown  # noqa: PLC0415  # --help needs no NumPy

    if not isinstance(value, kind):
        words = "a text" if kind is str else "a table"
        raise ValueError(f"its {name} is {shown(value)}: it must be {words}")


def check_file_name(name: Any) -> None:
    """Raise ValueError unless `name` is that of a file in the agent's own folder."""
    from thinmargin.shown import shown  # noqa: PLC0415  # --help needs no NumPy

    if not isinstance(name, str) or not _FILE.fullmatch(name):
        raise ValueError(f"a seed's file is {shown(name)}: it must be a name of letters, digits, _, - and dots")


def digest(content: Any) -> str:
    """SHA-256 of plain JSON values, so that a change by hand or by accident is noticed."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an agent's folder; one that is damaged or foreign is a ShippedError."""
    from thinmargin.files import read_text  # noqa: PLC0415  # --help needs no NumPy
    from thinmargin.plain_json import read_json_text  # noqa: PLC0415  # as above
    from thinmargin.shown import shown  # noqa: PLC0415  # as above

    path = folder / MANIFEST
    try:
        manifest = Manifest.from_json(read_json_text(read_text(path)))
    except OSError as error:
        raise ShippedError(f"{path} cannot be read: {error.strerror or error}; {remedy(folder)}") from error
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ShippedError(f"{path} describes no shipped agent: {shown(error)}; {remedy(folder)}") from error
    except ValueError as error:
        raise ShippedError(f"{path} describes no shipped agent: {error}; {remedy(folder)}") from error
    if manifest.name != folder.name:
        raise ShippedError(f"{path} is of agent {shown(manifest.name)}, not {shown(folder.name)}; {remedy(folder)}")
    return manifest


def read_evaluations(text: str) -> list[Evaluation]:
    """The rows of a table with COLUMNS; a missing or foreign one is a KeyError, TypeError or ValueError."""
    return [
        Evaluation(
            int(row["seed"]), int(row["timesteps"]), float(row["seconds"]), float(row["J"]),
            float(row["score"]) if row["score"] else None, float(row["bankrupt_share"]),
        )
        for row in csv.DictReader(io.StringIO(text))
    ]  # fmt: skip


def checked_content(path: Path, sha256: str) -> bytes:
    """The content of a file of an agent's folder, if it is the one that the manifest names; no link is followed."""
    from thinmargin.files import read_bytes  # noqa: PLC0415  # as above

    if path.is_symlink():
        raise ShippedError(f"{path} is a link: an agent's files lie inside its folder; {remedy(path.parent)}")
    try:
        content = read_bytes(path, MOST_WEIGHTS)
    except OSError as error:
        raise ShippedError(f"{path} cannot be read: {error.strerror or error}; {remedy(path.parent)}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ShippedError(
            f"{path} is damaged or foreign: it does not have the SHA-256 that {MANIFEST} names; {remedy(path.parent)}"
        )
    return content


def remedy(folder: Path) -> str:
    """The remedy for a damaged folder of an agent, in words."""
    return f"install thinmargin anew, or make it again: python -m thinmargin_agents.shipping {folder.name} RUN ..."
