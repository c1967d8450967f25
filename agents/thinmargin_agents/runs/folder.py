"""A run folder: its files, how it is made, and how its agent is loaded.

    logs/ppo/Ecosystem-v1_1/
      config.json          rebuilds the run
      command.txt          the command line that made it, and those that lengthened it
      versions.json        of Python and the libraries
      built_on.json        SHA-256 of the tuned rule that is corrected, and of the plan that surprises depart from
      evaluations.csv      one row an evaluation on validation worlds
      board.json           names the folder of TensorBoard's events, if it is another
      best/                the policy with the best validation value
      checkpoint/          everything needed to resume
      events.out.tfevents  TensorBoard
      .lock                held by the process that trains it

Loading reads JSON and safetensors only: nothing in a run folder is executed, and no link in it is followed.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from thinmargin.files import DamagedFileError, check_regular, is_file, is_folder, is_there, read_text, write_atomically
from thinmargin.shown import plain, shown
from thinmargin.versions import current, outdated
from thinmargin_agents.cli.command import path_word
from thinmargin_agents.cli.programs import shell_word
from thinmargin_agents.cli.versions import versions
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.sizes import least_weights, weights_in
from thinmargin_agents.runs.board import board_of, claim
from thinmargin_agents.runs.commands import command_now
from thinmargin_agents.runs.file_names import (
    BUILT_ON,
    COMMAND,
    CONFIG,
    RUN_FILES,
    TEMPORARY_FILES,
    TREE,
    VERSIONS,
    Which,
)
from thinmargin_agents.runs.lock import LockedError, locked
from thinmargin_agents.runs.nesting import check_outside_runs
from thinmargin_agents.runs.provenance import built_on
from thinmargin_agents.runs.safetensors_tree import read_json, read_tree, write_json, write_tree
from thinmargin_agents.runs.settings import edited


class RunError(ValueError):
    """A run folder that is absent, damaged or foreign; the message names it and what is wrong."""


class DivergedError(RunError):
    """Training ended because the network's weights are no longer finite numbers."""


@dataclass(frozen=True)
class RunFolder:
    """One run on disk."""

    path: Path

    @classmethod
    def create(cls, log_folder: Path, run: Run) -> RunFolder:
        """Make LOG_FOLDER/ALGO/ENV_K for the next free K and write the run's description.

        Where events go elsewhere, a folder for them is made there too, which no other run uses.

        Raises:
            ConfigError: `log_folder` or `tensorboard_log` is no folder, none can be made in it, or it is inside that of
                a run.
            OSError: the run cannot be written: the disk is full.
        """
        check_outside_runs("--log-folder", log_folder)
        if run.tensorboard_log is not None:
            check_outside_runs("--tensorboard-log", Path(run.tensorboard_log))
        parent = log_folder / run.algo
        name = run.env_id.rsplit("/", 1)[-1]
        try:
            parent.mkdir(parents=True, exist_ok=True)
            number = 1 + max((_number(path, name) for path in parent.iterdir()), default=0)
            while True:  # another process may have taken the number meanwhile
                path = parent / f"{name}_{number}"
                try:
                    path.mkdir()
                    break
                except FileExistsError:
                    number += 1
        except OSError as error:
            why = f"{error.filename}: {error.strerror}" if error.filename else error
            raise ConfigError(f"--log-folder is {shown(log_folder)}: no run folder can be made there: {why}") from error
        if run.tensorboard_log is not None:
            try:
                claim(run.tensorboard_log, path)
            except (ConfigError, OSError):
                path.rmdir()
                raise
        return cls.describe(path, run)

    @classmethod
    def describe(cls, path: Path, run: Run) -> RunFolder:
        """Write a run's description into a folder; `config.json` comes last, as a sign that all is there.

        Raises:
            OSError: the folder cannot be written.
        """
        write_atomically(path / COMMAND, shlex.join(["python", *sys.argv]) + "\n")
        write_json(path / VERSIONS, versions())
        write_json(path / BUILT_ON, built_on(run.hyperparameters.get("env_wrapper")))
        write_json(path / CONFIG, run.to_json())
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run folder; anything else is a RunError."""
        if not is_folder(path):
            raise RunError(f"{plain(path)}: no such run folder")
        if not is_file(path / CONFIG):
            raise RunError(f"{plain(path)}: not a run folder: it has no {CONFIG}")
        for name in RUN_FILES:
            if (path / name).is_symlink():
                raise RunError(f"{plain(path / name)}: a link: a run folder is used only if all of it lies inside")
            if is_there(path / name):
                _check_kind(path / name, folder=name in get_args(Which))
        return cls(path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the run inside; files that a killed process was writing are deleted first.

        Raises:
            RunError: another process trains it.
            OSError: the folder is gone or cannot be written.
        """
        try:
            with locked(self.path):
                for folder in (self.path, *(self.path / which for which in get_args(Which))):
                    for temporary in folder.glob(TEMPORARY_FILES):
                        if is_file(temporary):
                            temporary.unlink(missing_ok=True)
                yield
        except LockedError as error:
            raise RunError(f"{plain(self.path)}: another process is training this run now") from error

    def run(self) -> Run:
        """The run's configuration.

        Raises:
            RunError: it is damaged, of another version of its environment, or its tuned rule is no longer the same.
        """
        file = self.path / CONFIG
        try:
            run = Run.from_json(read_json(file), str(file))
            if run.env_id != current(run.env_id):
                raise RunError(outdated(file, run.env_id, f"train it anew: {command_now(run)}"))
            before = dict(read_json(self.path / BUILT_ON)) if (self.path / BUILT_ON).is_file() else {}
            now = built_on(run.hyperparameters.get("env_wrapper"))
        except (DamagedFileError, ConfigError, TypeError, ValueError) as error:
            raise RunError(str(error)) from error
        changed = [name for name in now if before.get(name, now[name]) != now[name]]
        if changed:
            raise RunError(
                f"{plain(self.path / BUILT_ON)}: {' and '.join(changed)}: the tuned rule is not the one the run"
                " began with,"
                " and its policy would not play what it learnt; play it with the version that trained it, or train anew"
            )
        return run

    def events(self) -> Path:
        """The folder of TensorBoard's events: the run folder, or another that was made for this run alone.

        What the configuration says is not followed: it may be somebody else's.
        """
        return board_of(self.path) or self.path

    def lengthened(self, months: int) -> Run:
        """The run with another length from where it is now on; nothing is written.

        A run that has this length already, and has not reached it, is as it was.

        Args:
            months: of experience, the whole run's.

        Raises:
            RunError: as of `run`, or the run has a policy and no checkpoint.
            ConfigError: it has had as many months already.
        """
        run = self.run()
        at = self.months()
        if months <= at:
            raise ConfigError(
                f"--total-timesteps is {months:,}: {plain(self.path)} has had {at:,} months of experience already;"
                " allowed are"
                f" more than {at:,}"
            )
        return run if months == run.total_timesteps else run.of_length(months, at)

    def months(self) -> int:
        """Months of experience of the checkpoint; 0 for a run that was killed before it had one."""
        if not self.has("checkpoint"):
            if self.has("best"):
                raise RunError(f"{plain(self.path)}: has a policy but no checkpoint: nothing to resume from")
            return 0
        try:
            return int(self._head()["timesteps"])
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise RunError(
                f"{plain(self.path)}: the checkpoint does not fit {CONFIG}: it has no months: {error}"
            ) from error

    def check_checkpoint(self, run: Run) -> None:
        """Raise RunError unless the checkpoint is of these settings; only its header is read.

        A run that was killed before it had one has none, and no policy either.
        """
        self.months()
        if self.has("checkpoint"):
            head = self._head()
            self.check_settings(run, "checkpoint", head)
            self.check_size(run, "checkpoint", head)

    def _head(self) -> dict[str, Any]:
        """The checkpoint with the shapes of arrays instead of arrays."""
        try:
            return read_tree(self.path / "checkpoint" / TREE, arrays=False)
        except DamagedFileError as error:
            raise RunError(str(error)) from error

    def check_size(self, run: Run, which: Which, tree: Mapping[str, Any]) -> None:
        """Raise RunError where the file has fewer weights than the network of `config.json`: it is never built.

        Args:
            run: what `config.json` says.
            which: of the files.
            tree: what it holds, with arrays or their shapes.
        """
        there, least = weights_in(tree.get("policy", tree.get("parameters"))), least_weights(run)
        if there < least:
            raise RunError(
                f"{plain(self.path / which / TREE)} does not fit {CONFIG}: it has {there:,} weights, and the layers of"
                f" net_arch need {least:,} at least"
            )

    def record(self, run: Run) -> None:
        """Write the run's new length, and the command line that set it under those before; `config.json` comes last."""
        before = self.path / COMMAND
        try:
            lines = read_text(before) if before.is_file() else ""
        except UnicodeDecodeError as error:
            raise RunError(f"{plain(before)}: it is no text in UTF-8: {plain(error)}") from error
        write_atomically(before, f"{lines}{shlex.join(['python', *sys.argv])}\n")
        write_json(self.path / CONFIG, run.to_json())

    def check_settings(self, run: Run, which: Which, tree: Mapping[str, Any]) -> None:
        """Raise RunError unless `config.json` has the settings that these weights were saved with.

        Args:
            run: what `config.json` says.
            which: of the files.
            tree: what it holds; one of a run of version 0.1 says no settings, and nothing is compared.
        """
        if "settings" not in tree:
            return
        try:
            difference = edited(run, tree["settings"], int(tree["timesteps"] or 0))
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise RunError(f"{plain(self.path / which / TREE)} does not fit {CONFIG}: {error}") from error
        if difference is not None:
            raise RunError(
                f"{plain(self.path / CONFIG)}: {difference} ({which}/{TREE}): a run keeps the settings it began"
                " with; only its"
                f" length can be changed, with --resume {shell_word(path_word(self.path))} --total-timesteps N"
            )

    def other_versions(self) -> list[str]:
        """In words, the libraries that are not those the run began with: its numbers may differ from now on."""
        file, now = self.path / VERSIONS, versions()
        try:
            before = dict(read_json(file)) if file.is_file() else now
        except (DamagedFileError, TypeError, ValueError) as error:
            return [str(error)]
        other = [name for name in now if before.get(name) not in (None, now[name])]
        changed = [f"{name} was {plain(before[name])} and is {now[name]}" for name in other]
        return [f"numbers may differ from those of a run that never stopped: {', '.join(changed)}"] if changed else []

    def save(self, which: Which, tree: dict[str, Any], run: Run | None = None) -> None:
        """Write the best policy or a checkpoint, whole or not at all, with the settings of the run it is of."""
        (self.path / which).mkdir(exist_ok=True)
        write_tree(self.path / which / TREE, tree if run is None else {**tree, "settings": run.to_json()})

    def has(self, which: Which) -> bool:
        """Whether it has been saved."""
        return (self.path / which / TREE).exists()

    def delete(self, which: Which) -> None:
        """Delete what `save` wrote."""
        (self.path / which / TREE).unlink(missing_ok=True)

    def load(self, which: Which) -> dict[str, Any]:
        """Read what `save` wrote; an absent or damaged file is a RunError."""
        file = self.path / which / TREE
        if not self.has(which):
            raise RunError(f"{plain(self.path)}: has no {which}/{TREE}: the run ended before it was written")
        try:
            return read_tree(file)
        except DamagedFileError as error:
            raise RunError(str(error)) from error


def _check_kind(path: Path, *, folder: bool) -> None:
    """Raise RunError unless it is of the kind that a run folder has under this name."""
    try:
        if not folder:
            check_regular(path)
        elif not is_folder(path):
            raise RunError(f"{plain(path)}: it is a file, not a folder")
    except OSError as error:
        raise RunError(f"{plain(path)}: {error.strerror}") from error


def _number(path: Path, name: str) -> int:
    match = re.fullmatch(re.escape(name) + r"_(\d+)", path.name)
    return int(match[1]) if match else 0


def latest_run(log_folder: Path) -> Path | None:
    """The newest run folder with a policy in it, or None."""
    found = [path.parent.parent for which in get_args(Which) for path in log_folder.glob(f"*/*/{which}/{TREE}")]
    whole = [path for path in found if (path / CONFIG).is_file()]
    return max(whole, key=lambda path: (path / CONFIG).stat().st_mtime, default=None)


def load_policy(folder: Path, which: Which = "best") -> Any:
    """The policy of a run, with Stable-Baselines3's `predict`.

    Raises:
        RunError: the folder is absent, damaged or foreign, or its policy does not fit its configuration.
    """
    from thinmargin_agents.sb3.networks import (  # noqa: PLC0415  # torch takes seconds
        build_network,
        load_weights,
        policy_of,
    )

    run_folder = RunFolder.open(folder)
    run = run_folder.run()
    tree = run_folder.load(which)
    run_folder.check_settings(run, which, tree)
    run_folder.check_size(run, which, tree)
    try:
        network = build_network(run)
        player = policy_of(network, run)
    except (ValueError, TypeError, AssertionError) as error:
        raise RunError(f"{plain(folder / CONFIG)}: {error}") from error
    try:
        load_weights(network, tree["policy"] if which == "best" else tree["parameters"]["policy"])
    except (LookupError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{plain(folder)}: {which}/{TREE} does not fit {CONFIG}: {error}") from error
    return player
