"""A process that has imported what is heavy, and forks a child for every run of pytest that it is asked for.

It is a program of its own: `python serve.py MODULE ...` imports the modules, then reads a request a line from its
standard input and answers with a line: exit status, None if the time was up, and seconds.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any


def main() -> None:
    """Import, then serve until the input ends."""
    signal.signal(signal.SIGTERM, _end)
    for name in sys.argv[1:]:
        importlib.import_module(name)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(_serve(json.loads(line))), flush=True)


def _serve(request: dict[str, Any]) -> dict[str, Any]:
    start = time.monotonic()
    child = os.fork()
    if not child:
        _run(request)
    code = None
    try:
        while code is None and time.monotonic() - start < request["limit"]:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
            else:
                time.sleep(0.01)
    finally:
        if code is None:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return {"code": code, "seconds": time.monotonic() - start}


def _end(*_: object) -> None:
    raise SystemExit(143)


def _run(request: dict[str, Any]) -> None:
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ["NUMBA_CACHE_DIR"] = request["cache"]
        sys.dont_write_bytecode = not request["bytecode"]
        sys.path[0] = str(Path.cwd())
        import numba  # noqa: PLC0415  # in the parent's modules already
        import pytest  # noqa: PLC0415  # as above

        numba.config.CACHE_DIR = request["cache"]
        code = int(pytest.main(request["arguments"]))
    except BaseException:  # noqa: BLE001  # of whatever kind: it goes into the log, and the child ends
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
