"""The flags of `train.py`: one dataclass that is the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import tyro

from thinmargin_agents.config.algorithms import AlgorithmName
from thinmargin_agents.config.errors import ConfigError, shown
from thinmargin_agents.config.limits import LIMITS, Device, Engine, check_numbers


@dataclass(frozen=True)
class TrainConfig:
    """Train an agent to run the firm, watch it in TensorBoard, and compare it with the baseline."""

    algo: AlgorithmName = "ppo"
    """Learning algorithm: those of Stable-Baselines3 and sb3-contrib, named as rl-zoo3 does."""
    env: str = "ThinMargin/Ecosystem-v1"
    """Environment id."""
    total_timesteps: Annotated[int | None, tyro.conf.arg(aliases=["--n-timesteps", "-n"])] = None
    """Months of experience over all environments; the preset's if not given. With --resume: the run's new length."""
    seed: int = 0
    """Seed of the worlds, the network and the exploration."""
    seeds: Annotated[tuple[int, ...], tyro.conf.arg(metavar="S ...")] = ()
    """Several seeds, each a run of its own in a process of its own."""
    preset: str = "default"
    """Name of a shipped preset (`default`: the algorithm's own), or a YAML file in the form of rl-zoo3."""
    n_envs: int | None = None
    """Firms run in step, a multiple of the hyper-parameter paired_worlds; the preset's if not given."""
    residual: str | None = None
    """Built-in policy whose actions the agent corrects, such as plan, or none; the preset's if not given."""
    residual_bound: float | None = None
    """Most that a correction adds to an action; the preset's, or 0.5."""
    history: Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="LAG ...")] = None
    """Months back whose changes the agent sees too, such as 6 24; the preset's if not given, 0 for none."""
    num_threads: int = 1
    """Threads of torch, which change the result in its last digits, and of the firms, which do not."""
    eval_freq: int | None = None
    """Months of experience between two evaluations on validation worlds; a twelfth of the run if not given."""
    n_eval_episodes: Annotated[int, tyro.conf.arg(aliases=["--eval-episodes"])] = 256
    """Validation worlds of an evaluation."""
    save_freq: int | None = None
    """Months of experience between two checkpoints; a twelfth of the run if not given."""
    log_folder: Annotated[Path, tyro.conf.arg(aliases=["-f"])] = Path("logs")
    """Where run folders are made: LOG_FOLDER/ALGO/ENV_K."""
    tensorboard_log: Annotated[Path | None, tyro.conf.arg(aliases=["-tb"])] = None
    """Where TensorBoard's events go, in ALGO/ENV_K as the run's own; the run folder if not given."""
    progress: Annotated[bool, tyro.conf.arg(aliases=["-P"])] = True
    """Show a progress bar."""
    hyperparams: Annotated[tuple[str, ...], tyro.conf.arg(aliases=["-params"], metavar="NAME=VALUE ...")] = ()
    """Hyper-parameters that differ from the preset."""
    env_kwargs: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE ...")] = ()
    """Keyword arguments of the environment, such as horizon=120 or worlds=calibrated."""
    resume: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="RUN ...")] = ()
    """Run folders to resume, several side by side; every other setting but --total-timesteps is then the run's own."""
    device: Device = "cpu"
    """Where firms and networks are: cuda keeps the firms on a GPU, with the larger batches that PPO's presets name."""
    n_jobs: int | None = None
    """Runs, or workers of a search, at once; one a processor core if not given."""
    engine: Engine = "local"
    """Where seeds and trials run: processes of this machine, or tasks of a Ray cluster."""
    ray_address: str | None = None
    """HOST:PORT of the Ray cluster, or auto; one is started on this machine if not given."""
    optimize: Annotated[tyro.conf.FlagCreatePairsOff[bool], tyro.conf.arg(aliases=["-optimize"])] = False
    """Search for hyper-parameters with Optuna instead of training once."""
    n_trials: int = 50
    """Trials of the search, those of earlier calls on the same study included."""
    n_seeds: int = 2
    """Training seeds of a trial: its score is the mean of the middle half over seeds and validation worlds."""
    storage: str | None = None
    """Where the study is stored; sqlite:///LOG_FOLDER/search.db if not given."""
    study_name: str | None = None
    """Name of the study, to resume it; ALGO-ENV if not given."""

    def __post_init__(self) -> None:
        check_numbers(self, may_be_none=True)
        check_seeds(self)
        check_search(self)


MOST_JOBS = 4096
"""Most runs, or workers of a search, at once."""


def check_seeds(config: TrainConfig) -> None:
    """Raise ConfigError unless the seeds and where they run can be used together."""
    low, high = LIMITS["seed"]
    for seed in config.seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not low <= seed <= high:
            raise ConfigError(f"--seeds has {shown(seed)}: allowed are {low} to {high}")
    repeated = sorted({seed for seed in config.seeds if config.seeds.count(seed) > 1})
    if repeated:
        raise ConfigError(f"--seeds has {', '.join(map(str, repeated))} more than once: each seed is a run of its own")
    if config.seeds and config.seed != TrainConfig.seed:
        raise ConfigError(f"--seed is {config.seed} and --seeds are given too: give one of the two")
    if config.n_jobs is not None and not 1 <= config.n_jobs <= MOST_JOBS:
        raise ConfigError(f"--n-jobs is {shown(config.n_jobs)}: allowed are 1 to {MOST_JOBS}")
    if config.engine not in get_args(Engine):
        raise ConfigError(f"--engine is {shown(config.engine)}: allowed are {', '.join(get_args(Engine))}")
    if config.ray_address is not None and config.engine != "ray":
        raise ConfigError(f"--ray-address is {shown(config.ray_address)}: it needs --engine ray")


SEARCH_FLAGS = ("n_trials", "n_seeds", "storage", "study_name")
"""Flags of --optimize alone."""


def check_search(config: TrainConfig) -> None:
    """Raise ConfigError if a flag of --optimize is given without it."""
    for name in SEARCH_FLAGS:
        value = getattr(config, name)
        if not config.optimize and value != TrainConfig.__dataclass_fields__[name].default:
            raise ConfigError(f"--{name.replace('_', '-')} is {shown(value)}: it needs --optimize")


def parse_pairs(flag: str, pairs: Sequence[str]) -> dict[str, Any]:
    """`name=value` strings as a dictionary; values are JSON where they can be, else text. Never evaluated.

    Raises:
        ConfigError: a pair is none, or a name, or a key inside a value, stands twice.
    """
    from thinmargin.plain_json import RepeatedKeyError, read_json_text  # noqa: PLC0415  # --help needs no NumPy

    parsed: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ConfigError(f"{flag} has {shown(pair)}: it must be NAME=VALUE, such as gae_lambda=0.95")
        try:
            value = read_json_text(text)
        except RepeatedKeyError as error:
            raise ConfigError(f"{flag} has {shown(pair)}: {error}: give it once") from error
        except (ValueError, RecursionError):  # a number may have too many digits, a list be too deep
            value = {"True": True, "False": False, "None": None}.get(text, text)
        if name in parsed:
            raise ConfigError(f"{flag} has {shown(name)} twice, {shown(parsed[name])} and {shown(value)}: give it once")
        parsed[name] = value
    return parsed
