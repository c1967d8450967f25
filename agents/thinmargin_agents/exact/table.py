"""The optimum and the share that policies reach, as text and as plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thinmargin_agents.cli.versions import versions
from thinmargin_agents.exact.backward_induction import AGREE, ENVIRONMENT, CheckedOptimum, markup_of
from thinmargin_agents.exact.contenders import Contender

LEAST_SHARE = 0.99
"""Share of the optimum that a search or a learner must reach."""
COLUMNS = (0.2, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0)
"""Users at home, m, of the table of best markups."""
EVERY = 6
"""Months between two rows of that table; the last month is always one."""


@dataclass(frozen=True)
class Results:
    """All results of the command."""

    checked: CheckedOptimum
    reached: Sequence[Contender]
    seed: int

    def share(self, item: Contender) -> float:
        """J of a policy as a share of the optimum."""
        return item.value / self.checked.optimum.value

    @property
    def problems(self) -> list[str]:
        """One sentence for each failed requirement; empty if all hold."""
        problems = [
            f"{item.name} reaches {100.0 * self.share(item):.2f} % of the optimum: it must reach at least"
            f" {100.0 * LEAST_SHARE:g} %"
            for item in self.reached
            if item.seeks and self.share(item) < LEAST_SHARE
        ]
        if not self.checked.holds:
            problems.append(f"the values of the optimum must differ by less than {100.0 * AGREE:g} %")
        return problems


def text(results: Results) -> str:
    """The printed table."""
    checked = results.checked
    half, play = checked.differences
    best = checked.optimum
    lines = [
        f"{ENVIRONMENT}: {len(best.prices)} months",
        "",
        f"{'J of the optimum':<32}{'RMB bn':>8}",
        f"{f'{len(best.users) - 1} steps of users':<32}{best.value:>8.3f}",
        f"{'half as many':<32}{checked.coarse:>8.3f}  {100.0 * half:+.3f} %",
        f"{'its policy in the environment':<32}{checked.played.value:>8.3f}  {100.0 * play:+.3f} %",
        "",
        f"{'reached':<16}{'':<34}{'RMB bn':>8}  of the optimum",
        *(
            f"{item.name:<16}{item.meaning:<34}{item.value:>8.3f}  {100.0 * results.share(item):.2f} %"
            for item in results.reached
        ),
        "",
        "best markup, %, by month and by m users before it; on the right, those of the best path",
        f"{'month':>5} {''.join(f'{users:>6g}' for users in COLUMNS)}{'users':>9}{'markup':>8}",
    ]
    for month in _rows(len(best.prices)):
        markups = "".join(f"{100.0 * _markup(results, month, users):>6.1f}" for users in COLUMNS)
        on_path = f"{checked.played.users[month]:>9.1f}{100.0 * checked.played.markups[month]:>8.1f}"
        lines.append(f"{month + 1:>5} {markups}{on_path}")
    return "\n".join(lines)


def markdown(results: Results, command: str) -> str:
    """The printed table for a Markdown page, below the command that prints it."""
    return f"`{command}`\n\n```text\n{text(results)}\n```"


def document(results: Results) -> dict[str, Any]:
    """The same and the whole policy as plain JSON: J in RMB bn, users in millions, markups as shares."""
    checked = results.checked
    best = checked.optimum
    return {
        "environment": ENVIRONMENT,
        "seed": results.seed,
        "J": best.value,
        "J_half_grid": checked.coarse,
        "J_played": checked.played.value,
        "agree": checked.holds,
        "reached": {
            item.name: {"meaning": item.meaning, "J": item.value, "share": results.share(item)}
            for item in results.reached
        },
        "path": {"users": checked.played.users.tolist(), "markup": checked.played.markups.tolist()},
        "policy": {"users": best.users.tolist(), "markup": markup_of(best.prices).tolist()},
        "versions": versions(),
    }


def _rows(months: int) -> list[int]:
    return sorted({*range(0, months, EVERY), months - 1})


def _markup(results: Results, month: int, users: float) -> float:
    return float(markup_of(np.array(results.checked.optimum.price(month, users))))
