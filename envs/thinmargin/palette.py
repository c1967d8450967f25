"""Colours of all pictures: one for each policy, and tones for the rest, with twins for dark pages.

A policy has the same look wherever policies are drawn: the report, the learning curves, the years, the episodes in
TensorBoard. The phase map shows no policies but which of two kinds of markup wins, on a scale between two of the hues.

Every hue has a contrast of at least 3 to 1 against white, its twin against the dark page; those of the first five
policies that most pictures show can be told apart by colour-blind readers, and every policy has dashes besides.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple


class Tone(NamedTuple):
    """A colour as #rrggbb on white, and on a dark page."""

    light: str
    dark: str


TONES: Mapping[str, Tone] = {
    "paper": Tone("#ffffff", "#14191f"),
    "pale": Tone("#f4f6f8", "#1c232b"),
    "line": Tone("#d9dee3", "#39434d"),
    "grid": Tone("#e3e7eb", "#2b343d"),
    "axis": Tone("#b8c0c8", "#55616c"),
    "grey": Tone("#5f6b76", "#a3afbb"),
    "ink": Tone("#1f2933", "#e6eaee"),
    "blue": Tone("#0072b2", "#5cb3ec"),
    "vermilion": Tone("#c94f00", "#ff8f52"),
    "green": Tone("#00805a", "#33c796"),
    "pink": Tone("#b3548c", "#e79ac8"),
    "amber": Tone("#a87300", "#efb73e"),
    "teal": Tone("#1787a8", "#71d3ea"),
    "brown": Tone("#7a4a1e", "#c99d70"),
    "slate": Tone("#56616c", "#aab6c2"),
    "early": Tone("#5b93b8", "#d5ecfa"),
    "middle": Tone("#3d7398", "#a3cfea"),
    "late": Tone("#1f5276", "#78b2d8"),
    "last": Tone("#0b2e4a", "#5496c2"),
    "bad": Tone("#f6b48f", "#7a3a17"),
    "good": Tone("#a9d1ea", "#1d4f6e"),
    "warning": Tone("#fdf8ec", "#2b2413"),
}
"""Tones by name: of the page, then hues, then the months of a policy's answers, then cells and notes."""
HUES = ("blue", "vermilion", "green", "pink", "amber", "teal", "brown", "slate")
"""Tones of policies."""

Dashes = tuple[float, ...]
SOLID: Dashes = ()
DASHES: tuple[Dashes, ...] = (
    SOLID,
    (6.0, 2.0),
    (2.0, 1.6),
    (7.0, 2.0, 1.5, 2.0),
    (6.0, 1.5, 1.5, 1.5, 1.5, 1.5),
    (10.0, 2.5),
)
"""Lengths of dashes and gaps, in widths of the line; none for a solid one."""


class Look(NamedTuple):
    """How a policy is drawn: the name of its tone, and its dashes."""

    hue: str
    dashes: Dashes

    @property
    def color(self) -> str:
        """Its colour on white, as #rrggbb."""
        return TONES[self.hue].light

    @property
    def dark(self) -> str:
        """Its colour on a dark page."""
        return TONES[self.hue].dark


LOOKS: Mapping[str, Look] = {
    "ppo": Look("blue", DASHES[0]),
    "low_margin_tuned": Look("amber", DASHES[1]),
    "plan": Look("green", DASHES[2]),
    "foresight": Look("pink", DASHES[3]),
    "low_margin_ecosystem": Look("slate", DASHES[4]),
    "plan_with_feedback": Look("teal", DASHES[5]),
    "ppo_plan": Look("vermilion", DASHES[1]),
    "ppo_scratch": Look("brown", DASHES[1]),
    "ppo_lstm": Look("blue", DASHES[3]),
    "a2c": Look("green", DASHES[0]),
    "sac": Look("pink", DASHES[0]),
    "tqc": Look("amber", DASHES[0]),
    "crossq": Look("slate", DASHES[0]),
    "dqn": Look("teal", DASHES[0]),
    "td3": Look("amber", DASHES[4]),
    "constant_best": Look("amber", DASHES[3]),
    "myopic": Look("slate", DASHES[2]),
    "premium": Look("vermilion", DASHES[2]),
    "mass_marketing": Look("pink", DASHES[2]),
    "random": Look("brown", DASHES[2]),
    "bang_bang": Look("vermilion", DASHES[4]),
    "do_nothing": Look("slate", DASHES[1]),
}
"""The looks of policies that ship: no two have the same."""
OWN_HUES = ("vermilion", "brown")
"""Hues that a user's own policies begin with: of what ships, few policies of most pictures have them."""
FREE = tuple(
    look
    for hues in (OWN_HUES, tuple(hue for hue in HUES if hue not in OWN_HUES))
    for dashes, hue in product(DASHES, hues)
    if (look := Look(hue, dashes)) not in LOOKS.values()
)
"""Looks that are left for others, those of OWN_HUES first."""
FIRST = sum(look.hue in OWN_HUES for look in FREE)
"""How many of them."""


def dashes(pattern: Sequence[float]) -> Any:
    """A pattern of dashes in matplotlib's notation; an empty one is a solid line."""
    return (0.0, tuple(pattern)) if len(pattern) else "-"


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """The look of every policy of a picture, by name; it does not depend on the order of the names.

    What ships has its own. Another policy begins at a look that hangs on its name alone, and goes on to the next while
    one before it in the alphabet has it; so it looks the same in two pictures unless such a one is in just one of them.
    A seed, `ppo:0`, looks like its agent where that is not in the picture.
    """
    found: dict[str, Look] = {}
    wanted = sorted(dict.fromkeys(names), key=lambda name: (name not in LOOKS, name))
    for name in wanted:
        agent = name.partition(":")[0]
        look = LOOKS.get(name) or LOOKS.get(agent)
        if look is None or look in found.values():
            start = zlib.crc32(name.encode("utf-8", "surrogatepass")) % FIRST
            turns = (FREE[(start + turn) % len(FREE)] for turn in range(len(FREE)))
            look = next((turn for turn in turns if turn not in found.values()), FREE[start])
        found[name] = look
    return found
