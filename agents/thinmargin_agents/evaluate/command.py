"""Compare policies on the same unseen worlds: the command line of `evaluate.py`.

Nothing heavy is imported before the command line is read, so that `--help` answers at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import tyro

from thinmargin_agents.evaluate.config import EvaluateConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: every policy was judged; 1: a policy failed or a file could not be written, the other results are
    shown and written; 2: a flag or name cannot be used, and nothing was played; 130: it was interrupted.
    """
    try:
        config = tyro.cli(EvaluateConfig, args=argv)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    from thinmargin_agents.evaluate.run import evaluate  # noqa: PLC0415  # heavy: the command line is read first

    try:
        return evaluate(config)
    except KeyboardInterrupt:
        return 130
