"""The search for hyper-parameters: `python train.py --optimize`. docs/search.md explains it."""

from __future__ import annotations

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.train_config import TrainConfig

MOST_TRIALS, MOST_SEEDS = 1_000_000, 1000
FLAGS_WITHOUT_EFFECT = ("resume", "seeds", "tensorboard_log", "save_freq")
"""Flags of a run that have no effect on a search."""


def optimize(config: TrainConfig) -> int:
    """Search as the command line asks, from where an earlier call ended, and write the best as a preset.

    Returns:
        The exit status: 0, 1 if no trial could be completed, 130 if Ctrl-C stopped it.

    Raises:
        ConfigError: a flag cannot be used, or Optuna is not installed.
        OSError: the storage or the preset cannot be written, or another search has taken over.
    """
    check_flags(config)
    try:
        import optuna  # noqa: F401, PLC0415  # an extra of its own
    except ModuleNotFoundError as error:
        raise ConfigError(f"--optimize: {error}; this needs: pip install 'thinmargin[search]'") from error
    from thinmargin_agents.search.session import search  # noqa: PLC0415  # needs Optuna

    return search(config)


def check_flags(config: TrainConfig) -> None:
    """Raise ConfigError unless the flags fit a search."""
    for name, most in (("n_trials", MOST_TRIALS), ("n_seeds", MOST_SEEDS)):
        value = getattr(config, name)
        if not 1 <= value <= most:
            raise ConfigError(f"--{name.replace('_', '-')} is {value}: allowed are 1 to {most}")
    plain = TrainConfig()
    for name in FLAGS_WITHOUT_EFFECT:
        if getattr(config, name) != getattr(plain, name):
            raise ConfigError(f"--{name.replace('_', '-')} has no effect on --optimize: leave one of them out")
