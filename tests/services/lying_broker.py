"""A real Kafka that lies about committed offsets, as Kafkas do that were killed and started again.

`lying_kafka` runs a `JvmKafka` with a second listener, which advertises the address of a proxy: who
bootstraps there is only ever told of the proxy. It passes everything on as it is but for answers to
OffsetFetch, which it changes as `LyingBroker.lie` says.
"""

import asyncio
import shutil
import socket
import struct
import threading
import time
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, Self

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.protocol import commit
from aiokafka.protocol.admin import DeleteGroupsRequest

from consumers.embedded import HOST, free_port
from tests.services.jvm_kafka import JvmKafka

OFFSET_FETCH: Final = 9
_ANSWERS: Final[Mapping[int, Any]] = {
    0: commit.OffsetFetchResponse_v0,
    1: commit.OffsetFetchResponse_v1,
    2: commit.OffsetFetchResponse_v2,
    3: commit.OffsetFetchResponse_v3,
}
_LENGTH: Final = struct.Struct(">i")
_HEADER: Final = struct.Struct(">hhi")
_SHORT: Final = struct.Struct(">h")
_FLUSH_S: Final = 1.0
_CLOSE_S: Final = 10.0


class LyingBrokerError(Exception):
    """Something came by that the proxy cannot read, so it cannot lie about it."""


def _every(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Lie:
    """What is said instead of the truth: nothing was committed, or ``by`` less or more.

    Where nothing was committed, this is said. ``partitions`` are all where none are given; the lie
    ends ``seconds`` after it was first told, or never.
    """

    kind: Literal["none", "less", "more"]
    by: int = 100
    groups: Callable[[str], bool] = _every
    partitions: frozenset[int] | None = None
    seconds: float | None = None

    def instead_of(self, offset: int) -> int:
        """Return what is said in place of an offset; -1 means none."""
        if offset < 0 or self.kind == "none":
            return -1
        return max(offset - self.by, 0) if self.kind == "less" else offset + self.by

    def covers(self, partition: int) -> bool:
        """Whether it is about this partition."""
        return self.partitions is None or partition in self.partitions


class Asked(NamedTuple):
    """An OffsetFetch request that waits for its answer."""

    version: int
    group: str


def asked(frame: bytes) -> tuple[int, Asked] | None:
    """Return an OffsetFetch request with its correlation id; None for any other request."""
    key, version, correlation = _HEADER.unpack_from(frame)
    if key != OFFSET_FETCH:
        return None
    if version not in _ANSWERS:
        raise LyingBrokerError(f"an OffsetFetch request of version {version} came by")
    _, after = _string(frame, _HEADER.size)
    group, _ = _string(frame, after)
    return correlation, Asked(version, group)


def _string(frame: bytes, at: int) -> tuple[str, int]:
    (length,) = _SHORT.unpack_from(frame, at)
    start = at + _SHORT.size
    end = start + max(length, 0)
    return frame[start:end].decode(), end


def untrue(frame: bytes, version: int, lie: Lie) -> tuple[bytes, int]:
    """Return an answer as the lie has it, and for how many partitions that is not the truth."""
    answer = _ANSWERS[version].decode(frame[_LENGTH.size :])
    changed = 0
    topics = []
    for topic, partitions in answer.topics:
        said = []
        for number, offset, note, code in partitions:
            instead = lie.instead_of(offset) if lie.covers(number) else offset
            changed += instead != offset
            said.append((number, instead, "" if instead < 0 else note, code))
        topics.append((topic, said))
    answer.topics = topics
    return frame[: _LENGTH.size] + answer.encode(), changed


@dataclass(slots=True)
class _Telling:
    """A lie, and when it was first told."""

    lie: Lie
    since: float | None = None

    def holds(self, group: str) -> bool:
        if not self.lie.groups(group):
            return False
        seconds, since = self.lie.seconds, self.since
        return seconds is None or since is None or time.monotonic() < since + seconds


class LyingBroker:
    """The proxy, in a thread of its own. Set ``lie`` at any time, to None for the truth."""

    def __init__(self, upstream: int) -> None:
        """Describe it; ``upstream`` is the local port that everything is passed on to."""
        self._upstream = upstream
        self._socket = socket.create_server((HOST, 0))
        self.port: Final[int] = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="lying-broker")
        self._relays: set[asyncio.Task[None]] = set()
        self._telling: _Telling | None = None
        self._told = 0
        self._failures: list[BaseException] = []

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients that are to be lied to."""
        return f"{HOST}:{self.port}"

    @property
    def lie(self) -> Lie | None:
        """What is told now, where it has not ended by itself."""
        telling = self._telling
        return telling.lie if telling else None

    @lie.setter
    def lie(self, lie: Lie | None) -> None:
        self._telling = _Telling(lie) if lie else None

    @property
    def told(self) -> int:
        """For how many partitions a false offset was told so far; raises where the proxy failed."""
        self._raise_failure()
        return self._told

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_CLOSE_S)
        if error is None:
            self._raise_failure()
            if self._thread.is_alive():
                raise LyingBrokerError(f"the proxy has not ended within {_CLOSE_S:g} s")

    def _raise_failure(self) -> None:
        if self._failures:
            raise self._failures[0]

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, sock=self._socket)
        await self._stop.wait()
        server.close()
        await server.wait_closed()
        while self._relays:  # they end by the same event; one may just have been accepted
            await asyncio.wait(self._relays)

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        relay = self._loop.create_task(self._relay(reader, writer))
        self._relays.add(relay)
        relay.add_done_callback(self._relayed)

    def _relayed(self, relay: asyncio.Task[None]) -> None:
        self._relays.discard(relay)
        if error := relay.exception():
            self._failures.append(error)

    async def _relay(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Carry one connection's frames until either side closes it."""
        try:
            up_reader, up_writer = await asyncio.open_connection(HOST, self._upstream)
        except OSError:  # the broker is down, as its clients find out in this way
            await _closed(writer)
            return
        waiting: dict[int, Asked] = {}
        ways: list[asyncio.Task[Any]] = [
            self._loop.create_task(self._requests(reader, up_writer, waiting)),
            self._loop.create_task(self._answers(up_reader, writer, waiting)),
            self._loop.create_task(self._stop.wait()),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        ends = await asyncio.gather(*ways, return_exceptions=True)
        expected = (OSError, IncompleteReadError, asyncio.CancelledError)
        self._failures += [
            end for end in ends if isinstance(end, BaseException) and not isinstance(end, expected)
        ]
        await asyncio.gather(_closed(up_writer), _closed(writer))

    async def _requests(
        self, reader: StreamReader, writer: StreamWriter, waiting: dict[int, Asked]
    ) -> None:
        while True:
            frame = await _frame(reader)
            if (found := asked(frame)) is not None:
                correlation, request = found
                waiting[correlation] = request
            await _send(writer, frame)

    async def _answers(
        self, reader: StreamReader, writer: StreamWriter, waiting: dict[int, Asked]
    ) -> None:
        while True:
            frame = await _frame(reader)
            (correlation,) = _LENGTH.unpack_from(frame)
            if (request := waiting.pop(correlation, None)) is not None:
                frame = self._said(frame, request)
            await _send(writer, frame)

    def _said(self, frame: bytes, request: Asked) -> bytes:
        """Return the answer that is given instead; nothing awaits here, so counts are whole."""
        telling = self._telling
        if telling is None or not telling.holds(request.group):
            return frame
        false, changed = untrue(frame, request.version, telling.lie)
        if changed:
            telling.since = telling.since or time.monotonic()
            self._told += changed
        return false


async def _frame(reader: StreamReader) -> bytes:
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return await reader.readexactly(length)


async def _send(writer: StreamWriter, frame: bytes) -> None:
    writer.write(_LENGTH.pack(len(frame)) + frame)
    await writer.drain()


async def _closed(writer: StreamWriter) -> None:
    """Close a connection once what was written is sent, or at once where nobody takes it."""
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_FLUSH_S):
            await writer.wait_closed()
    writer.transport.abort()


@contextmanager
def lying_kafka(folder: Path) -> Iterator[LyingBroker]:
    """Run a Kafka in this folder, and a proxy before it that tells the truth until it is told."""
    port = free_port()
    kafka = JvmKafka(folder)
    with LyingBroker(port) as proxy:
        _listen_too(folder / "server.properties", port, proxy.port)
        with kafka:
            yield proxy


def _listen_too(config: Path, port: int, advertised: int) -> None:
    """Add a listener that is told to clients under the port ``advertised``."""
    more = {
        "listeners": f"LYING://{HOST}:{port}",
        "advertised.listeners": f"LYING://{HOST}:{advertised}",
        "listener.security.protocol.map": "LYING:PLAINTEXT",
    }
    lines = [line.split("=", 1) for line in config.read_text().splitlines()]
    joined = [
        f"{name}={value},{more[name]}" if name in more else f"{name}={value}"
        for name, value in lines
    ]
    config.write_text("\n".join(joined) + "\n")


async def delete_groups(bootstrap_servers: str, *groups: str) -> None:
    """Delete groups that have no members, as an operator may: aiokafka's admin client cannot."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers)
    await client.bootstrap()
    try:
        for group in groups:
            coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
            answer = await client.send(coordinator, DeleteGroupsRequest([group]))
            if answer.results != [(group, 0)]:
                raise LyingBrokerError(f"the group {group} was not deleted: {answer.results}")
    finally:
        await client.close()


def forget_offsets(data: Path) -> int:
    """Delete all that a stopped broker keeps of committed offsets; return how many partitions."""
    folders = list(data.glob("__consumer_offsets-*"))
    for folder in folders:
        shutil.rmtree(folder)
    return len(folders)
