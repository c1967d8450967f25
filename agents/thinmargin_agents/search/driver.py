"""The search itself: one process asks Optuna for trials, hands them to workers, and reports the results to Optuna."""

from __future__ import annotations

import dataclasses

from optuna import Study, Trial
from optuna.trial import TrialState

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import Run
from thinmargin_agents.parallel.stop_signals import Stop
from thinmargin_agents.search.claim import Claim
from thinmargin_agents.search.messages import (
    IntermediateValue,
    LostWorker,
    Message,
    TrialEnd,
    TrialJob,
    TrialProgress,
    Workers,
)
from thinmargin_agents.search.progress import SearchProgress
from thinmargin_agents.search.search_space import Space
from thinmargin_agents.search.study import REASON, count_settled, ranking, requeue_lost

WAIT = 0.5
"""Seconds without news after which the claim is renewed and Ctrl-C is seen."""


class Driver:
    """A search from where its study is to so many trials.

    Args:
        study: the trials so far.
        claim: the right to search it.
        space: the searched hyper-parameters.
        seeds: training seeds of a trial.
        trials: that count, in all.
        workers: train them.
        progress: shows the trials.
    """

    def __init__(
        self,
        study: Study,
        claim: Claim,
        space: Space,
        seeds: int,
        trials: int,
        workers: Workers,
        progress: SearchProgress,
    ) -> None:
        self._study, self._claim, self._space = study, claim, space
        self._seeds, self._trials = seeds, trials
        self._workers, self._progress = workers, progress
        self._running: dict[int, Trial] = {}
        self._months: dict[int, int] = {}
        self._settled = 0

    def search(self) -> bool:
        """Go on until the study has its trials; False if Ctrl-C or SIGTERM stopped it, with trials still running."""
        try:
            with Stop(lambda _: self._progress.write_line("stopping ...")) as stop:
                self._show_standing()
                while not stop.asked:
                    self._begin_some()
                    if not self._running:
                        return True
                    news = self._workers.news(WAIT)
                    self._claim.renew()  # before any report: another search may have taken over meanwhile
                    for number, message in news:
                        self._handle(number, message)
            return False
        finally:
            self._workers.close()

    def _begin_some(self) -> None:
        while len(self._running) < min(self._workers.count, self._trials - self._settled):
            trial = self._study.ask(self._space.distributions())
            self._running[trial.number] = trial
            self._progress.begun(trial.number)
            try:
                runs = self._runs(trial)
            except ConfigError as error:
                self._end(trial, TrialEnd("impossible", reason=str(error)))
            else:
                self._workers.start(TrialJob(trial.number, runs))

    def _runs(self, trial: Trial) -> tuple[Run, ...]:
        base = dataclasses.replace(self._space.base, hyperparameters=self._space.hyperparameters(trial.params))
        return tuple(dataclasses.replace(base, seed=base.seed + place) for place in range(self._seeds))

    def _handle(self, number: int, message: Message) -> None:
        trial = self._running[number]
        if isinstance(message, TrialProgress):
            self._progress.went(number, message.place, message.months)
        elif isinstance(message, IntermediateValue):
            trial.report(message.value, message.step)
            self._months[number] = message.step
            self._progress.judged(number, message.value)
            self._workers.answer(number, proceed=not trial.should_prune())
        elif isinstance(message, LostWorker):
            again = requeue_lost(self._study, trial, message.reason)
            self._forget(trial, f"{message.reason}: {'it is tried again' if again else 'not tried again'}")
        else:
            self._end(trial, message)

    def _end(self, trial: Trial, end: TrialEnd) -> None:
        """Report the end to Optuna; an impossible trial as pruned, since the sampler ignores failed ones."""
        if end.state == "complete" and end.value is not None:
            for name, item in end.details.items():
                trial.set_user_attr(name, item)
            self._study.tell(trial, end.value)
            text = f"{end.value:8.2f}   {end.details['seconds']:.0f} s   {_best(self._study)}"
        elif end.state == "failed":
            trial.set_user_attr(REASON, end.reason)
            self._study.tell(trial, state=TrialState.FAIL)
            text = f"failed: {end.reason}"
        else:
            if end.state == "impossible":
                trial.set_user_attr(REASON, end.reason)
            self._study.tell(trial, state=TrialState.PRUNED)
            text = end.reason or f"ended early, after {self._months[trial.number]:,} months"
        self._forget(trial, text)

    def _forget(self, trial: Trial, text: str) -> None:
        del self._running[trial.number]
        self._months.pop(trial.number, None)
        self._progress.ended(trial.number, text)
        self._show_standing()

    def _show_standing(self) -> None:
        self._settled = count_settled(self._study)
        self._progress.standing(self._settled, _best(self._study))


def _best(study: Study) -> str:
    """The best trial so far, in words."""
    ranked = ranking(study)
    return f"best {ranked[0].value:.2f} (trial {ranked[0].number})" if ranked else ""
