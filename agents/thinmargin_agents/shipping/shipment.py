"""The content of a shipped agent's folder, written whole or not at all."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thinmargin.baselines import Policy, baseline
from thinmargin.files import write_atomically
from thinmargin.shown import plain
from thinmargin_agents.config.run import Run
from thinmargin_agents.judging.validation import Judge
from thinmargin_agents.play.outcome import Numbers
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.policies.manifest import COLUMNS, MANIFEST, Evaluation, Manifest, Seed, Validation
from thinmargin_agents.runs.commands import training_of
from thinmargin_agents.runs.file_names import EVALUATIONS
from thinmargin_agents.runs.folder import RunError
from thinmargin_agents.runs.replacement import replacing
from thinmargin_agents.runs.safetensors_tree import write_json
from thinmargin_agents.sb3.actor_weights import Arrays, actor_of, network_of, write_actor
from thinmargin_agents.sb3.building import environment_arguments
from thinmargin_agents.sb3.networks import policy_of
from thinmargin_agents.scoring.score import FORESIGHT, TUNED, Anchors, score, score_interval
from thinmargin_agents.scoring.statistics import bootstrap_interval
from thinmargin_agents.shipping.finished_run import FinishedRun, check_same_agent

COMPARED = (TUNED, "plan", "plan_with_feedback")
"""Policies whose J on the same worlds is stored beside the agent's."""
PROBE = 4
"""Worlds whose J is stored one by one."""
AGREEMENT = 1e-4
"""Largest relative difference between J now and J when a policy was judged: beyond it, the economics have changed."""
DIGITS = 6
"""Of RMB bn and of scores: a thousand RMB."""


@dataclass(frozen=True, eq=False)
class ValidationWorlds:
    """The validation worlds of a run, and the earnings of other policies there.

    Attributes:
        judge: that chose the run's policy.
        references: J of the policies of COMPARED, each of shape (worlds,), RMB bn; FORESIGHT is among them where the
            best plans of all these worlds are known.
    """

    judge: Judge
    references: Mapping[str, Numbers]

    @property
    def anchors(self) -> Anchors | None:
        """J that scores 0 and 100 in every world, or None."""
        return self.judge.anchors

    def play(self, policy: Policy, *, discrete: bool) -> Numbers:
        """J of every world, shape (worlds,), RMB bn."""
        settings = self.judge.settings
        return play_worlds(
            policy, self.judge.keys, worlds=settings.worlds, horizon=settings.horizon, closing=settings.closing,
            discrete=discrete,
        ).value  # fmt: skip


@dataclass(frozen=True, eq=False)
class Shipment:
    """An agent's folder before it is written: its manifest, and the content of its other files by name."""

    manifest: Manifest
    files: Mapping[str, bytes]


def shipment_of(
    name: str, meaning: str, runs: Sequence[FinishedRun], report: Callable[[str], None] = lambda _: None
) -> Shipment:
    """The shipped agent of these runs; their policies play their validation worlds again.

    Args:
        name: of the agent.
        meaning: one sentence.
        runs: at least one.
        report: called with a line for every run.

    Raises:
        RunError: the runs are not trainings of one agent, or a policy no longer earns what it did when it was judged.
        ConfigError: no shipped preset leads to the run.
        DamagedFileError: a tuned rule cannot be read.
    """
    check_same_agent(runs)
    runs = sorted(runs, key=lambda one: one.run.seed)
    first = runs[0].run
    training = training_of(first, [one.run.seed for one in runs])
    validation = validation_worlds_of(_here(first))
    if validation.judge.no_score:
        report(f"no score: {validation.judge.no_score}")
    files: dict[str, bytes] = {}
    seeds, values = [], []
    for one in runs:
        actor, policy = _policy_of(one)
        value = _played_again(one, policy, validation)
        file, content = f"seed_{one.run.seed}.safetensors", write_actor(actor)
        files[file] = content
        values.append(value)
        seeds.append(_seed(one, file, content, value, validation))
        report(f"{plain(one.folder)}: seed {one.run.seed}, J {value.mean():.1f} RMB bn, {len(content):,} bytes")
    files[EVALUATIONS] = table_of([row for one in runs for row in one.evaluations], validation.anchors)
    manifest = Manifest(
        name=name, meaning=meaning, algo=first.algo, env_id=first.env_id, env_kwargs=first.env_kwargs,
        hyperparameters=first.hyperparameters, preset=training.preset, command=training.command,
        versions=versions_of(runs), evaluations=hashlib.sha256(files[EVALUATIONS]).hexdigest(),
        validation=_validation(np.stack(values), validation), seeds=tuple(seeds),
    )  # fmt: skip
    return Shipment(manifest, files)


def _here(run: Run) -> Run:
    """The run on the processor, wherever it was trained."""
    return dataclasses.replace(run, device="cpu")


def validation_worlds_of(run: Run) -> ValidationWorlds:
    """The worlds that a run was judged on, and the earnings of other policies there."""
    validation = ValidationWorlds(Judge(environment_arguments(run), run.n_eval_episodes), {})
    references = {name: validation.play(baseline(name), discrete=False) for name in COMPARED}
    if validation.anchors is not None:
        references[FORESIGHT] = validation.anchors.best
    return ValidationWorlds(validation.judge, references)


def _policy_of(one: FinishedRun) -> tuple[Arrays, Policy]:
    """The weights shipped of a run's best policy, and the policy made of them alone."""
    try:
        actor, run = actor_of(one.run.algo, one.weights), _here(one.run)
        return actor, policy_of(network_of(run, actor), run)
    except (ValueError, AttributeError, TypeError) as error:
        raise RunError(f"{plain(one.folder)}: its best policy does not fit config.json: {error}") from error


def _played_again(one: FinishedRun, policy: Policy, validation: ValidationWorlds) -> Numbers:
    """J of the shipped policy, shape (worlds,); a RunError if the mean is not the one that the run stored."""
    value = validation.play(policy, discrete=validation.judge.settings.discrete)
    if not np.isclose(value.mean(), one.value, rtol=AGREEMENT, atol=AGREEMENT):
        raise RunError(
            f"{plain(one.folder)}: its best policy earns J {value.mean():.3f} RMB bn on {len(value)} validation worlds,"
            f" not {one.value:.3f} as when it was judged: the economics, or the plan that it corrects, have changed"
            " since; train it anew"
        )
    return value


def _seed(one: FinishedRun, file: str, content: bytes, value: Numbers, validation: ValidationWorlds) -> Seed:
    last = one.evaluations[-1]
    return Seed(
        seed=one.run.seed,
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        J=_rounded(value.mean()),
        score=None if validation.anchors is None else _rounded(score(value[None], validation.anchors)),
        months=last.timesteps,
        best_at=one.best_at,
        seconds=last.seconds,
        probe=tuple(map(_rounded, value[:PROBE])),
    )


def _validation(values: Numbers, validation: ValidationWorlds) -> Validation:
    """Of J of shape (seeds, worlds), RMB bn."""
    generator, anchors = np.random.default_rng, validation.anchors
    low, high = bootstrap_interval(values, generator(0))
    scored = None if anchors is None else score_interval(values, anchors, generator(0))
    return Validation(
        worlds=len(validation.judge.keys),
        J=_rounded(values.mean()),
        J_ci95=(_rounded(low), _rounded(high)),
        score=None if anchors is None else _rounded(score(values, anchors)),
        score_ci95=None if scored is None else (_rounded(scored.low), _rounded(scored.high)),
        references={name: _rounded(value.mean()) for name, value in validation.references.items()},
    )


def _rounded(value: Any) -> float:
    return round(float(value), DIGITS)


def table_of(rows: Sequence[Evaluation], anchors: Anchors | None) -> bytes:
    """The content of `evaluations.csv`; a score that a run did not write is made with these anchors."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows:
        scored = row.score
        if anchors is None:
            scored = None
        elif scored is None:
            scored = 100.0 * (row.J - anchors.tuned.mean()) / (anchors.best - anchors.tuned).mean()
        cells = (_rounded(row.J), "" if scored is None else _rounded(scored), _rounded(row.bankrupt_share))
        table.writerow((row.seed, row.timesteps, row.seconds, *cells))
    return text.getvalue().encode()


def versions_of(runs: Sequence[FinishedRun]) -> dict[str, str]:
    """Versions of Python and the libraries; where runs differ, all of them."""
    names = dict.fromkeys(name for one in runs for name in one.versions)
    found = {name: dict.fromkeys(one.versions.get(name, "none") for one in runs) for name in names}
    return {name: " or ".join(versions) for name, versions in found.items()}


def write(shipment: Shipment, folder: Path) -> None:
    """Put the agent's folder in its place, instead of an older one; it is there whole or as it was.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(folder) as fresh:
        for name, content in shipment.files.items():
            write_atomically(fresh / name, content)
        write_json(fresh / MANIFEST, shipment.manifest.to_json())
