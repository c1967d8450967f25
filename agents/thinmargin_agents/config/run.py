"""The configuration of a run: everything that decides its numbers."""

from __future__ import annotations

import dataclasses
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from thinmargin_agents.config.errors import ConfigError, shown
from thinmargin_agents.config.hyperparameters import checked
from thinmargin_agents.config.limits import LIMITS, check_numbers
from thinmargin_agents.config.train_config import TrainConfig

MOST_LENGTHENINGS = 1000
"""Most times that a run is lengthened."""


@dataclass(frozen=True)
class Run:
    """Everything that decides a run's numbers; `config.json` of its folder holds exactly this.

    `lengthened` has one mapping for every time that the run's length was changed, and is left out of the file where
    there is none: months of experience it had then (`at`), and its length before (`from`) and after (`to`).
    """

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
    lengthened: list[dict[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_numbers(self, may_be_none=False)
        if not isinstance(self.env_id, str):
            raise ConfigError(f"env_id is {shown(self.env_id)}: it must be a text")
        if not (self.tensorboard_log is None or isinstance(self.tensorboard_log, str)):
            raise ConfigError(f"tensorboard_log is {shown(self.tensorboard_log)}: it must be a text or null")
        _check_lengthened(self.lengthened, self.hyperparameters)

    @property
    def total_timesteps(self) -> int:
        """Months of experience of the whole run."""
        return int(self.hyperparameters["n_timesteps"])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        values = dataclasses.asdict(self)
        return values if self.lengthened else {name: item for name, item in values.items() if name != "lengthened"}

    def of_length(self, months: int, at: int) -> Run:
        """The run with another length from here on.

        Args:
            months: of experience, the whole run's.
            at: months that it has already.
        """
        entry = {"at": at, "from": self.total_timesteps, "to": months}
        return dataclasses.replace(
            self,
            hyperparameters={**self.hyperparameters, "n_timesteps": months},
            lengthened=[*self.lengthened, entry],
        )

    def before_lengthening(self) -> Run:
        """The run as it was before its length was last changed; one that never was is a LookupError."""
        return dataclasses.replace(
            self,
            hyperparameters={**self.hyperparameters, "n_timesteps": self.lengthened[-1]["from"]},
            lengthened=self.lengthened[:-1],
        )

    @classmethod
    def from_json(cls, values: Any, origin: str) -> Run:
        """Read what `to_json` wrote; anything else is a ConfigError that names the file."""
        names = {item.name for item in dataclasses.fields(cls)}
        if not isinstance(values, dict) or {"lengthened", *values} != names:
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


def _check_lengthened(entries: Any, hyperparameters: Any) -> None:
    """Raise ConfigError unless these are changes of length that lead to the run's own."""
    if not entries and isinstance(entries, list):
        return
    fits = isinstance(entries, list) and len(entries) <= MOST_LENGTHENINGS and all(map(_is_lengthening, entries))
    if fits:
        follows = all(
            before["to"] == after["from"] and before["at"] <= after["at"]
            for before, after in itertools.pairwise(entries)
        )
        fits = follows and isinstance(hyperparameters, dict) and hyperparameters.get("n_timesteps") == entries[-1]["to"]
    if not fits:
        raise ConfigError(
            f"lengthened is {shown(entries)}: it must be a list of mappings with the months at, from and to,"
            " each going on from the one before, and the last one to n_timesteps"
        )


def _is_lengthening(entry: Any) -> bool:
    """Whether it is one change of length."""
    if not isinstance(entry, dict) or set(entry) != {"at", "from", "to"}:
        return False
    whole = all(isinstance(months, int) and not isinstance(months, bool) for months in entry.values())
    return whole and 0 <= entry["at"] < entry["to"] <= LIMITS["total_timesteps"][1] and entry["from"] >= 1


JUDGED = ("worlds", "horizon", "closing", "discrete")
"""Arguments of an environment that decide what is judged; the others are about how an agent learns."""


def evaluation_flags(run: Run) -> list[str]:
    """Flags with which evaluate.py judges a run on the task it was trained on; none for the benchmark's."""
    flags = [] if run.env_id == TrainConfig.env else ["--env", run.env_id]
    given = {name: item for name, item in run.env_kwargs.items() if name in JUDGED}
    words = [f"{name}={item if isinstance(item, str) else json.dumps(item)}" for name, item in given.items()]
    return [*flags, "--env-kwargs", *words] if words else flags
