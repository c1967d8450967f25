from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import optuna
import pytest
from optuna.trial import TrialState
from rich.console import Console
from tests.agents.search.small import Scripted, done, searched

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.search.claim import ATTRIBUTE, GRACE, Claim, TakenOverError
from thinmargin_agents.search.driver import Driver
from thinmargin_agents.search.messages import IntermediateValue, LostWorker, Message, TrialEnd, TrialProgress
from thinmargin_agents.search.progress import SearchProgress
from thinmargin_agents.search.search_space import Space
from thinmargin_agents.search.study import MOST_TRIES, REASON, is_settled, requeue_running


def test_a_search_has_as_many_trials_as_asked_for_and_ends_its_workers(space: Space) -> None:
    workers = Scripted(*([TrialProgress(0, 192), done(float(value))] for value in range(5)))
    study = searched(space, workers, 5)
    assert [trial.value for trial in study.trials] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert workers.closed
    searched(space, workers, 5, study)  # nothing is left to do
    assert len(workers.jobs) == 5
    seeds = {run.seed for job in workers.jobs for run in job.runs}
    assert seeds == {0}, "every trial has the same seeds"


def test_a_trial_below_the_median_ends_early_but_not_in_its_warm_up(space: Space) -> None:
    scripts = [[IntermediateValue(0, 96, 10.0), IntermediateValue(0, 192, 20.0), done(30.0)] for _ in range(2)]
    scripts += [[IntermediateValue(0, 96, 1.0), IntermediateValue(0, 192, 2.0), done(3.0)]]
    workers = Scripted(*scripts)
    study = searched(space, workers, 3)
    assert workers.answers[-2:] == [(2, True), (2, False)]
    assert study.trials[2].state == TrialState.PRUNED
    assert study.trials[2].intermediate_values == {96: 1.0, 192: 2.0}


def test_what_cannot_be_done_or_fails_is_stored_with_its_reason_and_the_search_goes_on(space: Space) -> None:
    workers = Scripted(
        [TrialEnd("impossible", reason="does not fit")], [TrialEnd("failed", reason="a bug")], [done(1.0)]
    )
    study = searched(space, workers, 3)
    assert [trial.state.name for trial in study.trials] == ["PRUNED", "FAIL", "COMPLETE"]
    assert [trial.user_attrs.get(REASON) for trial in study.trials] == ["does not fit", "a bug", None]


def test_hyperparameters_whose_worker_was_lost_are_tried_again_but_not_for_ever(space: Space) -> None:
    workers = Scripted([LostWorker("killed")], [done(1.0)], [done(2.0)])
    study = searched(space, workers, 2)
    lost, *others = study.trials
    assert (lost.state, is_settled(lost)) == (TrialState.FAIL, False)
    assert lost.params in [trial.params for trial in others]
    assert [trial.state.name for trial in others] == ["COMPLETE", "COMPLETE"]

    workers = Scripted(*([LostWorker("killed")] for _ in range(MOST_TRIES)))
    study = searched(space, workers, 1)
    assert len(study.trials) == MOST_TRIES
    assert [is_settled(trial) for trial in study.trials] == [False, False, True]
    assert "killed" in study.trials[-1].user_attrs[REASON]


def test_ctrl_c_stops_and_what_ran_is_tried_again(space: Space) -> None:
    class Interrupted(Scripted):
        def news(self, seconds: float) -> list[tuple[int, Message]]:
            if len(self.jobs) == 3:
                signal.raise_signal(signal.SIGINT)
            return super().news(seconds)

    study = searched(space, Interrupted([done(1.0)], [TrialProgress(0, 1)] * 9, [TrialProgress(0, 1)] * 9), 5)
    states = [trial.state.name for trial in study.trials]
    assert sorted(states) == ["COMPLETE", "RUNNING", "RUNNING"]
    assert requeue_running(study) == 2
    waiting = study.get_trials(states=(TrialState.WAITING,))
    assert len(waiting) == 2
    workers = Scripted(*([done(2.0)] for _ in range(4)))
    searched(space, workers, 5, study)
    assert sum(map(is_settled, study.trials)) == 5
    tried = [trial.params for trial in study.get_trials(states=(TrialState.COMPLETE,))]
    assert all(trial.params in tried for trial in study.get_trials(states=(TrialState.FAIL,)))


def test_hyperparameters_that_were_only_half_drawn_when_a_search_was_killed_are_all_tried_again(space: Space) -> None:
    study = optuna.create_study(direction="maximize")
    enqueued = {"gae_lambda": 0.91, "n_epochs": 3, "clip_range": 0.3}
    study.enqueue_trial(enqueued)
    study.ask({"gae_lambda": space.distributions()["gae_lambda"]})
    assert requeue_running(study) == 1
    assert enqueued.items() <= study.ask(space.distributions()).params.items()


def test_a_search_that_slept_while_another_took_over_ends_and_touches_nothing(space: Space) -> None:
    study = optuna.create_study(direction="maximize")

    class Sleeping(Scripted):
        def news(self, seconds: float) -> list[tuple[int, Message]]:
            if len(self.jobs) == 3:
                study.set_user_attr(ATTRIBUTE, {"token": "other", "host": "there", "pid": 1, "at": time.time()})
                requeue_running(study)
                claim._last = -1e9
            return super().news(seconds)

    workers = Sleeping([done(1.0)], [IntermediateValue(0, 96, 2.0), done(2.0)], [done(3.0)])
    claim = Claim(study)
    progress = SearchProgress(Console(quiet=True), trials=4, months=384, seeds=1, name="J", shown=False)
    with progress, pytest.raises(TakenOverError, match="process 1 on there took over"):
        Driver(study, claim, space, 1, 4, workers, progress).search()
    assert workers.closed
    assert not claim.is_held()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "FAIL", "WAITING", "WAITING"]


def test_only_one_search_at_a_time_has_a_study() -> None:
    study = optuna.create_study(direction="maximize")
    claim = Claim(study)
    with pytest.raises(ConfigError, match=f"process {os.getpid()}"):
        Claim(study)
    held = study.user_attrs[ATTRIBUTE]
    study.set_user_attr(ATTRIBUTE, {**held, "at": time.time() - 2 * GRACE})
    other = Claim(study)
    claim._last = -1e9
    with pytest.raises(TakenOverError, match="took over"):
        claim.renew()
    assert not claim.is_held()
    other.release()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    study.set_user_attr(ATTRIBUTE, {**held, "pid": gone.pid})
    assert Claim(study).is_held(), "a process that is gone has no claim"
