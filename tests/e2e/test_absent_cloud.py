"""The cloud goes away and comes back under load, and every input keeps exactly one final answer."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edgeroute.sample import conversations
from edgeroute.settings import Cloud, PolicySettings, Settings, child_environment
from schemas.codec import encode
from tests.services.choose import Broker
from tests.services.stream import Recount, Stream, environment, place, settings_for

QUICK = Cloud(absent_s=1.0, oldest_s=3.0, settle_s=1.0, probe_share=0.1)
TURNS = [
    ((turn.conversation_id or "").encode(), encode(turn)) for turn in conversations(5_000, seed=5)
]
STEP = 20


class Load:
    """Messages that keep coming until they are to stop."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._stopping = asyncio.Event()
        self._fed = 0
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self._stopping.is_set():
            start = self._fed % len(TURNS)
            self._fed += await self._stream.feed(TURNS[start : start + STEP])
            await asyncio.sleep(0.1)

    async def end(self) -> int:
        """Stop; return how many there were."""
        self._stopping.set()
        await self._task
        return self._fed


@asynccontextmanager
async def loaded(stream: Stream) -> AsyncIterator[Load]:
    """Feed as long as this is open, or until told to end."""
    load = Load(stream)
    try:
        yield load
    finally:
        await load.end()


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A cloud worker in a process of its own, which does not outlive the test."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgeroute", "run", "cloud"),
        env=child_environment(environment(settings)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def stream_of(broker: Broker, redis_url: str, unique: str, cloud: Cloud = QUICK) -> Stream:
    settings = settings_for(broker, redis_url, unique, partitions=2)
    policy = PolicySettings(confidence=0.8, audit_rate=0.05)
    settings = settings.model_copy(update={"cloud": cloud, "policy": policy})
    return Stream(settings, exactly_once=broker.exactly_once)


async def under_load(stream: Stream, condition: Callable[[Recount], bool]) -> Recount:
    return await stream.until(condition, under_load=True)


def away(routed: dict[str, Any]) -> bool:
    return "verdict" in routed and not routed["verdict"]["available"]


def refusals(seen: Recount) -> int:
    return sum(routed["reason"] == "cloud_error" for routed in seen.routed)


def probed(seen: Recount) -> int:
    return sum(routed["route"] == "cloud" and away(routed) for routed in seen.routed)


def escalated(seen: Recount) -> int:
    """Return how many were escalated to a cloud taken to be there."""
    return sum(routed["route"] == "cloud" and not away(routed) for routed in seen.routed)


def is_away(seen: Recount) -> bool:
    return refusals(seen) >= 20


def answered_by_model(seen: Recount) -> Counter[tuple[str, int, int]]:
    return Counter(place(a) for a in seen.answered if a["tier"] == "teacher")


def back_after(gone: Recount) -> Callable[[Recount], bool]:
    before = escalated(gone)
    return lambda seen: escalated(seen) >= before + 20


def check(seen: Recount, fed: int) -> None:
    """Every input has one routed record and one final answer, every escalation one answer."""
    assert len(seen.routed) == len({place(r) for r in seen.routed}) == fed
    assert len(seen.finals) == fed
    assert set(seen.finals.values()) == {1}
    expected = sorted(place(r) for r in seen.routed if r["route"] == "cloud")
    assert sorted(map(place, seen.answered)) == expected


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_without_a_worker_from_the_start_the_edge_answers_until_one_comes(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    stream = stream_of(exactly_once_broker, redis_url, unique)
    await stream.create_topics()
    async with stream.running("edge"), loaded(stream) as load:
        gone = await under_load(stream, lambda seen: is_away(seen) and probed(seen) >= 2)
        async with stream.running("cloud"):
            await under_load(stream, back_after(gone))
            seen, fed = await finish(stream, load)
    check(seen, fed)


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_a_killed_worker_is_noticed_and_so_is_the_next_one(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    stream = stream_of(exactly_once_broker, redis_url, unique)
    await stream.create_topics()
    async with stream.running("edge"), loaded(stream) as load:
        async with worker(stream.settings) as first:
            await under_load(stream, lambda seen: len(answered_by_model(seen)) >= 20)
            first.kill()
            gone = await under_load(stream, is_away)
        async with worker(stream.settings):
            await under_load(stream, back_after(gone))
            seen, fed = await finish(stream, load)
    check(seen, fed)


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_a_worker_that_stands_still_counts_as_away_until_it_goes_on(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    stream = stream_of(exactly_once_broker, redis_url, unique)
    await stream.create_topics()
    async with stream.running("edge"), loaded(stream) as load, worker(stream.settings) as slow:
        await under_load(stream, lambda seen: len(answered_by_model(seen)) >= 20)
        slow.send_signal(signal.SIGSTOP)
        gone = await under_load(stream, is_away)
        slow.send_signal(signal.SIGCONT)
        await under_load(stream, back_after(gone))
        seen, fed = await finish(stream, load)
    check(seen, fed)


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_what_waited_too_long_gets_the_edges_answer_from_the_worker(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    late = QUICK.model_copy(update={"answer_within_s": 2.0})
    stream = stream_of(exactly_once_broker, redis_url, unique, late)
    await stream.create_topics()
    async with stream.running("edge"), loaded(stream) as load:
        gone = await under_load(stream, is_away)
        async with stream.running("cloud"):
            await under_load(stream, back_after(gone))
            seen, fed = await finish(stream, load)
    check(seen, fed)
    unanswered = [a for a in seen.answered if a["reason"] == "cloud_error"]
    assert unanswered
    assert {a["price"] for a in unanswered} == {0.0}
    assert {a["tier"] for a in unanswered} <= {"reflex", "student"}


@pytest.mark.kafka
async def test_a_worker_that_stands_still_is_noticed_on_every_broker(
    each_broker: Broker, redis_url: str, unique: str
) -> None:
    stream = stream_of(each_broker, redis_url, unique)
    await stream.create_topics()
    async with stream.running("edge"), loaded(stream), worker(stream.settings) as slow:
        await under_load(stream, lambda seen: len(answered_by_model(seen)) >= 5)
        slow.send_signal(signal.SIGSTOP)
        gone = await under_load(stream, is_away)
        slow.send_signal(signal.SIGCONT)
        await under_load(stream, back_after(gone))


async def finish(stream: Stream, load: Load) -> tuple[Recount, int]:
    """Stop feeding, and return what there is once all of it is answered."""
    fed = await load.end()
    return await stream.until_settled(fed), fed
