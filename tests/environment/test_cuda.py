"""A batch on a GPU is the batch on a CPU: bit for bit in numba's simulator, which runs the kernels in plain Python."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from thinmargin.cuda.columns import Columns, Part, column_in_python, fields_of, records_of, table_of
from thinmargin.families import FAMILY_TABLE
from thinmargin.records import FLOWS, REPORT, SHOCKS, STATE
from thinmargin.sources import SOURCE
from thinmargin.vector import EcosystemVectorEnv, make_vector

SIMULATED = {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}
ID = "thinmargin:ThinMargin/Ecosystem-v1"

BESIDE = """
import copy, pickle, sys
import gymnasium, numpy as np, torch
from thinmargin.vector import EcosystemVectorEnv, make_vector

def bits(value):
    value = value.numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    return value.dtype.name, value.shape, value.tobytes()

def beside(firms, months, **settings):
    cpu, gpu = EcosystemVectorEnv(firms, **settings), make_vector(firms, device="cuda", **settings)
    ended = 0
    for seed in (3, None):
        (seen, info), (theirs, other) = cpu.reset(seed=seed), gpu.reset(seed=seed)
        assert bits(seen) == bits(theirs)
        assert bits(info["world"]) == bits(other["world"])
    kind = cpu.single_action_space
    for month in range(months):
        if isinstance(kind, gymnasium.spaces.Discrete):
            actions = np.arange(month, month + firms) * 37 % kind.n
        else:
            actions = np.random.default_rng(month).uniform(-1.2, 1.2, (firms, 4)).astype(np.float32)
        ours, results = cpu.step(actions), gpu.step(torch.from_numpy(actions))
        for mine, its in zip(ours[:4], results[:4]):
            assert bits(mine) == bits(its), month
        same_infos(ours[4], results[4], np.ones(firms, bool))
        assert ("final_obs" in ours[4]) == ("final_obs" in results[4])
        if "final_obs" in ours[4]:
            mask = ours[4]["_final_obs"]
            ended += mask.sum()
            assert bits(mask) == bits(results[4]["_final_obs"]) == bits(results[4]["_final_info"])
            for row in np.flatnonzero(mask):
                assert bits(ours[4]["final_obs"][row]) == bits(results[4]["final_obs"][row])
            same_infos(ours[4]["final_info"], results[4]["final_info"], mask)
    for rule in ("own_levers", "playbook", "none"):
        assert bits(cpu.closing_values(rule)) == bits(gpu.closing_values(rule))
    return cpu, gpu, ended

def same_infos(ours, its, mask):
    assert {name for name in ours if "final" not in name} == {name for name in its if "final" not in name}
    for group in ("books", "reward_terms"):
        assert ours[group].dtype.names == tuple(its[group])
        for name, numbers in its[group].items():
            assert bits(ours[group][name][mask]) == bits(numbers[torch.from_numpy(mask)]), name
    for when in ("asked", "applied"):
        for name, numbers in its["levers"][when].items():
            assert bits(ours["levers"][when][name][mask]) == bits(numbers[torch.from_numpy(mask)]), name
"""


@pytest.mark.slow
@pytest.mark.parametrize("worlds", FAMILY_TABLE)
def test_every_family_plays_the_same(worlds: str, fresh_python: Callable[..., str]) -> None:
    program = f"""
_, _, ended = beside(3, 4, worlds={worlds!r}, horizon=2, reward="shaped")
assert ended == 6
print("same")
"""
    assert fresh_python(BESIDE + program, **SIMULATED) == "same"


@pytest.mark.slow
def test_more_firms_than_threads_grids_of_actions_and_changed_constants(fresh_python: Callable[..., str]) -> None:
    program = """
beside(13, 3, horizon=2, discrete=True)
beside(2, 12, closing="none", horizon=60, split="test", parameters={"price_slope": 4.0})
beside(2, 3, closing="playbook", horizon=2)
cpu, gpu, _ = beside(4, 3, horizon=4)
states = cpu.get_state(), gpu.get_state()
assert list(states[0]) == list(states[1]) or set(states[0]) == set(states[1])
for name in ("states", "economies", "sources", "reports", "observations", "shocks"):
    assert bits(states[0][name]) == bits(states[1][name]), name
assert states[0]["generators"] == states[1]["generators"]
later = [gpu.step(np.zeros((4, 4)))[1] for _ in range(6)]
for back in states:  # a state of either kind, on either
    assert bits(gpu.set_state(back)) == bits(back["observations"])
    assert [bits(gpu.step(np.zeros((4, 4)))[1]) for _ in range(6)] == [bits(rewards) for rewards in later]
cpu.set_state(states[1])
assert [bits(cpu.step(np.zeros((4, 4)))[1]) for _ in range(6)] == [bits(rewards) for rewards in later]
print("same")
"""
    assert fresh_python(BESIDE + program, **SIMULATED) == "same"


@pytest.mark.slow
def test_what_it_hands_out_what_it_refuses_and_how_gymnasium_makes_it(fresh_python: Callable[..., str]) -> None:
    program = """
import warnings
from thinmargin.scenarios import FAMILIES
from thinmargin.cuda.vector import CudaVectorEnv
warnings.simplefilter("ignore", UserWarning)  # of torch, about arrays that cannot be written to

def refused(kind, call, *words):
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), error
    else:
        raise AssertionError(words)

gpu = gymnasium.make_vec("thinmargin:ThinMargin/Ecosystem-v1", num_envs=3, device="cuda", horizon=4)
assert type(gpu.unwrapped) is CudaVectorEnv
refused(gymnasium.error.ResetNeeded, lambda: gpu.step(np.zeros((3, 4))), "call reset first")
refused(gymnasium.error.ResetNeeded, lambda: gpu.unwrapped.closing_values("none"), "call reset first")
seen, info = gpu.reset(seed=1, options={"world": [7, 8, 7]})
assert info["world"].tolist() == [7, 8, 7]
before = bits(gpu.unwrapped.get_state()["states"])
bad = torch.zeros((3, 4)); bad[1, 2] = float("nan")
refused(ValueError, lambda: gpu.step(bad), "action has nan in place [1, 2]")
refused(ValueError, lambda: gpu.step(bad.numpy()), "finite")
refused(ValueError, lambda: gpu.step(torch.zeros((2, 4))), "action has shape (2, 4): must be (3, 4)")
refused(TypeError, lambda: gpu.step(torch.zeros((3, 4), dtype=torch.bool)), "torch.bool")
refused(TypeError, lambda: gpu.step(torch.zeros((3, 4), dtype=torch.complex64)), "complex")
refused(TypeError, lambda: gpu.step("up"), "action")
refused(ValueError, lambda: gpu.step(torch.zeros((3, 4), device="meta")), "that cannot be brought here")
refused(TypeError, lambda: copy.deepcopy(gpu.unwrapped), "get_state")
refused(TypeError, lambda: pickle.dumps(gpu.unwrapped), "get_state")
world = FAMILIES["benchmark"].draw(1, 4)
refused(TypeError, lambda: gpu.reset(options={"world": world}), "on a device it must be a key")
refused(ValueError, lambda: gpu.reset(options={"world": [1, 2]}), "world has 2 entries: must be 3")
refused(ValueError, lambda: gpu.reset(seed=[1]), "seed has 1 entries: must be 3")
refused(ValueError, lambda: gpu.unwrapped.set_state({}), "as of get_state")
refused(ValueError, lambda: gpu.unwrapped.closing_values("all"), "rule is 'all'")
tabled = EcosystemVectorEnv(3, horizon=4)
tabled.reset(seed=0, options={"world": world})
refused(ValueError, lambda: gpu.unwrapped.set_state(tabled.get_state()), "tables of their own")
assert bits(gpu.unwrapped.get_state()["states"]) == before, "nothing has changed"
kept = [gpu.step(torch.zeros((3, 4)))for _ in range(3)]
copies = [bits(result[0]) for result in kept], [bits(result[4]["books"]["cash"]) for result in kept]
gpu.step(torch.zeros((3, 4)))
assert ([bits(result[0]) for result in kept], [bits(result[4]["books"]["cash"]) for result in kept]) == copies
assert gpu.unwrapped.reports[0].shape == (3,)
gpu.reset(seed=1)
assert not gpu.unwrapped.reports[-3:].any(), "no month has been run"
results = [gpu.step(torch.zeros((3, 4))) for _ in range(4)][-1]
assert results[2].all() and results[4]["_final_obs"].all()
results[2][:] = False
assert results[4]["_final_obs"].all() and results[4]["_final_info"].all()
lean = CudaVectorEnv(2, info="lean", copy=False, horizon=2)
assert set(lean.reset(seed=0)[1]) == {"world", "_world"}
for call in (lambda: CudaVectorEnv(0), lambda: CudaVectorEnv(1, info="all"), lambda: CudaVectorEnv(1, horizon=0)):
    refused(ValueError, call, "allowed are")
refused(TypeError, lambda: CudaVectorEnv(1, copy=1), "copy is 1")
print("refused")
"""
    assert fresh_python(BESIDE + program, **SIMULATED) == "refused"


def test_the_simulator_needs_both_of_its_switches(fresh_python: Callable[..., str]) -> None:
    program = """
from thinmargin.vector import make_vector
try:
    make_vector(2, device="cuda")
except ValueError as error:
    print(error)
"""
    assert "set NUMBA_DISABLE_JIT=1 beside NUMBA_ENABLE_CUDASIM=1" in fresh_python(program, NUMBA_ENABLE_CUDASIM="1")


@pytest.mark.parametrize(
    "device", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:00", "cuda:007", "cuda:٣", "CUDA", "", "cuda:" + "9" * 5000]
)
def test_a_device_that_is_none_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match=r"device is .*: allowed are cuda and cuda:NUMBER, from 0 to 999") as caught:
        make_vector(2, device=device)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("device", [None, 0, ["cuda"], True])
def test_what_is_no_device_is_refused(device: Any) -> None:
    with pytest.raises(TypeError, match=r"device is .*: must be a text, 'cuda' or 'cuda:NUMBER'"):
        make_vector(2, device=device)


@pytest.mark.parametrize("given", [{"num_threads": 2}, {"render_mode": "ansi"}])
def test_what_is_for_a_cpu_only_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=rf"{next(iter(given))} is given and device is 'cuda': it is for device='cpu'"):
        make_vector(2, device="cuda", **given)


def test_without_a_gpu_it_is_said_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr("thinmargin.cuda.devices._library", lambda name, _: sys.modules.get(name, torch))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="there is no such device here, there is none: torch finds no GPU"):
        gymnasium.make_vec(ID, num_envs=2, device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="no such device here, there is cuda:0, cuda:1"):
        gymnasium.make_vec(ID, num_envs=2, device="cuda:2")


@pytest.mark.parametrize("missing", ["torch", "numba_cuda"])
def test_a_library_that_is_missing_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"torch", "numba_cuda"} - {missing}
    monkeypatch.setattr("thinmargin.cuda.devices.find_spec", lambda name: name if name in there else None)
    monkeypatch.setattr("thinmargin.cuda.devices.import_module", sys.modules.get)
    with pytest.raises(ModuleNotFoundError, match=rf"{missing.replace('_', '-')} is not installed: pip install .*cuda"):
        make_vector(2, device="cuda")


def test_a_cpu_is_a_device_too() -> None:
    assert type(make_vector(2, device="cpu", horizon=3)) is EcosystemVectorEnv
    assert type(gymnasium.make_vec(ID, num_envs=2, device="cpu").unwrapped) is EcosystemVectorEnv


@pytest.mark.parametrize("kind", [STATE, FLOWS, SHOCKS, REPORT, SOURCE])
def test_a_column_has_the_fields_of_its_record(kind: Any) -> None:
    numbers = np.random.default_rng(0).integers(0, 1000, (3, kind.itemsize // 8))
    records = np.zeros(3, kind)
    fields = fields_of(kind)
    for name, field in fields.items():
        size = int(np.prod(field.shape, dtype=int))
        records[name] = numbers[:, field.row : field.row + size].reshape(3, *field.shape)
    table = table_of(records)
    assert records_of(table, kind).tobytes() == records.tobytes()
    for firm in range(3):
        column = Columns(table, firm, fields)
        for name, field in fields.items():
            if not field.shape:
                assert getattr(column, name) == records[firm][name]
                setattr(column, name, 7)
            for place in np.ndindex(field.shape) if field.shape else ():
                part = getattr(column, name)
                assert part[place] == records[firm][name][place]
                if len(place) == 2:
                    assert part[place[0]][place[1]] == part[place]
                part[place if len(place) > 1 else place[0]] = 7
    changed = records_of(table, kind)
    assert all((changed[name] == 7).all() for name in fields)
    with pytest.raises(AttributeError, match="profits"):
        _ = Columns(table, 0, fields).profits


def test_a_table_has_numbers_of_eight_bytes_only() -> None:
    with pytest.raises(TypeError, match="field small is float32"):
        fields_of(np.dtype([("large", np.float64), ("small", np.float32)]))


def test_a_column_of_plain_numbers_is_an_array() -> None:
    table = np.arange(12.0).reshape(4, 3)
    column = column_in_python(table, 1)
    assert isinstance(column, Part)
    assert column.shape == (4,)
    assert [column[k] for k in range(4)] == [1.0, 4.0, 7.0, 10.0]
    column[2] = -1.0
    assert table[2, 1] == -1.0
