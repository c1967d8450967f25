"""The flags of `evaluate.py`: one dataclass that is the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from thinmargin_agents.policies.shipped import trained_names

SHIPPED = "shipped"
"""Stands on the command line for all policies of the package that play in the environment."""


def policies_help() -> str:
    """Help on the policies that may be named, with a list of the shipped agents."""
    trained = ", ".join(trained_names())
    agents = f"trained agents that are shipped ({trained}; NAME:SEED for one training seed)," if trained else ""
    return (
        f"Names of hand-coded policies, {agents} the word {SHIPPED} (all of these that play in the environment), run"
        " folders (joined by commas: one policy of several training seeds), or file.py:Class."
        " low_margin_ecosystem, low_margin_tuned (score 0) and foresight (score 100) always play."
    )


@dataclass(frozen=True)
class EvaluateConfig:
    """Compare policies with each other and with the hand-coded ones, on the same unseen worlds."""

    policies: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(
            metavar="[POLICY ...]",
            help=policies_help(),
            help_behavior_hint="(default: the latest run in --log-folder, then shipped)",
        ),
    ] = ()
    env: str = "ThinMargin/Ecosystem-v1"
    """Environment id."""
    env_kwargs: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE ...")] = ()
    """Arguments of the environment that change the task: worlds, horizon, closing, discrete."""
    split: Literal["validation", "test"] = "test"
    """Unseen worlds: test for reporting, validation while choosing."""
    n_worlds: Annotated[int, tyro.conf.arg(aliases=["--n-eval-episodes", "--eval-episodes"])] = 512
    """How many worlds; all policies play the same ones."""
    stress: Annotated[
        tyro.conf.FlagCreatePairsOff[bool],
        tyro.conf.arg(help_behavior_hint="(default: with test worlds of ThinMargin/Ecosystem-v1)"),
    ] = False
    """Play the held-out scenarios too."""
    no_stress: Annotated[tyro.conf.FlagCreatePairsOff[bool], tyro.conf.arg(help_behavior_hint="")] = False
    """Leave the held-out scenarios out."""
    n_stress_worlds: int = 128
    """How many worlds of each scenario: the first of the --n-worlds."""
    time_limit: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 600.0
    """How long one policy may take for all its worlds."""
    processes: int = 2
    """How many play side by side where there is enough to play; results do not depend on it."""
    log_folder: Annotated[Path, tyro.conf.arg(aliases=["-f"])] = Path("logs")
    """Where the latest run is looked for."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for all results."""
    csv: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for one row a policy and world."""
    markdown: Annotated[
        tuple[Path, ...],
        tyro.conf.arg(
            metavar="FILE ...",
            help_behavior_hint="",
            help="Files for the tables that are printed, in Markdown, with every policy that played: new ones, or pages"
            " with the lines <!-- results -->, <!-- closing rules --> or <!-- stress -->; what is between these and"
            " <!-- end --> is replaced.",
        ),
    ] = ()
    html: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for a report with pictures that needs no other file."""
    seed: int = 0
    """Seed of the bootstrap and of policies that draw random numbers."""
