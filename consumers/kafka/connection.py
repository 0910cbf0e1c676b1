"""How a cluster is reached, and what its errors mean to us."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    ConsumerStoppedError,
    GroupAuthorizationFailedError,
    IllegalOperation,
    InvalidSessionTimeoutError,
    InvalidTransactionTimeout,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NodeNotReadyError,
    RecordListTooLargeError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedCodecError,
    UnsupportedSaslMechanismError,
)

from consumers.errors import Fatal, LaneLost, Unreachable

log = logging.getLogger(__name__)
REQUEST_TIMEOUT_S: Final = 10.0
"""aiokafka's 40 s would make a stopping member wait that long for a coordinator that is away."""
CLOSE_S: Final = 2.0
"""How long closing a client may take; a rebalance waits for it."""
REFUSALS: Final = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)
_LOSSES: Final = (
    KafkaError,
    OSError,
    TimeoutError,
    # aiokafka refuses or asserts by its own transaction states: a producer that was fenced in
    # the middle of a transaction, or confused by a restart, is dropped like any other.
    AssertionError,
    ConsumerStoppedError,
    IllegalOperation,
    ValueError,
)


_SILENCE: Final = (
    KafkaConnectionError,
    KafkaTimeoutError,
    NodeNotReadyError,
    OSError,
    RequestTimedOutError,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a cluster."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    client_id: str = "edgeroute"

    def options(self) -> dict[str, Any]:
        """Return what every aiokafka client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": int(REQUEST_TIMEOUT_S * 1000),
        }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options


@dataclass(frozen=True, slots=True)
class Member:
    """How a role takes part in its consumer group."""

    group: str
    session_timeout_s: float = 10.0
    transaction_timeout_s: float = 15.0
    """A stuck transaction stalls every reader of committed records for at most this long."""
    revoke_s: float = 3.0
    """What an open commit is given when partitions are taken away."""
    max_fetch_bytes: int = 1024 * 1024
    """A partition's fetch; more only where one record alone is larger."""
    max_request_bytes: int = 1024 * 1024
    committed_only: bool = True


def mistake(error: BaseException) -> Fatal | None:
    """Return the one sentence for what only a person can put right, else None."""
    if isinstance(error, REFUSALS):
        return Fatal(
            f"The broker refused us ({type(error).__name__}): "
            "check the user, the password and the access rights of the [kafka] settings."
        )
    if isinstance(error, InvalidSessionTimeoutError):
        return Fatal(
            "The broker does not allow kafka.session_timeout_s: choose one between its "
            "group.min.session.timeout.ms and group.max.session.timeout.ms (usually 6 s and more)."
        )
    if isinstance(error, UnsupportedCodecError):
        return Fatal(
            "A record is compressed in a way that we cannot read here: "
            "install the package cramjam, then start this again."
        )
    if isinstance(error, InvalidTransactionTimeout):
        return Fatal(
            "The broker does not allow kafka.transaction_timeout_s: choose one below its "
            "transaction.max.timeout.ms."
        )
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
        return Fatal(
            "Kafka refuses a record of ours as too large: raise max.message.bytes of our topics "
            "or lower limits.text_characters and limits.dead_letter_bytes."
        )
    return None


def fatal_for(error: BaseException, connection: Connection) -> Fatal:
    """Return the one sentence for a Kafka error that ends a role."""
    servers = connection.bootstrap_servers
    if (fatal := mistake(error)) is not None:
        return fatal
    if isinstance(error, _SILENCE) or type(error) is KafkaError:  # so it says that no node answers
        return Unreachable(
            f"No Kafka broker answers at {servers}: "
            "start it, or set kafka.bootstrap_servers to where it is."
        )
    return Fatal(
        f"Kafka at {servers} failed with {type(error).__name__}: "
        "look into the broker's log, then start this again."
    )


def no_topic(topic: str) -> Fatal:
    """Return the one sentence for a topic that is not there."""
    return Fatal(f"There is no topic {topic}: create it with `edgeroute topics create`.")


@contextmanager
def kafka_errors(connection: Connection) -> Iterator[None]:
    """Map what aiokafka raises to the one sentence that ends a command or a role."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise fatal_for(error, connection) from error


@asynccontextmanager
async def raw_client(connection: Connection) -> AsyncIterator[AIOKafkaClient]:
    """A client for single requests, which knows the cluster; its errors are mapped."""
    client = AIOKafkaClient(**connection.options())
    try:
        with kafka_errors(connection):
            await client.bootstrap()
            yield client
    finally:
        await quietly(client.close())


@asynccontextmanager
async def lane_errors() -> AsyncIterator[None]:
    """Map what aiokafka raises inside a lane to `LaneLost`, and a person's mistakes to `Fatal`."""
    try:
        yield
    except _LOSSES as error:
        raise (mistake(error) or LaneLost(type(error).__name__)) from error


def report_unexpected(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what asyncio reports, except the errors that aiokafka leaves lying about.

    A producer that is fenced, or whose broker goes away, keeps the error in a future that nobody
    awaits, besides raising it; asyncio would log it with a traceback.
    """
    error: Any = context.get("exception")
    left_behind = isinstance(error, BaseException) and "never retrieved" in context["message"]
    if left_behind and (isinstance(error, _LOSSES) or _from_the_client(error)):
        log.debug("the Kafka client left an error behind: %s", type(error).__name__)
        return
    loop.default_exception_handler(context)


def _from_the_client(error: BaseException) -> bool:
    """Whether the client raised it inside, as its sender raises KeyError after a cut connection."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    return str(name).partition(".")[0] == "aiokafka"


async def quietly(closing: Coroutine[Any, Any, Any]) -> None:
    """Close a client within a limit; what it says while closing helps nobody.

    In a task of its own, because aiokafka lets the cancellation of its inner tasks escape when it
    is closed while the broker is away, which would look as if we were cancelled.
    """
    task = asyncio.create_task(closing)
    try:
        await asyncio.wait([task], timeout=CLOSE_S)
    finally:
        task.cancel()
    await asyncio.wait([task], timeout=CLOSE_S)
    if task.done() and not task.cancelled():
        task.exception()


async def close_for_good(
    client: AIOKafkaClient, *steps: Callable[[], Coroutine[Any, Any, Any]]
) -> None:
    """Carry out each step within a limit, then close the client, late connections included.

    A stop that runs out of time leaves background tasks of aiokafka's behind, which would connect
    again for ever: the steps after the stop end those.
    """
    for step in steps:
        await quietly(step())
    await quietly(client.close())
    await quietly(_close_late(client))


async def _close_late(client: AIOKafkaClient) -> None:
    """Whoever is still connecting holds this lock; the connection it gets is closed too."""
    async with client._get_conn_lock:  # noqa: SLF001 - nothing else tells when it is through
        await client.close()
