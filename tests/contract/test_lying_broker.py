"""The proxy that lies about committed offsets, without a broker behind it."""

import asyncio
import struct
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import pytest
from aiokafka.protocol import commit

from consumers.embedded import HOST
from tests.services.lying_broker import Lie, LyingBroker, LyingBrokerError, asked, untrue

TOPICS: Final = [("t", [(0, 250, "note", 0), (1, 40, "", 0), (2, -1, "", 0)])]
NONE, LESS, MORE = Lie("none"), Lie("less"), Lie("more")
VERSIONS: Final = (0, 1, 2, 3)


def answer(version: int, topics: object = TOPICS) -> bytes:
    """Return an answer as a broker of this version gives it, with its correlation id."""
    kind = getattr(commit, f"OffsetFetchResponse_v{version}")
    values: dict[str, Any] = {"topics": topics}
    values |= {"error_code": 0} if version > 1 else {}
    values |= {"throttle_time_ms": 0} if version > 2 else {}
    return b"\x00\x00\x00\x07" + bytes(kind(**values).encode())


def request(key: int, version: int, correlation: int, group: str) -> bytes:
    name = group.encode()
    head = struct.pack(">hhih", key, version, correlation, -1)
    return head + struct.pack(">h", len(name)) + name


def framed(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("lie", "said", "changed"),
    [
        (NONE, [(0, -1, "", 0), (1, -1, "", 0), (2, -1, "", 0)], 2),
        (LESS, [(0, 150, "note", 0), (1, 0, "", 0), (2, -1, "", 0)], 2),
        (MORE, [(0, 350, "note", 0), (1, 140, "", 0), (2, -1, "", 0)], 2),
        (Lie("more", partitions=frozenset({2})), TOPICS[0][1], 0),
    ],
)
def test_a_lie_changes_offsets_and_nothing_else(
    version: int, lie: Lie, said: object, changed: int
) -> None:
    assert untrue(answer(version), version, lie) == (answer(version, [("t", said)]), changed)


def test_a_request_for_offsets_is_known_by_its_group_and_version() -> None:
    assert asked(request(9, 3, 17, "a.edge")) == (17, (3, "a.edge"))
    assert asked(request(3, 3, 17, "a.edge")) is None


def test_a_request_of_an_unknown_version_is_refused() -> None:
    with pytest.raises(LyingBrokerError, match="version 8"):
        asked(request(9, 8, 1, "g"))


@asynccontextmanager
async def broker() -> AsyncIterator[int]:
    """Stand for a broker: answer each request for offsets, and repeat any other one."""

    open_ones: set[asyncio.Future[None]] = set()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        ended = asyncio.get_running_loop().create_future()
        open_ones.add(ended)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
                said = answer(frame[3]) if frame[1] == 9 else frame[4:8] + frame
                writer.write(framed(said))
                await writer.drain()
        await closed(writer)
        ended.set_result(None)

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*open_ones)


async def said_by(proxy: LyingBroker, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    try:
        writer.write(framed(body))
        await writer.drain()
        length = int.from_bytes(await reader.readexactly(4), "big")
        return await reader.readexactly(length)
    finally:
        await closed(writer)


async def closed(writer: StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def test_a_lie_is_told_to_its_groups_from_when_it_is_set_until_it_is_cleared() -> None:
    groups = (request(9, 3, 7, "mine"), request(9, 3, 7, "other"))
    false, _ = untrue(answer(3), 3, NONE)
    async with broker() as port:
        with LyingBroker(port) as proxy:
            assert [await said_by(proxy, group) for group in groups] == [answer(3)] * 2
            proxy.lie = Lie("none", groups=lambda group: group == "mine")
            assert [await said_by(proxy, group) for group in groups] == [false, answer(3)]
            proxy.lie = None
            assert await said_by(proxy, groups[0]) == answer(3)
            assert proxy.told == 2


async def test_a_lie_ends_when_its_time_is_over() -> None:
    async with broker() as port:
        with LyingBroker(port) as proxy:
            proxy.lie = Lie("none", seconds=0.001)
            first = await said_by(proxy, request(9, 3, 7, "g"))
            async with asyncio.timeout(10):
                while await said_by(proxy, request(9, 3, 7, "g")) != answer(3):
                    pass
    assert first != answer(3)


async def test_other_frames_of_any_size_pass_as_they_are() -> None:
    body = request(0, 9, 5, "g") + b"x" * 5_000_000
    async with broker() as port:
        with LyingBroker(port) as proxy:
            proxy.lie = NONE
            assert (await said_by(proxy, body))[4:] == body


async def test_a_connection_is_closed_where_the_broker_is_down() -> None:
    async with broker() as port:
        pass
    with LyingBroker(port) as proxy, pytest.raises((asyncio.IncompleteReadError, OSError)):
        await said_by(proxy, request(9, 3, 7, "g"))


async def test_what_cannot_be_read_fails_the_test_and_leaves_no_thread() -> None:
    async with broker() as port:
        cut_off = suppress(asyncio.IncompleteReadError, OSError)
        with pytest.raises(LyingBrokerError), LyingBroker(port) as proxy, cut_off:
            await said_by(proxy, request(9, 8, 7, "g"))
    assert "lying-broker" not in {thread.name for thread in threading.enumerate()}
