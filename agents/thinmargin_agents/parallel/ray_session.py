"""A connection to a Ray cluster: one that is there, or one of this machine alone that ends with the work."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from thinmargin.files import read_text
from thinmargin.shown import shown
from thinmargin_agents.config.errors import ConfigError

PATIENCE = 5.0
"""Seconds in which a cluster's address must answer; Ray itself would try for minutes."""
OBJECTS = 128 << 20
"""Bytes of shared memory of a cluster that is started here: results are small."""


@contextmanager
def ray_session(address: str | None, n_jobs: int | None, threads: int = 1) -> Iterator[ModuleType]:
    """Ray, connected; the connection, and a cluster that was started for it, end with the block.

    A cluster that is started here has no dashboard and sends no usage statistics.

    Args:
        address: HOST:PORT of a cluster, or `auto` for the one this machine is part of; None starts one here.
        n_jobs: processors of a cluster that is started here; all of the machine's if None.
        threads: OMP_NUM_THREADS of every worker.

    Raises:
        ConfigError: Ray is not installed, nothing answers at the address, no cluster can be started, or no machine of
            it has so many processors as one worker has threads.
    """
    ray = usable_ray(address)
    try:
        ray.init(
            address=address or "local",
            num_cpus=n_jobs if address is None else None,
            object_store_memory=OBJECTS if address is None else None,
            include_dashboard=False if address is None else None,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": str(threads)}},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:  # Ray raises bare ones too
        where = f"--ray-address is {shown(address)}" if address else "--engine is 'ray': no cluster can be started here"
        raise ConfigError(f"{where}: {error}") from error
    try:
        largest = max((int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]), default=0)
        if threads > largest:
            raise ConfigError(
                f"--num-threads is {threads}: the most processors of a machine in the cluster are {largest}"
            )
        yield ray
    finally:
        ray.shutdown()


def usable_ray(address: str | None) -> ModuleType:
    """Ray, not connected; a ConfigError if it is not installed, or nothing answers at the address."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray  # noqa: PLC0415  # heavy, and only some have it
    except ModuleNotFoundError as error:
        raise ConfigError(f"--engine is 'ray': {error}; this needs: pip install 'thinmargin[cluster]'") from error
    if address is not None:
        _check_answers(address)
    return ray


def answer_of(reference: Any) -> Any:
    """The answer of an actor to a task that waits for it; `ray.get` would give the task's processor to another task."""
    return reference.future().result()


def _check_answers(address: str) -> None:
    """Raise ConfigError unless something listens at HOST:PORT, or at the address that `auto` stands for.

    Where none is known for `auto`, nothing is checked.
    """
    named = f"--ray-address is {shown(address)}"
    if address == "auto":
        address = _known_address()
        if not address:
            return  # Ray looks for a cluster among the processes of this machine, and says soon if there is none
        named = f"{named}, which is {address}"
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or "/" in host:
        raise ConfigError(f"{named}: allowed are auto, or HOST:PORT such as 10.0.0.1:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"{named}: nothing answers there: {error}") from error


def _known_address() -> str:
    """HOST:PORT that `auto` stands for: of the environment, or as the last `ray start` wrote it; empty if neither."""
    address = os.environ.get("RAY_ADDRESS", "")
    if address and address != "auto":
        return address
    file = Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir()), "ray", "ray_current_cluster")
    try:
        return read_text(file).strip()
    except OSError:
        return ""
