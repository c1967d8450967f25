"""From a name on the command line to something with `predict`: built-in, trained, or an outsider's.

Nothing here unpickles: run folders are read by `thinmargin_agents.runs.folder`, trained agents of the package by
`thinmargin_agents.policies.shipped`; an outsider's policy is plain Python that its owner names.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import gymnasium

from thinmargin.baselines import BASELINES, Policy, baseline
from thinmargin.files import DamagedFileError, is_file, is_folder, is_there
from thinmargin.names import parts_of
from thinmargin.settings import Settings
from thinmargin.shown import plain, quoted, shown
from thinmargin_agents.config.run import JUDGED
from thinmargin_agents.play.errors import PolicyError, in_words
from thinmargin_agents.policies import shipped
from thinmargin_agents.policies.entrants import Entrant, Member
from thinmargin_agents.policies.manifest import ShippedError
from thinmargin_agents.policies.outsiders import load_class
from thinmargin_agents.runs.file_names import CONFIG, Which
from thinmargin_agents.runs.foreign_files import foreign_kind
from thinmargin_agents.runs.same_agent import PER_RUN, differing


def entrant_of(name: str) -> Entrant:
    """The entrant of a command-line name: one policy, all seeds of a shipped agent, or what commas join.

    Raises:
        ValueError: a part names nothing that is allowed, or the same thing twice.
        PolicyError: a part exists but cannot be loaded.
    """
    if name in shipped.trained_names():
        return Entrant(name, tuple(trained_members(name)))
    parts = parts_of(name)
    if len(parts) > 1 and {*BASELINES, *shipped.trained_names()} & set(parts):
        raise ValueError(
            f"policy {quoted(name)}: commas join run folders, or seeds such as NAME:0; hand-coded policies and"
            " whole agents are named one by one"
        )
    try:
        members = tuple(member_of(part) for part in parts)
    except ValueError as error:
        if len(parts) == 1:
            raise
        raise ValueError(f"policy {quoted(name)}, of {len(parts)} parts that commas join: {error}") from error
    names = [member.name for member in members]
    if len(set(names)) < len(names):
        raise ValueError(f"policy {quoted(name)} names a run twice")
    for other in members[1:]:
        _check_seeds_of_one(name, members[0], other)
    return Entrant(",".join(names), members)


def _check_seeds_of_one(name: str, one: Member, other: Member) -> None:
    """Raise ValueError unless two members are training seeds of one agent: else their spread would mean nothing."""
    names = differing(one.settings, other.settings)
    if names:
        raise ValueError(
            f"policy {quoted(name)} joins {plain(one.name)} and {plain(other.name)}, which differ in"
            f" {', '.join(names)}: commas join the training seeds of one agent; name others one by one"
        )
    if one.seed is not None and one.seed == other.seed:
        raise ValueError(
            f"policy {quoted(name)} joins {plain(one.name)} and {plain(other.name)}, which have the"
            f" same seed, {one.seed}"
        )


def member_of(name: str) -> Member:
    """The policy of one name: a key of BASELINES, NAME:SEED of a shipped agent, a run folder, or `file.py:Class`.

    Raises:
        ValueError: the name is none of these; the message lists what is allowed.
        PolicyError: it is one of these, but cannot be loaded.
    """
    if name in BASELINES:
        try:
            return Member(name, baseline(name), discrete=False)
        except DamagedFileError as error:
            raise PolicyError(f"policy {quoted(name)} cannot be loaded: {error}") from error
    file, colon, class_name = name.rpartition(":")
    if colon and file.endswith(".py"):
        return Member(name, load_class(Path(file), class_name))
    if colon and file in shipped.trained_names():
        return trained_members(file, class_name)[0]
    folder = Path(name)
    if name and is_folder(folder):
        return load_run(folder)
    raise ValueError(f"policy {quoted(name)} {_why_unknown(name)}; {allowed_policies()}")


def trained_members(name: str, seed: str | None = None) -> list[Member]:
    """The training seeds of a shipped agent, or the one that is asked for.

    Raises:
        ValueError: it has no such seed; the message lists what is allowed.
        PolicyError: a file of it is damaged, foreign or of another version of the environment, or a library is missing.
    """
    try:
        manifest = shipped.manifest_of(name)
        shipped.check_version(manifest)
    except ShippedError as error:
        raise PolicyError(f"policy {quoted(name)} cannot be loaded: {error}") from error
    seeds = manifest.seeds
    if seed is not None:
        seeds = tuple(one for one in manifest.seeds if str(one.seed) == seed)
        if not seeds:
            allowed = ", ".join(f"{name}:{one.seed}" for one in manifest.seeds)
            raise ValueError(f"policy {quoted(f'{name}:{seed}')} is no training seed of {name}: allowed are {allowed}")
    try:
        discrete = discrete_answers(manifest.env_id, manifest.env_kwargs)
        task = task_of(manifest.env_id, manifest.env_kwargs)
    except (gymnasium.error.Error, TypeError, ValueError, AttributeError) as error:
        raise PolicyError(f"policy {quoted(name)} cannot be loaded: {in_words(error)}") from error
    try:
        _one_thread()
        return [
            Member(
                f"{name}:{one.seed}", shipped.agent(name, one.seed), discrete,
                is_run=True, seed=one.seed, env_id=manifest.env_id, settings={"agent": name},
                task=task,
            )
            for one in seeds
        ]  # fmt: skip
    except (ShippedError, ModuleNotFoundError) as error:
        raise PolicyError(f"policy {quoted(name)} cannot be loaded: {error}") from error


def task_of(env_id: str, env_kwargs: Mapping[str, object]) -> dict[str, object]:
    """The arguments that decide what is judged, of an environment that a policy was trained in."""
    settings = Settings(**{**gymnasium.spec(env_id).kwargs, **env_kwargs})
    return {name: getattr(settings, name) for name in JUDGED}


def discrete_answers(env_id: str, env_kwargs: Mapping[str, object]) -> bool:
    """Whether a policy trained there answers with grid indices."""
    return bool({**gymnasium.spec(env_id).kwargs, **env_kwargs}.get("discrete", False))


def _one_thread() -> None:
    import torch  # noqa: PLC0415  # hand-coded policies need no learning library

    torch.set_num_threads(1)  # networks are small: threads would wait for each other


def allowed_policies() -> str:
    """One sentence with the names that a policy may have."""
    names = ", ".join([*BASELINES, *shipped.trained_names()])
    one = ", NAME:SEED for one seed of a trained one" if shipped.trained_names() else ""
    return f"allowed are {names}{one}, a run folder (with {CONFIG}), or file.py:Class"


def _why_unknown(name: str) -> str:
    if name.endswith(".py"):
        return f"names no class: write {plain(name)}:Class"
    if name and is_there(Path(name)):
        found = foreign_kind(Path(name))
        return f"is no run folder but {found}" if found else "is no run folder"
    close = _closest(name, [*BASELINES, *shipped.trained_names()])
    return f"is unknown: did you mean {close}?" if close else "is unknown"


def _closest(name: str, names: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(name, list(names), n=1)
    return close[0] if close else None


def load_run(folder: Path) -> Member:
    """The best model of a run folder, or its last checkpoint where no evaluation has chosen a best one.

    Raises:
        ValueError: the folder has no config.json.
        PolicyError: the run cannot be loaded.
    """
    config_file = folder / CONFIG
    if not is_file(config_file):
        raise ValueError(f"policy {shown(folder)} is a folder without {CONFIG}; {allowed_policies()}")
    try:
        from thinmargin_agents.runs.folder import (  # noqa: PLC0415  # hand-coded ones need no learning library
            load_policy,
        )
        from thinmargin_agents.runs.safetensors_tree import read_json  # noqa: PLC0415  # as above

        _one_thread()
        policy = cast("Policy", load_policy(folder, which_model(folder)))
        config = read_json(config_file)
        discrete = discrete_answers(config["env_id"], config["env_kwargs"])
        settings = {key: value for key, value in config.items() if key not in PER_RUN}
        task = task_of(config["env_id"], config["env_kwargs"])
        return Member(
            str(folder), policy, discrete, is_run=True, seed=int(config["seed"]), settings=settings, task=task
        )
    except Exception as error:
        raise PolicyError(f"policy {shown(folder)} cannot be loaded: {in_words(error)}") from error


def which_model(folder: Path) -> Which:
    """The model of a run that is judged: `best`, or `checkpoint` while no evaluation has chosen a best one."""
    return "checkpoint" if _holds_files(folder / "checkpoint") and not _holds_files(folder / "best") else "best"


def _holds_files(folder: Path) -> bool:
    return any(folder.glob("[!.]*"))  # what begins with a dot is still being written
