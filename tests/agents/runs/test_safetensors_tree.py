"""Files of arrays and numbers that are whole or absent, and execute nothing."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.bombs import Bomb
from tests.messages import naming

from thinmargin.files import DamagedFileError
from thinmargin.records import SHOCKS, STATE
from thinmargin.sources import SOURCE
from thinmargin_agents.runs import safetensors_tree
from thinmargin_agents.runs.safetensors_tree import read_json, read_tree, write_tree


def example() -> dict[str, Any]:
    states = np.zeros(2, STATE)
    states["cash"] = 1.5
    sources = np.zeros(2, SOURCE)
    sources["key"] = 0, 2**62
    return {
        "weights": {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([True, False])},
        "states": states,
        "sources": sources,
        "empty": np.zeros((0, 3)),
        "no tables": np.zeros((0, 3), SHOCKS),
        "scalar": np.array(7, np.int64),
        "generators": [{"state": {"state": 1 << 127, "inc": 3}, "uinteger": 0, "has_uint32": 0}],
        "best": None,
        "not finite": [float("nan"), float("inf"), float("-inf")],
        "moments": [{"step": 1.0}],
    }


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    return repr(a) == repr(b)


def test_a_tree_comes_back_bit_for_bit_with_its_record_types_and_big_integers(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree", example())
    assert same(example(), read_tree(tmp_path / "tree"))


def test_records_of_another_version_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = np.dtype((np.record, [(name, STATE[name]) for name in (STATE.names or ())[:-1]]))
    with monkeypatch.context() as patch:
        patch.setitem(safetensors_tree.RECORDS, "state", earlier)
        write_tree(tmp_path / "tree", {"states": np.zeros(2, earlier)})
    with pytest.raises(DamagedFileError, match=naming("tree", "'state'", "another version", "trained anew")):
        read_tree(tmp_path / "tree")


def test_two_arrays_that_would_have_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two arrays '/a/b'"):
        write_tree(tmp_path / "tree", {"a/b": np.ones(1), "a": {"b": np.zeros(1)}})
    assert not (tmp_path / "tree").exists()


def test_numbers_of_numpy_come_back_as_plain_ones(tmp_path: Path) -> None:
    numbers = {"a": np.float32(0.1), "b": np.int64(3), "c": np.bool_(1), "d": -np.float32("inf")}
    write_tree(tmp_path / "tree", numbers)
    assert read_tree(tmp_path / "tree") == {"a": float(np.float32(0.1)), "b": 3, "c": True, "d": -float("inf")}


def test_only_the_finished_file_is_left_in_the_folder(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree", example())
    write_tree(tmp_path / "tree", example())
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path / "tree", {"a": np.ones(3)})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_tree(tmp_path / "tree", {"a": np.zeros(3)})
    assert read_tree(tmp_path / "tree")["a"].tolist() == [1.0, 1.0, 1.0]
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


@pytest.mark.parametrize("length", [0, 1, 7, 60, -1])
def test_a_file_cut_short_is_refused(tmp_path: Path, length: int) -> None:
    file = tmp_path / "tree"
    write_tree(file, example())
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(DamagedFileError, match="tree"):
        read_tree(file)


def test_a_pickle_is_refused_and_nothing_in_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "tree"
    file.write_bytes(pickle.dumps(Bomb(tmp_path / "boom")))
    with pytest.raises(DamagedFileError):
        read_tree(file)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    "skeleton",
    [
        "5", "[]", "null", "{", '{"map": 5}', '{"map": [["a"]]}', '{"map": [[[], 1]]}', '{"list": 5}', "{}",
        '{"array": "none", "record": ""}', '{"array": "a", "record": "secret"}', '{"array": "a", "record": "state"}',
        '{"array": "a"}', '{"float": "much"}', '{"float": []}', '{"list": [' * 100_000, "9" * 5_000,
    ],
)  # fmt: skip
def test_a_crafted_tree_is_refused(tmp_path: Path, skeleton: str) -> None:
    file = tmp_path / "tree"
    save_file({"a": np.ones(2)}, file, metadata={"format": "thinmargin-tree-1", "tree": skeleton})
    with pytest.raises(DamagedFileError, match="tree"):
        read_tree(file)


@pytest.mark.parametrize("size", [1 << 20, 1 << 40, (1 << 63) + 5])
def test_a_header_that_claims_to_be_huge_is_refused(tmp_path: Path, size: int) -> None:
    file = tmp_path / "tree"
    file.write_bytes(size.to_bytes(8, "little") + b"{}" * 50)
    with pytest.raises(DamagedFileError, match="tree"):
        read_tree(file)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "X9"])
def test_tensors_of_types_that_arrays_do_not_have_are_refused(tmp_path: Path, dtype: str) -> None:
    pytest.importorskip("ml_dtypes")  # it teaches NumPy some of them
    size = 2 if dtype == "BF16" else 1
    header = json.dumps({
        "__metadata__": {"format": "thinmargin-tree-1", "tree": '{"map": [["a", {"array": "a", "record": ""}]]}'},
        "a": {"dtype": dtype, "shape": [1], "data_offsets": [0, size]},
    }).encode()  # fmt: skip
    file = tmp_path / "tree"
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * size)
    with pytest.raises(DamagedFileError, match="tree"):
        read_tree(file)


def test_a_pipe_is_refused_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DamagedFileError, match="not a file"):
        read_tree(tmp_path / "pipe")
    with pytest.raises(DamagedFileError, match="not a file"):
        read_json(tmp_path / "pipe")


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path) -> None:
    save_file({"a": np.ones(2)}, tmp_path / "foreign")
    with pytest.raises(DamagedFileError, match="not one of this package"):
        read_tree(tmp_path / "foreign")


def test_a_damaged_json_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(DamagedFileError, match=r"config\.json"):
        read_json(tmp_path / "config.json")
    with pytest.raises(DamagedFileError, match=r"absent\.json"):
        read_json(tmp_path / "absent.json")
    (tmp_path / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(DamagedFileError, match=r"deep\.json"):
        read_json(tmp_path / "deep.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    with pytest.raises(DamagedFileError, match=r"bytes\.json"):
        read_json(tmp_path / "bytes.json")
