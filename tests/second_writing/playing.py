"""The package as it is seen from outside: episodes of its environments, written down month by month.

Written from docs/model.md and docs/environment.md alone; nothing of the package's equations is imported.
"""

from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from tests.second_writing.episode import LEVERS, Month, Numbers

RULES = ("own_levers", "playbook", "none")


class Diary(NamedTuple):
    """What was seen before the first month and in every month; the last axis is the episode's."""

    first: Month
    months: list[Month]
    worth: dict[int, Numbers]  # months run -> rule -> RMB bn, nan where it was not asked for


def actions_for(rng: np.random.Generator, horizon: int, count: int) -> NDArray[np.float32]:
    """Actions of many kinds: noise, constant levers, corners, years of sensible levers, levers at their ends."""
    actions = rng.uniform(-1, 1, (horizon, count, 4))
    for i in range(count):
        kind = i % 5
        if kind == 1:
            actions[:, i] = rng.uniform(-1, 1, 4)
        elif kind == 2:
            actions[:, i] = rng.choice([-1.0, 1.0], 4)
        elif kind == 3:
            years = rng.uniform(-1, 1, (horizon // 12 + 1, 4)) * (0.5, 0.3, 0.5, 1.0) - (0.3, 0.5, 0.3, 0.0)
            actions[:, i] = np.repeat(years, 12, axis=0)[:horizon]
        elif kind == 4:
            actions[:, i] = rng.choice([-1.0, 0.0, 1.0], (horizon, 4))
    return actions.astype(np.float32)


def columns(record: NDArray[Any]) -> Numbers:
    """Columns of a record array, by name."""
    names = record.dtype.names
    assert names is not None
    return {name: np.array(record[name], np.float64) for name in names}


def numbers_of(infos: dict[str, Any]) -> Numbers:
    """Numbers of one month of the vector environment, by name."""
    asked, applied = (list(columns(infos["levers"][which]).values()) for which in ("asked", "applied"))
    return (
        columns(infos["books"])
        | columns(infos["reward_terms"])
        | {f"asked {lever}": number for lever, number in zip(LEVERS, asked, strict=True)}
        | {f"applied {lever}": number for lever, number in zip(LEVERS, applied, strict=True)}
    )


def play_together(
    name: str, keys: list[int], actions: NDArray[Any], priced_at: tuple[int, ...] = (), **settings: Any
) -> Diary:
    """Episodes of the vector environment; after its end an episode's numbers are those of another one."""
    envs = gym.make_vec(f"thinmargin:{name}", num_envs=len(keys), **settings)
    observations, infos = envs.reset(seed=0, options={"world": keys})
    never = np.zeros(len(keys), np.bool_)
    diary = Diary(Month(observations.T.copy(), columns(infos["books"]), never, never), [], {})
    for run, action in enumerate(actions, start=1):
        observations, rewards, terminated, truncated, infos = envs.step(action)
        seen, numbers, over = observations.T.copy(), numbers_of(infos), terminated | truncated
        if over.any():
            last = numbers_of(infos["final_info"])
            numbers = {number: np.where(over, last[number], now) for number, now in numbers.items()}
            seen[:, over] = np.stack(infos["final_obs"][over], axis=1)
        numbers["reward"] = np.array(rewards, np.float64)
        diary.months.append(Month(seen, numbers, terminated.copy(), truncated.copy()))
        if run in priced_at:
            worth = envs.unwrapped.closing_values  # type: ignore[attr-defined]
            diary.worth[run] = {rule: np.where(over, np.nan, worth(rule)) for rule in RULES}
    envs.close()
    return diary


def play_alone(name: str, key: int, actions: NDArray[Any], **settings: Any) -> Diary:
    """One episode of the scalar environment, priced in the month that it ends."""
    env = gym.make(f"thinmargin:{name}", **settings)
    observation, info = env.reset(options={"world": key})
    never = np.zeros(1, np.bool_)
    diary = Diary(Month(observation[:, None], listed(info["books"]), never, never), [], {})
    for run, action in enumerate(actions, start=1):
        observation, reward, terminated, truncated, info = env.step(action)
        levers = {f"{which} {lever}": info["levers"][which][lever] for which in info["levers"] for lever in LEVERS}
        numbers = info["books"] | info["reward_terms"] | levers | {"reward": float(reward)}
        ends = np.array([terminated]), np.array([truncated])
        diary.months.append(Month(observation[:, None], listed(numbers), *ends))
        if terminated or truncated:
            worth = env.unwrapped.closing_value  # type: ignore[attr-defined]
            diary.worth[run] = listed({rule: worth(rule) for rule in RULES})
            break
    env.close()
    return diary


def listed(numbers: dict[str, float]) -> Numbers:
    """Numbers of one episode as arrays."""
    return {name: np.array([number]) for name, number in numbers.items()}


def side_by_side(diaries: list[Diary]) -> Diary:
    """Episodes that were played one after the other; the last month of one that ended is repeated."""
    length = max(len(diary.months) for diary in diaries)
    months = [joined([diary.months[min(t, len(diary.months) - 1)] for diary in diaries]) for t in range(length)]
    runs = {run for diary in diaries for run in diary.worth}
    worth = {run: joined_numbers([diary.worth.get(run) or unknown(diary) for diary in diaries]) for run in runs}
    return Diary(joined([diary.first for diary in diaries]), months, worth)


def unknown(diary: Diary) -> Numbers:
    """What its firms are worth in a month in which nobody asked."""
    return dict.fromkeys(RULES, np.full(diary.first.observation.shape[1], np.nan))


def joined(months: list[Month]) -> Month:
    """One month of several episodes."""
    return Month(
        np.concatenate([month.observation for month in months], axis=1),
        joined_numbers([month.numbers for month in months]),
        np.concatenate([month.terminated for month in months]),
        np.concatenate([month.truncated for month in months]),
    )


def joined_numbers(numbers: list[Numbers]) -> Numbers:
    """Numbers of several episodes, by name."""
    return {name: np.concatenate([each[name] for each in numbers]) for name in numbers[0]}
