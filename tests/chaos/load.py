"""Busy processes beside a run: what waits for the processor shows mistakes that haste hides."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from consumers.embedded import end_with_parent

_PROGRAM: Final = """
import contextlib, os
os.nice(19)
# Linux may weigh sessions against each other first: nice then counts within a session only.
with contextlib.suppress(OSError), open("/proc/self/autogroup", "w") as group:
    group.write("19")
while True: pass
"""


@contextmanager
def busy(processes: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Keep this many processes busy at the lowest priority.

    They end with the context, and with the thread that enters it if that is killed.
    """
    with ExitStack() as stack:
        yield [stack.enter_context(_one()) for _ in range(processes)]


@contextmanager
def _one() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=end_with_parent(),  # noqa: PLW1509 - one system call, loaded beforehand
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
