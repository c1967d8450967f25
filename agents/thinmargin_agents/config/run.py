"""The configuration of a run: everything that decides its numbers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import checked
from thinmargin_agents.config.limits import check_numbers
from thinmargin_agents.config.train_config import TrainConfig


@dataclass(frozen=True)
class Run:
    """Everything that decides a run's numbers; `config.json` of its folder holds exactly this."""

    algo: str
    env_id: str
    env_kwargs: dict[str, Any]
    seed: int
    num_threads: int
    device: str
    eval_freq: int
    n_eval_episodes: int
    save_freq: int
    tensorboard_log: str | None = None
    hyperparameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from thinmargin.shown import shown  # noqa: PLC0415  # --help needs no NumPy

        check_numbers(self, may_be_none=False)
        if not isinstance(self.env_id, str):
            raise ConfigError(f"env_id is {shown(self.env_id)}: it must be a text")
        if not (self.tensorboard_log is None or isinstance(self.tensorboard_log, str)):
            raise ConfigError(f"tensorboard_log is {shown(self.tensorboard_log)}: it must be a text or null")

    @property
    def total_timesteps(self) -> int:
        """Months of experience of the whole run."""
        return int(self.hyperparameters["n_timesteps"])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Any, origin: str) -> Run:
        """Read what `to_json` wrote; anything else is a ConfigError that names the file."""
        names = {item.name for item in dataclasses.fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            raise ConfigError(f"{origin}: not the configuration of a run (its keys must be {', '.join(sorted(names))})")
        if not isinstance(values["hyperparameters"], dict) or not isinstance(values["env_kwargs"], dict):
            raise ConfigError(f"{origin}: hyperparameters and env_kwargs must be mappings")
        try:
            run = cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{origin}: {error}") from error
        hyperparameters = checked(origin, run.algo, run.hyperparameters)
        for name in ("n_timesteps", "n_envs"):
            if name not in hyperparameters:
                raise ConfigError(f"{origin}: hyperparameters lack {name}")
        return dataclasses.replace(run, hyperparameters=hyperparameters)


def evaluation_flags(run: Run) -> list[str]:
    """Flags with which evaluate.py judges in the environment of a run; none for the benchmark's."""
    return [] if run.env_id == TrainConfig.env else ["--env", run.env_id]
