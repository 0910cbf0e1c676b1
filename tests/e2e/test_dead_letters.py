"""Dead letters on a real broker: looked at, redriven exactly once, and never for ever."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from edgeroute.settings import LimitSettings, Settings, child_environment
from router.plan import Writing, dead_letter
from schemas.codec import Undecodable, decode_redriven
from schemas.dead_letter import Cause
from schemas.record import Source
from tests.consumers.dead_letters.test_triage import NOW
from tests.services.choose import Broker
from tests.services.stream import DEADLINE_S, Stream, environment, settings_for

WORDS = "xyzzyplugh"
"""Stands for a customer's words: only --value may show them."""
Written = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


def letters(settings: Settings, number: int, cause: Cause = "invalid") -> list[Written]:
    """Return what an edge writes for so many bad inputs."""
    made = []
    for at in range(number):
        source = Source(topic=settings.topics.transcripts, partition=0, offset=at)
        value = json.dumps({"cause": cause, "at": at, "text": WORDS}).encode()
        fault = Undecodable(cause, "field 'role' breaks the rule missing")
        made.append(dead_letter(source, f"c-{at}".encode(), value, fault, Writing()).at(NOW, 1.0))
    return [(letter.key, letter.value, letter.headers) for letter in made]


async def write(settings: Settings, records: Sequence[Written], size: int = 10) -> None:
    """Write to the dead-letters topic in transactions, each other one aborted, as crashes do."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        transactional_id=f"{settings.kafka.group_prefix}.maker",
    )
    await producer.start()
    try:
        for start in range(0, len(records), size):
            for aborted in (True, False):
                await producer.begin_transaction()
                for key, value, headers in records[start : start + size]:
                    await producer.send(
                        settings.topics.dead_letters, value=value, key=key, headers=list(headers)
                    )
                await (producer.abort_transaction() if aborted else producer.commit_transaction())
    finally:
        await producer.stop()


async def transcripts(
    settings: Settings, reached: Callable[[int], bool]
) -> list["ConsumerRecord[bytes, bytes]"]:
    """Return the committed records of the transcripts topic once there are enough of them."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    found: list[ConsumerRecord[bytes, bytes]] = []

    async def more() -> None:
        for records in (await consumer.getmany(timeout_ms=300)).values():
            found.extend(records)

    try:
        places = [
            TopicPartition(settings.topics.transcripts, number)
            for number in range(settings.topics.partitions)
        ]
        consumer.assign(places)
        async with asyncio.timeout(DEADLINE_S):
            while not reached(len(found)):
                await more()
            await more()  # what is too much must be seen as well
    finally:
        await consumer.stop()
    return found


async def started(settings: Settings, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgeroute", *words),
        env=child_environment({**environment(settings), "PYTHONPATH": str(Path.cwd())}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def called(settings: Settings, *words: str, code: int = 0) -> tuple[str, str]:
    """Run a command about dead letters; return what it said to both sides."""
    process = await started(settings, "dead-letters", *words)
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    assert process.returncode == code, err.decode()
    return out.decode(), err.decode()


def counted(out: str) -> list[tuple[int, str]]:
    """Return the numbers and the first words of what a redrive says."""
    lines = [line.split(maxsplit=1) for line in out.splitlines()]
    return [(int(number.replace(",", "")), said) for number, said in lines]


def numbers(out: str) -> list[int]:
    return [number for number, _ in counted(out)]


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_a_redrive_that_is_killed_again_and_again_neither_skips_nor_repeats_a_letter(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    limits = LimitSettings(transaction_records=5)
    settings = settings_for(exactly_once_broker, redis_url, unique, partitions=3, limits=limits)
    await Stream(settings, exactly_once=True).create_topics()
    made = letters(settings, 1_500)
    await write(settings, made, size=50)
    kills, seen = 0, 0
    while kills < 8:
        process = await started(settings, "dead-letters", "redrive")
        known = seen
        seen = len(await transcripts(settings, lambda there, known=known: there > known))  # type: ignore[misc]
        if process.returncode is not None:
            break
        process.kill()
        await process.communicate()
        kills += 1
    assert kills >= 3
    assert seen < len(made)
    out, _ = await called(settings, "redrive")
    found = await transcripts(settings, lambda there: there >= len(made))
    assert Counter((r.key, r.value) for r in found) == Counter((k, v) for k, v, _ in made)
    assert numbers(out)[0] < len(made)
    assert numbers((await called(settings, "redrive"))[0]) == [0]


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_redrives_at_the_same_time_write_every_letter_once(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    limits = LimitSettings(transaction_records=5)
    settings = settings_for(exactly_once_broker, redis_url, unique, partitions=2, limits=limits)
    await Stream(settings, exactly_once=True).create_topics()
    made = letters(settings, 600)
    await write(settings, made, size=50)
    redrives = [await started(settings, "dead-letters", "redrive") for _ in range(3)]
    async with asyncio.timeout(DEADLINE_S):
        said = [(await redrive.communicate())[1].decode() for redrive in redrives]
    # One that was taken over says so; the last one goes through.
    assert all("Redriving stopped" in err for err in said if err)
    assert 0 in [redrive.returncode for redrive in redrives]
    await called(settings, "redrive")
    found = await transcripts(settings, lambda there: there >= len(made))
    assert Counter((r.key, r.value) for r in found) == Counter((k, v) for k, v, _ in made)


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_what_a_redrive_leaves_out_by_its_reason_keeps_its_turn(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    settings = settings_for(exactly_once_broker, redis_url, unique, partitions=2)
    await Stream(settings, exactly_once=True).create_topics()
    mixed = [
        letter
        for pair in zip(
            letters(settings, 40, "not_json"), letters(settings, 40, "too_long"), strict=True
        )
        for letter in pair
    ]
    await write(settings, mixed)
    assert numbers((await called(settings, "redrive", "--reason", "too_long"))[0]) == [40]
    some = await transcripts(settings, lambda there: there >= 40)
    assert {json.loads(record.value or b"")["cause"] for record in some} == {"too_long"}
    assert numbers((await called(settings, "redrive", "--partition", "0"))[0]) < [40]
    await called(settings, "redrive")
    found = await transcripts(settings, lambda there: there >= len(mixed))
    assert Counter(r.value for r in found) == Counter(value for _, value, _ in mixed)


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_times_choose_what_is_redriven(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    settings = settings_for(exactly_once_broker, redis_url, unique, partitions=1)
    await Stream(settings, exactly_once=True).create_topics()
    await write(settings, letters(settings, 10))
    assert numbers((await called(settings, "redrive", "--until", "2026-03-04T12:00Z"))[0]) == [0]
    out, _ = await called(settings, "redrive", "--since", "2026-03-04T12:00:01Z")
    assert counted(out) == [
        (0, f"written to {settings.topics.transcripts} again"),
        (10, "passed over: older than --since"),
    ]
    assert numbers((await called(settings, "redrive"))[0]) == [0]


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_a_record_that_fails_again_counts_on_until_it_is_refused(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    limits = LimitSettings(engines=1, redrive_attempts=2)
    settings = settings_for(exactly_once_broker, redis_url, unique, limits=limits)
    stream = Stream(settings, exactly_once=True)
    await stream.create_topics()
    await stream.feed([(b"c-1", b'{"role": "customer"}')])
    async with stream.running("edge"):
        for tries in (1, 2, 3):
            seen = await stream.until(lambda seen, tries=tries: len(seen.dead_letters) >= tries)  # type: ignore[misc]
            out, _ = await called(settings, "redrive")
            assert numbers(out) == ([1] if tries < 3 else [0, 1])
    described = sorted(
        [json.loads(line) for line in (await called(settings, "list", "--json"))[0].splitlines()],
        key=lambda letter: letter["attempts"],
    )
    assert [letter["attempts"] for letter in described] == [0, 1, 2]
    assert "first_source" not in described[0]
    assert described[1]["first_source"] == described[2]["first_source"] == described[0]["source"]
    last = {name: described[1][name] for name in ("partition", "offset")}
    assert described[2]["previous"] == {"topic": settings.topics.dead_letters, **last}
    assert len(seen.dead_letters) == 3
    again = await transcripts(settings, lambda there: there >= 3)
    assert sum(decode_redriven(tuple(record.headers)) is not None for record in again) == 2


@pytest.mark.kafka
async def test_letters_are_listed_and_shown_without_their_text(
    each_broker: Broker, redis_url: str, unique: str
) -> None:
    settings = settings_for(each_broker, redis_url, unique, partitions=2)
    stream = Stream(settings, exactly_once=each_broker.exactly_once)
    _, err = await called(settings, "list", code=1)
    assert f"There is no topic {settings.topics.dead_letters}" in err
    await stream.create_topics()
    assert "no such dead letters" in (await called(settings, "list"))[0]
    bad = json.dumps({"role": 3, "text": WORDS}).encode()
    await stream.feed([(WORDS.encode(), bad)] * 3 + [(None, WORDS.encode())])
    async with stream.running("edge"):
        await stream.until(lambda seen: len(seen.dead_letters) == 4)
    table, _ = await called(settings, "list")
    assert table.count("field 'role' breaks the rule string_type") == 3
    out, err = await called(settings, "list", "--json", "--reason", "invalid", "--limit", "2")
    listed = [json.loads(line) for line in out.splitlines()]
    assert [letter["cause"] for letter in listed] == ["invalid"] * 2
    assert "newest 2 of 3" in err
    place = (str(listed[0]["partition"]), str(listed[0]["offset"]))
    shown, _ = await called(settings, "show", *place)
    assert json.loads(shown) == listed[0]
    assert WORDS not in table + out + err + shown
    assert (await called(settings, "show", *place, "--value"))[0] == bad.decode()
    before, _ = await called(settings, "list", "--json", "--until", "2020-01-01")
    assert before == ""
    _, err = await called(settings, "show", "0", "99", code=1)
    assert "There is no dead letter at 0 99" in err
    _, err = await called(settings, "list", "--partition", "7", code=1)
    assert "There is no partition 7" in err


@pytest.mark.kafka
@pytest.mark.embedded
async def test_a_broker_without_transactions_is_not_redriven_on(
    embedded_broker_servers: str, unique: str
) -> None:
    settings = settings_for(
        Broker("embedded", embedded_broker_servers, exactly_once=False), "redis://x", unique
    )
    _, err = await called(settings, "redrive", code=1)
    assert "could be written twice" in err


@pytest.mark.kafka
@pytest.mark.exactly_once
@pytest.mark.parametrize("share", [0.5, 1.0])
async def test_an_edge_stops_when_most_of_its_input_is_dead_unless_it_is_told_not_to(
    exactly_once_broker: Broker, redis_url: str, unique: str, share: float
) -> None:
    limits = LimitSettings(engines=1, dead_letter_share=share, dead_letter_window=100)
    settings = settings_for(
        exactly_once_broker,
        redis_url,
        unique,
        partitions=2,
        limits=limits.model_copy(update={"transaction_records": 20, "in_flight": 40}),
    )
    stream = Stream(settings, exactly_once=True)
    await stream.create_topics()
    await stream.feed([(str(at).encode(), b"?") for at in range(1_000)])
    edge = await started(settings, "run", "edge")
    async with asyncio.timeout(DEADLINE_S):
        if share == 1.0:
            await stream.until(lambda seen: len(seen.dead_letters) == 1_000)
            edge.terminate()
        _, said = await edge.communicate()
    assert edge.returncode == (0 if share == 1.0 else 1)
    assert ("More than 50% of the last 100 records" in said.decode()) == (share == 0.5)
    assert "Traceback" not in said.decode()
    seen = await stream.until(lambda seen: len(seen.dead_letters) >= 100)
    assert len(seen.routed) == len(seen.dead_letters)
    assert (len(seen.dead_letters) < 300) == (share == 0.5)
