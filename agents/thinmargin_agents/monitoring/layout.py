"""TensorBoard's layout: the curves drawn together, and the metrics beside hyper-parameters."""

from __future__ import annotations

from typing import Any

from thinmargin.records import LEVERS
from thinmargin_agents.monitoring.tags import SCORE, all_tags

Layout = dict[str, dict[str, list[Any]]]
ADDRESS = "http://localhost:6006/#custom_scalars"
"""Where TensorBoard shows the layout; at the address alone it opens on curves in the order of their names."""
DECLARED = frozenset(tag.name for tag in all_tags())


def metrics(*, scored: bool) -> tuple[str, ...]:
    """Tags of the metrics in the table of hyper-parameters; `scored` if there is a score on the validation worlds."""
    score = [tag.name for tag in SCORE] if scored else []
    return _declared(*score, "eval/J", "eval/over_baseline", "eval/bankrupt_share")


def layout(*, scored: bool, corrected: bool) -> Layout:
    """TensorBoard's custom scalars: curves that are drawn together, by category and chart.

    Args:
        scored: whether there is a score on the validation worlds.
        corrected: whether the agent corrects a base policy.
    """
    judged = {
        **({"score, mean and mean of the middle half, %": _together("score/score", "score/iqm")} if scored else {}),
        "J and its parts, RMB bn": _together("eval/J", "eval/profit_part", "eval/closing_part"),
        "J less the baseline's, 95 % interval, RMB bn": _band(
            "eval/over_baseline", "eval/over_baseline_low", "eval/over_baseline_high"
        ),
        **({"score, 95 % interval, %": _band("score/score", "score/low", "score/high")} if scored else {}),
    }  # TensorBoard shows charts with intervals below the others, the last one first
    firm = {
        "profit a month, RMB bn": ("profit", "operating_profit"),
        "cash and credit line, RMB bn": ("cash", "credit_line"),
        "revenue a month by line, RMB bn": ("device_revenue", "accessory_revenue", "services_revenue"),
        "gross margins": ("device_margin", "accessory_margin", "services_margin", "gross_margin"),
        "users, million": ("users_home", "users_overseas", "active_users"),
        "shares of phones wanted": ("share_home", "share_overseas"),
        "fans and retention, shares of users": ("fans", "retention"),
        "markup and hardware net margin": ("markup", "hardware_net_margin"),
        "spending, shares of revenue": ("marketing_share", "accessories_share", "releases_share", "overhead_share"),
        "software releases a month": ("cadence",),
    }
    levers = {
        "mean of the actions asked for": "levers/{}_mean",
        "their spread": "levers/{}_spread",
        "share at an end of the range, while training": "levers/{}_saturation",
        "share at an end of the range, on validation worlds": "eval/saturation_{}",
        **({"size of the correction to the base policy": "levers/{}_correction"} if corrected else {}),
    }
    return {
        "judged on validation worlds": judged,
        "firm": {
            "bankrupt, share of episodes": _together("eval/bankrupt_share", "firm/bankrupt_share"),
            **{chart: _together(*(f"firm/{name}" for name in names)) for chart, names in firm.items()},
        },
        "levers": {
            chart: _together(*(pattern.format(lever.name) for lever in LEVERS)) for chart, pattern in levers.items()
        },
    }  # fmt: skip


def _declared(*names: str) -> tuple[str, ...]:
    """The same names; one that no tag declares is a KeyError."""
    for name in names:
        if name not in DECLARED:
            raise KeyError(name)
    return names


def _band(*names: str) -> list[Any]:
    """A curve with the lower and upper end of its interval."""
    return ["Margin", list(_declared(*names))]


def _together(*names: str) -> list[Any]:
    """Curves in one chart: TensorBoard takes patterns, and a tag may begin like another."""
    return ["Multiline", [f"^{name}$" for name in _declared(*names)]]
