"""The command line: python -m thinmargin_agents.tuning plan --output plan.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from thinmargin_agents.cli.command import check_libraries, check_output, check_ranges, command_of, run
from thinmargin_agents.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

PROGRAM = "python -m thinmargin_agents.tuning"
MERIT = "J less what ruin costs"
"""What a search looks for, and what its progress tells."""
LIMITS = {
    "n_worlds": (1, 10_000), "generations": (1, 10_000), "population": (4, 1000), "knots": (2, 180), "seed": (0, 2**30)
}  # fmt: skip


@dataclass(frozen=True)
class TuneConfig:
    """Tune a rule on validation worlds with CMA-ES. Test worlds are for reporting only and refused."""

    rule: Annotated[
        Literal["constant_best", "low_margin_tuned", "myopic", "bang_bang", "plan", "plan_with_feedback"],
        tyro.conf.Positional,
    ]
    """constant_best: constant levers, best long-run value. low_margin_tuned: the same inside the pledge of 5 percent.
    myopic: most profit in 24 months. bang_bang: best of 16 corners. plan: levers over time. plan_with_feedback: the
    shipped plan with a linear answer to what is observed."""
    split: Literal["validation", "train", "test"] = "validation"
    """Worlds to tune on; test is refused."""
    n_worlds: int = 256
    """Worlds of one evaluation. Plans meet new ones in every generation and are judged in others at the end."""
    generations: int | None = None
    """Generations of CMA-ES a search; by default what the rule needs."""
    population: int | None = None
    """Candidates of a generation; by default what the rule needs."""
    knots: int = 11
    """Points in time of a plan."""
    seed: int = 0
    """Seed of CMA-ES."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for the rule and how it was found; the package ships such files in thinmargin/data/tuned."""


def check(config: TuneConfig) -> None:
    """Raise UsageError unless the flags can be used."""
    if config.split == "test":
        raise UsageError("--split is 'test': test worlds are for reporting only; allowed are validation, train")
    check_ranges(config, LIMITS)
    from thinmargin.splits import KEYS
    from thinmargin_agents.tuning.rules import RULES

    rule = RULES[config.rule]
    most = len(KEYS[config.split]) // (rule.searches * ((config.generations or rule.generations) + 1) + 1)
    if config.n_worlds > most:
        raise UsageError(
            f"--n-worlds is {config.n_worlds}: at most {most}, with new ones in every generation, fit a split"
        )
    check_output("--output", config.output)
    if rule.uses_cma_es:
        check_libraries("the search", ["cma"], "search")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 1 if the file cannot be written, 2 for a bad argument."""
    return run(PROGRAM, TuneConfig, argv, check, _run)


def _run(config: TuneConfig, errors: Console) -> int:
    from rich.progress import Progress

    from thinmargin.families import BENCHMARK
    from thinmargin.files import write_atomically
    from thinmargin.shown import plain
    from thinmargin.splits import KEYS
    from thinmargin.tuned import Tuned, document, levers_of
    from thinmargin_agents.cli.versions import versions
    from thinmargin_agents.tuning.rules import RULES, Effort

    rule = RULES[config.rule]
    generations, population = config.generations or rule.generations, config.population or rule.population
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("tuning", total=rule.searches * generations)

        def progress(value: float) -> None:
            bar.update(task, advance=1, description=f"{config.rule}: {MERIT} {value:.2f} RMB bn")

        effort = Effort(KEYS[config.split], config.n_worlds, generations, population, config.seed, config.knots)
        found = rule.seek(effort, progress)
    made = {
        "command": command_of(PROGRAM, config, without=("output",)),
        "environment": BENCHMARK,
        "split": config.split,
        "worlds": config.n_worlds,
        "seed": config.seed,
        "generations": generations,
        "population": population,
        "evaluations": found.evaluations,
        "J": found.value,
        "closing_part": found.closing,
        "bankrupt_share": found.bankrupt,
        "versions": versions(),
    }
    problem = None
    if config.output is not None:  # before anything is printed: a reader that leaves early costs no file
        content = json.dumps(document(Tuned(found.policy, made)), indent=1, allow_nan=False) + "\n"
        try:
            write_atomically(config.output, content)
        except OSError as error:
            problem = error
    print(  # noqa: T201  # the command line's own answer
        f"{config.rule}: J {found.value:.2f} RMB bn in {config.n_worlds} {config.split} worlds, of which closing value"
        f" {found.closing:.2f}; bankrupt {100.0 * found.bankrupt:.1f} %; {found.evaluations} candidates judged"
    )
    count = len(found.policy.knots)
    for knot, levers in enumerate(levers_of(found.policy.knots)):
        values = ", ".join(f"{name}={value:g}" for name, value in levers.items())
        print(f"  at {100.0 * knot / max(count - 1, 1):.0f} % of the time: {values}")  # noqa: T201  # as above
    if problem is not None:
        errors.print(f"{PROGRAM}: {config.output} could not be written: {problem}", style="red")
        return 1
    if config.output is not None:
        print(f"written: {plain(config.output)}")  # noqa: T201  # as above
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
