"""The callback that writes checkpoints."""

from __future__ import annotations

from collections.abc import Callable

from stable_baselines3.common.callbacks import BaseCallback

from thinmargin_agents.config.run import Run


class Stopped(Exception):  # noqa: N818  # not an error: somebody asked for it
    """Training was asked to stop and has written its checkpoint."""


class CheckpointCallback(BaseCallback):
    """Write everything needed to resume, at intervals and when asked to stop.

    Args:
        run: sets the interval.
        save: writes a checkpoint; its argument is the month of experience at which the next one is due.
    """

    def __init__(self, run: Run, save: Callable[[int], None]) -> None:
        super().__init__()
        self._interval = run.save_freq
        self._save = save
        self.next = 0  # the first checkpoint is the untrained agent
        self.stop_asked = False
        self.on_resume: Callable[[], None] | None = None
        """Called once, where a resumed run begins its roll-out: at the very place where its checkpoint was written."""

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.on_resume is not None:
            self.on_resume()
            self.on_resume = None
        if self.num_timesteps >= self.next or self.stop_asked:
            self.next = self.num_timesteps + self._interval
            self._save(self.next)
        if self.stop_asked:
            raise Stopped
