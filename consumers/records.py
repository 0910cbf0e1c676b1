"""What comes from a broker, and where it stands, without any Kafka in it."""

from dataclasses import dataclass
from typing import NamedTuple

from schemas.codec import Headers
from schemas.record import Source


class Partition(NamedTuple):
    """A topic and one of its partitions."""

    topic: str
    number: int


class Place(NamedTuple):
    """An offset that a group has committed, and the note that was committed with it."""

    offset: int
    note: str


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as it came from the broker. ``fetched_at`` is monotonic seconds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    fetched_at: float
    headers: Headers = ()

    @property
    def source(self) -> Source:
        """Where it stands, as records downstream carry it."""
        return Source(topic=self.topic, partition=self.partition, offset=self.offset)

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers
