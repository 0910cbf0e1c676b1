"""Where lanes stand, looked at from outside while roles may be at work; and set by hand."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import OffsetAndMetadata

from consumers.errors import Fatal, LaneLost
from consumers.kafka.cluster import admin
from consumers.kafka.connection import (
    Connection,
    Member,
    kafka_errors,
    lane_errors,
    raw_client,
)
from consumers.kafka.decided import committed_records, end_of, holds_records, start_of
from consumers.kafka.offsets import committed_places, members_of
from consumers.kafka.outputs import Outputs
from consumers.kafka.positions import BY_HAND, PARTITIONS, log_of, record_positions
from consumers.kafka.sinks import close_producer, transactional
from consumers.kafka.span import Span, partitions_of, reading
from consumers.positions import Witnesses, undisputed
from consumers.records import Partition, Place
from consumers.standing import Move, Overview, Reader, Standing
from schemas.codec import Undecodable, decode, decode_moved, encode, moved_key, position_key
from schemas.position import Moved, Position

_LOOKS: Final = 3
_LOOK_AGAIN_S: Final = 0.3
_OPEN_S: Final = 60.0
_COMMIT_S: Final = 30.0

Bounds = Mapping[int, tuple[int, int]]
"""Of each partition the log's first offset, and the one behind its last."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """What our record and the broker say of one lane; ``unreadable`` is what is wrong with ours."""

    recorded: int | None
    committed: int | None
    unreadable: str = ""
    by_hand: bool = False


# -- looking ---------------------------------------------------------------------------------------


async def overview(
    connection: Connection, positions: str, readers: Sequence[Reader], *, eager: bool = True
) -> Overview:
    """Return where the lanes of these readers stand; ``positions`` is the topic of records.

    Asks the outputs about every lane, or unless ``eager`` only where nothing else tells.
    """
    await _check_topics(connection, positions, readers)
    async with raw_client(connection) as client:
        lanes: list[Standing] = []
        for reader in readers:
            async with reading(connection, reader.topic, committed_only=True) as span:
                lanes += await _lanes(client, positions, reader, span, eager=eager)
        moves = _moves(await _records(client, positions), {reader.group for reader in readers})
    return Overview(lanes, moves)


async def cleanup_policy(connection: Connection, topic: str) -> str:
    """Return a topic's cleanup.policy; empty where the broker does not tell."""
    name = "cleanup.policy"
    asked = ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: None})
    async with admin(connection) as client:
        with kafka_errors(connection):
            answers = await client.describe_configs([asked])
    entries = [entry for answer in answers for found in answer.resources for entry in found[4]]
    return next((str(value) for key, value, *_ in entries if key == name), "")


async def _lanes(
    client: AIOKafkaClient, positions: str, reader: Reader, span: Span, *, eager: bool
) -> list[Standing]:
    # The order matters, since roles may be at work: each of these may only be behind the next.
    answered = await _answered(client, reader, span.partitions if eager else ())
    marks = await _marks(client, positions, reader, span.partitions)
    lanes = [
        Standing(
            reader,
            Partition(reader.topic, number),
            Witnesses(mark.recorded, mark.committed, answered.get(number)),
            *await span.bounds(number),
            mark.unreadable,
            mark.by_hand,
        )
        for number, mark in marks.items()
    ]
    if not eager:
        untold = [lane.partition.number for lane in lanes if _is_untold(lane)]
        answered = await _answered(client, reader, untold)
        lanes = [
            replace(lane, known=replace(lane.known, answered=answered.get(lane.partition.number)))
            for lane in lanes
        ]
    return [await _weighed(client, lane) for lane in lanes]


def _is_untold(lane: Standing) -> bool:
    """Whether the outputs must be asked, which of an empty log can answer nothing."""
    known = lane.known
    return undisputed(known.recorded, known.committed) is None and lane.end > lane.start


async def _answered(
    client: AIOKafkaClient, reader: Reader, numbers: Iterable[int]
) -> dict[int, int]:
    """Return the offset behind the last input answered, where one is."""
    outputs = Outputs(reader.topic, reader.answers)
    lanes = [Partition(reader.topic, number) for number in numbers]
    found = await asyncio.gather(*(outputs.answered(client, lane) for lane in lanes))
    return {
        lane.number: offset for lane, offset in zip(lanes, found, strict=True) if offset is not None
    }


async def _marks(
    client: AIOKafkaClient, positions: str, reader: Reader, numbers: Sequence[int]
) -> dict[int, _Mark]:
    """Return what is said of each lane; a role that commits meanwhile makes no difference of it."""
    found: dict[int, _Mark] = {}
    for look in range(_LOOKS):
        if look:
            await asyncio.sleep(_LOOK_AGAIN_S)
        seen = await _look(client, positions, reader, numbers)
        settled = {n for n, mark in found.items() if mark.recorded == mark.committed}
        found |= {number: seen[number] for number in seen.keys() - settled}
        if all(mark.recorded == mark.committed for mark in found.values()):
            break
    return dict(sorted(found.items()))


async def _look(
    client: AIOKafkaClient, positions: str, reader: Reader, numbers: Sequence[int]
) -> dict[int, _Mark]:
    before = await committed_places(client, reader.group, reader.topic, numbers)
    records = await _records(client, positions)
    after = await committed_places(client, reader.group, reader.topic, numbers)
    return {
        number: _mark(
            records.get(position_key(reader.group, reader.topic, number)),
            before[number],
            after[number],
        )
        for number in numbers
    }


def _mark(record: bytes | None, before: Place | None, after: Place | None) -> _Mark:
    """Compare a record with what was committed before it was read, and after that."""
    committed = None if after is None else after.offset
    if record is None:
        return _Mark(None, committed)
    try:
        position = decode(Position, record)
    except Undecodable as fault:
        return _Mark(None, committed, str(fault))
    lowest = -1 if before is None else before.offset
    recorded, by_hand = position.offset, position.note == BY_HAND
    if committed is not None and lowest <= recorded <= committed:
        committed = recorded
    return _Mark(recorded, committed, by_hand=by_hand)


async def _weighed(client: AIOKafkaClient, lane: Standing) -> Standing:
    """Find out whether the broker's offset passes over inputs that nothing answers."""
    known = lane.known
    answered, committed = known.answered, known.committed
    if answered is None or committed is None or committed <= answered or not _is_untold(lane):
        return lane
    tp = TopicPartition(*lane.partition)
    return replace(
        lane, known=replace(known, skips=await holds_records(client, tp, answered, committed))
    )


async def _records(client: AIOKafkaClient, positions: str) -> dict[bytes, bytes | None]:
    """Return the newest committed record of each key."""
    found: dict[bytes, bytes | None] = {}
    for number in range(PARTITIONS):
        log = TopicPartition(positions, number)
        start, end = await start_of(client, log), await end_of(client, log)
        async for record in committed_records(client, log, start, end):
            found[record.key or b""] = record.value
    return found


def _moves(records: Mapping[bytes, bytes | None], groups: Iterable[str]) -> list[Moved]:
    found = (decode_moved(key, value) for key, value in records.items())
    ours = [moved for moved in found if moved is not None and moved.group in groups]
    return sorted(ours, key=lambda moved: moved.moved_at)


# -- setting ---------------------------------------------------------------------------------------


async def set_positions(
    connection: Connection, member: Member, reader: Reader, positions: str, move: Move
) -> AsyncIterator[Moved]:
    """Move lanes, a transaction each; yield what is done. Raises `Fatal` where it is refused.

    Nothing is moved before all of it is known to be possible.
    """
    await _check_topics(connection, positions, [reader])
    async with raw_client(connection) as client, AsyncExitStack() as stack:
        await _check_nobody_works(client, reader)
        async with reading(connection, reader.topic, committed_only=True) as span:
            bounds = {number: await span.bounds(number) for number in _named(span, move)}
        # Fenced first: what the outputs answer, and what is recorded, cannot change any more.
        producers = {
            number: await stack.enter_async_context(
                _fencing(connection, member, Partition(reader.topic, number))
            )
            for number in bounds
        }
        targets = await _targets(client, reader, move, bounds)
        marks = await _look(client, positions, reader, list(bounds))
        for number, offset in targets.items():
            moved = Moved(
                group=reader.group,
                topic=reader.topic,
                partition=number,
                recorded=marks[number].recorded,
                committed=marks[number].committed,
                offset=offset,
                why=move.why,
                moved_at=move.moment,
            )
            await _write(producers[number], positions, moved)
            yield moved


async def _check_topics(connection: Connection, positions: str, readers: Sequence[Reader]) -> None:
    """Refuse where a topic is missing: some brokers would make one that is only asked about."""
    outputs = {topic for reader in readers for topic in reader.answers}
    for topic in (positions, *sorted(outputs)):
        await partitions_of(connection, topic)


async def _check_nobody_works(client: AIOKafkaClient, reader: Reader) -> None:
    count = await members_of(client, reader.group)
    if count:
        many = "1 member is" if count == 1 else f"{count} members are"
        raise Fatal(
            f"Stop every `edgeroute {reader.command}` first: {many} in the group {reader.group}, "
            "and would go on where it stands."
        )


def _named(span: Span, move: Move) -> list[int]:
    """Return the partitions that are meant, or raise `Fatal` where one is not there."""
    for number in move.partitions:
        if number not in span.partitions:
            raise Fatal(
                f"There is no partition {number} of {span.topic}: "
                f"it has 0 to {len(span.partitions) - 1}."
            )
    return sorted(move.partitions) or span.partitions


async def _targets(
    client: AIOKafkaClient, reader: Reader, move: Move, bounds: Bounds
) -> dict[int, int]:
    if move.to == "answered":
        found = await _answered(client, reader, bounds)
        for number in bounds.keys() - found.keys():
            raise Fatal(
                f"Nothing answers an input of {reader.topic}[{number}], as far as the outputs are "
                "looked at: set this partition with --to, and the others one by one."
            )
    elif isinstance(move.to, int):
        found = dict.fromkeys(bounds, move.to)
    else:
        found = {n: start if move.to == "start" else end for n, (start, end) in bounds.items()}
    for number, (start, end) in bounds.items():
        if not start <= found[number] <= end:
            raise Fatal(
                f"A position in {reader.topic}[{number}] can be {start:,} to {end:,}, and "
                f"{found[number]:,} is not: give another, or --to-start or --to-end."
            )
    return found


async def _write(producer: AIOKafkaProducer, positions: str, moved: Moved) -> None:
    """Write the position, the group's offset and what was done in one transaction."""
    lane = Partition(moved.topic, moved.partition)
    # It takes the place of a redrive's note, which says how far its causes are beyond the position.
    place = Place(moved.offset, BY_HAND)
    async with _setting_errors(lane), asyncio.timeout(_COMMIT_S):
        await producer.begin_transaction()
        sent = await record_positions(producer, positions, moved.group, {lane: place})
        key, value = moved_key(moved), encode(moved)
        sent.append(await producer.send(positions, value, key, partition=log_of(key)))
        offsets = {TopicPartition(*lane): OffsetAndMetadata(*place)}
        await producer.send_offsets_to_transaction(offsets, moved.group)
        await asyncio.gather(*sent)
        await producer.commit_transaction()


@asynccontextmanager
async def _fencing(
    connection: Connection, member: Member, lane: Partition
) -> AsyncIterator[AIOKafkaProducer]:
    """The lane's own producer, started: whoever had it before is fenced."""
    producer = transactional(connection, member, lane)
    try:
        async with _setting_errors(lane), asyncio.timeout(_OPEN_S):
            await producer.start()
        yield producer
    finally:
        await close_producer(producer)


@asynccontextmanager
async def _setting_errors(lane: Partition) -> AsyncIterator[None]:
    try:
        async with lane_errors():
            yield
    except LaneLost as lost:
        raise Fatal(
            f"The position of {lane.topic}[{lane.number}] could not be set ({lost}): see that the "
            "broker is there and that no role runs, then call this again."
        ) from lost
