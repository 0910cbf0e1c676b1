"""Starts the program's processes from one that has loaded it already.

A process of the program takes seconds of a core to import what it needs, and a chaos run starts
hundreds. `python -m tests.chaos.warm` imports everything once, reads what to start from its input,
one JSON object a line, and forks. Each process is then the program, with arguments, environment,
folder and log of its own; it is killed and ends like any other. What ends is told on the output,
by the number of its start: a long run gets process ids again that others had before.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from consumers.embedded import end_with_parent
from edgeroute.settings import child_environment

_TICK_S: Final = 0.05
_LOADED_S: Final = 120.0


class Warm:
    """The process that starts the others, and what it tells of them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env=child_environment(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - one system call, loaded beforehand
        )
        self._told = threading.Condition()
        self._started: dict[int, int] = {}
        self._ended: dict[int, int] = {}
        """By the number of the start: the process id, and the exit code."""
        self._starts = 0
        self._asking = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def start(
        self, arguments: Sequence[str], environment: dict[str, str], folder: Path, log: Path
    ) -> "Started":
        """Start the program; its output goes into the log."""
        assert self._process.stdin is not None
        asked = {
            "arguments": list(arguments),
            "environment": child_environment(environment),
            "folder": str(folder),
            "log": str(log),
        }
        with self._asking:
            self._starts += 1
            number = self._starts
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
            with self._told:
                if not self._told.wait_for(lambda: number in self._started, timeout=_LOADED_S):
                    raise TimeoutError("the process that starts the others does not answer")
                return Started(number, self._started[number], self)

    def code_of(self, number: int, within_s: float | None) -> int | None:
        """Return the exit code of a start, as subprocess does, once it has ended; else None."""
        with self._told:
            self._told.wait_for(lambda: number in self._ended, timeout=within_s)
            return self._ended.get(number)

    def close(self) -> None:
        """End it, and with it everything that it has started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError):  # closed
            for line in self._process.stdout:
                number, pid, code = json.loads(line)
                with self._told:
                    if code is None:
                        self._started[number] = pid
                    else:
                        self._ended[number] = code
                    self._told.notify_all()


class Started:
    """A process that was started so, with what is used of `subprocess.Popen`."""

    def __init__(self, number: int, pid: int, warm: Warm) -> None:
        self._number = number
        self.pid = pid
        self._warm = warm
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code once it has ended."""
        self.returncode = self._warm.code_of(self._number, 0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; raise `subprocess.TimeoutExpired`."""
        self.returncode = self._warm.code_of(self._number, timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("edgeroute", timeout or 0.0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


# -- within the process that starts the others -----------------------------------------------------


def _serve() -> None:
    _load()
    requests, living = sys.stdin.buffer, dict[int, int]()
    starts = 0
    while True:
        if select.select([requests], [], [], _TICK_S)[0]:
            line = requests.readline()
            if not line:
                break
            pid = _fork(json.loads(line))
            starts += 1
            living[pid] = starts
            _tell(starts, pid, None)
        _reap(living)
    for pid in living:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while living and time.monotonic() < deadline:
        _reap(living)
        time.sleep(_TICK_S)


def _load() -> None:
    """Import what the roles import; nothing is started by it."""
    from consumers.roles import monitor  # noqa: F401
    from consumers.totals import store  # noqa: F401
    from edgeroute import cli, roles, service  # noqa: F401


def _fork(asked: dict[str, Any]) -> int:
    pid = os.fork()
    if not pid:
        _become(asked)
    return pid


def _become(asked: dict[str, Any]) -> NoReturn:
    """Be the program, in a session of its own, until its end."""
    code: object = 1
    try:
        os.setsid()
        if (ask := end_with_parent()) is not None:
            ask()
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        with Path(asked["log"]).open("wb") as log, Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        sys.argv = ["edgeroute", *asked["arguments"]]
        from edgeroute.cli import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        _flush(sys.stdout, sys.stderr)
        os._exit(code if isinstance(code, int) else 1)


def _flush(*streams: IO[str]) -> None:
    for stream in streams:
        with suppress(OSError, ValueError):
            stream.flush()


def _reap(living: dict[int, int]) -> None:
    while living:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        _tell(living.pop(pid), pid, os.waitstatus_to_exitcode(status))


def _tell(number: int, pid: int, code: int | None) -> None:
    sys.stdout.write(json.dumps([number, pid, code]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
