"""Names of the files in a run folder."""

from __future__ import annotations

from typing import Literal, get_args

Which = Literal["best", "checkpoint"]
TREE = "state.safetensors"
CONFIG = "config.json"
COMMAND = "command.txt"
VERSIONS = "versions.json"
BUILT_ON = "built_on.json"
EVALUATIONS = "evaluations.csv"
BOARD = "board.json"
"""Names the folder of TensorBoard's events, where that is not the run folder."""
LOCK = ".lock"
"""Held by the process that trains the run; it stays in the folder, empty."""
TEMPORARY_FILES = ".*.tmp"
"""Files that were being written when a process was killed."""
RUN_FILES = (
    *(CONFIG, BUILT_ON, EVALUATIONS, BOARD, LOCK, COMMAND, VERSIONS),
    *(f"{which}{end}" for which in get_args(Which) for end in ("", f"/{TREE}")),
)
"""Files that are read or written in a run folder: never through a link, which could lead out of it."""
