"""The store's own servers: lost answers, refusals, and what is said about them."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import redis.asyncio
import redis.exceptions

from consumers.embedded import embedded_redis, free_port
from consumers.totals.aggregate import LIVE, Totals, aggregate
from consumers.totals.store import Store, StoreError, store_error
from tests.consumers.decisions import answered, routed

SECRET = "hunter2-9f31"
ONE = aggregate([routed(), answered()])


@pytest.fixture(scope="module")
def own_url() -> Iterator[str]:
    """A server that tests may reconfigure; they put back what they change."""
    with embedded_redis() as url:
        yield url


@asynccontextmanager
async def admin(url: str) -> AsyncIterator["redis.asyncio.Redis"]:
    async with redis.asyncio.Redis.from_url(url, decode_responses=True) as client:
        yield client


@asynccontextmanager
async def configured(url: str, **settings: str) -> AsyncIterator["redis.asyncio.Redis"]:
    """Run with these settings of the server, then with the old ones again."""
    async with admin(url) as client:
        names = {name: name.replace("_", "-") for name in settings}
        old = {name: str((await client.config_get(names[name]))[names[name]]) for name in settings}
        for name, value in settings.items():
            await client.config_set(names[name], value)
        try:
            yield client
        finally:
            for name, previous in old.items():
                await client.config_set(names[name], previous)


@asynccontextmanager
async def losing_answers(url: str, losses: int) -> AsyncIterator[str]:
    """Forward to the server; cut the connection instead of delivering a script's answer.

    The first ``losses`` calls of a script reach the server and are carried out, and their answers
    are lost.
    """
    server_at, left = urlsplit(url), losses

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        there, back = await asyncio.open_connection(server_at.hostname, server_at.port)
        try:
            while request := await reader.read(1 << 20):
                back.write(request)
                answer = await there.read(1 << 20)
                if b"EVALSHA" in request and b"NOSCRIPT" not in answer and left > 0:
                    left -= 1
                    return
                writer.write(answer)
        except ConnectionError:
            pass
        finally:
            back.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


@asynccontextmanager
async def holding_answers(url: str) -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Event]]:
    """Forward to the server; hold every script's answer back.

    Yields the URL, an event that says that an answer is held, and one that lets answers go.
    """
    server_at, held, go = urlsplit(url), asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(server_at.hostname, server_at.port)
        try:
            while request := await reader.read(1 << 20):
                back.write(request)
                answer = await there.read(1 << 20)
                if b"EVALSHA" in request and b"NOSCRIPT" not in answer:
                    held.set()
                    await go.wait()
                writer.write(answer)
        except ConnectionError:
            pass
        finally:
            back.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", held, go


async def apply(store: Store, expected: int | None = None, following: int = 7) -> bool:
    return await store.apply("cluster", "decisions", 0, expected, following, ONE)


async def test_a_lost_answer_is_not_aggregated_twice(own_url: str, unique: str) -> None:
    async with losing_answers(own_url, 1) as url, Store(url, unique) as store:
        assert not await apply(store)
        assert await store.position("cluster", "decisions", 0) == 7
        assert await store.totals(LIVE) == ONE[LIVE]


async def test_a_cancelled_call_leaves_no_answer_for_the_next(own_url: str, unique: str) -> None:
    async with holding_answers(own_url) as (url, held, go), Store(url, unique) as store:
        call = asyncio.create_task(apply(store))
        await held.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        go.set()
        assert await store.position("cluster", "decisions", 0) == 7
        assert await store.totals(LIVE) == ONE[LIVE]
        assert not await apply(store)


async def test_retries_end(own_url: str, unique: str) -> None:
    async with losing_answers(own_url, 1_000) as url, Store(url, unique) as store:
        with pytest.raises(StoreError, match="cannot be reached") as caught:
            await apply(store)
    assert caught.value.passing
    async with Store(own_url, unique) as store:
        assert await store.totals(LIVE) == ONE[LIVE]


async def test_a_flushed_server_is_aggregated_from_the_start_again(
    own_url: str, unique: str
) -> None:
    async with Store(own_url, unique) as store, admin(own_url) as client:
        await apply(store)
        await client.flushall()
        assert not await apply(store, 7, 9)
        assert await store.position("cluster", "decisions", 0) is None
        assert await apply(store)
        assert await store.totals(LIVE) == ONE[LIVE]


async def test_no_server_is_one_sentence_and_passing(unique: str) -> None:
    port = free_port()
    async with Store(f"redis://:{SECRET}@127.0.0.1:{port}/0", unique) as store:
        with pytest.raises(StoreError, match=f"127.0.0.1:{port} cannot be reached") as caught:
            await apply(store)
    assert caught.value.passing


async def test_a_silent_server_runs_into_the_timeout(unique: str) -> None:
    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Store(f"redis://127.0.0.1:{port}", unique, timeout=0.05) as store:
        with pytest.raises(StoreError, match="did not answer in time"):
            await apply(store)


async def test_a_server_of_another_protocol_is_named_so(unique: str) -> None:
    async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(speak_http, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Store(f"redis://127.0.0.1:{port}", unique) as store:
        with pytest.raises(StoreError, match="does not speak Redis's protocol"):
            await apply(store)


async def test_a_wrong_password_is_named_but_not_shown(own_url: str, unique: str) -> None:
    async with configured(own_url, requirepass="right"):
        url = own_url.replace("redis://", f"redis://:{SECRET}@")
        async with Store(url, unique) as store:
            with pytest.raises(StoreError, match="refused the user name or password") as caught:
                await apply(store)
    assert SECRET not in str(caught.value)


async def test_a_missing_password_is_named(own_url: str, unique: str) -> None:
    async with configured(own_url, requirepass="right"), Store(own_url, unique) as store:
        with pytest.raises(StoreError, match="refused the user name or password"):
            await apply(store)


async def test_a_user_without_rights_is_told_what_is_missing(own_url: str, unique: str) -> None:
    async with admin(own_url) as client:
        await client.acl_setuser("weak", enabled=True, passwords=["+pass"], commands=["+ping"])
        async with Store(own_url.replace("redis://", "redis://weak:pass@"), unique) as store:
            with pytest.raises(StoreError, match="does not allow this user"):
                await apply(store)
            assert await store.warnings() == []
        await client.acl_deluser("weak")


async def test_a_full_server_changes_nothing(own_url: str, unique: str) -> None:
    async with Store(own_url, unique) as store:
        await apply(store)
        async with configured(own_url, maxmemory="1"):
            with pytest.raises(StoreError, match="out of memory") as caught:
                await apply(store, 7, 9)
        assert caught.value.passing
        assert await store.position("cluster", "decisions", 0) == 7
        assert await store.totals(LIVE) == ONE[LIVE]


async def test_a_replica_is_named(own_url: str, unique: str) -> None:
    with embedded_redis() as url:
        async with admin(url) as client, Store(url, unique) as store:
            await client.replicaof("127.0.0.1", str(urlsplit(own_url).port))
            with pytest.raises(StoreError, match="read-only replica"):
                await apply(store)


async def test_a_server_that_evicts_keys_is_warned_about(own_url: str, unique: str) -> None:
    settings = {"maxmemory": "100mb", "maxmemory_policy": "allkeys-lru"}
    async with configured(own_url, **settings), Store(own_url, unique) as store:
        assert ["noeviction" in warning for warning in await store.warnings()] == [True]


async def test_a_server_that_keeps_its_keys_is_not_warned_about(own_url: str, unique: str) -> None:
    async with Store(own_url, unique) as store:
        assert await store.warnings() == []


async def test_a_count_that_is_no_number_is_refused(own_url: str, unique: str) -> None:
    async with admin(own_url) as client, Store(own_url, unique) as store:
        await client.hset(f"{{{unique}}}:2:counts:live", "scored", "many")
        with pytest.raises(StoreError, match="values under our keys that are not ours"):
            await store.totals(LIVE)


def test_every_error_of_redis_is_mapped() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(redis.exceptions, inspect.isclass)
        if issubclass(kind, redis.exceptions.RedisError)
    ]
    assert len(kinds) > 20
    for kind in kinds:
        message = str(store_error(kind.__new__(kind, SECRET), "host:1"))
        assert re.fullmatch(r"[^.]*host:1[^.]*\.", message), kind
        assert SECRET not in message


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (redis.exceptions.AuthenticationError, "password"),
        (redis.exceptions.MaxConnectionsError, "maxclients"),
        (redis.exceptions.TimeoutError, "in time"),
        (redis.exceptions.ReadOnlyError, "replica"),
        (redis.exceptions.OutOfMemoryError, "memory"),
        (redis.exceptions.BusyLoadingError, "loading"),
        (redis.exceptions.ClusterDownError, "cluster"),
        (redis.exceptions.MovedError, "cluster node"),
        (ConnectionResetError, "cannot be reached"),
    ],
)
def test_an_error_is_said_in_its_own_words(kind: type[Exception], words: str) -> None:
    assert words in str(store_error(kind.__new__(kind), "host:1"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host:6379",
        f"http://:{SECRET}@host",
        f"redis://:{SECRET}/x@host/0",
        f"redis://:{SECRET}#x@host/0",
        f"redis://:{SECRET}?x@host/0",
        "redis://:123/x@host:1/0",
        "redis://us?er:123@host:1/0",
        f"redis://host:{SECRET}",
        "redis://host:6379/zero",
        "redis://host:99999",
        "redis://:pass@",
        "unix://",
        "redis://[::1",
        "redis://host?socket_timeout=soon",
    ],
)
def test_a_url_that_cannot_be_one_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(StoreError, match="The Redis URL is not valid") as caught:
        Store(url)
    assert SECRET not in str(caught.value)
    error = caught.value
    assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://host", "host:6379"),
        (f"rediss://user:{SECRET}@host:7000/2", "host:7000"),
        ("redis://[::1]:7000", "[::1]:7000"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
        (f"redis://host?password={SECRET}", "host:6379"),
    ],
)
def test_the_address_is_the_url_without_credentials(url: str, address: str) -> None:
    assert Store(url).address == address
    assert repr(Store(url)) == f"Store({address})"


@pytest.mark.parametrize("prefix", ["", "a b", "a{b}", "a*", "x" * 65])
def test_a_prefix_that_cannot_be_one_is_refused(prefix: str) -> None:
    with pytest.raises(StoreError, match="prefix"):
        Store("redis://host", prefix)


async def test_a_record_of_one_writer_survives_a_restart_of_the_client(
    own_url: str, unique: str
) -> None:
    async with Store(own_url, unique) as store:
        await apply(store)
    async with Store(own_url, unique) as store:
        assert await store.position("cluster", "decisions", 0) == 7
        assert await store.totals(LIVE) != Totals()
