"""The curves of TensorBoard that this package adds: each tag with its unit, its meaning and how its value is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from thinmargin.names import quantity_name
from thinmargin.records import BOOK_FIELDS, LEVERS
from thinmargin_agents.monitoring.judgement import Judgement

Source = TypeVar("Source")

MONEY, BILLION = "RMB m", 1e-3
"""Unit of the books, and RMB bn in it: TensorBoard shows RMB bn."""
SMALLEST = 1e-9
"""Least denominator of a share."""


@dataclass(frozen=True)
class Tag(Generic[Source]):
    """One curve.

    Attributes:
        name: of the curve, as TensorBoard shows it.
        unit, meaning: for documentation and the description that TensorBoard shows.
        of: its value in a source of numbers; None where there is none.
    """

    name: str
    unit: str
    meaning: str
    of: Callable[[Source], float | None]


def values_of(tags: Sequence[Tag[Source]], source: Source) -> dict[str, float]:
    """The value of every tag that has one, by name."""
    found = {tag.name: tag.of(source) for tag in tags}
    return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class Means:
    """Means over all months and firms between two points of a curve: the source of `firm/*` and `levers/*`.

    Attributes:
        books: numbers of the report, by name.
        bankrupt_share: share of the episodes that ended in bankruptcy; None if no episode ended.
        levers: for each lever, by statistic: `mean`, `spread` and `saturation` of the actions asked for, and
            `correction`, the mean size of what the agent adds to a base policy, where it corrects one.
    """

    books: Mapping[str, float]
    bankrupt_share: float | None
    levers: Mapping[str, Mapping[str, float]]


def _book(name: str, scale: float = 1.0) -> Callable[[Means], float]:
    return lambda means: scale * means.books[name]


def _share(part: str, whole: str) -> Callable[[Means], float]:
    return lambda means: means.books[part] / max(means.books[whole], SMALLEST)


def _lever(lever: str, what: str) -> Callable[[Means], float | None]:
    return lambda means: means.levers[lever].get(what)


def _saturation(lever: str) -> Callable[[Judgement], float]:
    return lambda judgement: judgement.saturation[lever]


FIRM: tuple[Tag[Means], ...] = (
    *(
        Tag(
            f"firm/{field.name}",
            "RMB bn" if field.unit == MONEY else field.unit,
            field.meaning,
            _book(field.name, BILLION if field.unit == MONEY else 1.0),
        )
        for field in BOOK_FIELDS
        if field.name not in ("month", "bankrupt")
    ),
    *(
        Tag(f"firm/{line}_margin", "share", f"gross profit on {words} over their revenue", of)
        for line, words, of in (
            ("device", "phones", _share("device_profit", "device_revenue")),
            ("accessory", "accessories", _share("accessory_profit", "accessory_revenue")),
            ("services", "services", _share("services_profit", "services_revenue")),
            ("gross", "all lines", _share("gross_profit", "revenue")),
        )
    ),
    Tag("firm/markup", "share", "list price over unit cost, less one", _book("applied_price")),
    Tag("firm/cadence", "releases a month", "software updates", _book("applied_updates")),
    *(
        Tag(f"firm/{name}_share", "share", f"{words} over revenue", _share(field, "revenue"))
        for name, words, field in (
            ("marketing", quantity_name("marketing"), "marketing"),
            ("accessories", quantity_name("tickets"), "tickets"),
            ("releases", f"cost of {quantity_name('releases')}", "releases"),
            ("overhead", "research, administration and fixed cost", "overhead"),
        )
    ),
    Tag(
        "firm/bankrupt_share", "share", "share of episodes that ended in bankruptcy, of those that ended",
        lambda means: means.bankrupt_share,
    ),
)  # fmt: skip
CORRECTIONS: tuple[Tag[Means], ...] = tuple(
    Tag(
        f"levers/{lever.name}_correction", "action", "mean size of what the agent adds to the base policy",
        _lever(lever.name, "correction"),
    )
    for lever in LEVERS
)  # fmt: skip
"""Curves of an agent that corrects a base policy."""
LEVER_TAGS: tuple[Tag[Means], ...] = tuple(
    tag
    for lever, correction in zip(LEVERS, CORRECTIONS, strict=True)
    for tag in (
        *(
            Tag(f"levers/{lever.name}_{what}", unit, meaning, _lever(lever.name, what))
            for what, unit, meaning in (
                ("mean", "action", "mean of the actions asked for, -1 to 1"),
                ("spread", "action", "standard deviation of the actions asked for, over months and firms"),
                ("saturation", "share", "share of months in which an end of the range was asked for"),
            )
        ),
        Tag(
            f"levers/{lever.name}_applied",
            lever.unit,
            f"what the firm did: {lever.meaning}",
            _book(f"applied_{lever.name}"),
        ),
        correction,
    )
)
SCORE: tuple[Tag[Judgement], ...] = (
    Tag(
        "score/score", "%", "share of the gap between low_margin_tuned (0) and the best known plans (100) closed",
        lambda judgement: judgement.score,
    ),
    Tag(
        "score/low", "%", "lower end of the score's 95 % bootstrap interval over worlds",
        lambda judgement: judgement.score_low,
    ),
    Tag(
        "score/high", "%", "upper end of the score's 95 % bootstrap interval over worlds",
        lambda judgement: judgement.score_high,
    ),
    Tag("score/iqm", "%", "mean of the middle half of the worlds' own scores", lambda judgement: judgement.score_iqm),
)  # fmt: skip
EVAL: tuple[Tag[Judgement], ...] = (
    Tag("eval/J", "RMB bn", "mean discounted profit and closing value", lambda judgement: judgement.J),
    Tag("eval/profit_part", "RMB bn", "part of J: profits of the years run", lambda judgement: judgement.profit_part),
    Tag("eval/closing_part", "RMB bn", "part of J: the closing value", lambda judgement: judgement.closing_part),
    Tag(
        "eval/bankrupt_share", "share", "share of worlds that ended in bankruptcy",
        lambda judgement: judgement.bankrupt_share,
    ),
    Tag(
        "eval/over_baseline", "RMB bn", "J less that of low_margin_ecosystem in the same worlds",
        lambda judgement: judgement.difference,
    ),
    Tag(
        "eval/over_baseline_low", "RMB bn", "lower end of that difference's 95 % bootstrap interval over worlds",
        lambda judgement: judgement.low,
    ),
    Tag(
        "eval/over_baseline_high", "RMB bn", "upper end of that difference's 95 % bootstrap interval over worlds",
        lambda judgement: judgement.high,
    ),
    *(
        Tag(
            f"eval/saturation_{lever.name}", "share", "share of months in which an end of the range was asked for",
            _saturation(lever.name),
        )
        for lever in LEVERS
    ),
)  # fmt: skip
EPISODE = "eval/episode"
"""The picture of one validation episode."""
TRAINING: tuple[Tag[Means], ...] = (*FIRM, *LEVER_TAGS)
"""Curves of what the firms did while training."""
VALIDATION: tuple[Tag[Judgement], ...] = (*SCORE, *EVAL)
"""Curves of what the policy did on validation worlds."""


def all_tags() -> tuple[Tag[Means] | Tag[Judgement], ...]:
    """Every curve that this package adds, in the order of the page about TensorBoard."""
    return (*VALIDATION, *TRAINING)
