"""The callback that judges the policy on validation worlds while it learns, and saves the best one."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from stable_baselines3.common.callbacks import BaseCallback

from thinmargin.baselines import Policy
from thinmargin.files import write_atomically
from thinmargin_agents.config.run import Run
from thinmargin_agents.judging.validation import Judge
from thinmargin_agents.monitoring.judgement import Judgement
from thinmargin_agents.runs.file_names import EVALUATIONS
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.sb3.networks import first_non_finite, weights
from thinmargin_agents.training.callbacks.tensorboard import write_judgement

EVALUATION_COLUMNS = ("timesteps", "seconds", "J", "over_baseline", "low", "high", "bankrupt_share", "score")


class ValidationCallback(BaseCallback):
    """Judge the policy on validation worlds at intervals and save the best one; `picture` draws an episode of it."""

    def __init__(
        self,
        run: Run,
        folder: RunFolder,
        judge: Judge,
        player: Policy,
        report: Callable[[int, Judgement], None],
        picture: Callable[[Policy], npt.NDArray[np.uint8]] | None = None,
    ) -> None:
        super().__init__()
        self._player = player
        self._run, self._interval = run, run.eval_freq
        self._folder = folder
        self._judge = judge
        self._report, self._picture = report, picture
        self._started = time.monotonic()
        self.next = run.eval_freq
        self.best: dict[str, Any] | None = None
        self.rows: list[list[Any]] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self.next:
            self.judge()

    def judge(self) -> Judgement:
        """Judge now; write the row, and the policy if it is the best so far.

        Raises:
            ValueError: its weights are not finite.
        """
        non_finite = first_non_finite(self.model.policy.state_dict())
        if non_finite is not None:
            raise ValueError(f"{non_finite} has numbers that are not finite")
        judgement = self._judge.judge(self._player)
        timesteps = self.model.num_timesteps
        if timesteps >= self.next:  # at the end of a run too: one that is lengthened is not judged there twice
            self.next = timesteps + self._interval
        drawn = None if self._picture is None else self._picture(self._player)
        write_judgement(self.logger, judgement, timesteps, drawn)
        self.rows.append([
            timesteps, round(time.monotonic() - self._started, 2), judgement.J,
            judgement.difference, judgement.low, judgement.high, judgement.bankrupt_share, judgement.score,
        ])  # fmt: skip
        self._write_rows()
        if self.best is None or self.best["J"] < judgement.J:
            self.best = {"policy": weights(self.model.policy), "timesteps": timesteps, "J": judgement.J}
            self._folder.save("best", self.best, self._run)
        self._report(timesteps, judgement)
        return judgement

    def _write_rows(self) -> None:
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(EVALUATION_COLUMNS)
        table.writerows(self.rows)
        write_atomically(self._folder.path / EVALUATIONS, text.getvalue())

    def state(self) -> dict[str, Any]:
        """The state that a resumed run needs."""
        return {"next": self.next, "best": self.best, "rows": self.rows}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore `state`; rows and policies saved after it are removed, since the run makes them again."""
        self.next, self.rows, best = int(state["next"]), [list(row) for row in state["rows"]], state["best"]
        if best is not None:
            best = {"policy": dict(best["policy"]), "timesteps": int(best["timesteps"]), "J": float(best["J"])}
        self.best = best
        if self.rows:
            self._started = time.monotonic() - float(self.rows[-1][1])
        if self.best is None:
            self._folder.delete("best")
        else:
            self._folder.save("best", self.best, self._run)
        if self.rows:
            self._write_rows()
        else:
            (self._folder.path / EVALUATIONS).unlink(missing_ok=True)
