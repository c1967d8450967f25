"""The page of a shipped agent: written once from a template; its tables are made anew from the manifest.

Tables are Markdown. Remarks that need judgement are written by hand below the generated ones.
"""

from __future__ import annotations

import json
import statistics
import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from thinmargin.names import with_id
from thinmargin.records import markdown_table
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.hyperparameters import TABLE, flat
from thinmargin_agents.evaluate.tables import code_cell, plain_cell
from thinmargin_agents.policies.manifest import Manifest
from thinmargin_agents.policies.shipped import evaluations_of, manifest_of, trained_names

WIDTH = 120
"""Characters of a line of prose."""
TEMPLATE = """# {name}

<!-- table: agent {name} -->
<!-- end -->

## The algorithm

{about}

## Training

<!-- table: training {name} -->
<!-- end -->

Settings, by the names that Stable-Baselines3 and rl-zoo3 give them; what is not listed has the library's default, and
`gamma` the benchmark's own:

<!-- table: settings {name} -->
<!-- end -->

## Learning curve

![What {name} earned on validation worlds after so many months of experience, and three policies to compare with]({name}.png)

Every point is the policy of that moment on the same validation worlds, mean of the training seeds; the band is the 95 %
bootstrap interval of that mean, which with a handful of seeds is on the narrow side. `python -m
thinmargin_agents.curves` draws it.

## Result

<!-- table: validation {name} -->
<!-- end -->

Each seed's policy was chosen on these very worlds, the best of its evaluations, so expect a little less elsewhere:
[benchmark.md](../benchmark.md) has the test worlds and the stress worlds.

## What we noticed

<!-- table: noticed {name} -->
<!-- end -->
"""  # noqa: E501  # one line a picture


def page_of(manifest: Manifest) -> str:
    """A new page of an agent, its tables still empty."""
    about = textwrap.fill(ALGORITHMS[manifest.algo].about, WIDTH, break_on_hyphens=False)
    return TEMPLATE.format(name=manifest.name, about=about)


def tables() -> dict[str, Callable[[], str]]:
    """Every generated part of the agents' pages, a function each, by the name a page asks for it."""
    parts = {
        "agent": agent_words,
        "training": training_words,
        "settings": settings_table,
        "validation": validation_table,
        "noticed": noticed_words,
    }
    names = trained_names()
    return {"agents": agents_table} | {
        f"{title} {name}": partial(_part, part, name) for name in names for title, part in parts.items()
    }


def _part(part: Callable[[Manifest], str], name: str) -> str:
    return part(manifest_of(name))


def agents_table() -> str:
    """All shipped agents with their J and score on validation worlds, best first, and their picture."""
    manifests = [manifest_of(name) for name in trained_names()]
    if not manifests:
        return "No agent is shipped."
    manifests.sort(key=lambda manifest: (manifest.env_id, -manifest.validation.J))
    rows = [
        [
            f"[{with_id(manifest.name)}]({manifest.name}.md)", plain_cell(manifest.meaning), f"`{manifest.algo}`",
            f"`{manifest.env_id}`", str(len(manifest.seeds)), _months(manifest), _minutes(manifest),
            _score(manifest), _between(manifest.validation.J, manifest.validation.J_ci95),
        ]
        for manifest in manifests
    ]  # fmt: skip
    head = [
        "agent", "what it is", "algorithm", "environment", "seeds", "months a seed", "minutes a seed",
        "score [interval]", "J [interval]",
    ]  # fmt: skip
    words = markdown_table(head, rows)
    if any(manifest.validation.score is not None for manifest in manifests):
        words += "\n\n![Learning curves of all agents that have a score, on validation worlds](all.png)"
    return words


def agent_words(manifest: Manifest) -> str:
    """A sentence about the agent, and the commands that use it."""
    one = manifest.seeds[0].seed
    return (
        f"{manifest.meaning.rstrip('.')}. {_many(len(manifest.seeds), 'training seed')} of `{manifest.algo}` on"
        f" `{manifest.env_id}`.\n\n"
        f"```sh\npython evaluate.py {manifest.name}     # all seeds as one entrant\n"
        f"python evaluate.py {manifest.name}:{one}   # one seed\n```\n\n"
        f'`thinmargin_agents.policies.shipped.agent("{manifest.name}", seed={one})` is its policy in Python, with'
        " Stable-Baselines3's `predict`, for the bare environment."
    )


def training_words(manifest: Manifest) -> str:
    """The training command, its duration and versions."""
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    seconds = [one.seconds for one in manifest.seeds]
    return (
        f"```sh\n{manifest.command}\n```\n\n"
        f"{_many(len(seconds), 'training')} of {manifest.seeds[0].months:,} months of experience,"
        f" {statistics.fmean(seconds) / 60.0:.1f} minutes each in the mean where they were made. Versions: {versions}."
    )


def settings_table(manifest: Manifest) -> str:
    """Every hyper-parameter that was set, and the arguments of the environment."""
    meanings = {item.name: item.meaning for item in TABLE}
    values = flat(manifest.hyperparameters)
    order = [name for name in meanings if name in values] + [name for name in values if name not in meanings]
    rows = [[f"`{name}`", _value(values[name]), plain_cell(meanings.get(name, ""))] for name in order]
    rows += [
        [f"`env_kwargs {name}`", _value(item), "argument of the environment"]
        for name, item in manifest.env_kwargs.items()
    ]
    return markdown_table(["setting", "value", "meaning"], rows)


def validation_table(manifest: Manifest) -> str:
    """J and score of every seed on the validation worlds, and of other policies there."""
    found = manifest.validation
    rows = [
        ["all seeds", _score(manifest), _between(found.J, found.J_ci95), ""],
        *(
            [f"seed {one.seed}", _number(one.score), f"{one.J:.1f}", f"{one.best_at:,}"]
            for one in manifest.seeds
        ),
        *(
            [with_id(name), _number(found.score_of(value)), f"{value:.1f}", ""]
            for name, value in sorted(found.references.items(), key=lambda item: -item[1])
        ),
    ]  # fmt: skip
    head = ["policy", "score [interval]", "J, RMB bn [interval]", "best after months"]
    return f"{found.worlds} validation worlds:\n\n{markdown_table(head, rows)}"


def noticed_words(manifest: Manifest) -> str:
    """Remarks on the numbers: spread over seeds, policies beaten, and when the best policies were found."""
    found = manifest.validation
    earned = [one.J for one in manifest.seeds]
    best = [one.best_at / one.months for one in manifest.seeds]
    lines = [_spread(manifest)]
    for name in ("plan", "plan_with_feedback"):
        beaten = sum(value > found.references[name] for value in earned)
        lines.append(f"More than {with_id(name)} on these worlds: {beaten} of {_many(len(manifest.seeds), 'seed')}.")
    lines.append(f"Best policies were found after {_range([100.0 * share for share in best], 0)} % of the experience.")
    lines.append(_first_and_last(manifest))
    return "\n".join(f"- {line}" for line in lines)


def _spread(manifest: Manifest) -> str:
    scores = [one.score for one in manifest.seeds if one.score is not None]
    values, unit = (scores, "Scores") if scores else ([one.J for one in manifest.seeds], "J in RMB bn")
    if len(values) < 2:
        return f"{unit} of one seed: {values[0]:.1f}; its spread over trainings is not known."
    return f"{unit} of the seeds are {_range(values, 1)}, standard deviation {statistics.stdev(values):.1f}."


def _first_and_last(manifest: Manifest) -> str:
    rows = evaluations_of(manifest)
    ends = (rows[0].timesteps, rows[-1].timesteps)
    means = []
    for months in ends:
        here = [row for row in rows if row.timesteps == months]
        scores = [row.score for row in here if row.score is not None]
        mean = statistics.fmean(scores or [row.J for row in here])
        means.append(f"{mean:.1f} after {months:,} months")
    return f"Mean {'score' if scores else 'J in RMB bn'} of the policies of the moment: {' and '.join(means)}."


def _range(values: Sequence[float], digits: int) -> str:
    low, high = (f"{value:.{digits}f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _score(manifest: Manifest) -> str:
    found = manifest.validation
    return "-" if found.score is None or found.score_ci95 is None else _between(found.score, found.score_ci95)


def _between(value: float, interval: Sequence[float]) -> str:
    return f"{value:.1f} [{interval[0]:.1f}, {interval[1]:.1f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _months(manifest: Manifest) -> str:
    return f"{manifest.seeds[0].months:,}"


def _minutes(manifest: Manifest) -> str:
    return f"{statistics.fmean(one.seconds for one in manifest.seeds) / 60.0:.1f}"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return code_cell(text)


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
