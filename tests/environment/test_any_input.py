"""Whatever is handed in as an argument, action, option or state is refused by name, or played; never half of it."""

# ruff: noqa: B023  # every function of a loop is called in its own round

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import gymnasium
import numpy as np
import pytest

from thinmargin.env import EcosystemEnv
from thinmargin.parameters import ECONOMY
from thinmargin.records import SHOCKS, STATE
from thinmargin.scenarios import FAMILIES
from thinmargin.sources import SOURCE
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.worlds import World
from thinmargin.wrappers import History, Residual, ScaledReward

Bits = Callable[[Any], Any]
HORIZON = 4
FIRMS = 3
BOTH = [EcosystemEnv, EcosystemVectorEnv]
REFUSED = (ValueError, TypeError, gymnasium.error.Error)
LONGEST = 1700
"""Characters of a message: a value of sixty, and what is allowed, in full: the names of all parameters are 1,500."""
WORLD = FAMILIES["benchmark"].draw(1, HORIZON)


class Hostile:
    """Fails at whatever is asked of it."""

    def __repr__(self, *_: Any, **__: Any) -> str:
        raise ArithmeticError

    __str__ = __hash__ = __len__ = __iter__ = __eq__ = __index__ = __float__ = __array__ = __bool__ = __repr__  # type: ignore[assignment]  # that is the point


HOSTILE_OBJECTS = np.empty(2, object)
HOSTILE_OBJECTS[1] = Hostile()
LEVERS = {EcosystemEnv: (4,), EcosystemVectorEnv: (FIRMS, 4)}
ANYTHING: dict[str, Any] = {
    "nothing": None, "text": "x" * 5000, "codes": "\x1b[2J\x07", "bytes": b"\x00" * 5000, "a huge number": 10**400,
    "nothing negative": -(10**5000), "nan": float("nan"), "infinity": float("inf"), "complex": 1 + 2j,
    "fraction": Fraction(1, 3), "hostile": Hostile(), "hostile inside": [Hostile()], "a class": Hostile,
    "ragged": [[1, 2], [3]], "deep": [[[[[[1]]]]]], "empty": [], "a dictionary": {"world": {"world": 1}},
    "a set": {1, 2}, "a function": len, "a world": WORLD, "worlds": [WORLD] * 50, "texts": ["a"] * 5000,
    "no number in an array": np.array("x"), "an array of objects": HOSTILE_OBJECTS,
    "a large array": np.zeros(10**5), "dates": np.zeros(4, "M8[D]"), "a record": np.zeros((), STATE),
    "a masked array": np.ma.masked_array([0.0, 0.0, 0.0, 0.0], [True, False, False, False]),
    "a whole number in an array": np.array([[7]]), "a wide number": np.longdouble("1e4000"),
    "a box": gymnasium.spaces.Box(-1, 1, (4,)), "a generator": np.random.default_rng(0), "an iterator": iter([1]),
}  # fmt: skip
"""What no argument takes but where ALLOWED says so."""
ALLOWED = {
    "worlds": (), "reward": (), "closing": (), "horizon": (), "split": (), "discrete": (), "copy": (), "num_envs": (),
    "num_threads": (), "info": (),
    "parameters": ("nothing",), "render_mode": ("nothing",), "seed": ("nothing", "a huge number"),
    "options": ("nothing",), "world": ("a world",), "action": (), "state": (),
}  # fmt: skip


def make(kind: Any, **settings: Any) -> Any:
    settings = {"horizon": HORIZON, **settings}
    return kind(**settings) if kind is EcosystemEnv else kind(**{"num_envs": FIRMS, **settings})


def refused(call: Callable[[], object], *words: str) -> None:
    """The call is refused with a short message in plain letters that has these words."""
    with pytest.raises(REFUSED) as caught:
        call()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= LONGEST
    for word in words:
        assert word in message


def cases(argument: str) -> Iterator[Any]:
    return (name for name in ANYTHING if name not in ALLOWED[argument])


ARGUMENTS = [
    pytest.param(kind, argument, id=f"{kind.__name__}-{argument}")
    for kind in BOTH
    for argument in inspect.signature(kind).parameters
]


@pytest.mark.parametrize(("kind", "argument"), ARGUMENTS)
def test_every_argument_refuses_what_it_cannot_be(kind: Any, argument: str) -> None:
    for case in cases(argument):
        refused(lambda: make(kind, **{argument: ANYTHING[case]}), argument.removesuffix("s"))


@pytest.mark.parametrize("name", ["tax_rate", "users_ceiling"])
def test_every_parameter_refuses_what_it_cannot_be(name: str) -> None:
    for case in cases("state"):
        if case != "fraction" or name == "users_ceiling":
            refused(lambda: EcosystemEnv(parameters={name: ANYTHING[case]}), name)
    for case in ("text", "codes", "nothing", "a huge number", "hostile", "fraction"):
        if case != "hostile":
            refused(lambda: EcosystemEnv(parameters={ANYTHING[case]: 1.0}), "parameter")


@pytest.fixture(params=BOTH, ids=lambda kind: kind.__name__)
def begun(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """An environment within an episode, and its twin."""
    pair = make(request.param), make(request.param)
    for player in pair:
        player.reset(seed=3)
        player.step(np.zeros(LEVERS[request.param]))
    return pair


def assert_untouched(env: Any, twin: Any, bits: Bits) -> None:
    """Both are in the same state, and go on alike across the end of the episode."""
    assert bits(env.get_state()) == bits(twin.get_state())
    actions = np.full(env.action_space.shape, 0.25)
    for _ in range(HORIZON - 1):
        assert bits(env.step(actions)) == bits(twin.step(actions))
    assert bits(env.reset()) == bits(twin.reset())


def test_a_reset_refuses_whatever_is_no_seed_option_or_world(begun: tuple[Any, Any], bits: Bits) -> None:
    env, twin = begun
    scalar = isinstance(env, EcosystemEnv)
    for case in cases("seed"):
        refused(lambda: env.reset(seed=ANYTHING[case]), "seed")
    for case in cases("options"):
        if case != "a dictionary":
            refused(lambda: env.reset(options=ANYTHING[case]), "options")
    for case in cases("world"):
        refused(lambda: env.reset(seed=9, options={"world": ANYTHING[case]}), "world")
    for case in ("text", "codes", "a huge number", "nothing", "a class"):
        refused(lambda: env.reset(options={"world": 3, ANYTHING[case]: 1}), "option")
    if not scalar:
        for case in cases("world"):
            if case != "nothing":
                refused(lambda: env.reset(options={"world": [1, 2, ANYTHING[case]]}), "world")
        for case in cases("seed"):
            refused(lambda: env.reset(seed=[1, 2, ANYTHING[case]]), "seed")
    assert_untouched(env, twin, bits)


def test_a_key_may_be_a_whole_number_of_any_kind(begun: tuple[Any, Any]) -> None:
    env, _ = begun
    for key in (7, np.int8(7), np.uint64(7), np.array(7)):
        assert np.unique(env.reset(options={"world": key})[1]["world"]).tolist() == [7]


def not_actions(shape: tuple[int, ...]) -> Iterator[Any]:
    """Arrays and lists of the right shape with a number that float64 does not hold, or no number at all."""
    for bad in (np.nan, np.inf, -np.inf):
        wrong = np.zeros(shape)
        wrong[(-1,) * len(shape)] = bad
        yield wrong
        yield wrong.astype(np.float16)
        yield wrong.tolist()
    for number in ("1e400", "-1e4000"):
        wide = np.zeros(shape, np.longdouble)
        wide[(0,) * len(shape)] = np.longdouble(number)
        if np.isfinite(wide).all():  # where such a type is wider
            yield wide
    for item in (10**400, -(10**5000), 1j, "0", b"0", None, Hostile(), Fraction(1, 2), [0.0]):
        objects = np.zeros(shape, object)
        objects[(-1,) * len(shape)] = item
        yield objects
        yield objects.tolist()
    yield np.ma.masked_array(np.zeros(shape), np.arange(np.prod(shape)).reshape(shape) == 1)
    yield np.zeros(shape, np.bool_)
    yield np.zeros(shape, "M8[D]")
    yield np.zeros(shape, STATE)
    for other in (shape[:-1], (*shape, 1), (1, *shape), shape[::-1] if len(shape) > 1 else (5,), (0,), ()):
        yield np.zeros(other)
        yield np.zeros(other, np.int8)


def test_a_step_refuses_whatever_is_no_action(begun: tuple[Any, Any], bits: Bits) -> None:
    env, twin = begun
    for action in [*(ANYTHING[case] for case in ANYTHING), *not_actions(env.action_space.shape)]:
        refused(lambda: env.step(action), "action")
    assert_untouched(env, twin, bits)


def test_a_step_of_choices_refuses_whatever_is_no_choice(bits: Bits) -> None:
    for kind, shape in ((EcosystemEnv, ()), (EcosystemVectorEnv, (FIRMS,))):
        env, twin = make(kind, discrete=True), make(kind, discrete=True)
        for player in (env, twin):
            player.reset(seed=1)
        wrong = [np.full(shape, item) for item in (288, -1, 2**63 - 1, np.uint64(2**64 - 1), 0.0, True, "3", 1j)]
        wrong += [np.full(shape, 10**400, object), np.ma.masked_array(np.zeros(shape, int), np.ones(shape, np.bool_))]
        for action in [*(ANYTHING[case] for case in ANYTHING), *wrong, np.zeros((2, 2), int)]:
            refused(lambda: env.step(action), "action")
        assert bits(env.get_state()) == bits(twin.get_state())


def test_a_number_in_its_widest_type_is_played_as_float64(bits: Bits) -> None:
    for kind in BOTH:
        one, other = make(kind), make(kind)
        one.reset(seed=0)
        other.reset(seed=0)
        action = np.full(LEVERS[kind], 0.1)
        assert bits(one.step(action.astype(np.longdouble))) == bits(other.step(action))


def test_a_state_refuses_whatever_it_cannot_be(begun: tuple[Any, Any], bits: Bits) -> None:
    env, twin = begun
    whole = env.get_state()
    looped: dict[str, Any] = {}
    looped["env"] = looped
    for state in [*(ANYTHING[case] for case in ANYTHING), looped, {}]:
        refused(lambda: env.set_state(state), "state")
    for name in whole:
        for case in cases("state"):
            refused(lambda: env.set_state({**whole, name: ANYTHING[case]}), name)
        if isinstance(whole[name], np.ndarray):
            others = [whole[name].tolist(), np.ma.masked_all_like(whole[name]), whole[name][None]]
            for wrong in others + ([whole[name][:0]] if len(whole[name]) else []):
                refused(lambda: env.set_state({**whole, name: wrong}), name)
    generators = "generator" if "generator" in whole else "generators"
    inner = whole[generators] if generators == "generator" else whole[generators][0]
    for part in inner:
        for case in ("nothing", "text", "hostile", "nothing negative", "a huge number", "ragged", "a set"):
            spoilt = {**inner, part: ANYTHING[case]}
            item = spoilt if generators == "generator" else [spoilt, *whole[generators][1:]]
            refused(lambda: env.set_state({**whole, generators: item}), "generator")
    assert_untouched(env, twin, bits)


NUMBERS = (np.nan, np.inf, -np.inf, 1e308, -1e308, 1e31, -1.0, -5.0, 2.5, 5.0, 0.0, 1e-320, 1e4, 0.5)


def spoilt(record: Any, dice: np.random.Generator) -> Any:
    """A copy of some records with one number of them replaced."""
    array = np.array([record])
    numbers = array.reshape(-1).view(np.float64) if array.dtype.names else array.reshape(-1)
    with np.errstate(over="ignore"):
        numbers[dice.integers(len(numbers))] = dice.choice(NUMBERS)
    return array[0]


def played_or_refused(env: Any, enter: Callable[[], object], twin: Any, bits: Bits) -> bool:
    """Whether it is refused, and changes nothing; else its months are numbers."""
    before = bits(env.get_state())
    try:
        enter()
    except ValueError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert message.isprintable()
        assert len(message) <= LONGEST
        assert bits(env.get_state()) == before
        return True
    for _ in range(HORIZON):
        observation, reward, terminated, truncated, info = env.step(np.full(env.action_space.shape, 0.5))
        numbers = (
            [observation, reward, *info["books"].values()] if isinstance(info["books"], dict) else [observation, reward]
        )
        assert all(np.isfinite(number).all() for number in numbers)
        if np.all(terminated) or np.all(truncated):
            break
    env.set_state(twin.get_state())
    return False


@pytest.mark.parametrize("part", ["economy", "shocks"])
def test_a_world_with_any_number_changed_is_refused_or_played_with_numbers(part: str, bits: Bits) -> None:
    env, twin = make(EcosystemEnv), make(EcosystemEnv)
    for player in (env, twin):
        player.reset(seed=2)
    dice = np.random.default_rng(5)
    refusals = 0
    for _ in range(300):
        world = dataclasses.replace(WORLD, **{part: spoilt(getattr(WORLD, part), dice)})
        refusals += played_or_refused(env, lambda: env.reset(options={"world": world}), twin, bits)
    assert 50 < refusals < 300


@pytest.mark.parametrize("part", ["states", "economies", "sources", "observations", "shocks"])
def test_a_state_with_any_number_changed_is_refused_or_played_with_numbers(part: str, bits: Bits) -> None:
    env, twin = make(EcosystemEnv), make(EcosystemEnv)
    for player in (env, twin):
        player.reset(seed=2, options={"world": WORLD} if part == "shocks" else None)
        player.step(np.zeros(4))
    dice = np.random.default_rng(6)
    refusals = 0
    for _ in range(300):
        state = twin.get_state()
        state[part] = spoilt(state[part], dice)
        refusals += played_or_refused(env, lambda: env.set_state(state), twin, bits)
    assert refusals > 20


WORLDS: dict[str, Callable[[World], World]] = {
    "a table of another shape": lambda world: dataclasses.replace(world, shocks=np.zeros((HORIZON, 2), SHOCKS)),
    "a table too short": lambda world: dataclasses.replace(world, shocks=world.shocks[:-1]),
    "no table": lambda world: dataclasses.replace(world, shocks=None),
    "a list of months": lambda world: dataclasses.replace(world, shocks=world.shocks.tolist()),
    "a masked table": lambda world: dataclasses.replace(world, shocks=np.ma.masked_all(HORIZON, SHOCKS)),
    "one month": lambda world: dataclasses.replace(world, shocks=world.shocks[0]),
    "two economies": lambda world: dataclasses.replace(world, economy=np.zeros(2, ECONOMY)),
    "no economy": lambda world: dataclasses.replace(world, economy=None),
    "an economy of another type": lambda world: dataclasses.replace(world, economy=np.zeros((), SOURCE)),
    "something with a type": lambda world: dataclasses.replace(world, economy=gymnasium.spaces.Box(0, 1)),
    "no key": lambda world: dataclasses.replace(world, key=None),
    "a key that is text": lambda world: dataclasses.replace(world, key="7"),
    "no family": lambda world: dataclasses.replace(world, family=None),
    "a family that is none": lambda world: dataclasses.replace(world, family=["x" * 5000]),
}


@pytest.mark.parametrize("case", list(WORLDS))
def test_a_world_that_does_not_hang_together_is_refused(case: str, begun: tuple[Any, Any], bits: Bits) -> None:
    env, twin = begun
    world = WORLDS[case](WORLD)
    refused(lambda: env.reset(seed=8, options={"world": world}), "world")
    if isinstance(env, EcosystemVectorEnv):
        refused(lambda: env.reset(options={"world": [1, 2, world]}), "world")
    assert_untouched(env, twin, bits)


WRAPPERS = {"base": Residual, "bound": Residual, "levels": Residual, "lags": History, "factor": ScaledReward}


@pytest.mark.parametrize("argument", list(WRAPPERS))
def test_every_argument_of_a_wrapper_refuses_what_it_cannot_be(argument: str) -> None:
    for case, value in ANYTHING.items():
        if (argument, case) != ("levels", "nothing"):
            refused(lambda: WRAPPERS[argument](EcosystemEnv(), **{argument: value}), argument)
