"""The command that plays the same policies in the same worlds, whatever is the latest run by then."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from thinmargin.files import is_folder
from thinmargin.names import POLICIES, parts_of
from thinmargin_agents.cli import programs
from thinmargin_agents.cli.command import command_of, path_word
from thinmargin_agents.evaluate.checks import plays_stress
from thinmargin_agents.evaluate.config import SHIPPED, EvaluateConfig
from thinmargin_agents.policies.shipped import trained_names


def command_line(config: EvaluateConfig, *, markdown: Path | None = None, html: Path | None = None) -> str:
    """Command line that plays the same policies in the same worlds.

    It is to be typed at the top of the clone where a clone made the results.

    Paths are those from there: a script of the clone is `python evaluate.py` whichever folder it was called from.

    Args:
        config: flags that were checked, with the policies that were played in the place of a default.
        markdown: the page that the command stands in, if any: it writes that page.
        html: the report that it stands in, likewise.
    """
    without = {"json", "csv", "stress", "log_folder", "processes"}  # policies are named, so no run is looked for
    if not plays_stress(config):
        without.add("n_stress_worlds")
    in_clone = programs.script_command("evaluate").startswith("python ")
    program, top = ("python evaluate.py", programs.CLONE.resolve()) if in_clone else ("thinmargin-evaluate", Path.cwd())
    again = replace(
        config,
        policies=tuple(_named_from(top, name) for name in config.policies),
        markdown=() if markdown is None else (Path(_path_from(top, str(markdown))),),
        html=None if html is None else Path(_path_from(top, str(html))),
    )
    return command_of(program, again, without=without, always=("env", "split", "n_worlds"))


def _named_from(top: Path, name: str) -> str:
    """A policy's name with the paths in it as seen from `top`."""
    return ",".join(_part_from(top, part) for part in parts_of(name))


def _part_from(top: Path, part: str) -> str:
    file, colon, class_name = part.rpartition(":")
    if colon and file.endswith(".py"):
        return f"{_path_from(top, file)}:{class_name}"
    is_name = part in (SHIPPED, *POLICIES, *trained_names())
    return _path_from(top, part) if part and not is_name and is_folder(Path(part)) else part


def _path_from(top: Path, path: str) -> str:
    """A path as seen from `top`: as it was given where that is right, absolute where it lies elsewhere."""
    if Path.cwd() == top and not os.path.isabs(path):  # noqa: PTH117  # no Path: it would drop a ./ before a hyphen
        return path
    whole = Path(os.path.abspath(path))  # noqa: PTH100  # links stay as they were named
    return path_word(whole.relative_to(top)) if whole.is_relative_to(top) else str(whole)
