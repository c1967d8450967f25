"""What a training run is: one dataclass that is the command line, and one for hyper-parameters.

Nothing heavy is imported here, so that `--help` answers at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import tyro

PRESETS = Path(__file__).parent / "presets"


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the argument, its value and what is allowed."""


@dataclass(frozen=True)
class Hyperparameters:
    """Hyper-parameters of PPO; a preset sets them, `--hyperparams name=value` overrides them."""

    n_timesteps: int = 3_000_000
    """Months of experience, over all environments."""
    n_envs: int = 256
    """Firms run in step, in one compiled batch."""
    n_steps: int = 120
    """Months of each firm in one update."""
    batch_size: int = 3840
    """Months in one gradient step."""
    n_epochs: int = 6
    """Passes over the experience of an update."""
    learning_rate: float = 1e-3
    """Step size at the start."""
    learning_rate_end: float = 2e-5
    """Step size at the end; it falls linearly."""
    gae_lambda: float = 0.97
    """Generalised advantage estimation (Schulman et al. 2016)."""
    clip_range: float = 0.2
    """How far the policy may move in one update (Schulman et al. 2017)."""
    ent_coef: float = 0.0
    """Weight of the entropy bonus."""
    vf_coef: float = 0.5
    """Weight of the value loss."""
    max_grad_norm: float = 0.5
    """Gradients longer than this are cut."""
    log_std_init: float = -1.0
    """Log standard deviation of the actions at the start."""
    activation: Literal["tanh", "relu"] = "tanh"
    """Activation of the hidden layers."""
    policy_layers: tuple[int, ...] = (64, 64)
    """Hidden layers of the policy."""
    value_layers: tuple[int, ...] = (128, 128)
    """Hidden layers of the value function."""
    reward: Literal["profit", "shaped"] = "shaped"
    """Reward while training; scores are always on profit and closing value."""
    reward_scale: float = 1.0
    """Factor on rewards while training."""

    def __post_init__(self) -> None:
        for name in ("n_timesteps", "n_envs", "n_steps", "batch_size", "n_epochs"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"hyper-parameter {name} is {value!r}: a whole number from 1 is wanted")
        if self.n_steps * self.n_envs < 2 or self.batch_size < 2:
            raise ConfigError(
                f"n_steps x n_envs is {self.n_steps * self.n_envs} and batch_size {self.batch_size}:"
                " at least 2 months are wanted"
            )
        for name, low, high in (
            ("learning_rate", 0.0, 1.0),
            ("learning_rate_end", 0.0, 1.0),
            ("gae_lambda", 0.0, 1.0),
            ("clip_range", 1e-6, 1.0),
            ("ent_coef", 0.0, 10.0),
            ("vf_coef", 0.0, 10.0),
            ("max_grad_norm", 1e-6, 1e6),
            ("log_std_init", -10.0, 3.0),
            ("reward_scale", 1e-9, 1e9),
        ):
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            if not number or not low <= value <= high:
                raise ConfigError(f"hyper-parameter {name} is {value!r}: allowed are {low:g} to {high:g}")
        for name, allowed in (("activation", ("tanh", "relu")), ("reward", ("profit", "shaped"))):
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"hyper-parameter {name} is {getattr(self, name)!r}: allowed are {', '.join(allowed)}"
                )
        for name in ("policy_layers", "value_layers"):
            layers = getattr(self, name)
            if not isinstance(layers, (list, tuple)) or not all(
                isinstance(size, int) and not isinstance(size, bool) and 1 <= size <= 8192 for size in layers
            ):
                raise ConfigError(f"hyper-parameter {name} is {layers!r}: a list of sizes from 1 to 8192 is wanted")
            object.__setattr__(self, name, tuple(layers))


Algorithm = Literal["ppo"]
Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class TrainConfig:
    """Train an agent to run the firm, watch it in TensorBoard, and compare it with the baseline."""

    algo: Algorithm = "ppo"
    """Learning algorithm."""
    env: str = "ThinMargin/Ecosystem-v0"
    """Environment id."""
    total_timesteps: Annotated[int | None, tyro.conf.arg(aliases=["--n-timesteps", "-n"])] = None
    """Months of experience over all environments; the preset's if not given."""
    seed: int = 0
    """Seed of the worlds, the network and the exploration."""
    preset: str = "default"
    """Name of a shipped preset, or a YAML file of the same form."""
    n_envs: int | None = None
    """Firms run in step; the preset's if not given."""
    num_threads: int = 1
    """Threads of torch; more than one rarely pays and changes the result."""
    eval_freq: int = 250_000
    """Months of experience between two evaluations on validation worlds."""
    n_eval_episodes: Annotated[int, tyro.conf.arg(aliases=["--eval-episodes"])] = 256
    """Validation worlds of an evaluation."""
    save_freq: int = 250_000
    """Months of experience between two checkpoints."""
    log_folder: Annotated[Path, tyro.conf.arg(aliases=["-f"])] = Path("logs")
    """Where run folders are made: LOG_FOLDER/ALGO/ENV_K."""
    tensorboard_log: Annotated[Path | None, tyro.conf.arg(aliases=["-tb"])] = None
    """Where TensorBoard's events go, in a folder named like the run; the run folder if not given."""
    progress: Annotated[bool, tyro.conf.arg(aliases=["-P"])] = True
    """Show a progress bar."""
    hyperparams: Annotated[tuple[str, ...], tyro.conf.arg(aliases=["-params"], metavar="NAME=VALUE ...")] = ()
    """Hyper-parameters that differ from the preset."""
    env_kwargs: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE ...")] = ()
    """Keyword arguments of the environment, such as horizon=120 or worlds=calibrated."""
    resume: Path | None = None
    """A run folder to go on with; every other setting is then the run's own."""
    device: Device = "cpu"
    """Device of the networks; these small ones are fastest on the processor."""

    def __post_init__(self) -> None:
        check_numbers(self)
        for name in ("total_timesteps", "n_envs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"--{name.replace('_', '-')} is {value}: at least 1 is wanted")


LIMITS = {
    "num_threads": (1, 1024),
    "eval_freq": (1, 1 << 62),
    "n_eval_episodes": (2, 1_000_000),
    "save_freq": (1, 1 << 62),
    "seed": (0, (1 << 31) - 1),
}
"""Whole numbers a command line and a run's file share, and what they may be."""


def check_numbers(settings: object) -> None:
    """Nothing if the numbers of LIMITS, the algorithm and the device's name can be used, else a ConfigError."""
    for name, (low, high) in LIMITS.items():
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"--{name.replace('_', '-')} is {value!r}: allowed are {low} to {high}")
    for name, wanted in (("algo", get_args(Algorithm)), ("device", get_args(Device))):
        value = getattr(settings, name)
        if value not in wanted:
            raise ConfigError(f"--{name} is {value!r}: allowed are {', '.join(wanted)}")


def parse_pairs(flag: str, pairs: Sequence[str]) -> dict[str, Any]:
    """`name=value` strings as a dictionary; values are JSON where they can be, else text. Never evaluated."""
    parsed: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ConfigError(f"{flag} has {pair!r}: NAME=VALUE is wanted, such as gae_lambda=0.95")
        try:
            parsed[name] = json.loads(text)
        except json.JSONDecodeError:
            parsed[name] = {"True": True, "False": False, "None": None}.get(text, text)
    return parsed


def hyperparameters_from(origin: str, values: Mapping[str, Any], base: Hyperparameters) -> Hyperparameters:
    """`base` with these values; an unknown name is a ConfigError that suggests a close one."""
    known = [item.name for item in dataclasses.fields(Hyperparameters)]
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3)
            hint = f"did you mean {', '.join(close)}?" if close else f"allowed are {', '.join(known)}"
            raise ConfigError(f"{origin}: unknown hyper-parameter {name!r}; {hint}")
    return dataclasses.replace(base, **values)


def load_preset(name: str, algo: str, env_id: str) -> Hyperparameters:
    """Hyper-parameters of a shipped preset (`default`) or a YAML file, for this environment id.

    The file maps environment ids to hyper-parameters; the id `default` serves every other one.
    """
    import yaml  # noqa: PLC0415  # only a run needs it, not --help

    path = PRESETS / f"{algo}.yaml" if name == "default" else Path(name)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"--preset is {name!r}: {error.strerror or error}; 'default' or a readable YAML file is wanted"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"--preset {path}: not a YAML file: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"--preset {path}: a mapping of environment id to hyper-parameters is wanted")
    section = content.get(env_id, content.get("default"))
    if not isinstance(section, dict):
        raise ConfigError(f"--preset {path}: no section {env_id!r} or 'default' with hyper-parameters")
    return hyperparameters_from(f"--preset {path}", section, Hyperparameters())


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
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)

    def __post_init__(self) -> None:
        check_numbers(self)
        if not isinstance(self.env_id, str):
            raise ConfigError(f"env_id is {self.env_id!r}: a text is wanted")
        if not (self.tensorboard_log is None or isinstance(self.tensorboard_log, str)):
            raise ConfigError(f"tensorboard_log is {self.tensorboard_log!r}: a text or nothing is wanted")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Any, origin: str) -> Run:
        """Read what `to_json` wrote; anything else is a ConfigError that names the file."""
        names = {item.name for item in dataclasses.fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            raise ConfigError(f"{origin}: not the configuration of a run (wanted are {', '.join(sorted(names))})")
        if not isinstance(values["hyperparameters"], dict) or not isinstance(values["env_kwargs"], dict):
            raise ConfigError(f"{origin}: hyperparameters and env_kwargs must be mappings")
        hyperparameters = hyperparameters_from(origin, values["hyperparameters"], Hyperparameters())
        try:
            return cls(**{**values, "hyperparameters": hyperparameters})
        except ConfigError as error:
            raise ConfigError(f"{origin}: {error}") from error


def resolve(config: TrainConfig) -> Run:
    """The run a command line asks for: preset, then --hyperparams, then the flags of their own."""
    hyperparameters = load_preset(config.preset, config.algo, config.env.removeprefix("thinmargin:"))
    hyperparameters = hyperparameters_from(
        "--hyperparams", parse_pairs("--hyperparams", config.hyperparams), hyperparameters
    )
    if config.total_timesteps is not None:
        hyperparameters = dataclasses.replace(hyperparameters, n_timesteps=config.total_timesteps)
    if config.n_envs is not None:
        hyperparameters = dataclasses.replace(hyperparameters, n_envs=config.n_envs)
    return Run(
        algo=config.algo,
        env_id=config.env.removeprefix("thinmargin:"),
        env_kwargs=parse_pairs("--env-kwargs", config.env_kwargs),
        seed=config.seed,
        num_threads=config.num_threads,
        device=config.device,
        eval_freq=config.eval_freq,
        n_eval_episodes=config.n_eval_episodes,
        save_freq=config.save_freq,
        tensorboard_log=None if config.tensorboard_log is None else str(config.tensorboard_log.absolute()),
        hyperparameters=hyperparameters,
    )
