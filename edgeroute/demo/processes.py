"""The demo's processes, one a role: started, killed, watched, and all ended with the demo."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from consumers.embedded import end_with_parent
from consumers.errors import Fatal

STOP_S: Final = 10.0


class Processes:
    """Runs roles as children. Leaving it ends them side by side: the slowest alone decides.

    Start them from the thread that leaves it: on Linux they end with that thread.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        """Describe them; their logs lie in ``folder``."""
        self._environment = environment
        self._folder = folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, roles: Sequence[str]) -> None:
        """Start a process for each of these roles; Ctrl-C waits until they all are known."""
        with held():
            for role in roles:
                with (self._folder / f"{role}.log").open("ab") as log:
                    self._children[role] = subprocess.Popen(
                        [sys.executable, "-m", "edgeroute", "run", role],
                        env=self._environment,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                        preexec_fn=end_with_parent(),  # noqa: PLW1509 - one system call, see there
                    )

    def kill(self, role: str) -> None:
        """Kill a role's process on the spot; it is gone on return, and not missed by `check`."""
        child = self._children[role]
        child.kill()
        child.wait()
        del self._children[role]

    def check(self) -> None:
        """Raise `Fatal` where a role has ended by itself."""
        for role, child in self._children.items():
            if child.poll() is not None:
                log = (self._folder / f"{role}.log").read_text(errors="replace")
                last = (log.strip().splitlines() or ["it said nothing"])[-1]
                raise Fatal(f"The {role} role ended: {last.removeprefix('edgeroute: ')}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            # After Ctrl-C or a failure nobody waits for them to drain: nothing of it is kept.
            if kind is None:
                self._drain()
        finally:
            for child in self._children.values():
                child.kill()
                child.wait()

    def _drain(self) -> None:
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_S
        for child in self._children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(deadline - time.monotonic(), 0.0))


@contextmanager
def held() -> Iterator[None]:
    """Let Ctrl-C wait while processes start: cut off in between, nobody would know of one."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
