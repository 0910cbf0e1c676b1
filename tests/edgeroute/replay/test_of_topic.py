"""Replaying what a topic holds."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from rich.console import Console

from consumers.errors import Fatal
from consumers.records import Raw
from consumers.replay.transcripts import Reading, Rejected, reread
from edgeroute import service
from edgeroute.replay.of_files import Replay
from edgeroute.replay.of_topic import Span, replay_topic
from edgeroute.settings import Settings
from schemas.transcript import Transcript
from tests.edgeroute.replay.test_of_files import Hands
from tests.services.choose import Broker
from tests.services.stream import settings_for

PARTITIONS = 3
START = datetime(2026, 3, 1, tzinfo=UTC)
QUIET = Console(quiet=True)


@pytest.fixture
def settings(exactly_once_broker: Broker, redis_url: str, unique: str) -> Settings:
    made = settings_for(exactly_once_broker, redis_url, unique, partitions=PARTITIONS)
    service.create_topics(made)
    return made


def turn(number: int, **fields: object) -> bytes:
    whole = {"role": "customer", "text": str(number), "conversation_id": f"c{number % 7}", **fields}
    return json.dumps(whole).encode()


def hold(settings: Settings, values: Sequence[bytes]) -> None:
    """Write these to the transcripts topic, a minute apart."""

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers) as to:
            for number, value in enumerate(values):
                moment = int((START + timedelta(minutes=number)).timestamp() * 1000)
                await to.send_and_wait(
                    settings.topics.transcripts,
                    value,
                    key=str(number % 7).encode(),
                    timestamp_ms=moment,
                )

    asyncio.run(write())


def replayed(settings: Settings, run_id: str) -> list[dict[str, Any]]:
    """Return what the topic holds of a run, as far as it is committed."""

    async def read() -> list[dict[str, Any]]:
        consumer = AIOKafkaConsumer(
            settings.topics.transcripts,
            bootstrap_servers=settings.kafka.bootstrap_servers,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            places = consumer.assignment()
            ends = await consumer.end_offsets(places)
            found: list[dict[str, Any]] = []
            async with asyncio.timeout(30):
                while any([await consumer.position(p) < ends[p] for p in places]):
                    for records in (await consumer.getmany(timeout_ms=300)).values():
                        found += [json.loads(r.value) for r in records if r.value[:1] == b"{"]
            return [record for record in found if record.get("run_id") == run_id]
        finally:
            await consumer.stop()

    return asyncio.run(read())


def texts(settings: Settings, run_id: str) -> list[int]:
    return sorted(int(record["text"]) for record in replayed(settings, run_id))


@pytest.mark.exactly_once
def test_live_traffic_of_a_topic_is_replayed_into_it_once(settings: Settings) -> None:
    hold(settings, [*(turn(n) for n in range(30)), turn(99, run_id="earlier"), b"spoilt"])
    span = Span(settings.topics.transcripts)
    first, again = (replay_topic(settings, span, Replay(run_id="r"), QUIET) for _ in range(2))
    assert (first.sent, first.malformed, again.sent) == (30, 1, 0)
    assert texts(settings, "r") == list(range(30))


@pytest.mark.exactly_once
def test_conversations_keep_their_order(settings: Settings) -> None:
    hold(settings, [turn(n) for n in range(40)])
    replay_topic(settings, Span(settings.topics.transcripts), Replay(run_id="r"), QUIET)
    found = replayed(settings, "r")
    for name in {record["conversation_id"] for record in found}:
        talk = [int(record["text"]) for record in found if record["conversation_id"] == name]
        assert talk == sorted(talk)


@pytest.mark.exactly_once
def test_only_what_lies_between_the_moments_is_replayed(settings: Settings) -> None:
    hold(settings, [turn(n) for n in range(30)])
    since, until = START + timedelta(minutes=10), START + timedelta(minutes=20)
    span = Span(settings.topics.transcripts, since, until)
    fed = replay_topic(settings, span, Replay(), QUIET)
    assert fed.run_id is not None
    assert texts(settings, fed.run_id) == list(range(10, 20))


@pytest.mark.exactly_once
def test_a_replay_of_a_topic_that_fails_halfway_goes_on_from_there(settings: Settings) -> None:
    hold(settings, [turn(n) for n in range(60)])
    span, hands = Span(settings.topics.transcripts), Hands(stops_after=40)
    with pytest.raises(InterruptedError):
        replay_topic(settings, span, Replay(run_id="r", rate=20), QUIET, hands.timer)
    fed = replay_topic(settings, span, Replay(run_id="r"), QUIET)
    assert 0 < fed.sent < 60
    assert texts(settings, "r") == list(range(60))


@pytest.mark.exactly_once
def test_a_topic_can_be_replayed_anew(settings: Settings) -> None:
    hold(settings, [turn(n) for n in range(5)])
    span = Span(settings.topics.transcripts, until=START + timedelta(days=1))
    replay_topic(settings, span, Replay(run_id="r"), QUIET)
    assert replay_topic(settings, span, Replay(run_id="r", again=True), QUIET).sent == 5


@pytest.mark.exactly_once
def test_a_topic_that_is_not_there_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(Fatal, match="no topic nowhere"):
        replay_topic(settings, Span("nowhere"), Replay(), QUIET)


@pytest.mark.embedded
def test_a_broker_without_transactions_is_one_sentence(
    embedded_broker_servers: str, redis_url: str, unique: str
) -> None:
    embedded = Broker("embedded", embedded_broker_servers, exactly_once=False)
    made = settings_for(embedded, redis_url, unique)
    service.create_topics(made)
    with pytest.raises(Fatal, match="needs a broker with transactions"):
        replay_topic(made, Span(made.topics.transcripts), Replay(), QUIET)


def raw(value: bytes | None) -> Raw:
    return Raw("t", 2, 7, None, value, 0.0)


def test_a_record_is_marked_and_one_without_a_conversation_is_its_own() -> None:
    found = reread(raw(b'{"role": "c", "text": "a"}'), Reading(run_id="r", escalate=True))
    assert isinstance(found, Transcript)
    assert (found.run_id, found.escalate, found.conversation_id, found.turn) == (
        "r",
        True,
        "t-2-7",
        0,
    )


def test_a_record_of_an_earlier_replay_is_left_out() -> None:
    assert reread(raw(b'{"role": "c", "text": "a", "run_id": "x"}'), Reading(run_id="r")) is None


def test_a_record_that_is_no_transcript_is_rejected() -> None:
    assert isinstance(reread(raw(None), Reading(run_id="r")), Rejected)
