"""The command line: python -m thinmargin_agents.export RUN.

Nothing heavy is imported before the command line is read, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from thinmargin_agents.cli.command import check_libraries, check_output, run
from thinmargin_agents.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

PROGRAM = "python -m thinmargin_agents.export"
NEEDED = ("onnx", "onnxruntime")


@dataclass(frozen=True)
class ExportConfig:
    """Write a trained policy as one ONNX file: from the 32 observations to the deterministic action.

    The file holds the network and everything between it and the environment, and answers like the policy: that is
    checked month by month on validation worlds before it gets its name. Exit status 0; 1 if it does not answer alike
    or cannot be written; 2 for bad arguments.
    """

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder, or a shipped agent: NAME, or NAME:SEED for one of its training seeds."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The file; best.onnx or checkpoint.onnx in the run folder, or NAME.onnx of a shipped agent, if not given."""
    which: Literal["best", "checkpoint"] | None = None
    """Of a run, the policy with the best validation value or the latest; if not given, the best if there is one."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 1 if the file does not answer alike, 2 for a bad argument."""
    return run(PROGRAM, ExportConfig, argv, check_flags, _run)


def check_flags(config: ExportConfig) -> None:
    """Raise UsageError unless the values of the flags can be used."""
    check_libraries("an ONNX file", NEEDED, "export")
    check_output("--output", config.output)


def _run(config: ExportConfig, errors: Console) -> int:
    """Make the graph, check it, write it."""
    from thinmargin_agents.cli.console import plain_console
    from thinmargin_agents.export.conversion import exported
    from thinmargin_agents.export.torch_modules import ExportError
    from thinmargin_agents.play.errors import PolicyError
    from thinmargin_agents.policies.manifest import ShippedError
    from thinmargin_agents.runs.folder import RunError

    try:
        made = exported(config.run, config.which)
    except (RunError, ShippedError, ExportError) as error:
        raise UsageError(str(error)) from error
    except PolicyError as error:
        errors.print(f"{PROGRAM}: {error}; nothing was written", style="red")
        return 1
    output = config.output or made.output
    agreement = made.agreement
    if not agreement.is_close:
        errors.print(f"{PROGRAM}: {agreement.in_words}; {output} was not written", style="red")
        return 1
    try:
        made.write(output)
    except OSError as error:
        errors.print(f"{PROGRAM}: {output} cannot be written: {error}", style="red")
        return 1
    out = plain_console()
    out.print(f"{output}: {len(made.content) / 1e3:,.0f} kB\n{agreement.in_words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
