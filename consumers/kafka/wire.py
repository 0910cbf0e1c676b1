"""Requests about transactions that aiokafka does not have, as the Kafka protocol defines them.

Source: the message definitions of Apache Kafka (clients/src/main/resources/common/message):
DescribeProducers, WriteTxnMarkers, TransactionLogKey and TransactionLogValue. Each is asked in the
lowest version that brokers from 3.0 to 4.x have.
"""

from io import BytesIO
from typing import Any, Final, NamedTuple

from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import (
    Array,
    Boolean,
    CompactArray,
    CompactString,
    Int8,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

NO_TAGS: Final[dict[int, bytes]] = {}
_NAME: Final = CompactString("utf-8")
_TAGS: Final = ("tags", TaggedFields)
_NUMBERS: Final = CompactArray(Int32)
_TOPICS: Final = CompactArray(("name", _NAME), ("numbers", _NUMBERS), _TAGS)


class Asked(NamedTuple):
    """A request with its fields, in the one version that we speak."""

    struct: Any
    fields: tuple[Any, ...]

    def prepare(self, versions: dict[int, tuple[int, int]]) -> Any:
        """Return what the client sends; `IncompatibleBrokerVersion` where the broker is too old."""
        oldest, newest = versions.get(self.struct.API_KEY, (0, -1))
        if not oldest <= self.struct.API_VERSION <= newest:
            raise IncompatibleBrokerVersion(f"no request {self.struct.API_KEY}")
        return self.struct(*self.fields, NO_TAGS)


class Question:
    """A kind of request. Calling it with its fields gives a request to send."""

    def __init__(self, key: int, version: int, asked: Schema, answered: Schema) -> None:
        told = {"API_KEY": key, "API_VERSION": version}
        answer = type("Answer", (Response,), {**told, "SCHEMA": answered})
        self._struct = type(
            "Question",
            (RequestStruct,),
            {**told, "SCHEMA": asked, "RESPONSE_TYPE": answer, "FLEXIBLE_VERSION": True},
        )

    def __call__(self, *fields: Any) -> Asked:
        return Asked(self._struct, fields)


DESCRIBE_PRODUCERS: Final = Question(
    61,
    0,
    Schema(("topics", _TOPICS), _TAGS),
    Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("name", _NAME),
                (
                    "partitions",
                    CompactArray(
                        ("number", Int32),
                        ("error_code", Int16),
                        ("error_message", _NAME),
                        (
                            "producers",
                            CompactArray(
                                ("producer_id", Int64),
                                ("producer_epoch", Int32),
                                ("last_sequence", Int32),
                                ("last_timestamp", Int64),
                                ("coordinator_epoch", Int32),
                                ("current_txn_start_offset", Int64),
                                _TAGS,
                            ),
                        ),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        _TAGS,
    ),
)
"""Who writes to partitions, and since which offset in a transaction (-1: in none). To a leader."""

WRITE_MARKERS: Final = Question(
    27,
    1,
    Schema(
        (
            "markers",
            CompactArray(
                ("producer_id", Int64),
                ("producer_epoch", Int16),
                ("commit", Boolean),
                ("topics", _TOPICS),
                ("coordinator_epoch", Int32),
                _TAGS,
            ),
        ),
        _TAGS,
    ),
    Schema(
        (
            "markers",
            CompactArray(
                ("producer_id", Int64),
                (
                    "topics",
                    CompactArray(
                        ("name", _NAME),
                        (
                            "partitions",
                            CompactArray(("number", Int32), ("error_code", Int16), _TAGS),
                        ),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        _TAGS,
    ),
)
"""Ends transactions in partitions. To their leader; it needs the right CLUSTER_ACTION."""


class Logged(NamedTuple):
    """A state of a transaction, as its coordinator wrote it down."""

    transactional_id: str
    producer: int
    epoch: int
    status: int
    partitions: frozenset[tuple[str, int]]


ONGOING: Final = 1
PREPARE_COMMIT: Final = 2
PREPARE_ABORT: Final = 3
_HEAD: Final = (
    ("producer_id", Int64),
    ("producer_epoch", Int16),
    ("timeout_ms", Int32),
    ("status", Int8),
)
_PLAIN: Final = Array(("name", String("utf-8")), ("numbers", Array(Int32)))
_LOGGED: Final = {
    0: Schema(*_HEAD, ("topics", _PLAIN)),
    1: Schema(*_HEAD, ("topics", _TOPICS)),
}
"""What is read of a value, by the version that it begins with."""


def logged(key: bytes | None, value: bytes | None) -> Logged | None:
    """Read a record of `__transaction_state`; None for one of a form that is not known here."""
    if key is None or value is None:
        return None
    key_at, value_at = BytesIO(key), BytesIO(value)
    schema = _LOGGED.get(Int16.decode(value_at))
    if Int16.decode(key_at) != 0 or schema is None:
        return None
    name = String("utf-8").decode(key_at)
    producer, epoch, _, status, topics = schema.decode(value_at)
    partitions = frozenset((topic, n) for topic, numbers, *_ in topics or () for n in numbers)
    return Logged(name, producer, epoch, status, partitions)
