"""Settings of rl-zoo3 and of Stable-Baselines3's classes that no run here has: what each is, and what to write instead.

Their names are close to others': a hint made from the letters alone would lead to a setting that trains something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_EVALUATED = "rl-zoo3 runs such a text as Python, and no text is run here: write a mapping"
_NETWORK = "networks here are told by net_arch and activation_fn alone: leave it out"
_BUFFERS = "a run here has the buffer that its algorithm and paired_worlds need: leave it out"
_SCALED = "observations here are scaled already"

NOT_HERE: Mapping[str, str] = {
    "normalize": (
        "in rl-zoo3 it wraps the environment in VecNormalize, whose running statistics a run here does not keep;"
        f" {_SCALED}, and rewards by the wrapper thinmargin.wrappers.ScaledReward: leave it out (normalize_advantage"
        " is another thing: advantages of a batch)"
    ),
    "frame_stack": (
        "in rl-zoo3 it shows the agent its last observations (VecFrameStack), which no wrapper here does; changes since"
        " earlier months are shown by thinmargin.wrappers.History, or --history LAG ...: leave it out"
    ),
    "policy_kwargs": f"{_EVALUATED}, such as policy_kwargs: {{net_arch: [64, 64], activation_fn: relu}}",
    "vec_env_wrapper": "in rl-zoo3 it names classes around the whole batch, and none is imported here: leave it out",
    "callback": "in rl-zoo3 it names classes called while a run learns, and none is imported here: leave it out",
    "monitor_kwargs": "a run here writes its own statistics of episodes: leave it out",
    "monitor_wrapper": "a run here writes its own statistics of episodes: leave it out",
    "replay_buffer_class": _BUFFERS,
    "replay_buffer_kwargs": _BUFFERS,
    "rollout_buffer_class": _BUFFERS,
    "rollout_buffer_kwargs": _BUFFERS,
    "optimize_memory_usage": "a replay buffer here keeps both observations of a month: leave it out",
    "clip_range_vf": "value clipping is not offered, and clip_range is that of the policy: leave it out",
    "rms_prop_eps": "it is Stable-Baselines3's own here, 1e-05: leave it out",
    "use_sde_at_warmup": "it is off here: before learning_starts actions are drawn at random: leave it out",
    "action_noise": "it is an object; noise_type: normal and noise_std set it here, as in rl-zoo3",
    "stats_window_size": "it is Stable-Baselines3's own here, 100 episodes: leave it out",
    "seed": "it is no hyper-parameter: give --seed, or --seeds for several",
    "device": "it is no hyper-parameter: give --device",
    "verbose": "it is no hyper-parameter: --no-progress prints less",
    "tensorboard_log": "it is no hyper-parameter: give --tensorboard-log",
    "env": "it is no hyper-parameter: give --env",
    "algo": "it is no hyper-parameter: give --algo",
    "_init_setup_model": "a model here is always made whole: leave it out",
    "model_class": "hindsight experience replay is not offered: leave it out",
    "goal_selection_strategy": "hindsight experience replay is not offered: leave it out",
    "n_sampled_goal": "hindsight experience replay is not offered: leave it out",
    "lr_schedule": "a schedule is written where its number stands: learning_rate: lin_0.001 falls to zero",
    "policy_kwargs.use_sde": "it is a hyper-parameter beside policy_kwargs: use_sde",
    "policy_kwargs.lstm_kwargs": "a memory here is told by lstm_hidden_size and n_lstm_layers alone: leave it out",
    "policy_kwargs.shared_lstm": "policy and critic do not share a memory here: leave it out",
    **{
        f"policy_kwargs.{name}": _NETWORK
        for name in (
            "full_std", "use_expln", "squash_output", "features_extractor_class", "features_extractor_kwargs",
            "share_features_extractor", "normalize_images", "optimizer_class", "optimizer_kwargs", "clip_mean",
            "batch_norm", "batch_norm_momentum", "batch_norm_eps", "renorm_warmup_steps",
        )
    },
}  # fmt: skip
"""By name, as in `thinmargin_agents.config.hyperparameters`: what it is and what helps."""
OFF = {"normalize": (False,), "frame_stack": (1,), "optimize_memory_usage": (False,), "verbose": (0, 1)}
"""Values that ask for nothing, besides null."""


def asks_for_nothing(name: str, value: Any) -> bool:
    """Whether it is a setting that no run here has, at a value that leaves everything as it is."""
    if name not in NOT_HERE:
        return False
    return value is None or any(value == off and type(value) is type(off) for off in OFF.get(name, ()))
