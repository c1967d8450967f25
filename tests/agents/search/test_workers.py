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
from thinmargin_agents.search.messages import IntermediateValue, LostWorker, Message, TrialEnd, TrialJob, TrialProgress
from thinmargin_agents.search.ray_workers import Mailbox


@pytest.mark.slow
def test_a_worker_that_is_killed_is_noticed_and_another_takes_the_next_trial(tmp_path: Path) -> None:
    run = resolve(small(tmp_path))
    workers = LocalWorkers(1)

    def received(kind: type) -> Message:
        while True:
            for _, message in workers.news(60.0):
                if isinstance(message, IntermediateValue):
                    workers.answer(0, proceed=True)
                if isinstance(message, kind):
                    return message

    try:
        workers.start(TrialJob(0, (run,)))
        workers._busy[0].process.kill()
        lost = received(LostWorker)
        assert isinstance(lost, LostWorker)
        assert "SIGKILL" in lost.reason
        workers.start(TrialJob(0, (run,)))
        ended = received(TrialEnd)
        assert isinstance(ended, TrialEnd)
        assert ended.state == "complete", ended.reason
    finally:
        workers.close()


def test_a_message_is_collected_once_and_an_intermediate_value_waits_for_its_answer() -> None:
    async def talk() -> tuple[list[Any], bool, list[Any]]:
        mailbox = Mailbox()
        assert await mailbox.post(3, TrialProgress(0, 10))
        answer = asyncio.create_task(mailbox.post(4, IntermediateValue(0, 10, 1.0)))
        await asyncio.sleep(0)
        messages = await mailbox.collect()
        assert not answer.done()
        await mailbox.answer(4, proceed=False)
        return messages, await answer, await mailbox.collect()

    assert asyncio.run(talk()) == ([(3, TrialProgress(0, 10)), (4, IntermediateValue(0, 10, 1.0))], False, [])


@pytest.mark.slow
def test_trials_are_trained_on_a_ray_cluster_too(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    config = small(tmp_path, n_trials=2, engine="ray", n_jobs=1)
    assert optimize(config) == 0
    assert [trial.state for trial in study_in(config).trials] == [TrialState.COMPLETE] * 2
