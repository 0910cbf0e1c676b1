"""How long a message takes while the stream has room: a paced producer and a waiting reader."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import stream, texts
from benchmarks.children import check, read_answer, running
from benchmarks.stream import Place, Watch, Way
from consumers import kafka
from consumers.replay.transcripts import record_of
from schemas.codec import decode
from schemas.result import Result

QUANTILES: Final = (50, 95, 99)
SETTLING_S: Final = 5.0
Position = tuple[int, int]


@dataclass(frozen=True)
class Latency:
    """Milliseconds at p50, p95 and p99 of the messages that the edge answered by itself."""

    messages: int
    offered_per_second: float
    end_to_end: list[float]
    processing: list[float]
    inference: list[float]
    behind_ms: float


async def pace(servers: str, topic: str, messages: str, per_second: float, seconds: float) -> None:
    """Write messages at random moments, ``rate`` a second on average: a job of its own process."""
    draw, turns = random.Random(42), texts.read(Path(messages))
    gaps = [draw.expovariate(per_second) for _ in range(int(per_second * seconds))]
    async with kafka.plain_producer(kafka.Connection(servers), acks="all") as producer:
        at = time.monotonic()
        for turn, gap in zip(texts.repeated(turns, len(gaps)), gaps, strict=True):
            at += gap
            await asyncio.sleep(max(at - time.monotonic(), 0))
            key, value = record_of(turn)
            await producer.send(topic, value=value, key=key)


async def read(servers: str, topic: str, count: int, within: float) -> dict[str, list[float]]:
    """Note when each committed result can be read: partition, offset and milliseconds."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, isolation_level="read_committed", enable_auto_commit=False
    )
    consumer.assign([TopicPartition(topic, i) for i in range(stream.PARTITIONS)])
    await consumer.start()
    await consumer.seek_to_beginning()
    seen: list[tuple[float, bytes]] = []
    ends = time.monotonic() + within
    while len(seen) < count and time.monotonic() < ends:
        fetched = await consumer.getmany(timeout_ms=200)
        now = time.time() * 1000
        seen.extend((now, record.value) for records in fetched.values() for record in records)
    await consumer.stop()
    results = [(now, decode(Result, value)) for now, value in seen]
    return {
        f"{r.source.partition},{r.source.offset}": [now, float(r.status == "final")]
        for now, r in results
    }


async def latency(
    place: Place, messages: Path, per_second: float, seconds: float, way: Way
) -> Latency:
    """Offer ``per_second`` messages to a running edge; return how long they took."""
    name, topic = f"paced-{time.monotonic_ns()}", f"paced-{time.monotonic_ns()}-in"
    await stream.fill(place, topic, [])
    run, changes = await stream.variables(place, topic, way)
    logs = {part: place.folder / f"{name}-{part}.log" for part in ("edge", "reader", "pacer")}
    answer, count = place.folder / f"{name}.json", int(per_second * seconds)
    servers = place.broker.bootstrap_servers
    reading = {"servers": servers, "topic": f"{run}-results", "count": count}
    pacing = {"servers": servers, "topic": topic, "messages": str(messages)}
    with running("edgeroute", "run", "edge", log=logs["edge"], **changes) as edge:
        watch = Watch(place, f"{run}.edge", topic, [edge], [logs["edge"]])
        # A few messages first: the lanes are open once they are through.
        await kafka.write_all(
            place.connection,
            topic,
            map(record_of, texts.read(messages)[:100]),
            idempotent=True,
        )
        await watch.until(100)
        rest = {"within": seconds + 60, "count": count + 100}
        job = ("benchmarks.jobs", "read", str(answer), json.dumps({**reading, **rest}))
        with running(*job, log=logs["reader"]) as reader:
            pace_ = {**pacing, "per_second": per_second, "seconds": seconds}
            done = answer.with_suffix(".paced")
            job = ("benchmarks.jobs", "pace", str(done), json.dumps(pace_))
            with running(*job, log=logs["pacer"]) as pacer:
                await asyncio.to_thread(pacer.wait, seconds + 60)
            await watch.until(100 + count)
            check(edge, logs["edge"])
            await asyncio.to_thread(reader.wait, 90)
    readable = read_answer(answer, logs["reader"])
    return await _figures(place, topic, run, readable, per_second)


async def _figures(
    place: Place, topic: str, run: str, readable: dict[str, list[float]], per_second: float
) -> Latency:
    appended = await _appended(place, topic)
    first = min(appended.values()) + SETTLING_S * 1000
    kept = [
        record
        for record in await stream.decisions(place, f"{run}-decisions")
        if record.route == "edge"
        and appended[record.source.partition, record.source.offset] >= first
    ]
    ends = [
        readable[f"{r.source.partition},{r.source.offset}"][0]
        - appended[r.source.partition, r.source.offset]
        for r in kept
    ]
    took = max(appended.values()) - first
    offered = sum(at >= first for at in appended.values()) / max(took / 1000, 1e-9)
    return Latency(
        messages=len(kept),
        offered_per_second=offered,
        end_to_end=_quantiles(ends),
        processing=_quantiles([r.processing_ms for r in kept]),
        inference=_quantiles([r.inference_ms for r in kept]),
        behind_ms=(per_second - offered) / per_second * took,
    )


async def _appended(place: Place, topic: str) -> dict[Position, float]:
    """Return when the broker appended each input, by its clock, which is this machine's."""
    found: dict[Position, float] = {}
    async with stream.reader(place, topic) as consumer:
        total = sum((await consumer.end_offsets(consumer.assignment())).values())
        while len(found) < total:
            for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                found.update({(tp.partition, r.offset): r.timestamp for r in records})
    return found


def _quantiles(values: Sequence[float]) -> list[float]:
    return [float(value) for value in np.percentile(values, QUANTILES)]
