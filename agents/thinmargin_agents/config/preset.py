"""From a command line to a run: the preset, then --hyperparams, then the other flags."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.errors import ConfigError, plain, shown
from thinmargin_agents.config.hyperparameters import TABLE, checked, merged
from thinmargin_agents.config.preset_file import read_yaml
from thinmargin_agents.config.rl_zoo import NOT_HERE
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig, parse_pairs

PRESETS = Path(__file__).parent / "presets"
PAIRED, LAMBDA_START = "paired_worlds", "gae_lambda_start"
OWN = (PAIRED, LAMBDA_START)
"""Sections of a preset beside those of the environments: rl-zoo3 knows neither and passes over them."""
ON_GPU = "on_gpu"
"""Another such section: hyper-parameters that take the place of those of an environment with --device cuda."""
BESIDE = (*OWN, ON_GPU)
EVALUATIONS_PER_RUN = 12
"""Evaluations, and checkpoints, of a run whose flags do not set how often."""
MOST_NAMED = 5
"""Sections of a preset that a message names."""
RESIDUAL = "thinmargin.wrappers.Residual"
HISTORY = "thinmargin.wrappers.History"


def preset_names() -> list[str]:
    """The shipped presets."""
    return sorted(path.stem for path in PRESETS.glob("*.yml"))


def load_preset(name: str, algo: str, env_id: str, device: str = "cpu") -> tuple[dict[str, Any], dict[str, Any]]:
    """Hyper-parameters and environment arguments of a preset for this environment id.

    The file maps environment ids to hyper-parameters, as rl-zoo3's do; `default` serves every other id. A ConfigError
    names what cannot be used: a section of another version of an id too, which would be passed over in silence.

    Args:
        name: `default` for the algorithm's own, the name of a shipped preset, or a YAML file.
        algo: learning algorithm.
        env_id: registered id.
        device: "cpu" or "cuda": a preset may have larger batches for a GPU.
    """
    from thinmargin.shown import quoted  # noqa: PLC0415  # --help needs no NumPy

    shipped = PRESETS / f"{algo if name == 'default' else name}.yml"
    path = shipped if shipped.is_file() and "/" not in name else Path(name)
    try:
        content = read_yaml(path)
    except OSError as error:
        raise ConfigError(
            f"--preset is {quoted(name)}: {error.strerror or error}; allowed are default, {', '.join(preset_names())},"
            " or a readable YAML file"
        ) from error
    except ConfigError as error:
        raise ConfigError(f"--preset {plain(path)}: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"--preset {plain(path)}: it must be a mapping of environment id to hyper-parameters")
    content = _by_id(path, content)
    own = {name: _beside(path, content, name) for name in OWN}
    on_gpu = _beside(path, content, ON_GPU)
    for sections in (content, *own.values(), on_gpu):
        _check_versions(path, sections)
    section = content.get(env_id, content.get("default"))
    if not isinstance(section, dict):
        raise ConfigError(
            f"--preset {plain(path)}: no section {shown(env_id)} or 'default' with hyper-parameters{_found(content)}"
        )
    values = dict(section)
    if ON_GPU in values:
        raise ConfigError(f"--preset {plain(path)}: {ON_GPU} stands inside a section: write it beside, as {PAIRED} is")
    env_kwargs = values.pop("env_kwargs", None) or {}
    if not isinstance(env_kwargs, dict) or not all(isinstance(name, str) for name in env_kwargs):
        raise ConfigError(
            f"--preset {plain(path)}: env_kwargs is {shown(env_kwargs)}: it must be a mapping of argument and"
            " value; a text is"
            " not run as Python, as rl-zoo3 does"
        )
    if not isinstance(on_gpu, dict):
        raise ConfigError(
            f"--preset {plain(path)}: {ON_GPU} is {shown(on_gpu)}: it must be a mapping of environment id to"
            " hyper-parameters"
        )
    larger = on_gpu.get(env_id, on_gpu.get("default", {}))
    if not isinstance(larger, dict):
        which = env_id if env_id in on_gpu else "default"
        raise ConfigError(
            f"--preset {plain(path)}: {ON_GPU}: {shown(which)} is {shown(larger)}: it must be a mapping of"
            " hyper-parameters"
        )
    larger = checked(f"--preset {plain(path)}: {ON_GPU}", algo, larger)
    values |= _of_own_sections(path, own, env_id, values)
    values = checked(f"--preset {plain(path)}", algo, values)
    return merged(values, larger) if device == "cuda" else values, env_kwargs


def _of_own_sections(path: Path, own: Mapping[str, Any], env_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Hyper-parameters that stand in sections of their own; a ConfigError if one stands among `values` too."""
    found = {}
    for name, section in own.items():
        value = section.get(env_id, section.get("default")) if isinstance(section, dict) else section
        if value is None:
            continue
        if name in values:
            raise ConfigError(
                f"--preset {plain(path)}: {name} is {shown(values[name])} in the section of the environment and"
                f" {shown(value)} beside it: leave one of the two out"
            )
        found[name] = value
    return found


def _beside(path: Path, content: dict[Any, Any], name: str) -> Any:
    """Take a section beside those of the environments out of them, by environment id if it is a mapping."""
    section = content.pop(name, {})
    return _by_id(path, section, f"{name}: ") if isinstance(section, dict) else section


def _by_id(path: Path, content: Mapping[Any, Any], where: str = "") -> dict[Any, Any]:
    """The sections by environment id, without the package that Gymnasium imports first; each id must stand once."""
    found = dict[Any, Any]()
    for key, section in content.items():
        name = key.removeprefix("thinmargin:") if isinstance(key, str) else key
        if name in found:
            raise ConfigError(
                f"--preset {plain(path)} has {where}two sections of {shown(name)}, {shown(found[name])} and"
                f" {shown(section)}:"
                " leave one of them out"
            )
        found[name] = section
    return found


def _found(content: Mapping[Any, Any]) -> str:
    """In words, what a preset has instead of a section that can be used."""
    names = list(content)
    if any(name in NOT_HERE or any(name == item.name for item in TABLE) for name in names):
        return ": hyper-parameters stand at the top of it; write them under a line default:"
    if not names:
        return ""
    return f": it has {', '.join(map(shown, names[:MOST_NAMED]))}{' and others' if len(names) > MOST_NAMED else ''}"


def _check_versions(path: Path, sections: Any) -> None:
    """Raise ConfigError if a key is the id of an environment in another version."""
    from thinmargin.versions import current  # noqa: PLC0415  # --help needs no NumPy

    for key in sections if isinstance(sections, dict) else ():
        now = current(key) if isinstance(key, str) else key
        if now != key:
            raise ConfigError(
                f"--preset {plain(path)} has a section {shown(key)}: worlds, observations and rewards of {now} are"
                " others;"
                f" choose its hyper-parameters anew and call it {shown(now)}, or delete it"
            )


def resolve(config: TrainConfig) -> Run:
    """The run a command line asks for; a ConfigError names what cannot be used."""
    env_id = config.env.removeprefix("thinmargin:")
    preset, env_kwargs = load_preset(config.preset, config.algo, env_id, config.device)
    given = checked("--hyperparams", config.algo, parse_pairs("--hyperparams", config.hyperparams))
    flags: dict[str, Any] = {}
    if config.total_timesteps is not None:
        flags["n_timesteps"] = config.total_timesteps
    if config.n_envs is not None:
        flags["n_envs"] = config.n_envs
    values = merged(preset, given, flags)
    values["env_wrapper"] = _wrappers(config, values.get("env_wrapper"))
    if "n_timesteps" not in values:
        raise ConfigError(
            f"--preset {config.preset}: n_timesteps is missing: write it there, or give --total-timesteps"
        )
    values.setdefault("n_envs", 1)  # as in rl-zoo3
    _check_together(values, config.algo)
    interval = max(1, int(values["n_timesteps"]) // EVALUATIONS_PER_RUN)
    return Run(
        algo=config.algo,
        env_id=env_id,
        env_kwargs={**env_kwargs, **parse_pairs("--env-kwargs", config.env_kwargs)},
        seed=config.seed,
        num_threads=config.num_threads,
        device=config.device,
        eval_freq=config.eval_freq or interval,
        n_eval_episodes=config.n_eval_episodes,
        save_freq=config.save_freq or interval,
        tensorboard_log=None if config.tensorboard_log is None else str(config.tensorboard_log.absolute()),
        hyperparameters=values,
    )


def _wrappers(config: TrainConfig, preset: Any) -> list[Any]:
    """The preset's wrappers, with what --residual, --residual-bound and --history change."""
    wrappers = list(preset) if isinstance(preset, (list, tuple)) else [] if preset is None else [preset]
    if config.residual is not None or config.residual_bound is not None:
        old = next((_arguments(item) for item in wrappers if _name(item) == RESIDUAL), {})
        wrappers = [item for item in wrappers if _name(item) != RESIDUAL]
        base = config.residual or old.get("base", "plan")
        if base != "none":
            bound = config.residual_bound if config.residual_bound is not None else old.get("bound", 0.5)
            wrappers.append({RESIDUAL: {**old, "base": base, "bound": bound}})
        elif config.residual_bound is not None:
            raise ConfigError(f"--residual-bound is {config.residual_bound}: it has no effect with --residual none")
    if config.history is not None:
        wrappers = [item for item in wrappers if _name(item) != HISTORY]
        if config.history not in ((), (0,)):
            wrappers.append({HISTORY: {"lags": list(config.history)}})
    return wrappers


def _name(item: Any) -> Any:
    return next(iter(item)) if isinstance(item, Mapping) and len(item) == 1 else item


def _arguments(item: Any) -> dict[str, Any]:
    inside = next(iter(item.values())) if isinstance(item, Mapping) else None
    if not isinstance(inside, (Mapping, type(None))):
        raise ConfigError(
            f"env_wrapper {plain(_name(item))} has {shown(inside)}: it must be a mapping of argument and value"
        )
    return dict(inside or {})


def _check_together(values: Mapping[str, Any], algo: str) -> None:
    """Raise ConfigError unless hyper-parameters fit each other."""
    copies, firms = int(values.get(PAIRED, 1)), int(values["n_envs"])
    if copies > 1 and firms % copies:
        raise ConfigError(
            f"hyper-parameter n_envs is {firms}: it must be a multiple of {PAIRED}, {copies} (or set {PAIRED}=1)"
        )
    if values.get("noise_type", ...) is None and values.get("noise_std"):
        raise ConfigError(f"noise_type is null and noise_std {values['noise_std']}: leave one of the two out")
    size = int(values.get("n_steps", 5)) * firms
    if ALGORITHMS[algo].on_policy and size < 2:
        raise ConfigError(f"n_steps x n_envs is {size}: an update must have at least 2 months")
