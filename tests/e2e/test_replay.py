"""A file, replayed through the whole stream."""

import asyncio
from pathlib import Path

import pytest
from rich.console import Console

from consumers.totals.store import Store
from edgeroute import roles
from edgeroute.replay import of_files
from edgeroute.report import tables
from edgeroute.sample import conversations
from schemas.codec import encode
from tests.services.choose import Broker
from tests.services.stream import DEADLINE_S, Stream, settings_for

TURNS = 120


@pytest.mark.kafka
@pytest.mark.parametrize("escalate", [False, True])
async def test_a_replay_is_priced_whole_and_reaches_the_cloud_only_where_that_is_asked_for(
    tmp_path: Path, broker: Broker, redis_url: str, unique: str, escalate: bool
) -> None:
    settings = settings_for(broker, redis_url, unique)
    stream = Stream(settings, exactly_once=broker.exactly_once)
    await stream.create_topics()
    file = tmp_path / "turns.jsonl"
    file.write_bytes(b"".join(encode(turn) + b"\n" for turn in conversations(TURNS, seed=7)))
    how = of_files.Replay(run_id="march", escalate=escalate)
    [fed] = await asyncio.to_thread(of_files.replay, settings, [file], how, Console(quiet=True))
    async with stream.running("edge", "cloud", "monitor"):
        seen = await stream.until(
            lambda seen: len(seen.routed) >= TURNS and sum(seen.finals.values()) >= TURNS
        )
        figures = await until_counted(stream, run="march", decided=len(seen.decisions))
    hard = sum(record["route"] == "cloud" for record in seen.routed)
    assert fed.sent == TURNS
    assert set(seen.finals.values()) == {1}
    assert hard > 0
    assert len(seen.escalations) == len(seen.answered) == (hard if escalate else 0)
    assert figures.cloud.waiting == 0
    assert figures.cost.cloud == pytest.approx(hard * settings.prices.cloud)


async def until_counted(stream: Stream, *, run: str, decided: int) -> tables.ReportFigures:
    """Wait until the monitor has counted so many decisions of the run, and none as live."""
    settings = stream.settings
    async with (
        asyncio.timeout(DEADLINE_S),
        Store(settings.redis.url.get_secret_value(), settings.redis.prefix) as store,
    ):
        while True:
            totals = await store.totals(run)
            if sum(totals.group("route").values()) + totals.count("answered") >= decided:
                assert (await store.totals(None)).counts == {}
                return tables.figures(totals, roles.prices(settings), run_id=run)
            await asyncio.sleep(0.05)
