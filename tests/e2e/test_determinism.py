"""The same input gives the same decisions, whatever the batches, the partitions and the deaths."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edgeroute.sample import conversations
from edgeroute.settings import LimitSettings, Settings, child_environment
from schemas.codec import encode
from tests.services.bundles import two_tiers
from tests.services.choose import Broker
from tests.services.stream import Recount, Stream, environment, settings_for, settled

TURNS = 400
ALONE = LimitSettings(engines=1, batch_items=1)
BATCHED = LimitSettings(engines=2, batch_items=32, batch_tokens=4096, commit_wait_ms=1)


def inputs() -> Iterator[tuple[bytes, bytes]]:
    for turn in conversations(TURNS, seed=11):
        assert turn.conversation_id is not None
        yield turn.conversation_id.encode(), encode(turn)


async def routed_by(settings: Settings, *edges: str) -> Recount:
    stream = Stream(settings, exactly_once=True)
    await stream.create_topics()
    fed = await stream.feed(inputs())
    async with stream.running(*edges, "cloud"):
        return await stream.until_settled(fed)


async def routed_across_a_kill(settings: Settings) -> Recount:
    stream = Stream(settings, exactly_once=True)
    await stream.create_topics()
    fed = await stream.feed(inputs())
    async with edge_process(settings) as edge:
        await stream.until(lambda seen: len(seen.routed) > 0)
        edge.send_signal(signal.SIGKILL)
        assert await edge.wait() == -signal.SIGKILL
    async with stream.running("edge", "cloud"):
        return await stream.until_settled(fed)


@asynccontextmanager
async def edge_process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """An edge in a process of its own, which does not outlive the test."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgeroute", "run", "edge"),
        env=child_environment(environment(settings)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_decisions_do_not_depend_on_batches_partitions_instances_or_a_kill(
    exactly_once_broker: Broker, redis_url: str, unique: str, tmp_path: Path
) -> None:
    bundle = two_tiers(tmp_path / "two")

    def settings(name: str, partitions: int, limits: LimitSettings) -> Settings:
        return settings_for(
            exactly_once_broker,
            redis_url,
            unique + name,
            partitions=partitions,
            limits=limits,
            bundle=bundle,
        )

    alone = await routed_by(settings("a", 6, ALONE), "edge")
    batched = await routed_by(settings("b", 2, BATCHED), "edge", "edge")
    killed = await routed_across_a_kill(settings("c", 6, ALONE))
    assert len(alone.routed) == TURNS
    tiers = {record["verdict"]["tier"] for record in alone.routed if "verdict" in record}
    assert tiers == {"reflex", "student"}
    for other in (batched, killed):
        assert settled(other.routed) == settled(alone.routed)
        assert settled(other.results) == settled(alone.results)
        assert settled(other.escalations) == settled(alone.escalations)
        assert settled(other.answered) == settled(alone.answered)
