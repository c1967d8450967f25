"""The checks that levers are worth moving, and that their best value is inside their range."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import baseline
from thinmargin.levers import read_levers
from thinmargin.records import LEVERS
from thinmargin_agents.audit.entrants import corners, words_of
from thinmargin_agents.audit.findings import HORIZON, Finding, ProgressFunction, Scope, aligned
from thinmargin_agents.audit.plan_players import knots_of, months_of

Numbers = npt.NDArray[np.float64]

CORNERS_QUESTION = "Does it pay to push every lever to one end of its range and leave it there?"
INTERIOR_QUESTION = "Is the best value of each lever inside its range, the others at their best constant?"
CORNER_SHARE = 0.5
"""Most that the best corner may earn of what the best constant levers earn."""
END_SHARE = 0.75
"""Most that an end of a lever may earn of the lever's best value."""
POINTS = 13
"""Values of each lever, evenly spaced over the action: the maps put the useful ones in the middle."""


def best_constant() -> Numbers:
    """The action of the baseline `constant_best`, shape (1, 4)."""
    return knots_of(baseline("constant_best"))


def _means(scope: Scope, knots: Numbers) -> Numbers:
    """Mean J of constant levers, RMB bn: knots of shape (n, 1, 4)."""
    return np.asarray(scope.players.play(months_of(knots, HORIZON, HORIZON), scope.worlds()).value.mean(axis=1))


def check_corners(scope: Scope, progress: ProgressFunction) -> Finding:
    """The sixteen corners against the baseline `constant_best`."""
    progress(0.0, "corners")
    means = _means(scope, np.concatenate([corners(), best_constant()])[:, None])
    return judged_corners(means[:-1], float(means[-1]))


def judged_corners(means: Numbers, best: float) -> Finding:
    """The verdict on mean J of the sixteen corners and of the best constant levers."""
    share = float(means.max()) / best if best > 0.0 else float("inf")
    order = np.argsort(-means)
    names = ", ".join(lever.name for lever in LEVERS)
    return Finding(
        "corners",
        CORNERS_QUESTION,
        {"J_best_corner": float(means.max()), "J_constant_best": best, "share": share},
        f"the best corner earns {100 * share:.0f} % of constant_best ({means.max():.1f} of {best:.1f} RMB bn)",
        f"at most {100 * CORNER_SHARE:.0f} %",
        share <= CORNER_SHARE,
        aligned((names, "J, RMB bn"), [(words_of(corners()[row]), f"{means[row]:.2f}") for row in order]),
    )


def check_interior(scope: Scope, progress: ProgressFunction) -> Finding:
    """Each lever through its range, the others as `constant_best` has them."""
    progress(0.0, "sweeps")
    points = np.linspace(-1.0, 1.0, POINTS)
    knots = np.tile(best_constant(), (len(LEVERS), POINTS, 1))
    for lever in range(len(LEVERS)):
        knots[lever, :, lever] = points
    return judged_interior(_means(scope, knots.reshape(-1, 1, len(LEVERS))).reshape(len(LEVERS), POINTS))


def judged_interior(means: Numbers) -> Finding:
    """The verdict on mean J of each lever's values, shape (4, points)."""
    measured: dict[str, float] = {}
    failed, missed, lines = [], [], []
    points = means.shape[1]
    for number, lever in enumerate(LEVERS):
        curve = means[number]
        best = int(curve.argmax())
        low, high = (float(end / curve[best]) if curve[best] > 0.0 else float("inf") for end in (curve[0], curve[-1]))
        measured |= {f"{lever.name}_best": _value(number, best, points)}
        measured |= {f"{lever.name}_low_end": low, f"{lever.name}_high_end": high}
        if best in (0, points - 1):
            failed.append(f"{lever.name}: best at an end")
        missed += [
            f"{lever.name}: {100 * share:.0f} % at {end:g}"
            for end, share in ((lever.low, low), (lever.high, high))
            if not share <= END_SHARE
        ]
        values = [f"{_value(number, place, points):.3g}" for place in range(points)]
        width = max(7, *(len(value) + 1 for value in values))
        lines += [
            f"{lever.name} [{lever.unit}]: ends earn {100 * low:.0f} % and {100 * high:.0f} % of the best",
            "  " + "".join(value.rjust(width) for value in values),
            "  " + "".join(f"{mean:.1f}".rjust(width) for mean in curve),
        ]
    return Finding(
        "interior",
        INTERIOR_QUESTION,
        measured,
        "; ".join(failed) or "the best value of every lever is inside its range",
        "no lever is best at an end",
        not failed,
        (
            f"Goal, both ends at most {100 * END_SHARE:.0f} % of the best: " + ("; ".join(missed) or "reached"),
            *lines,
        ),
    )


def _value(lever: int, place: int, points: int) -> float:
    """Value of a lever at one of its points, in its own unit."""
    levers = np.zeros(len(LEVERS))
    read_levers(np.full(len(LEVERS), -1.0 + 2.0 * place / (points - 1)), levers)
    return float(levers[lever])
