"""Feeding a file into the topic."""

import asyncio
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from rich.console import Console

from consumers.errors import Fatal
from consumers.replay import ReplayError
from edgeroute import service
from edgeroute.feed import Fed, feed
from edgeroute.settings import Settings
from tests.services.choose import Broker
from tests.services.stream import settings_for

TURNS = '{"role": "customer", "text": "a", "run_id": "old"}\n{"role": "customer", "text": "b"}\n'


@pytest.fixture
def settings(broker: Broker, redis_url: str, unique: str) -> Settings:
    made = settings_for(broker, redis_url, unique, partitions=1)
    service.create_topics(made)
    return made


def console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=80)


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "turns.jsonl"
    file.write_text(text)
    return file


def stored(settings: Settings, count: int) -> list[dict[str, Any]]:
    """Return this many records of the transcripts topic."""

    async def read() -> list[dict[str, Any]]:
        consumer = AIOKafkaConsumer(
            settings.topics.transcripts,
            bootstrap_servers=settings.kafka.bootstrap_servers,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            async with asyncio.timeout(30):
                return [json.loads((await consumer.getone()).value or b"") for _ in range(count)]
        finally:
            await consumer.stop()

    return asyncio.run(read())


def run_ids(records: Sequence[dict[str, Any]]) -> list[str | None]:
    return [record.get("run_id") for record in records]


@pytest.mark.kafka
def test_records_are_written_in_order_and_keep_their_run_id(
    tmp_path: Path, settings: Settings
) -> None:
    assert feed(settings, written(tmp_path, TURNS), None, console()) == Fed(2, 0, ())
    records = stored(settings, 2)
    assert [record["text"] for record in records] == ["a", "b"]
    assert run_ids(records) == ["old", None]


@pytest.mark.kafka
def test_a_run_id_that_is_given_replaces_those_of_the_file(
    tmp_path: Path, settings: Settings
) -> None:
    feed(settings, written(tmp_path, TURNS), "new", console())
    assert run_ids(stored(settings, 2)) == ["new", "new"]


@pytest.mark.kafka
def test_a_file_can_be_fed_as_live_traffic(tmp_path: Path, settings: Settings) -> None:
    feed(settings, written(tmp_path, TURNS), None, console(), as_live=True)
    assert run_ids(stored(settings, 2)) == [None, None]


@pytest.mark.kafka
def test_malformed_lines_are_counted_and_the_others_written(
    tmp_path: Path, settings: Settings
) -> None:
    fed = feed(settings, written(tmp_path, "x\n" + TURNS + "y\n"), None, console())
    assert (fed, fed.left_out()) == (Fed(2, 2, (1, 4)), "2 malformed lines left out: 1, 4")


@pytest.mark.kafka
def test_a_file_without_any_transcript_is_an_error(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(ReplayError, match="There is no transcript"):
        feed(settings, written(tmp_path, "x\ny\n"), None, console())


@pytest.mark.kafka
def test_an_empty_file_is_nothing_to_write(tmp_path: Path, settings: Settings) -> None:
    assert feed(settings, written(tmp_path, ""), None, console()) == Fed(0, 0, ())


@pytest.mark.kafka
def test_a_missing_topic_is_named(
    tmp_path: Path, broker: Broker, redis_url: str, unique: str
) -> None:
    nowhere = settings_for(broker, redis_url, unique)
    with pytest.raises(Fatal, match=rf"no topic {unique}\.transcripts"):
        feed(nowhere, written(tmp_path, TURNS), None, console())


@pytest.mark.kafka
def test_a_terminal_shows_how_far_it_is_and_a_pipe_nothing(
    tmp_path: Path, settings: Settings
) -> None:
    watched, piped = console(terminal=True), console()
    feed(settings, written(tmp_path, TURNS), None, watched)
    feed(settings, written(tmp_path, TURNS), None, piped)
    assert isinstance(watched.file, io.StringIO)
    assert isinstance(piped.file, io.StringIO)
    assert "turns.jsonl" in watched.file.getvalue()
    assert piped.file.getvalue() == ""


def test_many_malformed_lines_are_summed_up() -> None:
    said = Fed(1, 2_000, tuple(range(1, 1_001))).left_out()
    assert said == "2,000 malformed lines left out: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …"
