"""TensorBoard's events: statistics of the firms, judgements, the layout, hyper-parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import HParam, Logger, TensorBoardOutputFormat
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_BLOB_SEQUENCE, DATA_CLASS_SCALAR, SummaryMetadata
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import image, scalar

from thinmargin_agents.config.hyperparameters import flat
from thinmargin_agents.config.run import Run
from thinmargin_agents.monitoring.descriptions import description_of
from thinmargin_agents.monitoring.judgement import Judgement
from thinmargin_agents.monitoring.layout import layout, metrics
from thinmargin_agents.monitoring.tags import EPISODE, TRAINING, VALIDATION, values_of
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv

POINTS = 500
"""Most points of a curve of `firm/*`, `levers/*`, `rollout/*`, `train/*` and `time/*` in a run."""
NEVER = 1 << 62
"""Stable-Baselines3's `log_interval` for a run whose curves are written by `StatisticsCallback`."""


def event_logger(folder: Path, purge_step: int) -> Logger:
    """A logger that writes TensorBoard's events into `folder`; a resumed run hides events that it will write again.

    Args:
        folder: made if it is not there.
        purge_step: events of an earlier process at this step or later are not shown. 0 where there is none: of the
            events that begin a process, TensorBoard takes the first for the beginning, and hides nothing before it.
    """
    return Logger(str(folder), [Events(folder, purge_step)])


class Events(TensorBoardOutputFormat):
    """Stable-Baselines3's output, with a description in every curve and picture.

    Its own constructor knows no `purge_step`, and would leave an empty file behind.
    """

    def __init__(self, folder: Path, purge_step: int) -> None:
        self.writer = SummaryWriter(str(folder), purge_step=purge_step)
        self._files: Any = self.writer.file_writer
        self._is_closed = False

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Write values of Stable-Baselines3's logger at once."""
        numbers = {name: value for name, value in key_values.items() if isinstance(value, Real | np.number | np.bool_)}
        for tag, value in numbers.items():
            if "tensorboard" not in (key_excluded[tag] or ()):
                self.add_scalar(tag, float(value), step)
        rest = {name: value for name, value in key_values.items() if name not in numbers}
        super().write(rest, {name: key_excluded[name] for name in rest}, step)

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Add a point to a curve."""
        point = scalar(tag, value)  # type: ignore[no-untyped-call]  # torch has no types there
        self._add(point, step, SummaryMetadata.PluginData(plugin_name="scalars"), DATA_CLASS_SCALAR)

    def add_image(self, tag: str, pixels: npt.NDArray[np.uint8], step: int) -> None:
        """Add a picture of shape (height, width, 3)."""
        picture = image(tag, pixels, dataformats="HWC")  # type: ignore[no-untyped-call]  # as above
        self._add(picture, step, SummaryMetadata.PluginData(plugin_name="images"), DATA_CLASS_BLOB_SEQUENCE)

    def _add(self, summary: Any, step: int, plugin: Any, kind: Any) -> None:
        """Add a summary with its description; TensorBoard's data server drops it unless plugin and kind are said."""
        for item in summary.value:
            metadata = SummaryMetadata(
                summary_description=description_of(item.tag), plugin_data=plugin, data_class=kind
            )
            item.metadata.CopyFrom(metadata)
        self._files.add_summary(summary, step)


def boards(logger: Logger) -> list[Events]:
    """The outputs of a logger that write TensorBoard's events."""
    return [output for output in logger.output_formats if isinstance(output, Events)]


def write_judgement(
    logger: Logger, judgement: Judgement, timesteps: int, picture: npt.NDArray[np.uint8] | None = None
) -> None:
    """Write `eval/*`, `score/*` and a picture at once: Stable-Baselines3's own figures wait for the end of the update.

    Args:
        logger: of the run.
        judgement: on validation worlds.
        timesteps: months of experience when it was judged.
        picture: of one episode, shape (height, width, 3).
    """
    for output in boards(logger):
        for tag, value in values_of(VALIDATION, judgement).items():
            output.add_scalar(tag, value, timesteps)
        if picture is not None:
            output.add_image(EPISODE, picture, timesteps)
        output.writer.flush()  # a checkpoint may follow: a resumed run does not judge again


def hyperparameters(run: Run) -> dict[str, bool | str | float | None]:
    """Settings that distinguish runs in TensorBoard's table: one plain value a name."""
    values: dict[str, bool | str | float | None] = {"algo": run.algo, "env": run.env_id, "seed": run.seed}
    for name, value in {**run.env_kwargs, **flat(run.hyperparameters)}.items():
        if name == "env_wrapper":
            values[name] = _wrappers(value)
        else:
            values[name] = value if isinstance(value, (bool, int, float, str)) else json.dumps(value)
    return values


def _wrappers(env_wrapper: Any) -> str:
    """Wrappers and their arguments in a few words."""
    several = isinstance(env_wrapper, Sequence) and not isinstance(env_wrapper, str)
    items = env_wrapper if several else [env_wrapper] if env_wrapper else []
    words = []
    for item in items:
        name, arguments = next(iter(item.items())) if isinstance(item, Mapping) else (item, {})
        inside = ", ".join(f"{key}={value}" for key, value in (arguments or {}).items())
        words.append(str(name).rpartition(".")[2] + (f"({inside})" if inside else ""))
    return " ".join(words) or "none"


class StatisticsCallback(BaseCallback):
    """Write statistics of the firms beside Stable-Baselines3's own figures, TensorBoard's layout, and hyper-parameters.

    A point of the curves holds whole episodes of every firm, since months of an episode differ more than policies do;
    a run has at most POINTS of them. Months left over at the end make a point only if there is no other.
    Train with `log_interval=NEVER`.

    Args:
        run: what is trained.
        environment: where.
        scored: whether there is a score on the validation worlds.
        anew: False in a resumed run: layout and hyper-parameters are written already.
    """

    def __init__(self, run: Run, environment: EcosystemVecEnv, *, scored: bool, anew: bool = True) -> None:
        super().__init__()
        self._run = run
        self._environment = environment
        self._scored, self._anew = scored, anew
        episodes = environment.num_envs * environment.horizon
        self._interval = episodes * max(-(-run.total_timesteps // (POINTS * episodes)), 1)
        self._before = 0

    def _on_training_start(self) -> None:
        if not self._anew:
            return
        corrected = self._environment.statistics.corrected
        empty = dict.fromkeys(metrics(scored=self._scored), 0.0)  # the curves have the values
        table = HParam(hyperparameters(self._run), empty)
        for output in boards(self.logger):
            output.writer.add_custom_scalars(layout(scored=self._scored, corrected=corrected))
            output.write({"hparams": table}, {"hparams": ()})

    def _on_rollout_start(self) -> None:
        self._before = self.model.num_timesteps

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if self.model.num_timesteps // self._interval > self._before // self._interval:
            self._write()

    def _on_training_end(self) -> None:
        if self.model.num_timesteps < self._interval:
            self._write()

    def _write(self) -> None:
        for tag, value in values_of(TRAINING, self._environment.statistics.means()).items():
            self.logger.record(tag, value)
        self._environment.statistics.clear()
        self.model.dump_logs()
