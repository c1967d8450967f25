from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState
from tests.agents.search.small import small, study_in

from thinmargin_agents.config.preset import resolve
from thinmargin_agents.search import optimize
from thinmargin_agents.search.local_workers import LocalWorkers
from thinmargin_agents.search.messages import Ended, Job, Judged, Lost, Message, Went
from thinmargin_agents.search.ray_workers import Desk


@pytest.mark.slow
def test_a_worker_that_is_killed_is_noticed_and_another_takes_the_next_trial(tmp_path: Path) -> None:
    run = resolve(small(tmp_path))
    workers = LocalWorkers(1)

    def heard(kind: type) -> Message:
        while True:
            for _, message in workers.news(60.0):
                if isinstance(message, Judged):
                    workers.answer(0, proceed=True)
                if isinstance(message, kind):
                    return message

    try:
        workers.start(Job(0, (run,)))
        workers._busy[0].process.kill()
        lost = heard(Lost)
        assert isinstance(lost, Lost)
        assert "SIGKILL" in lost.reason
        workers.start(Job(0, (run,)))
        ended = heard(Ended)
        assert isinstance(ended, Ended)
        assert ended.state == "complete", ended.reason
    finally:
        workers.close()


def test_word_left_at_the_desk_is_heard_once_and_a_judgement_waits_for_its_answer() -> None:
    async def talk() -> tuple[list[Any], bool, list[Any]]:
        desk = Desk()
        assert await desk.say(3, Went(0, 10))
        asked = asyncio.create_task(desk.say(4, Judged(0, 10, 1.0)))
        await asyncio.sleep(0)
        heard = await desk.heard()
        assert not asked.done()
        await desk.answer(4, proceed=False)
        return heard, await asked, await desk.heard()

    assert asyncio.run(talk()) == ([(3, Went(0, 10)), (4, Judged(0, 10, 1.0))], False, [])


@pytest.mark.slow
def test_trials_are_trained_on_a_ray_cluster_too(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    config = small(tmp_path, n_trials=2, engine="ray", n_jobs=1)
    assert optimize(config) == 0
    assert [trial.state for trial in study_in(config).trials] == [TrialState.COMPLETE] * 2
