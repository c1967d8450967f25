"""The trained agents that the package ships: their names, their manifests, and how they are loaded.

    trained/ppo/
      manifest.json         what it is, how it was trained, what its seeds earned on validation worlds
      seed_0.safetensors    the part of one seed's network that plays
      evaluations.csv       what every seed earned while it learnt

`python -m thinmargin_agents.shipping` writes such a folder. Reading checks every file against the manifest, the
manifest against its own digest, and executes nothing. Names are known without a learning library.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from thinmargin_agents.policies.manifest import (
    MANIFEST,
    Evaluation,
    Manifest,
    Seed,
    ShippedError,
    checked_content,
    read_evaluations,
    read_manifest,
    remedy,
)
from thinmargin_agents.runs.file_names import EVALUATIONS

if TYPE_CHECKING:
    from thinmargin.baselines import Policy

FOLDER = Path(__file__).parent / "trained"
"""The folder of the agents, with one folder for each name."""
LONGEST_COMMAND = 1000
"""Characters of a command that a message has."""
NAME = re.compile(r"[a-z][a-z0-9_]*")
"""The form of an agent's name."""


def trained_names() -> list[str]:
    """The names of the shipped agents; no file is opened."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{MANIFEST}") if NAME.fullmatch(path.parent.name))


def manifest_of(name: str) -> Manifest:
    """The manifest of a shipped agent.

    Raises:
        ValueError: there is none of this name; the message lists what is allowed.
        ShippedError: its manifest is damaged or foreign.
    """
    from thinmargin.shown import shown  # noqa: PLC0415  # --help needs no NumPy

    names = trained_names()
    if name not in names:
        close = difflib.get_close_matches(str(name), names, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ValueError(f"agent is {shown(name)}: {hint}shipped agents are {', '.join(names) or 'none'}")
    return read_manifest(FOLDER / name)


def evaluations_of(manifest: Manifest) -> list[Evaluation]:
    """The evaluations of every seed while it learnt, seed by seed; a damaged file is a ShippedError."""
    from thinmargin.shown import shown  # noqa: PLC0415  # --help needs no NumPy

    folder = FOLDER / manifest.name
    content = checked_content(folder / EVALUATIONS, manifest.evaluations)
    try:
        return read_evaluations(content.decode("utf-8"))
    except (KeyError, TypeError, ValueError) as error:
        raise ShippedError(f"{folder / EVALUATIONS} holds no evaluations: {shown(error)}; {remedy(folder)}") from error


def agent(name: str, seed: int | None = None) -> Policy:
    """A shipped agent that plays the bare environment, with Stable-Baselines3's `predict`.

    Args:
        name: one of `trained_names()`.
        seed: which of its trainings; the first if not given.

    Raises:
        ValueError: there is no such agent, or no such seed of it; the message lists what is allowed.
        ShippedError: a file of it is damaged or foreign, or of another version of the environment.
        ModuleNotFoundError: PyTorch or Stable-Baselines3 is not installed: pip install 'thinmargin[agents]'.
    """
    manifest = manifest_of(name)
    check_version(manifest)
    return load(FOLDER / name, manifest, manifest.of(seed))


def check_version(manifest: Manifest) -> None:
    """Raise ShippedError unless a shipped agent was trained in this version of its environment."""
    from thinmargin.shown import plain  # noqa: PLC0415  # --help needs no NumPy
    from thinmargin.versions import outdated  # noqa: PLC0415  # --help needs no NumPy

    command = plain(manifest.command_now, LONGEST_COMMAND)
    remedy = f"train it anew: {command}, then python -m thinmargin_agents.shipping {manifest.name} RUN ..."
    told = outdated(FOLDER / manifest.name / MANIFEST, manifest.env_id, remedy)
    if told:
        raise ShippedError(told)


def load(folder: Path, manifest: Manifest, one: Seed) -> Policy:
    """One training of the agent in this folder; a damaged or foreign file is a ShippedError."""
    from thinmargin.shown import plain  # noqa: PLC0415  # --help needs no NumPy
    from thinmargin_agents.sb3.actor_weights import network_of, read_actor  # noqa: PLC0415  # torch takes seconds
    from thinmargin_agents.sb3.networks import policy_of  # noqa: PLC0415  # torch takes seconds

    path = folder / one.file
    content = checked_content(path, one.sha256)
    try:
        run = manifest.run(one.seed)
        return policy_of(network_of(run, read_actor(content)), run)
    except (KeyError, TypeError, ValueError) as error:
        raise ShippedError(f"{path} does not fit its {MANIFEST}: {plain(error)}; {remedy(folder)}") from error
