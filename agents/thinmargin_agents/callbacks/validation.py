"""Judge the policy on validation worlds while it learns, and keep the best one."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import TensorBoardOutputFormat

from thinmargin.baselines import Policy
from thinmargin.files import write_atomically
from thinmargin_agents.configs import Run
from thinmargin_agents.models import weights
from thinmargin_agents.runs import RunFolder
from thinmargin_agents.validation import Judge, Judgement

EVALUATION_COLUMNS = ("timesteps", "seconds", "J", "over_baseline", "low", "high", "bankrupt_share")


class ValidationCallback(BaseCallback):
    """Judge the policy on validation worlds every so often and keep the best one."""

    def __init__(
        self, run: Run, folder: RunFolder, judge: Judge, player: Policy, told: Callable[[int, Judgement], None]
    ) -> None:
        super().__init__()
        self._player = player
        self._every = run.eval_freq
        self._folder = folder
        self._judge = judge
        self._told = told
        self._started = time.monotonic()
        self.next = run.eval_freq
        self.best: float | None = None
        self.rows: list[list[Any]] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self.next:
            self.next = self.num_timesteps + self._every
            self.judge()

    def judge(self) -> Judgement:
        """Judge now; write the row, and the policy if it is the best so far."""
        judgement = self._judge.judge(self._player)
        timesteps = self.model.num_timesteps
        for output in self.logger.output_formats:  # at once: SB3's own figures wait for the end of the update
            if isinstance(output, TensorBoardOutputFormat):
                for tag, value in judgement.metrics().items():
                    output.writer.add_scalar(tag, value, timesteps)
        self.rows.append([
            timesteps, round(time.monotonic() - self._started, 2), judgement.J,
            judgement.difference, judgement.low, judgement.high, judgement.bankrupt_share,
        ])  # fmt: skip
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(EVALUATION_COLUMNS)
        table.writerows(self.rows)
        write_atomically(self._folder.path / "evaluations.csv", text.getvalue())
        if self.best is None or self.best < judgement.J:
            self.best = judgement.J
            best = {"policy": weights(self.model.policy), "timesteps": timesteps, "J": judgement.J}
            self._folder.save("best", best)
        self._told(timesteps, judgement)
        return judgement

    def state(self) -> dict[str, Any]:
        """What a resumed run must know."""
        return {"next": self.next, "best": self.best, "rows": self.rows}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.next, self.best, self.rows = int(state["next"]), state["best"], state["rows"]
        if self.rows:
            self._started = time.monotonic() - float(self.rows[-1][1])
