"""What it costs to open lanes, and a transaction: `python -m benchmarks.opening`.

Both ways side by side in one process, in turn: with the position taken from the broker's committed
offset alone, as before positions were recorded, and as it is now. Lanes open all at once, as after
a rebalance. A `positions` topic with as many records before them as wanted stands for the past.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Annotated

import typer
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from consumers import kafka
from consumers.kafka.offsets import committed_offset
from consumers.kafka.positions import record_positions
from consumers.kafka.sinks import transactional
from consumers.records import Partition, Place
from tests.services.jvm_kafka import JvmKafka

PAST_LANES = 48
Open = Callable[[Partition, AIOKafkaProducer], Awaitable[int]]


@dataclass(frozen=True)
class Bench:
    """A topic to read, the group that reads it, and where its positions are recorded."""

    connection: kafka.Connection
    topic: str = "inputs"
    positions: str = "positions"
    member: kafka.Member = field(default_factory=lambda: kafka.Member("bench.edge"))

    def ledger(self) -> kafka.Ledger:
        """Return a new one: what another has read helps nobody here."""
        outputs = kafka.Outputs(self.topic, {})
        return kafka.Ledger(self.member.group, self.positions, outputs, time.monotonic)


async def opened(bench: Bench, lanes: int, way: Open) -> float:
    """Open lanes at once; return the seconds until the last of them knew its position."""
    places = [Partition(bench.topic, number) for number in range(lanes)]
    producers = [transactional(bench.connection, bench.member, place) for place in places]

    async def one(place: Partition, producer: AIOKafkaProducer) -> None:
        await producer.start()
        await way(place, producer)

    begun = time.perf_counter()
    await asyncio.gather(*map(one, places, producers))
    took = time.perf_counter() - begun
    await asyncio.gather(*(producer.stop() for producer in producers))
    return took


async def from_record(ledger: kafka.Ledger, place: Partition, producer: AIOKafkaProducer) -> int:
    """Open a lane as it is now; both ways leave out the look at the log's end."""

    async def anywhere(place: Partition, position: int) -> None:
        pass

    return await ledger.open(place, producer, anywhere)


async def transactions(bench: Bench, number: int, *, recorded: bool) -> list[float]:
    """Return the seconds of single transactions of one record, one every 50 ms."""
    place = Partition(bench.topic, 0)
    took: list[float] = []
    producer = transactional(bench.connection, bench.member, place)
    await producer.start()
    for _ in range(number):
        begun = time.perf_counter()
        await producer.begin_transaction()
        sent = [await producer.send("outputs", b"x" * 600, partition=0)]
        if recorded:
            sent += await record_positions(
                producer, bench.positions, bench.member.group, {place: Place(1, "")}
            )
        offsets = {TopicPartition(*place): OffsetAndMetadata(1, "")}
        await producer.send_offsets_to_transaction(offsets, bench.member.group)
        await asyncio.gather(*sent)
        await producer.commit_transaction()
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(0.05)
    await producer.stop()
    return took


async def past(bench: Bench, each: int) -> None:
    """Let every lane commit once, and then others so often that ours lie deep."""
    ours = [Partition(bench.topic, number) for number in range(PAST_LANES)]
    others = [Partition("other", number) for number in range(PAST_LANES)]
    for place, times in [*((p, 1) for p in ours), *((p, each) for p in others)]:
        producer = transactional(bench.connection, bench.member, place)
        await producer.start()
        for at in range(times):
            await producer.begin_transaction()
            await asyncio.gather(
                *await record_positions(
                    producer, bench.positions, bench.member.group, {place: Place(at, "")}
                )
            )
            offsets = {TopicPartition(*place): OffsetAndMetadata(at, "")}
            await producer.send_offsets_to_transaction(offsets, bench.member.group)
            await producer.commit_transaction()
        await producer.stop()


async def measure(connection: kafka.Connection, lanes: Sequence[int], rounds: int) -> None:
    """Print a table."""
    bench = Bench(connection)
    await kafka.create_topics(
        connection, {bench.topic: PAST_LANES, "other": PAST_LANES, "outputs": 1}, 1, bench.positions
    )

    async def from_broker(place: Partition, producer: AIOKafkaProducer) -> int:
        tp = TopicPartition(*place)
        return await committed_offset(producer.client, bench.member.group, tp) or 0

    for each in (0, 60):
        await past(bench, each)
        print(f"past: {PAST_LANES} lanes, then {each * PAST_LANES} other transactions")
        for count in lanes:
            before, now = [], []
            for _ in range(rounds):
                before.append(await opened(bench, count, from_broker))
                now.append(await opened(bench, count, partial(from_record, bench.ledger())))
            ratios = median(b / a for a, b in zip(before, now, strict=True))
            print(
                f"  {count:>3} lanes: {median(before) * 1000:6.0f} ms before, "
                f"{median(now) * 1000:6.0f} ms now, ratio {ratios:.2f}"
            )
    for recorded in (False, True, False, True):
        took = sorted(await transactions(bench, 100, recorded=recorded))
        print(
            f"transaction, {'with' if recorded else 'without'} its position: "
            f"p50 {took[50] * 1000:.1f} ms, p95 {took[95] * 1000:.1f} ms"
        )


def main(rounds: Annotated[int, typer.Option(help="Of each way, in turn.")] = 5) -> None:
    """Measure on a Kafka of its own."""
    with JvmKafka() as broker:
        asyncio.run(measure(kafka.Connection(broker.bootstrap_servers), (1, 6, 48), rounds))


if __name__ == "__main__":
    typer.run(main)
