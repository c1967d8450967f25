"""The command line of `evaluate.py`: flags, their checks, and the exit status.

Nothing heavy is imported before the command line is read, so that `--help` answers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from thinmargin_agents.cli.command import run
from thinmargin_agents.cli.programs import program_name
from thinmargin_agents.evaluate.config import EvaluateConfig

if TYPE_CHECKING:
    from rich.console import Console


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: every policy was judged; 1: a policy failed or a file could not be written, the other results are
    shown and written; 2: a flag or name cannot be used, and nothing was played; 130: it was interrupted.
    """
    return run(program_name("evaluate"), EvaluateConfig, argv, _check, _evaluate)


def _check(config: EvaluateConfig) -> None:
    from thinmargin_agents.evaluate.checks import check_flags

    check_flags(config)


def _evaluate(config: EvaluateConfig, errors: Console) -> int:
    from thinmargin_agents.evaluate.run import evaluate

    return evaluate(config, errors)
