"""The descriptions that TensorBoard shows with every curve and picture, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from thinmargin_agents.monitoring.tags import EPISODE, all_tags

GROUPS: Mapping[str, str] = {
    "score": "On validation worlds, at every evaluation.",
    "eval": "On validation worlds, at every evaluation.",
    "levers": "While training, exploration included: of all months and firms since the point before.",
    "firm": "While training, exploration included: mean over all months and firms since the point before.",
    "rollout": "Of Stable-Baselines3, while training.",
    "train": "Of Stable-Baselines3, from the updates of the network.",
    "time": "Of Stable-Baselines3.",
}
"""What all curves of a group have in common, by the part of the tag before the stroke."""
OF_THE_LIBRARY: Mapping[str, str] = {
    "rollout/ep_rew_mean": "mean reward of the last 100 episodes, in the agent's own reward, which its preset may shape"
    " and scale: compare eval/J instead",
    "rollout/ep_len_mean": "mean length of the last 100 episodes, months",
    "rollout/success_rate": "share of the last 100 episodes that an environment called a success",
    "rollout/exploration_rate": "share of actions drawn at random",
    "time/fps": "months of experience a second over all firms since the process began; the first before it learns",
    "train/learning_rate": "step size of the optimiser",
    "train/loss": "the loss of the last minibatch",
    "train/policy_gradient_loss": "the part of the loss that moves the policy; its size says little",
    "train/policy_loss": "the part of the loss that moves the policy; its size says little",
    "train/value_loss": "squared error of the value network",
    "train/entropy_loss": "less the mean entropy of the policy: it rises as the policy explores less",
    "train/explained_variance": "share of the variance of returns that the value network foresees; 1 is all of it",
    "train/approx_kl": "how far an update moved the policy: approximate Kullback-Leibler divergence",
    "train/clip_fraction": "share of samples at which the ratio of new and old policy was cut",
    "train/clip_range": "ends at which the ratio of new and old policy is cut, around 1",
    "train/clip_range_vf": "most that an update moves a value",
    "train/std": "mean standard deviation of the actions: how much the policy still explores",
    "train/actor_loss": "loss of the actor: less the value it expects",
    "train/critic_loss": "error of the critics",
    "train/ent_coef": "weight of the entropy in the objective",
    "train/ent_coef_loss": "loss by which that weight is adapted",
}
"""Curves that Stable-Baselines3 and sb3-contrib write for the algorithms here."""
_OWN = {
    **{tag.name: f"{tag.meaning}. Unit: {tag.unit}." for tag in all_tags()},
    EPISODE: "one validation world month by month, the agent beside `low_margin_ecosystem`: the levers that were asked"
    " for and their results. Every run and evaluation shows the same world.",
}


def description_of(tag: str) -> str:
    """A sentence or two on a curve or picture; of one that is not known, where it comes from."""
    group, _, name = tag.partition("/")
    words = _OWN.get(tag) or f"{OF_THE_LIBRARY.get(tag, 'a figure of the learning algorithm')}."
    return " ".join([f"{(name or tag).replace('_', ' ')}: {words}", *filter(None, [GROUPS.get(group)])])
