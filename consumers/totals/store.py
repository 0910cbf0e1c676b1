"""The monitor's totals and positions in Redis. The only importer of redis.

**What is kept**, all under one hash tag, so that one script may touch all of it on a cluster too:

- ``{prefix}:2:positions``: a hash, (cluster id, topic, partition) -> the next offset to aggregate;
- ``{prefix}:2:counts:SCOPE``, ``…:labels:SCOPE``, ``…:cloud-labels:SCOPE`` and
  ``…:tiers:SCOPE``: hashes of sums; SCOPE is ``live``, or ``run:`` and the run id;
- ``{prefix}:2:runs``: the runs, in the order in which they were last added to.

The 2 is the version of this layout: another layout starts from nothing and aggregates again.

**Why it is exact.** One script compares the stored position with the one the caller started from,
adds the batch and moves the position, or does nothing at all. So a batch counts once, however often
it is sent and whoever else sends it. Positions and totals live and die together: a Redis that was
flushed, restored from a backup or failed over to a replica that was behind has an older position
*and* the totals that belong to it, and the monitor, which seeks to the stored position, aggregates
the rest again. What breaks this is a Redis that evicts single keys; `Store.warnings` tells.

**What bounds it.** A scope keeps `MAX_LABELS` distinct labels of each kind and as many
tiers, later ones count under `OTHER_LABEL`. The `MAX_RUNS` runs last added to are kept; older ones
are deleted, and start again from nothing should they be added to again.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import redis.asyncio
import redis.exceptions as foreign
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from consumers.errors import Fatal
from consumers.totals.aggregate import Delta, Scope, Totals
from consumers.totals.script import APPLY

MAX_RUNS: Final = 1_000
MAX_LABELS: Final = 1_000
OTHER_LABEL: Final = "(other)"
TIMEOUT: Final = 5.0
"""Seconds to connect, and for one answer."""
RETRIES: Final = 3
LARGEST_SUM: Final = 2**63 - 1
"""Where a sum stops growing."""

_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_KINDS: Final = ("counts", "labels", "cloud-labels", "tiers")
_MOMENTS: Final = ("first_ms", "last_ms")


class StoreError(Fatal):
    """Redis could not do it. One sentence with what to do next, never a password.

    ``passing`` says that the same call may work later without anybody changing anything.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class Store:
    """Totals and positions under one prefix of one Redis. Raises `StoreError` and nothing else.

    Connects at the first call. Every call has a timeout and at most `RETRIES` repetitions after a
    lost connection.
    """

    def __init__(
        self,
        url: str,
        prefix: str = "edgeroute",
        *,
        timeout: float = TIMEOUT,
        max_runs: int = MAX_RUNS,
        max_labels: int = MAX_LABELS,
    ) -> None:
        """Describe the store; `StoreError` when the URL or the prefix cannot be one."""
        if not _PREFIX.fullmatch(prefix):
            raise StoreError(
                "The prefix of the Redis keys must be 1 to 64 letters, digits or any of _ . : -; "
                "change the setting."
            )
        self.address = _address(url)
        self._prefix = f"{{{prefix}}}:2:"
        self._limits = (str(max_runs), str(max_labels), OTHER_LABEL)
        self._redis = _client(url, timeout)
        self._apply = self._redis.register_script(APPLY)

    def __repr__(self) -> str:
        return f"Store({self.address})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection. The store may not be used after it."""
        with self._mapped():
            await self._redis.aclose()

    async def position(self, cluster_id: str, topic: str, partition: int) -> int | None:
        """Return the next offset to aggregate; None where nothing was ever aggregated."""
        with self._mapped():
            found = await self._redis.hget(self._positions, _place(cluster_id, topic, partition))
            return None if found is None else int(found)

    async def apply(
        self,
        cluster_id: str,
        topic: str,
        partition: int,
        expected: int | None,
        next_offset: int,
        delta: Delta,
    ) -> bool:
        """Add ``delta`` and move the position from ``expected`` to ``next_offset``, or do nothing.

        False: the stored position is not ``expected`` and nothing was changed. Either somebody else
        aggregates this partition, or this very call had been carried out and only its answer was
        lost (a lost connection is retried inside). Both have the same cure: read `position` again
        and seek to it.

        ``next_offset`` must be past ``expected``: a position that does not move protects nothing.
        """
        if next_offset <= (-1 if expected is None else expected):
            raise ValueError("next_offset must be past the expected position")
        keys = [self._positions, self._runs]
        arguments = [
            _place(cluster_id, topic, partition),
            "" if expected is None else str(expected),
            str(next_offset),
            self._prefix,
            *self._limits,
        ]
        for scope, totals in delta.items():
            keys += self._keys(scope)
            arguments += _arguments(scope, totals)
        with self._mapped():
            return bool(await self._apply(keys=keys, args=arguments))

    async def totals(self, scope: Scope) -> Totals:
        """Return the totals of a run, or of live traffic, all as of one moment."""
        with self._mapped():
            async with self._redis.pipeline(transaction=True) as pipeline:
                for key in self._keys(scope):
                    pipeline.hgetall(key)
                counts, labels, cloud_labels, tiers = map(_integers, await pipeline.execute())
        first, last = (counts.pop(name, None) for name in _MOMENTS)
        return Totals(counts, labels, cloud_labels, tiers, first, last)

    async def runs(self) -> list[str]:
        """Return the ids of the runs that are kept, the one last added to first."""
        with self._mapped():
            return [str(run) for run in await self._redis.zrevrange(self._runs, 0, -1)]

    async def server(self) -> tuple[str, float]:
        """Return the version, empty where this user may not ask for it, and the time over there."""
        with self._mapped():
            seconds, micros = await self._redis.time()
            try:
                told = await self._redis.info("server")
            except foreign.NoPermissionError:
                told = {}
        return str(told.get("redis_version", "")), seconds + micros / 1e6

    async def warnings(self) -> list[str]:
        """Return a sentence for each setting of this Redis under which totals could go wrong."""
        with self._mapped():
            try:
                memory = await self._redis.info("memory")
            except foreign.NoPermissionError:
                return []
        policy = str(memory.get("maxmemory_policy", ""))
        if not memory.get("maxmemory") or not policy.startswith("allkeys"):
            return []
        sentence = (
            f"Redis at {self.address} deletes keys when its memory is full (maxmemory-policy "
            f"{policy}), which would make totals wrong; set it to noeviction."
        )
        return [sentence]

    @property
    def _positions(self) -> str:
        return self._prefix + "positions"

    @property
    def _runs(self) -> str:
        return self._prefix + "runs"

    def _keys(self, scope: Scope) -> list[str]:
        name = "live" if scope is None else "run:" + scope
        return [f"{self._prefix}{kind}:{name}" for kind in _KINDS]

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """The one place where redis's errors, and the network's, become ours."""
        try:
            yield
        except (foreign.RedisError, OSError) as error:
            raise store_error(error, self.address) from None
        except ValueError:
            raise StoreError(
                f"Redis at {self.address} holds values under our keys that are not ours; give the "
                "monitor a key prefix of its own."
            ) from None


def store_error(error: BaseException, address: str) -> StoreError:
    """Return our error for one of redis's or the network's. Total; repeats no foreign text."""
    for kinds, passing, sentence in _SENTENCES:
        if isinstance(error, kinds):
            return StoreError(sentence.format(address=address), passing=passing)
    return StoreError(
        f"Redis at {address} failed in a way that is not known here ({type(error).__name__}); "
        "look into its log."
    )


_SENTENCES: Final[tuple[tuple[tuple[type[BaseException], ...], bool, str], ...]] = (
    (
        (
            foreign.AuthenticationError,
            foreign.AuthorizationError,
            foreign.ExternalAuthProviderError,
        ),
        False,
        "Redis at {address} refused the user name or password; correct them in the Redis URL.",
    ),
    (
        (foreign.NoPermissionError,),
        False,
        (
            "Redis at {address} does not allow this user what the monitor needs; "
            "grant it hash, sorted set and script commands on the keys of its prefix."
        ),
    ),
    (
        (foreign.BusyLoadingError,),
        True,
        "Redis at {address} is still loading its data; try again in a moment.",
    ),
    (
        (foreign.MaxConnectionsError,),
        True,
        "Redis at {address} takes no more connections; raise its maxclients or close some.",
    ),
    (
        (foreign.TimeoutError, TimeoutError),
        True,
        "Redis at {address} did not answer in time; check that it is not overloaded or paused.",
    ),
    (
        (foreign.ReadOnlyError,),
        True,
        "Redis at {address} is a read-only replica; point the Redis URL at the primary.",
    ),
    (
        (foreign.OutOfMemoryError,),
        True,
        "Redis at {address} is out of memory; raise its maxmemory or free some.",
    ),
    (
        (foreign.MovedError, foreign.AskError, foreign.CrossSlotTransactionError),
        False,
        (
            "Redis at {address} is a cluster node that does not hold the monitor's keys; "
            "point the Redis URL at the node that does."
        ),
    ),
    (
        (
            foreign.ClusterDownError,
            foreign.MasterDownError,
            foreign.TryAgainError,
            foreign.ClusterError,
            foreign.RedisClusterException,
        ),
        True,
        "Redis at {address} is part of a cluster that is not working; wait for it or repair it.",
    ),
    (
        (foreign.NoScriptError,),
        True,
        "Redis at {address} forgot the monitor's script while it was called; try again.",
    ),
    (
        (foreign.InvalidResponse,),
        False,
        "The server at {address} does not speak Redis's protocol; check the Redis URL.",
    ),
    (
        (foreign.ConnectionError, OSError),
        True,
        "Redis at {address} cannot be reached; check that it runs and that the Redis URL is right.",
    ),
    (
        (foreign.ResponseError,),
        False,
        (
            "Redis at {address} refused a command of the monitor; check that nothing else writes "
            "under its key prefix, that it can save to disk, and that its version is 7 or newer."
        ),
    ),
)
"""Foreign errors, the first that fits: is it passing, and what to say."""


def _client(url: str, timeout: float) -> "redis.asyncio.Redis":
    try:
        return redis.asyncio.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), RETRIES),
        )
    except (ValueError, TypeError, foreign.RedisError):
        raise _bad_url() from None


def _address(url: str) -> str:
    """Return where the URL points, without its credentials.

    A URL whose password holds an unescaped special character parses into the wrong parts, and
    repeating those would repeat the password: such a URL is refused.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _bad_url() from None
    if "@" in parts.path + parts.query + parts.fragment:
        raise _bad_url()
    if parts.scheme == "unix" and parts.path:
        return parts.path
    if parts.scheme not in ("redis", "rediss") or not host:
        raise _bad_url()
    if not re.fullmatch(r"(/\d*)?", parts.path):
        raise _bad_url()
    return f"[{host}]:{port or 6379}" if ":" in host else f"{host}:{port or 6379}"


def _bad_url() -> StoreError:
    return StoreError(
        "The Redis URL is not valid; write it as redis://USER:PASSWORD@HOST:PORT/0 "
        "(rediss:// for TLS), with special characters in the password percent-encoded."
    )


def _place(cluster_id: str, topic: str, partition: int) -> str:
    return json.dumps([cluster_id, topic, partition])


def _arguments(scope: Scope, totals: Totals) -> list[str]:
    moments = ("" if m is None else str(m) for m in (totals.first_ms, totals.last_ms))
    return [
        *_pairs(totals.counts),
        *moments,
        *_pairs(totals.labels),
        *_pairs(totals.cloud_labels),
        *_pairs(totals.tiers),
        *(("live",) if scope is None else ("run", scope)),
    ]


def _pairs(sums: Mapping[str, int]) -> Iterator[str]:
    yield str(len(sums))
    for name, count in sums.items():
        yield name
        yield str(min(count, LARGEST_SUM))


def _integers(found: Mapping[str, str]) -> dict[str, int]:
    return {name: int(count) for name, count in found.items()}
