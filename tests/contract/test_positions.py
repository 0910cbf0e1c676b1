"""A broker that forgets committed offsets, or has wrong ones, costs and doubles nothing.

A Kafka that was killed and started again may answer that nothing was committed, and give no error.
Here a proxy gives such answers for it (`tests.services.lying_broker`), and worse ones.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from rich.console import Console

from consumers import kafka
from consumers.dead_letters.triage import Choice, Outcome
from consumers.replay.write import Timer
from edgeroute import roles
from edgeroute.commands import dead_letters
from edgeroute.replay import of_files, of_topic
from edgeroute.sample import conversations
from edgeroute.settings import LimitSettings, PolicySettings, Settings
from schemas.codec import encode
from tests.e2e.test_dead_letters import letters, write
from tests.services import choose
from tests.services.choose import Broker
from tests.services.jvm_kafka import JvmKafka
from tests.services.lying_broker import (
    Lie,
    LyingBroker,
    delete_groups,
    forget_offsets,
    lying_kafka,
)
from tests.services.stream import Recount, Stream, place, settings_for

if TYPE_CHECKING:
    from tests.conftest import Servers

pytestmark = [pytest.mark.kafka, pytest.mark.exactly_once, pytest.mark.jvm]

PARTITIONS: Final = 3
BEFORE: Final = 60
AFTER: Final = 60
BY: Final = 5
"""Less than a partition holds before a lie and gets after it, so that no lie leaves its log."""
PATIENCE_S: Final = 20.0
"""When nothing has come for so long, nothing more will: the test fails by what is missing."""
DEADLINE_S: Final = 60.0
NO_REDIS: Final = "redis://127.0.0.1:1/0"
QUIET: Final = Console(quiet=True)
KINDS: Final[tuple[Literal["none", "less", "more"], ...]] = ("none", "less", "more")
LIES: Final = [
    pytest.param(Lie(kind, BY, partitions=partitions, seconds=seconds), id=f"{kind}-{extent}")
    for kind in KINDS
    for extent, partitions, seconds in (
        ("for-ever", None, None),
        ("of-one-partition", frozenset({0}), None),
        ("for-5-s", None, 5.0),
    )
]
FOR_EVER: Final = [pytest.param(Lie(kind, BY), id=kind) for kind in KINDS]


# -- the broker ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def jvm(servers: "Servers") -> None:
    """Skip or fail where there is no JVM Kafka, as every test that needs one."""
    servers._skip_without("jvm Kafka", choose.why_no_broker("jvm"), required=True)


@pytest.fixture(scope="module")
def shared(jvm: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingBroker]:
    with lying_kafka(tmp_path_factory.mktemp("lying")) as proxy:
        yield proxy


@pytest.fixture
def proxy(shared: LyingBroker) -> Iterator[LyingBroker]:
    """The Kafka that can be made to lie; it tells the truth before each test and after it."""
    yield shared
    shared.lie = None


@pytest.fixture(autouse=True)
def noted(request: pytest.FixtureRequest) -> None:
    """Count what passes here for the run's closing report."""
    request.node.user_properties.append(("broker", "jvm"))


@pytest.fixture
def stream(proxy: LyingBroker, unique: str) -> Stream:
    """A stream of the test's own, reached through the proxy."""
    return stream_at(proxy.bootstrap_servers, unique)


@pytest.fixture
def narrow(proxy: LyingBroker, unique: str) -> Stream:
    """A stream with one partition a topic: a redrive takes more than a second for each."""
    return stream_at(proxy.bootstrap_servers, unique, partitions=1)


def stream_at(bootstrap_servers: str, unique: str, partitions: int = PARTITIONS) -> Stream:
    broker = Broker("jvm", bootstrap_servers, exactly_once=True)
    settings = settings_for(
        broker,
        NO_REDIS,
        unique,
        partitions=partitions,
        limits=LimitSettings(engines=1, commit_wait_ms=50, transaction_records=40),
        policy=PolicySettings(confidence=0.7, audit_rate=0.4),
    )
    return Stream(settings, exactly_once=True)


# -- the roles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", LIES)
async def test_roles_that_are_lied_to_about_their_positions_lose_and_double_nothing(
    proxy: LyingBroker, stream: Stream, lie: Lie
) -> None:
    await ran(stream, BEFORE, 0)
    proxy.lie = lie
    told = proxy.told
    await ran(stream, AFTER, BEFORE)
    assert await damage(stream, BEFORE + AFTER) == {}
    assert proxy.told > told


async def test_roles_whose_groups_were_deleted_lose_and_double_nothing(
    proxy: LyingBroker, stream: Stream
) -> None:
    await ran(stream, BEFORE, 0)
    prefix = stream.settings.kafka.group_prefix
    await delete_groups(proxy.bootstrap_servers, f"{prefix}.edge", f"{prefix}.cloud")
    await ran(stream, AFTER, BEFORE)
    assert await damage(stream, BEFORE + AFTER) == {}


async def test_a_broker_that_has_lost_every_committed_offset_costs_and_doubles_nothing(
    jvm: None, tmp_path: Path, unique: str
) -> None:
    with JvmKafka(tmp_path) as broker:
        stream = stream_at(broker.bootstrap_servers, unique)
        await ran(stream, BEFORE, 0)
        broker.stop()
        assert forget_offsets(tmp_path / "data") > 0
        broker.start()
        await ran(stream, AFTER, BEFORE)
        assert await damage(stream, BEFORE + AFTER) == {}


async def ran(stream: Stream, more: int, before: int) -> None:
    """Feed so many messages, and run the edge and the worker until all is done or nothing moves."""
    await stream.create_topics()
    every = list(conversations(before + more, seed=7))[before:]
    # By numbers as keys they spread over the partitions evenly.
    await stream.feed((str(at).encode(), encode(turn)) for at, turn in enumerate(every))
    quiet = Quiet()

    def ended(seen: Recount) -> bool:
        routed = {place(d) for d in seen.routed}
        escalated = {place(d) for d in seen.routed if d["route"] == "cloud"}
        answered = {place(d) for d in seen.answered}
        complete = len(routed) == before + more and answered == escalated
        return complete or quiet.over(len(seen.decisions))

    async with stream.running("edge", "cloud"):
        await stream.until(ended)


@dataclass
class Quiet:
    """Tells when what is counted has stood still for too long."""

    count: int = -1
    since: float = field(default_factory=time.monotonic)

    def over(self, count: int) -> bool:
        if count != self.count:
            self.count, self.since = count, time.monotonic()
        return time.monotonic() - self.since > PATIENCE_S


async def damage(stream: Stream, inputs: int) -> dict[str, int]:
    """Return how many records of each kind were lost and doubled; empty where all is well."""
    names = stream.settings.topics
    decisions = [json.loads(r.value or b"") for r in await held(stream.settings, names.decisions)]
    results = [json.loads(r.value or b"") for r in await held(stream.settings, names.results)]
    routed = Counter(place(d) for d in decisions if d["kind"] == "routed")
    escalated = {place(d) for d in decisions if d.get("route") == "cloud"}
    assert len(escalated) > inputs // 5
    fed = await held(stream.settings, names.transcripts)
    wanted = {(r.topic, r.partition, r.offset) for r in fed}
    assert len(wanted) == inputs
    counts = {
        "routed": (wanted, routed),
        "finals": (wanted, Counter(place(r) for r in results if r["status"] == "final")),
        "answered": (escalated, Counter(place(d) for d in decisions if d["kind"] == "answered")),
    }
    return {
        f"{name} {what}": number
        for name, (places, found) in counts.items()
        for what, number in (
            ("lost", len(places - found.keys())),
            ("doubled", found.total() - len(found)),
        )
        if number
    }


# -- replays and redrives --------------------------------------------------------------------------


class Interrupted(Exception):
    """Stands for whatever ends a replay in its middle."""


@pytest.mark.parametrize("lie", FOR_EVER)
async def test_a_file_that_is_replayed_is_not_written_again(
    proxy: LyingBroker, stream: Stream, tmp_path: Path, lie: Lie
) -> None:
    await stream.create_topics()
    file = write_file(tmp_path)
    await replayed(stream, file)
    proxy.lie = lie
    fed = await replayed(stream, file)
    assert wrong(await numbers(stream), BEFORE) == {}
    assert (fed.sent, fed.before) == (0, BEFORE)


@pytest.mark.parametrize("lie", FOR_EVER)
async def test_a_replay_that_was_interrupted_goes_on_at_the_line_it_had_come_to(
    proxy: LyingBroker, stream: Stream, tmp_path: Path, lie: Lie
) -> None:
    await stream.create_topics()
    file = write_file(tmp_path)
    with suppress(Interrupted):
        await replayed(stream, file, interrupted_at=BEFORE // 2)
    assert BY < len(await numbers(stream)) < BEFORE - BY
    proxy.lie = lie
    await replayed(stream, file)
    assert wrong(await numbers(stream), BEFORE) == {}


@pytest.mark.parametrize("lie", FOR_EVER)
async def test_a_topic_that_is_replayed_is_not_written_again(
    proxy: LyingBroker, stream: Stream, lie: Lie
) -> None:
    await stream.create_topics()
    archive = await archived(stream, numbered(0, BEFORE))
    await topic_replayed(stream, archive)
    proxy.lie = lie
    fed = await topic_replayed(stream, archive)
    assert wrong(await numbers(stream), BEFORE) == {}
    assert fed.sent == 0


@pytest.mark.parametrize("lie", FOR_EVER)
async def test_a_topic_that_has_grown_is_replayed_from_where_it_ended(
    proxy: LyingBroker, stream: Stream, lie: Lie
) -> None:
    await stream.create_topics()
    archive = await archived(stream, numbered(0, BEFORE))
    await topic_replayed(stream, archive)
    await archived(stream, numbered(BEFORE, BEFORE + AFTER))
    proxy.lie = lie
    await topic_replayed(stream, archive)
    assert wrong(await numbers(stream), BEFORE + AFTER) == {}


@pytest.mark.parametrize("lie", FOR_EVER)
async def test_letters_that_were_redriven_are_not_redriven_again(
    proxy: LyingBroker, narrow: Stream, lie: Lie
) -> None:
    await narrow.create_topics()
    await write(narrow.settings, letters(narrow.settings, BEFORE))
    assert await redriven(narrow) == BEFORE
    proxy.lie = lie
    assert await redriven(narrow) == 0
    assert wrong(await numbers(narrow, "at"), BEFORE) == {}


@pytest.mark.parametrize("lie", FOR_EVER)
async def test_letters_that_came_since_a_redrive_are_redriven_once(
    proxy: LyingBroker, narrow: Stream, lie: Lie
) -> None:
    await narrow.create_topics()
    made = letters(narrow.settings, BEFORE + AFTER)
    await write(narrow.settings, made[:BEFORE])
    await redriven(narrow)
    await write(narrow.settings, made[BEFORE:], size=3)  # aborted ones lie between
    proxy.lie = lie
    await redriven(narrow)
    assert wrong(await numbers(narrow, "at"), BEFORE + AFTER) == {}


def numbered(first: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    for number in range(first, end):
        turn = {"role": "customer", "text": str(number), "conversation_id": f"c{number}"}
        yield str(number).encode(), json.dumps(turn).encode()


def write_file(folder: Path) -> Path:
    file = folder / "history.jsonl"
    file.write_bytes(b"".join(value + b"\n" for _, value in numbered(0, BEFORE)))
    return file


async def replayed(stream: Stream, file: Path, interrupted_at: int | None = None) -> of_files.Fed:
    """Replay a file as fast as it goes; or at a pace, of a clock that is not real, to some line."""
    rate = None if interrupted_at is None else 20.0
    clock = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal clock
        clock += seconds
        if rate and interrupted_at and clock > interrupted_at / rate:
            raise Interrupted

    how = of_files.Replay(run_id="march", rate=rate, side_files=False)
    timer = Timer(lambda: clock, sleep)
    [fed] = await asyncio.to_thread(of_files.replay, stream.settings, [file], how, QUIET, timer)
    return fed


async def archived(stream: Stream, records: Iterator[tuple[bytes, bytes]]) -> str:
    """Write records to a topic that is none of the stream's; return its name."""
    topic = f"{stream.settings.kafka.group_prefix}.archive"
    to = roles.connection(stream.settings)
    await kafka.create_topics(to, {topic: PARTITIONS}, 1)
    await kafka.write_all(to, topic, records, idempotent=True)
    return topic


async def topic_replayed(stream: Stream, topic: str) -> of_files.Fed:
    how = of_files.Replay(run_id="march")
    span = of_topic.Span(topic)
    return await asyncio.to_thread(of_topic.replay_topic, stream.settings, span, how, QUIET)


async def redriven(stream: Stream) -> int:
    """Redrive all letters; return how many were."""
    tally: Counter[Outcome] = Counter()
    await dead_letters._redrive(stream.settings, Choice(), tally)
    return tally["redriven"]


# -- what the topics hold --------------------------------------------------------------------------


async def numbers(stream: Stream, field: str = "text") -> list[int]:
    """Return the numbers in what was written to the transcripts topic."""
    found = await held(stream.settings, stream.settings.topics.transcripts)
    return [int(json.loads(record.value or b"")[field]) for record in found]


def wrong(found: Sequence[int], end: int) -> dict[str, int]:
    """Return how many of the numbers to ``end`` are missing and too many; empty where none is."""
    expected, there = Counter(range(end)), Counter(found)
    counts = {"lost": (expected - there).total(), "doubled": (there - expected).total()}
    return {what: count for what, count in counts.items() if count}


async def held(settings: Settings, topic: str) -> list["ConsumerRecord[bytes, bytes]"]:
    """Return the committed records of a topic that nobody writes to."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    found: list[ConsumerRecord[bytes, bytes]] = []
    try:
        places = [TopicPartition(topic, number) for number in range(settings.topics.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        async with asyncio.timeout(DEADLINE_S):
            while any([await consumer.position(at) < ends[at] for at in places]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found.extend(records)
    finally:
        await consumer.stop()
    return found
