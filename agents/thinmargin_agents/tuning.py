"""Find the numbers of the constant rules: python -m thinmargin_agents.tuning constant_best.

Only validation worlds are used. What is printed here is what `thinmargin.parameters` and
`thinmargin.baselines` ship.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class TuneConfig:
    """Tune a constant rule on validation worlds."""

    rule: Annotated[Literal["constant_best", "myopic", "bang_bang"], tyro.conf.Positional]
    """constant_best: best long-run value. myopic: most profit in 24 months. bang_bang: best of 16 corners."""
    n_worlds: int = 256
    """Validation worlds of one evaluation."""
    generations: int = 60
    """Generations of CMA-ES."""
    population: int = 12
    """Candidates of a generation."""
    seed: int = 0
    """Seed of CMA-ES."""

    def __post_init__(self) -> None:
        for name, low in (("n_worlds", 1), ("generations", 1), ("population", 4), ("seed", 0)):
            if getattr(self, name) < low:
                raise ValueError(f"--{name.replace('_', '-')} is {getattr(self, name)}: at least {low} is wanted")


class ConstantLevers:
    """The same worlds for every candidate: `value` plays constant actions through all of them at once.

    Args:
        keys: world keys.
        candidates: how many actions are judged at a time.
        horizon, closing: as of the environment.
    """

    def __init__(self, keys: Sequence[int], candidates: int, horizon: int = 180, *, closing: bool = True) -> None:
        from thinmargin.settings import Settings  # noqa: PLC0415  # heavy: not for --help

        settings = Settings(horizon=horizon, closing=closing)
        family = settings.family()
        self._batch = settings.batch(candidates * len(keys))
        for row, key in enumerate(list(keys) * candidates):
            self._batch.draw(row, family, key)
        self._candidates = candidates
        self._horizon = horizon

    def value(self, actions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Mean J in RMB bn of each action of shape (candidates, 4)."""
        import numpy as np  # noqa: PLC0415  # heavy: not for --help

        from thinmargin import MONTHLY_DISCOUNT  # noqa: PLC0415  # as above
        from thinmargin.simulation import RUNNING  # noqa: PLC0415  # as above

        batch = self._batch
        size = len(batch.keys)
        worlds = size // self._candidates
        batch.begin(np.arange(size))
        asked = np.repeat(np.asarray(actions, np.float64), worlds, axis=0)
        total = np.zeros(size)
        alive = np.ones(size, np.bool_)
        for month in range(self._horizon):
            batch.step(asked)
            total += np.where(alive, batch.rewards, 0.0) * (10.0 * MONTHLY_DISCOUNT**month)
            alive &= batch.ends == RUNNING
            ended = np.flatnonzero(batch.ends != RUNNING)
            if len(ended) and month < self._horizon - 1:
                batch.begin(ended)  # an ended row runs on unread
        means: npt.NDArray[np.float64] = total.reshape(self._candidates, worlds).mean(axis=1)
        return means


def tune(config: TuneConfig, told: Callable[[int, float], None] | None = None) -> tuple[Any, float]:
    """The best action found, shape (4,), and its mean J in RMB bn on the validation worlds."""
    import cma  # noqa: PLC0415  # only tuning needs it
    import numpy as np  # noqa: PLC0415  # heavy: not for --help

    from thinmargin.splits import KEYS  # noqa: PLC0415  # as above

    keys = KEYS["validation"][: config.n_worlds]
    if config.rule == "bang_bang":
        corners = np.array(list(itertools.product((-1.0, 1.0), repeat=4)))
        values = ConstantLevers(keys, len(corners)).value(corners)
        return corners[values.argmax()], float(values.max())
    is_myopic = config.rule == "myopic"
    judge = ConstantLevers(keys, config.population, 24 if is_myopic else 180, closing=not is_myopic)
    best, best_value = np.zeros(4), -np.inf
    starts = ((-0.4, -0.3, -0.2, 0.3), (0.5, -0.5, -0.3, 0.2))  # thin and premium: the landscape has two hills
    for number, start in enumerate(starts):
        options = {"seed": config.seed + number + 1, "verbose": -9, "popsize": config.population, "bounds": [-1, 1]}
        search = cma.CMAEvolutionStrategy(list(start), 0.3, options)
        for generation in range(config.generations):
            candidates = np.array(search.ask())
            values = judge.value(candidates)
            search.tell(list(candidates), (-values).tolist())
            if values.max() > best_value:
                best, best_value = candidates[values.argmax()].copy(), float(values.max())
            if told is not None:
                told(number * config.generations + generation + 1, best_value)
    return best, best_value


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 2 for a bad argument."""
    try:
        config = tyro.cli(TuneConfig, args=argv, prog="python -m thinmargin_agents.tuning")
    except ValueError as error:
        print(f"tuning: {error}", file=sys.stderr)  # noqa: T201  # the command line's own answer
        return 2
    import numpy as np  # noqa: PLC0415  # heavy: not for --help
    from rich.progress import Progress  # noqa: PLC0415  # as above

    from thinmargin.levers import read_levers  # noqa: PLC0415  # as above
    from thinmargin.records import LEVERS  # noqa: PLC0415  # as above

    with Progress(transient=True) as progress:
        task = progress.add_task("tuning", total=2 * config.generations)

        def told(done: int, value: float) -> None:
            progress.update(task, completed=done, description=f"tuning: J {value:.2f} RMB bn")

        action, value = tune(config, told)
    levers = np.zeros(len(LEVERS))
    read_levers(np.asarray(action, np.float64), levers)
    told_levers = ", ".join(f"{lever.name}={number:.4g}" for lever, number in zip(LEVERS, levers, strict=True))
    what = "profit of 24 months" if config.rule == "myopic" else "J"
    print(f"{config.rule}: {told_levers}; {what} {value:.2f} RMB bn on {config.n_worlds} validation worlds")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
