"""Names that people read: of policies and of quantities, beside their ids.

Ids stand on command lines and in files; pages, pictures and tables say these names, in one wording everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath

from thinmargin.files import is_file, is_there
from thinmargin.shown import plain

ESCAPED = 10
"""Most characters that one is escaped with, so that a name is not cut."""
POLICIES: Mapping[str, str] = {
    "foresight": "perfect foresight",
    "low_margin_ecosystem": "low-margin ecosystem",
    "low_margin_tuned": "tuned low margin",
    "constant_best": "best constant rule",
    "myopic": "short-sighted rule",
    "premium": "premium maker",
    "mass_marketing": "mass marketer",
    "plan": "fixed plan",
    "plan_with_feedback": "plan with feedback",
    "random": "random play",
    "bang_bang": "bang-bang rule",
    "do_nothing": "do nothing",
    "ppo": "PPO + feedback",
    "ppo_plan": "PPO on the plan",
    "ppo_scratch": "PPO from scratch",
    "ppo_lstm": "PPO with memory",
    "a2c": "A2C on the plan",
    "crossq": "CrossQ on the plan",
    "dqn": "DQN on the plan",
    "sac": "SAC on the plan",
    "td3": "TD3 on the plan",
    "tqc": "TQC on the plan",
}
"""Built-in policies, the best known plans, and the agents that ship."""

QUANTITIES: Mapping[str, str] = {
    # levers
    "price": "markup over unit cost",
    "accessories": "accessory tickets",
    "marketing": "selling and marketing",
    "updates": "software releases",
    # lines of the statement
    "device_profit": "phones",
    "accessory_profit": "accessories",
    "services_profit": "services",
    "tickets": "accessory tickets",
    "releases": "software releases",
    "overhead": "research and overhead",
    "holding": "excess stock",
    "interest": "interest",
    "tax": "tax",
    "stock": "phones put into stock",
    "closing_value": "closing value",
    # series that the back-test compares
    "shipments": "phones shipped",
    "asp": "average selling price",
    "phone_revenue": "phone revenue",
    "iot_revenue": "accessory revenue",
    "internet_revenue": "services revenue",
    "mau": "monthly active users",
    "arpu": "services per user",
    "iot_gross_margin": "accessory gross margin",
    "total_gross_margin": "total gross margin",
    "china_share": "share at home",
    "overseas_share": "overseas revenue share",
    "profit": "profit",
    "services_gross_margin": "services gross margin",
    "retention": "repeat buyers at home",
    # observations that a policy's answers are drawn against
    "share_home": "share of phones at home",
    "cash": "cash",
    "unit_cost": "unit cost",
    "services_per_user": "services per user",
}
"""Levers, lines of the statement, series of the back-test, and observations on pages."""


def policy_name(name: str) -> str:
    """The name of a policy for people, from its name on a command line.

    `low_margin_tuned` is "tuned low margin", `ppo:0` "PPO + feedback, seed 0", `logs/ppo/Ecosystem-v1_1` "run
    ppo/Ecosystem-v1_1", `mine.py:Thrifty` "Thrifty of mine.py"; of names joined by commas the first, and how many
    more; commas in the name of a folder that is there join nothing. Any other name is returned as it is, on one line:
    control codes are escaped.
    """
    parts = parts_of(name)
    agents = {part.rpartition(":")[0] for part in parts}
    if len(parts) > 1 and len(agents) == 1 and agents <= set(POLICIES):
        seeds = [part.rpartition(":")[2] for part in parts]
        return f"{POLICIES[agents.pop()]}, seeds {', '.join(seeds[:-1])} and {seeds[-1]}"
    first = plain(_one_name(parts[0]), len(name) * ESCAPED)
    return first if len(parts) == 1 else f"{first} and {len(parts) - 1} more"


def parts_of(name: str) -> list[str]:
    """The names that commas join: what there is as a file or folder is one name, whatever its name holds.

    Of several ways to divide, the one with the longest first name is taken.
    """
    pieces, parts, at = name.split(","), list[str](), 0
    while at < len(pieces):
        ends = range(len(pieces), at, -1)
        found = (",".join(pieces[at:end]) for end in ends)
        part = next((part for part in found if _is_named(part)), None)
        parts.append(pieces[at].strip() if part is None else part)
        at += 1 if part is None else part.count(",") + 1
    return parts


def _is_named(part: str) -> bool:
    """Whether it is a path, or FILE.py:CLASS with a file that is there."""
    file, colon, _ = part.rpartition(":")
    return bool(part) and (is_there(Path(part)) or bool(colon and file.endswith(".py") and is_file(Path(file))))


def _one_name(name: str) -> str:
    if name in POLICIES:
        return POLICIES[name]
    before, colon, after = name.rpartition(":")
    if colon and before in POLICIES:
        return f"{POLICIES[before]}, seed {after}"
    if colon and before.endswith(".py"):
        return f"{after} of {PurePath(before).name}"
    if "/" in name:
        return f"run {'/'.join(PurePath(name).parts[-2:])}"
    return name


def with_id(name: str) -> str:
    """A policy's name with its id behind it, `tuned low margin (low_margin_tuned)`; the id alone if it has no other."""
    words, shown = policy_name(name), plain(name, len(name) * ESCAPED)
    return shown if words == shown else f"{words} ({shown})"


def quantity_name(name: str) -> str:
    """The name of a quantity for people; its id with spaces where it has none of its own."""
    return QUANTITIES.get(name, name.replace("_", " "))


def quantity_with_id(name: str) -> str:
    """A quantity's name with its id behind it, `average selling price (asp)`; the id alone if it has no other."""
    words = quantity_name(name)
    return words if words == name.replace("_", " ") else f"{words} ({name})"
