"""A replay that is killed and called again, as often as it takes: no line is missing or doubled."""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Final

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from edgeroute.settings import Settings, as_variables, child_environment
from tests.services.choose import Broker
from tests.services.stream import Stream, settings_for

PARTITIONS: Final = 3
STARTS_S: Final = 1.5
"""A process that is killed within this has hardly begun to write."""
WRITES_S: Final = 0.7
"""How long a process may write before it is killed."""
DEADLINE_S: Final = 60.0


@pytest.mark.exactly_once
async def test_eight_kills_cost_and_double_no_line(
    tmp_path: Path, exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    settings = settings_for(exactly_once_broker, redis_url, unique, partitions=PARTITIONS)
    await prove(settings, tmp_path, kills=8, rate=1_000)


@pytest.mark.exactly_once
@pytest.mark.slow
async def test_fifty_kills_cost_and_double_no_line(
    tmp_path: Path, exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    settings = settings_for(exactly_once_broker, redis_url, unique, partitions=PARTITIONS)
    await prove(settings, tmp_path, kills=50, rate=1_000)


async def prove(settings: Settings, folder: Path, *, kills: int, rate: int) -> None:
    """Kill a replay so many times, let it end, and look at what every partition holds."""
    await Stream(settings, exactly_once=True).create_topics()
    lines = int(2 * kills * rate * WRITES_S)
    file = write_file(folder, lines)
    chance = random.Random(kills)
    async with reader(settings) as (consumer, places):
        for kill in range(kills):
            with started(settings, file, "--rate", str(rate)) as process:
                try:
                    # Every fourth one anywhere in its start, the others while they write.
                    await (starts(chance) if kill % 4 == 0 else writes(consumer, places, chance))
                    assert process.poll() is None
                finally:
                    process.kill()
        with started(settings, file, output=subprocess.PIPE) as last:
            said, _ = await asyncio.to_thread(last.communicate, timeout=120)
        assert last.returncode == 0
        assert "lines were done before" in said
        found = await committed(consumer, places)
    expected = [number for number in range(1, lines + 1) if number % 100]
    assert sorted(number for numbers in found.values() for number in numbers) == expected
    assert all(numbers == sorted(numbers) for numbers in found.values())
    side = file.with_name(f"{file.name}.rejected.jsonl").read_text().splitlines()
    assert [json.loads(entry)["line"] for entry in side] == list(range(100, lines + 1, 100))


async def starts(chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0, STARTS_S))


async def writes(
    consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], chance: random.Random
) -> None:
    """Wait until something is written, and then a random moment more."""
    before = sum((await consumer.end_offsets(places)).values())
    deadline = time.monotonic() + DEADLINE_S
    while sum((await consumer.end_offsets(places)).values()) == before:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    await asyncio.sleep(chance.uniform(0, WRITES_S))


def write_file(folder: Path, lines: int) -> Path:
    """Write a file of numbered messages of many conversations; every hundredth is malformed."""
    file = folder / "history.jsonl"
    with file.open("w") as stream:
        for number in range(1, lines + 1):
            talk = {"conversation_id": f"c{number % 97}", "turn": number}
            turn = {"role": "customer", "text": str(number), **talk}
            stream.write((json.dumps(turn) if number % 100 else "{spoilt") + "\n")
    return file


def started(
    settings: Settings, file: Path, *options: str, output: int | IO[str] = subprocess.DEVNULL
) -> "subprocess.Popen[str]":
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-m", "edgeroute", "replay", str(file), *options],
        env=child_environment({"PYTHONPATH": root, **as_variables(settings)}),
        stdout=output,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@asynccontextmanager
async def reader(
    settings: Settings,
) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    """A reader of committed records, at the start of every partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    places = [TopicPartition(settings.topics.transcripts, p) for p in range(PARTITIONS)]
    consumer.assign(places)
    try:
        yield consumer, places
    finally:
        await consumer.stop()


async def committed(
    consumer: AIOKafkaConsumer, places: Sequence[TopicPartition]
) -> dict[int, list[int]]:
    """Return the numbers of all committed messages by partition, in their order."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    ends = await consumer.end_offsets(places)
    async with asyncio.timeout(DEADLINE_S):
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                found[place.partition] += [int(json.loads(r.value)["text"]) for r in records]
    return found
