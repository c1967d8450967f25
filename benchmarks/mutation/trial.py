"""A copy of the project in which mutants live one after another, and the runs of pytest over them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.mutation.operators import Mutant
from benchmarks.mutation.plan import Stage

ROOT = Path(__file__).parent.parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", "logs", ".venv*", "venv", "build", "dist", "__pycache__", ".*_cache", ".ci")
PRELOADED = {
    True: ("pytest", "numpy", "numba", "gymnasium", "hypothesis"),
    False: ("pytest", "numpy", "numba", "gymnasium", "hypothesis", "torch", "rich.progress", "tyro"),
}
"""What the servers import before they fork, by whether equations run as plain Python."""
FACTOR, GRACE = 3.0, 90.0
"""A run of a mutant may take this many times the seconds of the unmutated one, and these seconds more.

The unmutated run has the tests of a stage of all files, so it is long; a mutant may have to compile what that found on
disk.
"""
PASSED, NO_TESTS = 0, 5


class BaselineError(Exception):
    """The tests of a stage fail without any change."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant in a stage.

    Attributes:
        status: `killed`, `timeout` (killed too) or `survived`.
        stage: name of the stage.
        test: the first test that failed; empty if none did.
        seconds: of the run.
    """

    status: str
    stage: str
    test: str
    seconds: float


class Trial:
    """A copied tree and two servers, of plain and of compiled equations, which start when they are needed.

    Args:
        stages: all that will be run; those of one name are tried together, without any change, before the first.
    """

    def __init__(self, stages: Iterable[Stage]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mutation-"))
        self.tree = self.folder / "tree"
        shutil.copytree(ROOT, self.tree, ignore=LEFT_OUT)
        self.servers: dict[bool, subprocess.Popen[str]] = {}
        self.limits: dict[str, float] = {}
        self.whole: dict[str, Stage] = {}
        for stage in stages:
            known = self.whole.setdefault(stage.name, stage)
            words = tuple(dict.fromkeys((*known.arguments, *stage.arguments)))
            self.whole[stage.name] = known._replace(arguments=words)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """End the servers, and what they run."""
        for server in self.servers.values():
            server.terminate()
            server.wait()

    def verdict(self, mutant: Mutant, source: bytes, stage: Stage) -> Verdict:
        """Run one stage over a mutant; the tree is as before afterwards.

        Raises:
            BaselineError: the stage fails without any change.
        """
        if stage.name not in self.limits:
            self._baseline(stage.name)
        answer = self._mutated(mutant, source, stage)
        if answer["code"] is None:
            return Verdict("timeout", stage.name, "", answer["seconds"])
        if answer["code"] != PASSED:
            return Verdict("killed", stage.name, self._first_failure(), answer["seconds"])
        return Verdict("survived", stage.name, "", answer["seconds"])

    def _mutated(self, mutant: Mutant, source: bytes, stage: Stage) -> dict[str, Any]:
        path = self.tree / mutant.file
        before = path.stat()
        path.write_bytes(mutant.apply(source))
        cache = self.folder / ("mutant" if stage.recompiles else "numba")
        try:
            return self._run(stage, cache, self.limits[stage.name], bytecode=False)
        finally:
            path.write_bytes(source)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            shutil.rmtree(self.folder / "mutant", ignore_errors=True)

    def _baseline(self, name: str) -> None:
        """Run the stages of a name over the unmutated tree, which fills the caches too; the limit follows from it."""
        first = self._run(self.whole[name], self.folder / "numba", 3600.0, bytecode=True)
        if first["code"] != PASSED:
            log = (self.folder / "log").read_text(errors="replace")
            raise BaselineError(f"the tests of {name!r} fail without any change:\n{log[-3000:]}")
        self.limits[name] = FACTOR * first["seconds"] + GRACE

    def _run(self, stage: Stage, cache: Path, limit: float, *, bytecode: bool) -> dict[str, Any]:
        options = (
            "-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist",
            "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning",  # by the server
        )  # fmt: skip
        temporary = self.folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        request = {
            "arguments": [*options, f"--basetemp={temporary}", *stage.arguments],
            "log": str(self.folder / "log"),
            "cache": str(cache),
            "limit": limit,
            "bytecode": bytecode,
        }
        server = self._server(plain=stage.plain)
        assert server.stdin is not None  # noqa: S101  # a pipe
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        answer = self._answer(server)
        if answer["code"] == NO_TESTS:
            raise BaselineError(f"the stage {stage.name!r} has no tests: {stage.arguments}")
        return answer

    def _server(self, *, plain: bool) -> subprocess.Popen[str]:
        if plain not in self.servers:
            environment = {
                **os.environ,
                "PYTHONPATH": f"{self.tree / 'envs'}{os.pathsep}{self.tree / 'agents'}",
                "NUMBA_DISABLE_JIT": str(int(plain)),
                "OMP_NUM_THREADS": "1",
            }
            self.servers[plain] = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, str(self.tree / "benchmarks/mutation/serve.py"), *PRELOADED[plain]],
                cwd=self.tree,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._answer(self.servers[plain])
        return self.servers[plain]

    def _answer(self, server: subprocess.Popen[str]) -> dict[str, Any]:
        assert server.stdout is not None  # noqa: S101  # a pipe
        line = server.stdout.readline()
        if not line:
            raise BaselineError("the process that runs the tests has died")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _first_failure(self) -> str:
        log = (self.folder / "log").read_text(errors="replace")
        found = re.search(r"^(?:FAILED|ERROR) (\S+)", log, re.MULTILINE)
        return found[1] if found else ""
