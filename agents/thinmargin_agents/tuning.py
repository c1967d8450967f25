"""Find the numbers of rules that see nothing: python -m thinmargin_agents.tuning constant_best.

Only validation worlds are used. What `constant_best`, `myopic` and `bang_bang` print is what
`thinmargin.parameters` and `thinmargin.baselines` ship; `plan` shows what timing alone is worth.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

HORIZON = 180
"""Months of an episode of the benchmark."""
STARTS = ((-0.4, -0.3, -0.2, 0.3), (0.5, -0.5, -0.3, 0.2))
"""Where the search begins: thin and premium, since the landscape has two hills."""


@dataclass(frozen=True)
class TuneConfig:
    """Tune a rule that sees nothing on validation worlds."""

    rule: Annotated[Literal["constant_best", "myopic", "bang_bang", "plan"], tyro.conf.Positional]
    """constant_best: best long-run value. myopic: most profit in 24 months. bang_bang: best of 16 corners.
    plan: best levers over time, linear between knots."""
    n_worlds: int = 256
    """Validation worlds of one evaluation."""
    generations: int = 60
    """Generations of CMA-ES."""
    population: int = 12
    """Candidates of a generation."""
    knots: int = 8
    """Points in time of a plan."""
    seed: int = 0
    """Seed of CMA-ES."""

    def __post_init__(self) -> None:
        for name, low in (("n_worlds", 1), ("generations", 1), ("population", 4), ("knots", 2), ("seed", 0)):
            if getattr(self, name) < low:
                raise ValueError(f"--{name.replace('_', '-')} is {getattr(self, name)}: at least {low} is wanted")


class OpenLoop:
    """The same worlds for every candidate: `value` plays levers that see nothing through all of them at once.

    Args:
        keys: world keys.
        candidates: how many are judged at a time.
        horizon, closing: as of the environment.
    """

    def __init__(self, keys: Sequence[int], candidates: int, horizon: int = HORIZON, *, closing: bool = True) -> None:
        from thinmargin.settings import Settings  # noqa: PLC0415  # heavy: not for --help

        settings = Settings(horizon=horizon, closing=closing)
        family = settings.family()
        self._batch = settings.batch(candidates * len(keys))
        for row, key in enumerate(list(keys) * candidates):
            self._batch.draw(row, family, key)
        self._candidates = candidates
        self._horizon = horizon

    def value(self, actions: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Mean J of each candidate and the closing value in it, RMB bn, each of shape (candidates,).

        Args:
            actions: shape (candidates, 4) for constant levers or (candidates, horizon, 4) for plans.
        """
        import numpy as np  # noqa: PLC0415  # heavy: not for --help

        from thinmargin import MONTHLY_DISCOUNT  # noqa: PLC0415  # as above
        from thinmargin.simulation import RUNNING  # noqa: PLC0415  # as above
        from thinmargin_agents.rollout import REWARD_UNIT  # noqa: PLC0415  # as above

        batch = self._batch
        size = len(batch.keys)
        worlds = size // self._candidates
        batch.begin(np.arange(size))
        total, closing = np.zeros(size), np.zeros(size)
        alive = np.ones(size, np.bool_)
        for month in range(self._horizon):
            asked = actions if actions.ndim == 2 else actions[:, month]
            batch.step(np.repeat(np.asarray(asked, np.float64), worlds, axis=0))
            weight = alive * (REWARD_UNIT * MONTHLY_DISCOUNT**month)
            total += weight * batch.rewards
            closing += weight * batch.reports["closing_term"]
            ended = np.flatnonzero(batch.ends != RUNNING)
            alive[ended] = False
            if len(ended) and month < self._horizon - 1:
                batch.begin(ended)  # an ended row runs on unread
        means: list[npt.NDArray[np.float64]] = [
            column.reshape(self._candidates, worlds).mean(axis=1) for column in (total, closing)
        ]
        return means[0], means[1]


def between_knots(knots: npt.NDArray[np.float64], horizon: int = HORIZON) -> npt.NDArray[np.float64]:
    """Actions of every month, shape (candidates, horizon, 4), linear between knots of shape (candidates, k, 4)."""
    import numpy as np  # noqa: PLC0415  # heavy: not for --help

    at = np.linspace(0.0, knots.shape[1] - 1.0, horizon)
    below = np.minimum(at.astype(np.int64), knots.shape[1] - 2)
    share = (at - below)[:, None]
    plan: npt.NDArray[np.float64] = knots[:, below] * (1.0 - share) + knots[:, below + 1] * share
    return plan


@dataclass(frozen=True)
class Tuned:
    """What tuning found: actions of shape (knots, 4), their mean J and the closing value in it, RMB bn."""

    actions: npt.NDArray[np.float64]
    value: float
    closing: float


def tune(config: TuneConfig, told: Callable[[int, float], None] | None = None) -> Tuned:
    """The best actions found on the validation worlds; `told` hears of generations done and the best J so far."""
    try:
        import cma  # noqa: PLC0415  # only tuning needs it
    except ModuleNotFoundError as error:
        raise SystemExit("tuning needs CMA-ES: pip install 'thinmargin[search]'") from error
    import numpy as np  # noqa: PLC0415  # heavy: not for --help

    from thinmargin.splits import KEYS  # noqa: PLC0415  # as above

    keys = KEYS["validation"][: config.n_worlds]
    if config.rule == "bang_bang":
        corners = np.array(list(itertools.product((-1.0, 1.0), repeat=4)))
        values, closing = OpenLoop(keys, len(corners)).value(corners)
        best = values.argmax()
        return Tuned(corners[best][None], float(values[best]), float(closing[best]))
    is_myopic = config.rule == "myopic"
    judge = OpenLoop(keys, config.population, 24 if is_myopic else HORIZON, closing=not is_myopic)
    count = config.knots if config.rule == "plan" else 1
    found = Tuned(np.zeros((count, 4)), -np.inf, 0.0)
    for number, start in enumerate(STARTS):
        options = {"seed": config.seed + number + 1, "verbose": -9, "popsize": config.population, "bounds": [-1, 1]}
        search = cma.CMAEvolutionStrategy(list(start) * count, 0.3, options)
        for generation in range(config.generations):
            asked = search.ask()
            candidates = np.array(asked).reshape(-1, count, 4)
            values, closing = judge.value(between_knots(candidates) if count > 1 else candidates[:, 0])
            search.tell(asked, (-values).tolist())
            best = values.argmax()
            if values[best] > found.value:
                found = Tuned(candidates[best].copy(), float(values[best]), float(closing[best]))
            if told is not None:
                told(number * config.generations + generation + 1, found.value)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 2 for a bad argument."""
    config = tyro.cli(TuneConfig, args=argv, prog="python -m thinmargin_agents.tuning")
    import numpy as np  # noqa: PLC0415  # heavy: not for --help
    from rich.progress import Progress  # noqa: PLC0415  # as above

    from thinmargin.levers import read_levers  # noqa: PLC0415  # as above
    from thinmargin.records import LEVERS  # noqa: PLC0415  # as above

    with Progress(transient=True) as progress:
        task = progress.add_task("tuning", total=len(STARTS) * config.generations)

        def told(done: int, value: float) -> None:
            progress.update(task, completed=done, description=f"tuning: J {value:.2f} RMB bn")

        found = tune(config, told)
    what = "profit of 24 months" if config.rule == "myopic" else "J"
    print(  # noqa: T201  # the command line's own answer
        f"{config.rule}: {what} {found.value:.2f} RMB bn on {config.n_worlds} validation worlds,"
        f" of which closing value {found.closing:.2f}"
    )
    for knot, action in enumerate(found.actions):
        levers = np.zeros(len(LEVERS))
        read_levers(action, levers)
        told_levers = ", ".join(f"{lever.name}={number:.4g}" for lever, number in zip(LEVERS, levers, strict=True))
        month = round(knot * (HORIZON - 1) / max(len(found.actions) - 1, 1))
        print(f"  from month {month}: {told_levers}")  # noqa: T201  # as above
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
