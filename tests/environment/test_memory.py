"""What would need more memory than there is, is refused with both numbers before any is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thinmargin import memory
from thinmargin.baselines import baseline
from thinmargin.batch import Batch
from thinmargin.generators import Generators
from thinmargin.memory import GIB, available_memory, check_memory
from thinmargin.scenarios import FAMILIES
from thinmargin.settings import Settings
from thinmargin.simulation import PLAYBOOK
from thinmargin.splits import KEYS
from thinmargin.vector import BYTES_A_FIRM, MAX_ENVS, EcosystemVectorEnv
from thinmargin_agents.play.candidates import Candidates
from thinmargin_agents.play.rollout import play_worlds

Bits = Callable[[Any], Any]


def there_are(size: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this many bytes be available."""
    monkeypatch.setattr(memory, "available_memory", lambda: int(size))


def test_more_environments_than_fit_are_refused_with_what_they_need_and_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there_are(2 * GIB, monkeypatch)
    with pytest.raises(MemoryError, match=rf"num_envs is {MAX_ENVS}: .* [45]\.\d GiB .* 2\.0 GiB are available"):
        EcosystemVectorEnv(MAX_ENVS)


def test_a_firm_takes_four_kilobytes_and_what_a_step_hands_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def sizes(size: int) -> int:
        batch = Batch(size, 12, PLAYBOOK, shaped=False)
        records = (batch.states, batch.economies, batch.sources, batch.reports)
        return sum(array.nbytes for array in (*records, batch.observations, batch.rewards, batch.ends))

    assert Batch.bytes_a_row() == sizes(9) - sizes(8)
    assert Batch.bytes_a_row() + Generators.bytes_a_row() <= 4000
    count = 1 << 16
    needed = count * (Batch.bytes_a_row() + BYTES_A_FIRM)
    assert needed <= 0.5e9
    there_are(needed, monkeypatch)
    EcosystemVectorEnv(count)
    there_are(needed - 1, monkeypatch)
    with pytest.raises(MemoryError, match="num_envs is 65536: "):
        EcosystemVectorEnv(count)


def test_as_many_as_fit_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    there_are(0, monkeypatch)
    EcosystemVectorEnv(16).reset(seed=0)  # too little to be looked at


def test_what_is_said_to_be_needed_is_what_is_taken(fresh_python: Callable[..., str]) -> None:
    code = """
import numpy as np
from thinmargin import vector
from thinmargin.batch import Batch

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

count = 8192
warm = vector.EcosystemVectorEnv(2)
warm.reset(seed=0); warm.step(np.zeros((2, 4)))
before = resident()
envs = vector.EcosystemVectorEnv(count)
envs.reset(seed=0)
kept = envs.step(np.zeros((count, 4)))
print((resident() - before) / (count * (Batch.bytes_a_row() + vector.BYTES_A_FIRM)))
"""
    if not Path("/proc/self/statm").is_file():
        pytest.skip("this system does not tell how much memory a process has")
    assert 0.5 < float(fresh_python(code)) < 1.5


def test_tables_of_worlds_that_do_not_fit_are_refused_and_nothing_changes(
    bits: Bits, monkeypatch: pytest.MonkeyPatch
) -> None:
    envs, twin = (EcosystemVectorEnv(4000, horizon=300) for _ in range(2))
    for player in (envs, twin):
        player.reset(seed=3)
    there_are(1e6, monkeypatch)
    world = FAMILIES["benchmark"].draw(1, 300)
    with pytest.raises(MemoryError, match=r"table of 300 months for each of 4,000 firms.*GiB are available"):
        envs.reset(seed=5, options={"world": world})
    actions = np.zeros((4000, 4))
    assert bits(envs.step(actions)[:4]) == bits(twin.step(actions)[:4])


@pytest.mark.parametrize("needed", [0, 1, memory.SMALL])
def test_a_little_is_not_asked_for(needed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    there_are(-1, monkeypatch)
    check_memory("nothing", needed)


def test_where_nobody_knows_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    check_memory("everything", 1 << 60)


def test_worlds_played_by_commands_are_asked_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    there_are(1e6, monkeypatch)
    with pytest.raises(MemoryError, match=r"100,000 environments side by side: needs about 0\.4 GiB"):
        Settings().batch(100_000)
    with pytest.raises(MemoryError, match=r"1,000,000 worlds of 180 months: needs about .* GiB"):
        play_worlds(baseline("plan"), KEYS["validation"])
    with pytest.raises(MemoryError, match=r"environments side by side"):
        Candidates(list(range(1000)), 100, Settings())


MACHINE = "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\n"
V2 = {"memory.max": "4000000000", "memory.current": "3000000000", "memory.stat": "anon 5\ninactive_file 500000000\n"}
V1 = {
    "memory/memory.limit_in_bytes": "2000000000",
    "memory/memory.usage_in_bytes": "500000000",
    "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 100000000\n",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8_192_000_000),
        (V2, 1_500_000_000),
        ({**V2, "memory.max": "max"}, 8_192_000_000),
        ({**V2, "memory.stat": "anon 5\n"}, 1_000_000_000),
        ({**V2, "memory.current": "9000000000", "memory.stat": ""}, 0),
        (V1, 1_600_000_000),
        ({**V1, "memory/memory.limit_in_bytes": "9223372036854771712"}, 8_192_000_000),
    ],
)
def test_a_container_may_have_less_than_its_machine(
    files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory").mkdir()
    for name, text in {"meminfo": MACHINE, **files}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert available_memory() == expected
