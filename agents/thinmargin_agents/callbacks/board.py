"""TensorBoard: what the firms did in every update, which curves are drawn together, hyper-parameters."""

from __future__ import annotations

import json
from pathlib import Path

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import HParam, Logger, TensorBoardOutputFormat
from torch.utils.tensorboard import SummaryWriter

from thinmargin.records import LEVERS
from thinmargin_agents.configs import Run
from thinmargin_agents.hyperparameters import flat
from thinmargin_agents.sb3 import EcosystemVecEnv

LAYOUT = {
    "business": {
        "value": ["Margin", ["eval/over_baseline", "eval/over_baseline_low", "eval/over_baseline_high"]],
        "revenue by line": [
            "Multiline",
            ["business/device_revenue", "business/accessory_revenue", "business/services_revenue"],
        ],
        "gross margins": [
            "Multiline",
            ["business/device_margin", "business/accessory_margin", "business/services_margin"],
        ],
        "users": ["Multiline", ["business/users_home", "business/users_overseas"]],
        "shares": ["Multiline", ["business/share_home", "business/share_overseas", "business/fans"]],
        "money": ["Multiline", ["business/profit", "business/cash", "business/credit_line"]],
    },
    "levers": {
        "saturation": ["Multiline", [f"levers/{lever.name}_saturation" for lever in LEVERS]],
        "mean action": ["Multiline", [f"levers/{lever.name}_mean" for lever in LEVERS]],
        "spread": ["Multiline", [f"levers/{lever.name}_spread" for lever in LEVERS]],
    },
}
"""TensorBoard's custom scalars: which curves are drawn together."""


def event_logger(folder: Path, purge_step: int | None) -> Logger:
    """A logger that writes TensorBoard's events into `folder`; a resumed run takes back what it will write again.

    Args:
        folder: made if it is not there.
        purge_step: events of an earlier process at this step or later are not shown.
    """
    output = TensorBoardOutputFormat(str(folder))
    if purge_step is not None:
        output.writer.close()
        output.writer = SummaryWriter(str(folder), purge_step=purge_step)
    return Logger(str(folder), [output])


class StatisticsCallback(BaseCallback):
    """Log what the firms did in every update; lay TensorBoard out; record hyper-parameters."""

    def __init__(self, run: Run, environment: EcosystemVecEnv) -> None:
        super().__init__()
        self._run = run
        self._environment = environment

    def _on_training_start(self) -> None:
        for output in self.logger.output_formats:
            if isinstance(output, TensorBoardOutputFormat):
                output.writer.add_custom_scalars(LAYOUT)
        values: dict[str, bool | str | float | None] = {
            "algo": self._run.algo,
            "env": self._run.env_id,
            "seed": self._run.seed,
        }
        for name, value in flat(self._run.hyperparameters).items():
            values[name] = value if isinstance(value, (bool, int, float, str)) else json.dumps(value)
        metrics = {"eval/J": 0.0, "eval/over_baseline": 0.0, "eval/bankrupt_share": 0.0}
        self.logger.record("hparams", HParam(values, metrics), exclude=("stdout", "log", "json", "csv"))

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        for tag, value in self._environment.statistics().items():
            self.logger.record(tag, value)
        self._environment.clear_statistics()
