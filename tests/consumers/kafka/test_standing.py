"""How a lane's standing is told, and what setting it does on a real Kafka."""

import json
from datetime import UTC, datetime
from typing import Literal

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from consumers import kafka
from consumers.dead_letters.triage import Places
from consumers.errors import Fatal
from consumers.kafka.offsets import committed_place
from consumers.kafka.positions import BY_HAND, PositionLog, log_of
from consumers.positions import Witnesses, redriven_letter, routed_input
from consumers.records import Partition, Place
from consumers.standing import Move, Overview, Reader, Standing, State
from schemas.position import Moved
from tests.consumers.kafka.test_ledger import INPUTS, Lane
from tests.services.choose import Broker

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
EDGE = Reader("edge", "run edge", "g.edge", "in", {"decisions": routed_input})
REDRIVE = Reader("redrive", "dead-letters redrive", "g.redrive", "in", {}, has_places=True)


def stands(known: Witnesses, reader: Reader = EDGE, unreadable: str = "") -> Standing:
    """Return the standing in a log that holds 10 to 100."""
    return Standing(reader, Partition("in", 0), known, 10, 100, unreadable)


@pytest.mark.parametrize(
    ("known", "state"),
    [
        (Witnesses(50, 50, 50), "agrees"),
        (Witnesses(40, 40, 50), "agrees"),  # set back by hand
        (Witnesses(50, None, 50), "the broker forgot"),
        (Witnesses(50, 30, 50), "the broker forgot"),
        (Witnesses(50, 70, 50), "the broker forgot"),
        (Witnesses(None, 50, 50), "not recorded"),
        (Witnesses(50, 70, 70), "not recorded"),  # a release without records went on
        (Witnesses(None, None, None), "new"),
        (Witnesses(None, None, 50), "in doubt"),
        (Witnesses(40, None, 50), "in doubt"),
        (Witnesses(None, 60, 50, skips=True), "in doubt"),
        (Witnesses(101, 101, None), "beyond the end"),
        (Witnesses(101, None, 101), "beyond the end"),
        (Witnesses(9, 9, 9), "expired"),
    ],
)
def test_a_standing_is_one_word(known: Witnesses, state: State) -> None:
    assert stands(known).state == state


def test_offsets_that_retention_deleted_are_counted() -> None:
    assert stands(Witnesses(4, 4, 4)).lost == 6
    assert stands(Witnesses(10, 10, 10)).lost == 0


def test_a_doubt_says_why_and_where_to_go_on_and_nothing_else_does() -> None:
    doubt, none = stands(Witnesses(None, None, 50)), stands(Witnesses(50, None, 50))
    assert "answers the inputs up to 49" in doubt.why
    assert doubt.proposed == 50
    assert (none.why, none.proposed) == ("", None)


def test_a_record_that_cannot_be_read_is_a_doubt() -> None:
    standing = stands(Witnesses(None, 50, None), unreadable="the record breaks the rule x")
    assert standing.state == "in doubt"
    assert "breaks the rule x" in standing.why


def test_a_redrive_that_answered_beyond_its_position_is_in_no_doubt() -> None:
    assert stands(Witnesses(20, 20, 50), REDRIVE).state == "agrees"
    assert stands(Witnesses(20, None, 50), REDRIVE).state == "the broker forgot"
    assert stands(Witnesses(None, None, 50), REDRIVE).state == "in doubt"


# -- on a broker -----------------------------------------------------------------------------------


@pytest.fixture
async def lane(exactly_once_broker: Broker, unique: str) -> Lane:
    made = Lane(exactly_once_broker, unique)
    await made.make()
    return made


def reader(lane: Lane) -> Reader:
    return Reader(
        "edge", "run edge", lane.member.group, lane.place.topic, {lane.decisions: routed_input}
    )


async def seen(lane: Lane, *, eager: bool = True) -> Overview:
    return await kafka.overview(lane.connection, lane.positions, [reader(lane)], eager=eager)


async def standing(lane: Lane, *, eager: bool = True) -> Standing:
    return (await seen(lane, eager=eager)).lanes[lane.place.number]


async def put(
    lane: Lane, to: int | Literal["start", "end", "answered"], *partitions: int
) -> list[Moved]:
    move = Move(to, NOW, partitions or (lane.place.number,), "a test")
    done = kafka.set_positions(lane.connection, lane.member, reader(lane), lane.positions, move)
    return [moved async for moved in done]


@pytest.mark.kafka
@pytest.mark.exactly_once
class TestLooking:
    """What is seen of a lane from outside."""

    async def test_a_group_that_never_ran_is_new_in_every_partition(self, lane: Lane) -> None:
        found = await seen(lane)
        assert [each.state for each in found.lanes] == ["new", "new"]
        assert found.moves == []
        assert (found.lanes[0].start, found.lanes[0].end) == (0, INPUTS)

    async def test_what_is_recorded_committed_and_answered_is_seen(self, lane: Lane) -> None:
        await lane.answer(3)
        await lane.commit(3)
        found = await standing(lane)
        assert (found.known, found.state) == (Witnesses(3, 3, 3), "agrees")

    async def test_a_broker_that_says_something_else_is_seen(self, lane: Lane) -> None:
        await lane.commit(4)
        await lane.tell_the_broker(1)
        found = await standing(lane)
        assert (found.known, found.state) == (Witnesses(4, 1, None), "the broker forgot")

    async def test_what_only_the_broker_knows_is_not_recorded(self, lane: Lane) -> None:
        await lane.answer(4)
        await lane.tell_the_broker(4)
        assert (await standing(lane)).state == "not recorded"

    @pytest.mark.parametrize("eager", [True, False])
    async def test_answers_without_any_position_are_a_doubt(self, lane: Lane, eager: bool) -> None:
        await lane.answer(4)
        assert (await standing(lane, eager=eager)).state == "in doubt"

    @pytest.mark.parametrize("eager", [True, False])
    async def test_a_broker_that_passes_over_what_nothing_answers_is_a_doubt(
        self, lane: Lane, eager: bool
    ) -> None:
        await lane.answer(4)
        await lane.tell_the_broker(6)
        found = await standing(lane, eager=eager)
        assert (found.known, found.state) == (Witnesses(None, 6, 4, skips=True), "in doubt")

    async def test_a_lane_at_work_is_not_asked_about_at_the_outputs_for_nothing(
        self, lane: Lane
    ) -> None:
        await lane.answer(3)
        await lane.commit(3)
        assert (await standing(lane, eager=False)).known.answered is None

    async def test_a_missing_topic_of_positions_is_told(self, lane: Lane) -> None:
        lane.positions += ".none"
        with pytest.raises(Fatal, match="edgeroute topics create"):
            await seen(lane)

    async def test_how_a_topic_is_cleaned_up_is_told(self, lane: Lane) -> None:
        assert await kafka.cleanup_policy(lane.connection, lane.positions) == "compact"
        assert await kafka.cleanup_policy(lane.connection, lane.place.topic) == "delete"


@pytest.mark.kafka
@pytest.mark.exactly_once
class TestSetting:
    """What becomes of a lane that is set by hand."""

    async def test_a_lane_goes_on_where_it_was_set_to(self, lane: Lane) -> None:
        await lane.answer(6)
        await lane.commit(6)
        [moved] = await put(lane, 2)
        assert (moved.recorded, moved.committed, moved.offset) == (6, 6, 2)
        assert await lane.open() == 2

    async def test_a_lane_set_back_is_in_no_doubt_when_the_broker_forgets_it(
        self, lane: Lane
    ) -> None:
        await lane.answer(6)
        await put(lane, 2)
        await lane.tell_the_broker(1)
        seen = await standing(lane)
        assert (seen.state, seen.position) == ("the broker forgot", 2)

    async def test_record_and_committed_offset_are_both_set(self, lane: Lane) -> None:
        await lane.commit(6)
        await lane.tell_the_broker(1)
        [moved] = await put(lane, 5)
        assert (moved.recorded, moved.committed) == (6, 1)
        async with lane.producer() as producer:
            log = PositionLog(lane.positions)
            recorded = await log.last(producer.client, lane.member.group, [lane.place])
            committed = await committed_place(
                producer.client, lane.member.group, TopicPartition(*lane.place)
            )
        assert (recorded[lane.place], committed) == (Place(5, BY_HAND), Place(5, BY_HAND))
        assert (await standing(lane)).state == "agrees"

    @pytest.mark.parametrize(("to", "expected"), [("start", 0), ("end", INPUTS), ("answered", 4)])
    async def test_where_to_may_be_a_word(
        self, lane: Lane, to: Literal["start", "end", "answered"], expected: int
    ) -> None:
        await lane.answer(4)
        [moved] = await put(lane, to)
        assert moved.offset == expected
        assert await lane.open() == expected

    async def test_a_doubt_is_settled(self, lane: Lane) -> None:
        await lane.answer(4)
        await put(lane, "answered")
        assert (await standing(lane)).state == "agrees"

    async def test_every_partition_is_set_where_none_is_named(self, lane: Lane) -> None:
        move = Move("end", NOW)
        done = kafka.set_positions(lane.connection, lane.member, reader(lane), lane.positions, move)
        assert [(m.partition, m.offset) async for m in done] == [(0, INPUTS), (1, 0)]

    async def test_every_move_is_kept_the_newest_last(self, lane: Lane) -> None:
        await put(lane, 3)
        move = Move(5, NOW.replace(hour=7), (0,), "")
        done = kafka.set_positions(lane.connection, lane.member, reader(lane), lane.positions, move)
        assert [m.offset async for m in done] == [5]
        assert [(m.recorded, m.offset, m.why) for m in (await seen(lane)).moves] == [
            (None, 3, "a test"),
            (3, 5, ""),
        ]

    async def test_a_record_of_a_newer_release_is_seen_and_can_be_set(self, lane: Lane) -> None:
        await lane.commit(6)
        key = json.dumps([lane.member.group, *lane.place]).encode()
        async with kafka.plain_producer(lane.connection) as writer:
            await writer.send_and_wait(
                lane.positions, b'{"version": 2}', key=key, partition=log_of(key)
            )
        assert (await standing(lane)).state == "in doubt"
        await put(lane, 6)
        assert await lane.open() == 6

    async def test_a_redrive_has_no_note_any_more(self, lane: Lane) -> None:
        redrive = Reader("redrive", "", lane.member.group, lane.place.topic, {}, has_places=True)
        topics = {"transcripts": lane.decisions}
        outputs = kafka.Outputs(lane.place.topic, {lane.decisions: redriven_letter})

        def mover() -> kafka.Mover:
            return kafka.Mover(
                lane.connection, lane.member, lane.place, topics, lane.positions, outputs
            )

        first = mover()
        await first.open()
        await first.commit([], Place(2, '{"invalid": 8}'))
        await first.close()
        done = kafka.set_positions(
            lane.connection, lane.member, redrive, lane.positions, Move(4, NOW, (0,))
        )
        assert [moved.recorded async for moved in done] == [2]
        again = mover()
        place = await again.open()
        assert Places.of(place, 0).committed == Place(4, "")
        await again.close()

    @pytest.mark.parametrize(
        ("to", "partition", "said"),
        [
            (INPUTS + 1, 0, f"can be 0 to {INPUTS}, and {INPUTS + 1} is not"),
            (0, 7, "no partition 7"),
            ("answered", 0, "Nothing answers"),
        ],
    )
    async def test_what_cannot_be_is_refused_and_nothing_is_set(
        self, lane: Lane, to: int | Literal["answered"], partition: int, said: str
    ) -> None:
        with pytest.raises(Fatal, match=said):
            await put(lane, to, partition)
        found = await seen(lane)
        assert [each.state for each in found.lanes] == ["new", "new"]
        assert found.moves == []

    async def test_a_group_at_work_is_left_alone(self, lane: Lane) -> None:
        async with AIOKafkaConsumer(
            lane.place.topic,
            bootstrap_servers=lane.connection.bootstrap_servers,
            group_id=lane.member.group,
        ) as member:
            await member.getmany(timeout_ms=100)
            with pytest.raises(Fatal, match="Stop every `edgeroute run edge` first: 1 member is"):
                await put(lane, 3)
