"""The same arrays give the same bytes, however they lie in memory and whichever process writes them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from thinmargin.records import STATE
from thinmargin_agents.policies import shipped
from thinmargin_agents.runs.safetensors_tree import read_tree, write_tree
from thinmargin_agents.sb3.actor_weights import actor_of, read_actor, write_actor
from thinmargin_agents.sb3.tensor_bytes import tensor_bytes

NUMBERS = np.arange(24, dtype=np.float32)
LAYOUTS: dict[str, Any] = {
    "in order": NUMBERS.reshape(4, 6),
    "transposed": NUMBERS.reshape(6, 4).T,
    "of Fortran": np.asfortranarray(NUMBERS.reshape(4, 6)),
    "backwards": NUMBERS.reshape(4, 6)[::-1, ::-1],
    "every second": np.arange(48, dtype=np.float32).reshape(4, 12)[:, ::2],
    "swapped axes": np.arange(48, dtype=np.float32).reshape(2, 4, 6).swapaxes(0, 2),
    "repeated": np.broadcast_to(np.float32(3.0), (4, 6)),
    "one number": np.float32(7.0) * np.ones(()),
    "nothing": np.zeros((0, 4), np.float32).T,
}


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_writer_keeps_the_numbers_in_their_places(layout: str, tmp_path: Path) -> None:
    array = LAYOUTS[layout]
    assert np.array_equal(load(tensor_bytes({"a": array}, {}))["a"], array)
    actor = actor_of("td3", {"actor.mu.0.weight": array, "critic.weight": array})
    assert np.array_equal(read_actor(write_actor(actor))["actor.mu.0.weight"], array)
    write_tree(tmp_path / "tree", {"inside": [array, {"deep": array}]})
    tree = read_tree(tmp_path / "tree")
    assert np.array_equal(tree["inside"][0], array)
    assert np.array_equal(tree["inside"][1]["deep"], array)


def test_records_that_are_not_in_order_are_kept_too(tmp_path: Path) -> None:
    states = np.zeros(6, STATE)
    states["month"] = np.arange(6)
    write_tree(tmp_path / "tree", {"states": states[::-2]})
    assert read_tree(tmp_path / "tree")["states"]["month"].tolist() == [5.0, 3.0, 1.0]


def test_the_same_weights_give_the_same_bytes_in_whatever_layout() -> None:
    contents = {
        write_actor({"actor.mu.0.weight": array})
        for array in (np.array(LAYOUTS["transposed"]), LAYOUTS["transposed"], np.asfortranarray(LAYOUTS["transposed"]))
    }
    assert len(contents) == 1


SEVERAL = """
import hashlib
import numpy as np
from thinmargin_agents.sb3.tensor_bytes import tensor_bytes
texts = {name: name * 3 for name in ("tree", "format", "a", "z", "\\xe9")}
print({hashlib.sha256(tensor_bytes({"w": np.ones(5), "b": np.zeros((2, 3))}, texts)).hexdigest() for _ in range(12)})
"""


def test_several_texts_give_the_same_bytes_in_every_process() -> None:
    found = {
        subprocess.run([sys.executable, "-c", SEVERAL], capture_output=True, text=True, check=True).stdout  # noqa: S603  # written above
        for _ in range(3)
    }
    assert len(found) == 1
    assert next(iter(found)).count("'") == 2, "one hash of twelve files"


def test_the_same_tree_gives_the_same_file(tmp_path: Path) -> None:
    tree = {"a": np.arange(5.0), "b": {"c": np.ones((2, 3)).T, "d": "text"}, "e": [1, 2.5, None]}
    for k in range(8):
        write_tree(tmp_path / str(k), tree)
    assert len({(tmp_path / str(k)).read_bytes() for k in range(8)}) == 1


def test_shipped_weights_are_written_again_as_they_are() -> None:
    names = shipped.trained_names()
    for name in names:
        manifest = shipped.manifest_of(name)
        for one in manifest.seeds[:1]:
            content = (shipped.FOLDER / name / one.file).read_bytes()
            assert hashlib.sha256(write_actor(read_actor(content))).hexdigest() == one.sha256
    assert names
