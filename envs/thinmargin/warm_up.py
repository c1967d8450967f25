"""`thinmargin warm-up`: compile the equations for this machine now, so that no first step waits for it.

Numba keeps what it compiles on disk, beside the package or where NUMBA_CACHE_DIR says. It is compiled anew after an
edit of an equation, for another kind of processor and for another version of numba or Python.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from thinmargin.baselines import playbook_policy
from thinmargin.command_line import Parser, answered
from thinmargin.env import EcosystemEnv
from thinmargin.parameters import ECONOMY, FIRM_TABLE, Parameters, economy_record
from thinmargin.replay import DRIVERS, replay
from thinmargin.scenarios import FAMILIES
from thinmargin.simulation import CLOSING_RULES
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.waiting import Compilations


def _play() -> None:
    env = EcosystemEnv(horizon=1)
    env.reset(seed=0)
    env.step(np.zeros(4))
    env.closing_value(CLOSING_RULES[1])  # type: ignore[arg-type]  # one of them


def _play_a_batch() -> None:
    envs = EcosystemVectorEnv(2, horizon=1)
    envs.reset(seed=0)
    envs.step(np.zeros((2, 4)))


def _replay() -> None:
    economies = np.zeros(1, ECONOMY)
    economies[0] = economy_record(Parameters())
    replay(economies, np.zeros(1), np.zeros(1, DRIVERS))


PARTS: dict[str, Callable[[], object]] = {
    "one environment": _play,
    "a batch": _play_a_batch,
    "tables of worlds": lambda: FAMILIES["benchmark"].draw(0, 1),
    "playbooks": lambda: playbook_policy(FIRM_TABLE[0].playbook),
    "replays of history": _replay,
}
"""What is compiled for each use of the package."""


def main(argv: Sequence[str] | None = None) -> int:
    """Compile what is not compiled yet, and say how long each part took.

    Args:
        argv: arguments; those of the process by default.

    Returns:
        The exit status.
    """
    parser = Parser(prog="thinmargin warm-up", description=(__doc__ or "").splitlines()[0].split(": ")[1])
    return answered(parser.prog, lambda: _run(parser, argv))


def _run(parser: Parser, argv: Sequence[str] | None) -> int:
    parser.parse_args(argv)
    compiled = 0
    with Compilations() as found:
        for number, (name, use) in enumerate(PARTS.items(), 1):
            print(f"{number} of {len(PARTS)}: {name} ...", end=" ", flush=True)  # noqa: T201  # the answer of a command
            begun, before = time.perf_counter(), len(found.names)
            use()
            new = len(found.names) - before
            compiled += new
            took = f"compiled in {time.perf_counter() - begun:.1f} s" if new else "there already"
            print(took, flush=True)  # noqa: T201
    print("ready" if compiled else "ready: nothing had to be compiled")  # noqa: T201
    return 0
