"""Where a lane goes on when it opens, on a real Kafka that says wrong things or has lost some."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from consumers import kafka
from consumers.errors import Fatal, LaneLost
from consumers.kafka import outputs
from consumers.kafka.offsets import committed_offset
from consumers.kafka.positions import BY_HAND, record_positions
from consumers.kafka.sinks import transactional
from consumers.positions import routed_input
from consumers.records import Partition, Place
from tests.services.choose import Broker

pytestmark = [pytest.mark.kafka, pytest.mark.exactly_once]
INPUTS = 10


async def anywhere(place: Partition, position: int) -> None:
    """No position is past the log's end here."""


class Lane:
    """One input partition with records, its group, and the topics around it."""

    def __init__(self, broker: Broker, unique: str) -> None:
        self.connection = kafka.Connection(broker.bootstrap_servers)
        self.place = Partition(f"{unique}.in", 0)
        self.decisions, self.positions = f"{unique}.decisions", f"{unique}.positions"
        self.member = kafka.Member(f"{unique}.edge")

    async def make(self) -> None:
        counts = {self.place.topic: 2, self.decisions: 2}
        await kafka.create_topics(self.connection, counts, 1, self.positions)
        async with kafka.plain_producer(self.connection) as writer:
            for _ in range(INPUTS):
                await writer.send_and_wait(self.place.topic, b"x", partition=0)

    def ledger(self, patience: kafka.Patience | None = None) -> kafka.Ledger:
        outputs = kafka.Outputs(self.place.topic, {self.decisions: routed_input})
        return kafka.Ledger(self.member.group, self.positions, outputs, time.monotonic, patience)

    @asynccontextmanager
    async def producer(self, place: Partition | None = None) -> AsyncIterator[AIOKafkaProducer]:
        producer = transactional(self.connection, self.member, place or self.place)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    async def open(self, ledger: kafka.Ledger | None = None) -> int:
        async with self.producer() as producer:
            return await (ledger or self.ledger()).open(self.place, producer, anywhere)

    async def commit(self, upto: int, note: str = "") -> None:
        """Move on as a lane does: the record and the offset in one transaction."""
        async with self.producer() as producer:
            await producer.begin_transaction()
            places = {self.place: Place(upto, note)}
            await record_positions(producer, self.positions, self.member.group, places)
            offsets = {TopicPartition(*self.place): upto}
            await producer.send_offsets_to_transaction(offsets, self.member.group)
            await producer.commit_transaction()

    async def tell_the_broker(self, upto: int) -> None:
        """Commit an offset alone, as a broker that misremembers would have it."""
        tp = TopicPartition(*self.place)
        async with AIOKafkaConsumer(
            bootstrap_servers=self.connection.bootstrap_servers,
            group_id=self.member.group,
            enable_auto_commit=False,
        ) as member:
            member.assign([tp])
            await member.commit({tp: upto})

    async def answer(self, upto: int) -> None:
        """Write `routed` records of the inputs before ``upto`` and no position, as of old."""
        topic, number = self.place
        async with kafka.plain_producer(self.connection) as writer:
            for offset in range(upto):
                source = {"topic": topic, "partition": number, "offset": offset}
                value = json.dumps({"kind": "routed", "source": source}).encode()
                await writer.send_and_wait(self.decisions, value, partition=offset % 2)


@pytest.fixture
async def lane(each_real_broker: Broker, unique: str) -> Lane:
    made = Lane(each_real_broker, unique)
    await made.make()
    return made


async def test_a_partition_that_nobody_worked_on_begins_at_its_start(lane: Lane) -> None:
    assert await lane.open() == 0


async def test_a_lane_goes_on_where_the_one_before_committed(lane: Lane) -> None:
    await lane.commit(4)
    assert await lane.open() == 4


@pytest.mark.parametrize("said", [1, 9])
async def test_what_the_broker_says_does_not_move_a_recorded_position(
    lane: Lane, said: int
) -> None:
    await lane.commit(4)
    await lane.tell_the_broker(said)
    assert await lane.open() == 4


async def test_what_the_broker_says_wrongly_is_logged_and_put_right(
    lane: Lane, caplog: pytest.LogCaptureFixture
) -> None:
    await lane.commit(4)
    await lane.tell_the_broker(1)
    with caplog.at_level(logging.WARNING, "consumers.kafka.ledger"):
        await lane.open()
    assert "the broker says 1 of our position, which is 4" in caplog.text
    async with lane.producer() as producer:
        tp = TopicPartition(*lane.place)
        assert await committed_offset(producer.client, lane.member.group, tp) == 4


async def test_a_position_behind_anothers_open_transaction_is_found(lane: Lane) -> None:
    other = Partition(lane.place.topic, 1)
    await lane.commit(2)
    async with lane.producer(other) as stuck:
        await stuck.begin_transaction()
        places = {other: Place(1, "")}
        stored = await record_positions(stuck, lane.positions, lane.member.group, places)
        await asyncio.gather(*stored)
        await lane.commit(4)
        assert await lane.open() == 4
        await stuck.abort_transaction()


async def test_a_position_that_was_not_committed_does_not_count(lane: Lane) -> None:
    await lane.commit(4)
    async with lane.producer() as producer:
        await producer.begin_transaction()
        places = {lane.place: Place(8, "")}
        stored = await record_positions(producer, lane.positions, lane.member.group, places)
        await asyncio.gather(*stored)
        assert await lane.open() == 4


async def test_an_idle_lane_is_found_behind_many_transactions_of_others(lane: Lane) -> None:
    await lane.commit(4)
    other = Partition(lane.place.topic, 1)
    async with lane.producer(other) as producer:
        for _ in range(3):
            await producer.begin_transaction()
            for at in range(600):
                places = {other: Place(at, "")}
                await record_positions(producer, lane.positions, lane.member.group, places)
            await producer.commit_transaction()
    await lane.tell_the_broker(1)
    assert await lane.open() == 4


async def test_an_older_release_is_followed_where_the_broker_confirms_its_answers(
    lane: Lane,
) -> None:
    await lane.commit(4)
    await lane.answer(7)
    await lane.tell_the_broker(7)
    assert await lane.open() == 7


async def test_an_older_release_is_followed_however_much_was_answered_since(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "TAIL", 1)
    await lane.commit(4)
    await lane.answer(7)
    await lane.tell_the_broker(7)
    assert await lane.open() == 7


async def test_a_group_of_an_older_release_goes_on_where_the_broker_says(lane: Lane) -> None:
    await lane.answer(7)
    await lane.tell_the_broker(7)
    assert await lane.open() == 7


@pytest.mark.parametrize("said", [None, 5, 9])
async def test_a_position_set_by_hand_holds_whatever_was_answered_beyond_it(
    lane: Lane, said: int | None
) -> None:
    await lane.answer(7)
    await lane.commit(4, note=BY_HAND)
    if said is not None:
        await lane.tell_the_broker(said)
    assert await lane.open() == 4


@pytest.mark.parametrize("said", [None, 5, 9])
async def test_nobody_begins_again_where_outputs_contradict_what_the_broker_says(
    lane: Lane, said: int | None
) -> None:
    await lane.answer(7)
    if said is not None:
        await lane.tell_the_broker(said)
    ledger = lane.ledger(kafka.Patience(again_s=0.05, opening_s=60.0, whole_s=0.1))
    with pytest.raises(Fatal, match="edgeroute positions set edge 0 --to 7"):
        await lane.open(ledger)


async def test_a_doubt_ends_when_the_broker_remembers(lane: Lane) -> None:
    await lane.answer(7)
    ledger = lane.ledger(kafka.Patience(again_s=0.05))
    opening = asyncio.create_task(lane.open(ledger))
    await asyncio.sleep(0)
    await lane.tell_the_broker(7)
    assert await asyncio.wait_for(opening, 30) == 7


async def test_a_doubt_is_said_once_and_then_costs_the_lane(
    lane: Lane, caplog: pytest.LogCaptureFixture
) -> None:
    await lane.answer(7)
    ledger = lane.ledger(kafka.Patience(again_s=0.01, opening_s=0.1, whole_s=60))
    with caplog.at_level(logging.WARNING, "consumers.kafka.ledger"):
        for _ in range(2):
            with pytest.raises(LaneLost, match="in doubt"):
                await lane.open(ledger)
    assert caplog.text.count("we wait, since") == 1


async def test_a_lane_never_goes_behind_what_this_process_has_committed(lane: Lane) -> None:
    ledger = lane.ledger()
    await lane.commit(4)
    await lane.open(ledger)
    ledger.committed(lane.place, 6)
    with pytest.raises(LaneLost, match="this process has committed up to 6"):
        await lane.open(ledger)


async def test_one_ledger_opens_many_lanes_at_once(lane: Lane) -> None:
    ledger, places = lane.ledger(), [Partition(lane.place.topic, number) for number in (0, 1)]
    await lane.commit(4)

    async def one(place: Partition) -> int:
        async with lane.producer(place) as producer:
            return await ledger.open(place, producer, anywhere)

    assert await asyncio.gather(*map(one, places)) == [4, 0]
