"""The search itself: one process asks Optuna what to try, hands it to workers, and tells Optuna what came of it."""

from __future__ import annotations

import dataclasses

from optuna import Study, Trial
from optuna.trial import TrialState

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import Run
from thinmargin_agents.parallel.stop_signals import Stop
from thinmargin_agents.search.claim import Claim
from thinmargin_agents.search.messages import Ended, Job, Judged, Lost, Message, Went, Workers
from thinmargin_agents.search.progress import Board
from thinmargin_agents.search.search_space import Space
from thinmargin_agents.search.study import REASON, count_settled, give_up, ranking

WAIT = 0.5
"""Seconds without news after which the claim is renewed and Ctrl-C is seen."""


class Driver:
    """A search from where its study is to so many trials.

    Args:
        study: what is known so far.
        claim: the right to search it.
        space: what is tried.
        seeds: training seeds of a trial.
        trials: that count, in all.
        workers: train them.
        board: shows them.
    """

    def __init__(
        self, study: Study, claim: Claim, space: Space, seeds: int, trials: int, workers: Workers, board: Board
    ) -> None:
        self._study, self._claim, self._space = study, claim, space
        self._seeds, self._trials = seeds, trials
        self._workers, self._board = workers, board
        self._running: dict[int, Trial] = {}
        self._months: dict[int, int] = {}
        self._settled = 0

    def search(self) -> bool:
        """Go on until the study has its trials; False if Ctrl-C or SIGTERM stopped it, with trials still running."""
        try:
            with Stop(lambda _: self._board.say("stopping ...")) as stop:
                self._stand()
                while not stop.asked:
                    self._begin_some()
                    if not self._running:
                        return True
                    news = self._workers.news(WAIT)
                    self._claim.renew()  # before anything is told: this process may have slept while another took over
                    for number, message in news:
                        self._hear(number, message)
            return False
        finally:
            self._workers.close()

    def _begin_some(self) -> None:
        while len(self._running) < min(self._workers.count, self._trials - self._settled):
            trial = self._study.ask(self._space.distributions())
            self._running[trial.number] = trial
            self._board.begun(trial.number)
            try:
                runs = self._runs(trial)
            except ConfigError as error:
                self._end(trial, Ended("impossible", reason=str(error)))
            else:
                self._workers.start(Job(trial.number, runs))

    def _runs(self, trial: Trial) -> tuple[Run, ...]:
        base = dataclasses.replace(self._space.base, hyperparameters=self._space.hyperparameters(trial.params))
        return tuple(dataclasses.replace(base, seed=base.seed + place) for place in range(self._seeds))

    def _hear(self, number: int, message: Message) -> None:
        trial = self._running[number]
        if isinstance(message, Went):
            self._board.went(number, message.place, message.months)
        elif isinstance(message, Judged):
            trial.report(message.value, message.step)
            self._months[number] = message.step
            self._board.judged(number, message.value)
            self._workers.answer(number, proceed=not trial.should_prune())
        elif isinstance(message, Lost):
            again = give_up(self._study, trial, message.reason)
            self._forget(trial, f"{message.reason}: {'it is tried again' if again else 'not tried again'}")
        else:
            self._end(trial, message)

    def _end(self, trial: Trial, end: Ended) -> None:
        """Tell Optuna. What cannot be done counts as ended early: it is learnt from, as a failure is not."""
        if end.state == "complete" and end.value is not None:
            for name, item in end.details.items():
                trial.set_user_attr(name, item)
            self._study.tell(trial, end.value)
            said = f"{end.value:8.2f}   {end.details['seconds']:.0f} s   {_best(self._study)}"
        elif end.state == "failed":
            trial.set_user_attr(REASON, end.reason)
            self._study.tell(trial, state=TrialState.FAIL)
            said = f"failed: {end.reason}"
        else:
            if end.state == "impossible":
                trial.set_user_attr(REASON, end.reason)
            self._study.tell(trial, state=TrialState.PRUNED)
            said = end.reason or f"ended early, after {self._months[trial.number]:,} months"
        self._forget(trial, said)

    def _forget(self, trial: Trial, said: str) -> None:
        del self._running[trial.number]
        self._months.pop(trial.number, None)
        self._board.ended(trial.number, said)
        self._stand()

    def _stand(self) -> None:
        self._settled = count_settled(self._study)
        self._board.standing(self._settled, _best(self._study))


def _best(study: Study) -> str:
    """The best trial so far, in words."""
    ranked = ranking(study)
    return f"best {ranked[0].value:.2f} (trial {ranked[0].number})" if ranked else ""
