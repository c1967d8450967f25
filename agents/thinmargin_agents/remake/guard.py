"""A process between the session and a command: if the session is killed, the command and all it started end too.

    guard.py SECONDS PROGRAM [ARGUMENT ...]

Its standard input is a pipe that the session holds and writes nothing into: at its end, the whole process group gets
SIGTERM, as schedulers send it, and is killed after so many seconds. It is run by its path and imports the standard
library alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit status, 128 and the number of the signal if it was killed by one."""
    seconds, command = float(arguments[0]), arguments[1:]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # they are for the command, which gets them too
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  # the session's own command
    except OSError as error:
        print(f"{command[0]}: {error}", file=sys.stderr)  # noqa: T201  # the log has it
        return 127
    alone = threading.Event()
    threading.Thread(target=_watch, args=(seconds, alone), daemon=True).start()
    status = child.wait()
    if alone.is_set():
        os.killpg(0, signal.SIGKILL)  # what the command leaves behind, and this process
    return status if status >= 0 else 128 - status


def _watch(seconds: float, alone: threading.Event) -> None:
    """End the group when the other end of the pipe is gone."""
    while os.read(0, 1):
        pass
    alone.set()
    os.killpg(0, signal.SIGTERM)
    time.sleep(seconds)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
