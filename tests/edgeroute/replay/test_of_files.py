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
from consumers.replay.transcripts import ReplayError, digest_of
from consumers.replay.write import Timer
from edgeroute import service
from edgeroute.replay.of_files import Fed, Replay, feed, replay
from edgeroute.settings import Settings
from tests.services.choose import Broker
from tests.services.stream import settings_for

TURNS = '{"role": "customer", "text": "a", "run_id": "old"}\n{"role": "customer", "text": "b"}\n'

TURN = '{{"role": "customer", "text": "{}"}}\n'


@pytest.fixture
def settings(broker: Broker, redis_url: str, unique: str) -> Settings:
    made = settings_for(broker, redis_url, unique, partitions=1)
    service.create_topics(made)
    return made


class Hands:
    """A clock that goes on where somebody waits, and breaks after so many times."""

    def __init__(self, stops_after: int | None = None) -> None:
        self.now = 0.0
        self._left = stops_after
        self.timer = Timer(lambda: self.now, self.sleep)

    async def sleep(self, seconds: float) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise InterruptedError
        self.now += seconds


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
            isolation_level="read_committed",
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
def test_records_are_written_in_order_and_are_a_run_of_the_file(
    tmp_path: Path, settings: Settings
) -> None:
    file = written(tmp_path, TURNS)
    [fed] = replay(settings, [file], Replay(), console())
    name = f"turns-{digest_of(file)[:8]}"
    records = stored(settings, 2)
    assert (fed.sent, fed.run_id) == (2, name)
    assert [record["text"] for record in records] == ["a", "b"]
    assert run_ids(records) == [name, name]


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
@pytest.mark.parametrize("escalate", [True, False])
def test_a_replay_says_whether_it_escalates_for_real(
    tmp_path: Path, settings: Settings, escalate: bool
) -> None:
    replay(settings, [written(tmp_path, TURNS)], Replay(escalate=escalate), console())
    assert {record.get("escalate", False) for record in stored(settings, 2)} == {escalate}


@pytest.mark.kafka
def test_files_come_one_after_the_other_in_one_run(tmp_path: Path, settings: Settings) -> None:
    first, second = written(tmp_path, TURNS), tmp_path / "more.csv"
    second.write_text("role,text\ncustomer,c\n")
    fed = replay(settings, [first, second], Replay(), console())
    records = stored(settings, 3)
    assert [one.sent for one in fed] == [2, 1]
    assert [record["text"] for record in records] == ["a", "b", "c"]
    assert len(set(run_ids(records))) == 1


@pytest.mark.kafka
def test_malformed_lines_are_counted_and_kept_and_the_others_written(
    tmp_path: Path, settings: Settings
) -> None:
    file = written(tmp_path, "x\n" + TURNS + "y\n")
    [fed] = replay(settings, [file], Replay(), console())
    side = tmp_path / "turns.jsonl.rejected.jsonl"
    kept = [json.loads(line) for line in side.read_text().splitlines()]
    assert (fed.sent, fed.malformed) == (2, 2)
    assert fed.left_out() == f"2 malformed lines left out: 1, 4 (kept in {side})"
    assert [(entry["line"], entry["raw"]) for entry in kept] == [(1, "x"), (4, "y")]


@pytest.mark.kafka
def test_the_malformed_lines_of_several_files_can_be_kept_in_one(
    tmp_path: Path, settings: Settings
) -> None:
    first, second = written(tmp_path, TURNS + "x\n"), tmp_path / "more.jsonl"
    second.write_text(TURNS + "y\n")
    side = tmp_path / "side"
    replay(settings, [first, second], Replay(rejected=side), console())
    kept = [json.loads(line) for line in side.read_text().splitlines()]
    assert [entry["file"] for entry in kept] == ["turns.jsonl", "more.jsonl"]


@pytest.mark.kafka
def test_what_is_fed_to_the_demo_leaves_no_side_file(tmp_path: Path, settings: Settings) -> None:
    fed = feed(settings, written(tmp_path, TURNS + "x\n"), None, console(), as_live=True)
    assert fed.left_out() == "1 malformed line left out: 3"
    assert [path.name for path in tmp_path.iterdir()] == ["turns.jsonl"]


@pytest.mark.kafka
def test_a_file_without_any_transcript_is_an_error(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(ReplayError, match="There is no transcript"):
        feed(settings, written(tmp_path, "x\ny\n"), None, console())


@pytest.mark.kafka
def test_an_empty_file_is_nothing_to_write(tmp_path: Path, settings: Settings) -> None:
    fed = feed(settings, written(tmp_path, ""), None, console())
    assert (fed.sent, fed.malformed) == (0, 0)


@pytest.fixture
def exact(exactly_once_broker: Broker, settings: Settings) -> Settings:
    """Settings for a broker with transactions."""
    return settings


@pytest.mark.exactly_once
def test_a_finished_replay_writes_nothing_when_it_is_called_again(
    tmp_path: Path, exact: Settings
) -> None:
    file = written(tmp_path, TURNS)
    first, again = (replay(exact, [file], Replay(), console())[0] for _ in range(2))
    assert (first.sent, first.before, first.exact) == (2, 0, True)
    assert (again.sent, again.before) == (0, 2)


@pytest.mark.exactly_once
@pytest.mark.parametrize("how", [Replay(again=True), Replay(run_id="other"), Replay(live=True)])
def test_it_is_replayed_anew_where_that_is_asked_for(
    tmp_path: Path, exact: Settings, how: Replay
) -> None:
    file = written(tmp_path, TURNS)
    replay(exact, [file], Replay(), console())
    assert replay(exact, [file], how, console())[0].sent == 2


@pytest.mark.exactly_once
def test_a_file_that_has_grown_is_another_one(tmp_path: Path, exact: Settings) -> None:
    replay(exact, [written(tmp_path, TURNS)], Replay(run_id="r"), console())
    [fed] = replay(exact, [written(tmp_path, TURNS * 2)], Replay(run_id="r"), console())
    assert (fed.sent, fed.before) == (4, 0)


@pytest.mark.exactly_once
def test_a_replay_that_fails_halfway_goes_on_from_there(tmp_path: Path, exact: Settings) -> None:
    file = written(tmp_path, "".join(TURN.format(number) for number in range(200)))
    hands = Hands(stops_after=90)
    with pytest.raises(InterruptedError):
        replay(exact, [file], Replay(rate=100), console(), hands.timer)
    [fed] = replay(exact, [file], Replay(), console())
    assert 0 < fed.before < 92
    assert [record["text"] for record in stored(exact, 200)] == [str(n) for n in range(200)]


@pytest.mark.exactly_once
def test_the_rate_is_kept_without_anybody_waiting_here(tmp_path: Path, exact: Settings) -> None:
    file = written(tmp_path, "".join(TURN.format(number) for number in range(50)))
    hands = Hands()
    replay(exact, [file], Replay(rate=10), console(), hands.timer)
    assert hands.now == pytest.approx(4.9)


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
    feed(settings, written(tmp_path, TURNS), "one", watched)
    feed(settings, written(tmp_path, TURNS), "other", piped)
    assert isinstance(watched.file, io.StringIO)
    assert isinstance(piped.file, io.StringIO)
    assert "turns.jsonl" in watched.file.getvalue()
    assert "lines/s" in watched.file.getvalue()
    assert piped.file.getvalue() == ""


def test_many_malformed_lines_are_summed_up() -> None:
    said = Fed(1, 2_000, tuple(range(1, 1_001))).left_out()
    assert said == "2,000 malformed lines left out: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …"
