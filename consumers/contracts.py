"""What the loop asks of a role, of its input and of a lane's way out, and what bounds it."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from consumers.lanes import ToWrite
from consumers.records import Partition, Raw

W = TypeVar("W")
E = TypeVar("E")
E_contra = TypeVar("E_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from: monotonic seconds, and the moment in UTC."""

    monotonic: Callable[[], float]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound and wait of the loop. Times are in seconds, sizes in bytes."""

    in_flight: int = 1024
    """Records held in all lanes together, from fetched to committed."""
    lane_bytes: int = 8 * 1024 * 1024
    fetch_records: int = 128
    batch_items: int = 16
    batch_tokens: int = 1024
    """Padded tokens of a micro-batch: longest × count."""
    batch_wait_s: float = 0.005
    transaction_records: int = 512
    commit_wait_s: float = 0.25
    """A lane that has more on its way commits at most this often; one that has not, at once."""
    engines: int = 2
    open_s: float = 60.0
    settle_s: float = 4.0
    """What an opening that is no longer wanted is given to come to its end."""
    commit_s: float = 30.0
    revoke_s: float = 3.0
    stop_s: float = 20.0
    stall_s: float = 300.0
    """A micro-batch that takes longer than this means a hung model: the role stops."""
    retry_s: float = 0.5
    """Before a lost lane is started again; doubled each time, up to the next."""
    longest_retry_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Job(Generic[W, E]):
    """A prepared record: finished already (``plan``), or in need of a model (``work``)."""

    plan: ToWrite[E] | None = None
    work: W | None = None
    tokens: int = 0


class Handler(Protocol[W, E]):
    """What a role does with records. Both run in threads and never raise for a bad record."""

    def prepare(self, records: Sequence[Raw]) -> list[Job[W, E]]:
        """Decode and tokenise; one job a record, in order."""
        ...

    def infer(self, works: Sequence[W]) -> Sequence[ToWrite[E]]:
        """Run the model on one micro-batch; one plan a work, in order."""
        ...


class Sink(Protocol[E_contra]):
    """One lane's way out. Every method raises `LaneLost` where nothing may be assumed any more."""

    async def open(self) -> int:
        """Fence the previous owner; return the offset to read from."""
        ...

    async def commit(self, outputs: Sequence[E_contra], next_offset: int) -> None:
        """Write all outputs and move the position to ``next_offset``, or do neither."""
        ...

    def close(self) -> Coroutine[Any, Any, None]:
        """Let go, within a limit."""
        ...


class Reader(Protocol):
    """The input: a member of a consumer group."""

    async def start(
        self,
        assigned: Callable[[Sequence[Partition]], None],
        revoked: Callable[[], Awaitable[None]],
    ) -> None: ...

    async def poll(
        self, partitions: Sequence[Partition], *, timeout_s: float, max_records: int
    ) -> dict[Partition, list[Raw]]: ...

    def seek(self, partition: Partition, offset: int) -> None: ...

    async def stop(self) -> None: ...
