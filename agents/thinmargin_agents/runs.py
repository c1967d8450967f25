"""A run folder: what it holds, how it is made, and how an agent is taken out of it again.

    logs/ppo/Ecosystem-v0_1/
      config.json          rebuilds the run
      command.txt          the command line that made it
      versions.json        of Python and the libraries
      evaluations.csv      one row an evaluation on validation worlds
      best/                the policy with the best validation value
      checkpoint/          everything needed to go on
      events.out.tfevents  TensorBoard

Loading reads JSON and safetensors only: nothing in a run folder is executed.
"""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from thinmargin.files import write_atomically
from thinmargin_agents.configs import ConfigError, Run
from thinmargin_agents.trees import DamagedFileError, read_json, read_tree, write_json, write_tree
from thinmargin_agents.versions import versions

Which = Literal["best", "checkpoint"]
TREE = "state.safetensors"


class RunError(ValueError):
    """A run folder that is absent, damaged or foreign; the message names it and what is wrong."""


@dataclass(frozen=True)
class RunFolder:
    """One run on disk."""

    path: Path

    @classmethod
    def create(cls, log_folder: Path, run: Run) -> RunFolder:
        """Make LOG_FOLDER/ALGO/ENV_K for the next free K and write what the run is.

        Raises:
            OSError: the folder cannot be made or written.
        """
        parent = log_folder / run.algo
        parent.mkdir(parents=True, exist_ok=True)
        name = run.env_id.rsplit("/", 1)[-1]
        number = 1 + max((_number(path, name) for path in parent.iterdir()), default=0)
        while True:  # another process may have taken the number meanwhile
            path = parent / f"{name}_{number}"
            try:
                path.mkdir()
                break
            except FileExistsError:
                number += 1
        folder = cls(path)
        write_json(path / "config.json", run.to_json())
        write_atomically(path / "command.txt", shlex.join(["python", *sys.argv]) + "\n")
        write_json(path / "versions.json", versions())
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run folder; anything else is a RunError."""
        if not path.is_dir():
            raise RunError(f"{path}: no such run folder")
        if not (path / "config.json").is_file():
            raise RunError(f"{path}: not a run folder: it has no config.json")
        return cls(path)

    def run(self) -> Run:
        """What the run is; a damaged configuration is a RunError."""
        file = self.path / "config.json"
        try:
            return Run.from_json(read_json(file), str(file))
        except (DamagedFileError, ConfigError, TypeError) as error:
            raise RunError(str(error)) from error

    def save(self, which: Which, tree: dict[str, Any]) -> None:
        """Write the best policy or a checkpoint, whole or not at all."""
        (self.path / which).mkdir(exist_ok=True)
        write_tree(self.path / which / TREE, tree)

    def load(self, which: Which) -> dict[str, Any]:
        """Read what `save` wrote; an absent or damaged file is a RunError."""
        file = self.path / which / TREE
        if not file.is_file():
            raise RunError(f"{self.path}: has no {which}/{TREE}: the run ended before it was written")
        try:
            return read_tree(file)
        except DamagedFileError as error:
            raise RunError(str(error)) from error


def _number(path: Path, name: str) -> int:
    match = re.fullmatch(re.escape(name) + r"_(\d+)", path.name)
    return int(match[1]) if match else 0


def latest_run(log_folder: Path) -> Path | None:
    """The newest run folder with a policy in it, or None."""
    found = [path.parent.parent for which in ("best", "checkpoint") for path in log_folder.glob(f"*/*/{which}/{TREE}")]
    return max(found, key=lambda path: (path / "config.json").stat().st_mtime, default=None)


def load_policy(folder: Path, which: Which = "best") -> Any:
    """The policy of a run, with Stable-Baselines3's `predict`.

    Raises:
        RunError: the folder is absent, damaged or foreign, or its policy does not fit its configuration.
    """
    from thinmargin_agents.models import build_network, load_weights, playing  # noqa: PLC0415  # torch takes seconds

    run_folder = RunFolder.open(folder)
    run = run_folder.run()
    network = build_network(run)
    tree = run_folder.load(which)
    try:
        load_weights(network, tree["policy"] if which == "best" else tree["parameters"]["policy"])
    except (KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise RunError(f"{folder}: {which}/{TREE} does not fit config.json: {error}") from error
    return playing(network, run)
