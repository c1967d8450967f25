"""The curves of TensorBoard that this package adds: each tag with its unit, its meaning, how it follows from means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from thinmargin.records import BOOK_FIELDS, LEVERS

Means = Mapping[str, float]
"""Means of the report's numbers, by name, over all months and firms between two points of a curve."""
MONEY, BILLION = "RMB m", 1e-3
"""Unit of the books, and RMB bn in it: TensorBoard shows RMB bn."""
SMALLEST = 1e-9


@dataclass(frozen=True)
class Tag:
    """One curve: its tag, unit and meaning."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class BusinessTag(Tag):
    """A curve of what the firms did, from means of their books."""

    of: Callable[[Means], float]


def _book(name: str, scale: float) -> Callable[[Means], float]:
    return lambda means: scale * means[name]


def _share(part: str, whole: str) -> Callable[[Means], float]:
    return lambda means: means[part] / max(means[whole], SMALLEST)


BUSINESS: tuple[BusinessTag, ...] = (
    *(
        BusinessTag(
            f"business/{field.name}",
            "RMB bn" if field.unit == MONEY else field.unit,
            field.meaning,
            _book(field.name, BILLION if field.unit == MONEY else 1.0),
        )
        for field in BOOK_FIELDS
        if field.name not in ("month", "bankrupt")
    ),
    *(
        BusinessTag(f"business/{line}_margin", "share", f"gross profit on {words} over their revenue", of)
        for line, words, of in (
            ("device", "phones", _share("device_profit", "device_revenue")),
            ("accessory", "accessories", _share("accessory_profit", "accessory_revenue")),
            ("services", "services", _share("services_profit", "services_revenue")),
            ("gross", "all lines", _share("gross_profit", "revenue")),
        )
    ),
    BusinessTag("business/markup", "share", "list price over unit cost, less one", _book("applied_price", 1.0)),
    BusinessTag("business/cadence", "releases a month", "software updates", _book("applied_updates", 1.0)),
    *(
        BusinessTag(f"business/{name}_share", "share", f"{words} over revenue", _share(field, "revenue"))
        for name, words, field in (
            ("marketing", "selling and marketing", "marketing"),
            ("accessories", "start-up tickets", "tickets"),
            ("releases", "cost of software releases", "releases"),
            ("overhead", "research, administration and fixed cost", "overhead"),
        )
    ),
)
BANKRUPT_SHARE = Tag("business/bankrupt_share", "share", "episodes that ended in bankruptcy, of those that ended")


def lever_tags(*, corrected: bool) -> tuple[Tag, ...]:
    """The curves of what firms were asked to do; `corrected` where the agent corrects a base policy."""
    return tuple(
        Tag(f"levers/{lever.name}_{what}", unit.replace("UNIT", lever.unit), meaning)
        for lever in LEVERS
        for what, unit, meaning in (
            ("mean", "action", "mean of the actions asked for, -1 to 1"),
            ("spread", "action", "their standard deviation over months and firms"),
            ("saturation", "share", "of months in which an end of the range was asked for"),
            ("applied", "UNIT", "what was done"),
            *([("correction", "action", "mean size of what the agent adds to the base policy")] if corrected else ()),
        )
    )


SCORE: tuple[Tag, ...] = (
    Tag("score/score", "%", "share of the gap between low_margin_tuned (0) and the best known plans (100) closed"),
    Tag("score/low", "%", "lower end of its 95 % interval over worlds"),
    Tag("score/high", "%", "upper end of its 95 % interval over worlds"),
    Tag("score/iqm", "%", "mean of the middle half of the worlds' own scores"),
)
EVAL: tuple[Tag, ...] = (
    Tag("eval/J", "RMB bn", "mean discounted profit and closing value"),
    Tag("eval/profit_part", "RMB bn", "of it, the profits of the years run"),
    Tag("eval/closing_part", "RMB bn", "of it, the closing value"),
    Tag("eval/bankrupt_share", "share", "worlds that ended in bankruptcy"),
    Tag("eval/over_baseline", "RMB bn", "J less that of low_margin_ecosystem in the same worlds"),
    Tag("eval/over_baseline_low", "RMB bn", "lower end of its 95 % interval over worlds"),
    Tag("eval/over_baseline_high", "RMB bn", "upper end of its 95 % interval over worlds"),
    *(
        Tag(f"eval/saturation_{lever.name}", "share", "of months in which an end of the range was asked for")
        for lever in LEVERS
    ),
)
EPISODE = "eval/episode"
"""The picture of one validation episode."""


def tags() -> tuple[Tag, ...]:
    """Every curve that this package adds, in the order of the page about TensorBoard."""
    return (*SCORE, *EVAL, *BUSINESS, BANKRUPT_SHARE, *lever_tags(corrected=True))
