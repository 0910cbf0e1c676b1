"""The commands about positions, on a real broker and in this process."""

import asyncio
import json
import uuid
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from aiokafka import AIOKafkaConsumer
from typer.testing import CliRunner, Result

from consumers import kafka
from consumers.kafka.positions import record_positions
from consumers.kafka.sinks import transactional
from consumers.records import Partition, Place
from consumers.standing import State
from edgeroute import roles, service
from edgeroute.cli import app
from edgeroute.commands.doctor_checks import Finding, findings
from edgeroute.commands.positions import MEANINGS, _moved
from edgeroute.faults import explained
from edgeroute.settings import Kafka, Settings, as_variables
from schemas.position import WHY_CHARACTERS, Moved
from tests.services.choose import Broker
from tests.services.stream import Stream, settings_for
from tests.services.topics import create_topics

NO_REDIS = "redis://127.0.0.1:1/0"
PARTITIONS = 2


def positions(settings: Settings, *words: str) -> Result:
    """Call the program in this process."""
    return CliRunner().invoke(app, ["positions", *words], env=as_variables(settings))


def refused(settings: Settings, *words: str) -> str:
    """Return the one sentence of a call that ends with 1."""
    done = positions(settings, *words)
    assert isinstance(done.exception, Exception)
    said = explained(done.exception)
    assert said is not None
    assert said[1] == 1
    assert done.stdout == ""
    return said[0]


def lanes(settings: Settings, role: str, code: int = 0) -> list[dict[str, Any]]:
    """Return what `show --json` tells of a role."""
    done = positions(settings, "show", "--json")
    assert done.exit_code == code, done.exception
    return [lane for lane in json.loads(done.stdout)["lanes"] if lane["role"] == role]


async def feed(settings: Settings, *numbers: int) -> None:
    """Write a turn to each of these partitions of the transcripts, outside any transaction."""
    async with kafka.plain_producer(roles.connection(settings)) as writer:
        for number in numbers:
            await writer.send_and_wait(
                settings.topics.transcripts,
                b'{"role": "customer", "text": "hi"}',
                partition=number,
            )


def record(settings: Settings, role: str, number: int, offset: int) -> None:
    """Record a position, of which the broker then knows nothing."""

    async def recorded() -> None:
        lane = Partition(roles.reader(settings, role).topic, number)
        place, topic = {lane: Place(offset, "")}, settings.topics.positions
        member = roles.member(settings, role, exactly_once=True)
        producer = transactional(roles.connection(settings), member, lane)
        async with producer, producer.transaction():
            await asyncio.gather(*await record_positions(producer, topic, member.group, place))

    asyncio.run(recorded())


@pytest.fixture(scope="module")
def shared(broker: Broker) -> Settings:
    """Settings of topics that the tests of this module share: one has 5 turns in each partition."""
    if not broker.exactly_once:
        pytest.skip(f"not run: the {broker.kind} broker has no transactions")
    settings = settings_for(broker, NO_REDIS, f"t{uuid.uuid4().hex[:12]}", partitions=PARTITIONS)
    service.create_topics(settings)
    asyncio.run(feed(settings, *range(PARTITIONS), *([0, 1] * 4)))
    return settings


@pytest.fixture
def stream(shared: Settings, exactly_once_broker: Broker, unique: str) -> Settings:
    """The shared topics under groups that no other test has."""
    given = shared.kafka.model_copy(update={"group_prefix": unique})
    return shared.model_copy(update={"kafka": given})


def line(settings: Settings) -> Finding:
    """Return what the doctor says of positions."""
    service.silence_libraries()
    return next(one for one in findings(settings) if one.name == "positions")


# -- showing ---------------------------------------------------------------------------------------


@pytest.mark.exactly_once
def test_roles_that_never_ran_are_new_in_each_partition(stream: Settings) -> None:
    done = positions(stream, "show")
    assert done.exit_code == 0
    assert done.stdout.count(" new") == 3 * PARTITIONS
    assert f"new: {MEANINGS['new']}" in done.stdout
    assert "set by hand" not in done.stdout


@pytest.mark.exactly_once
def test_what_was_set_is_shown_with_why(stream: Settings) -> None:
    positions(stream, "set", "edge", "1", "--to", "3", "--why", "a \x1b[2Jtest")
    done = positions(stream, "show")
    assert f"agrees: {MEANINGS['agrees']}" in done.stdout
    assert f"edge {stream.topics.transcripts}[1]: none -> 3: a ?[2Jtest" in done.stdout
    _, one = lanes(stream, "edge")
    assert {key: one[key] for key in ("recorded", "committed", "answered", "start", "end")} == {
        "recorded": 3,
        "committed": 3,
        "answered": None,
        "start": 0,
        "end": 5,
    }


@pytest.mark.exactly_once
def test_a_position_beyond_the_end_ends_with_1(stream: Settings) -> None:
    record(stream, "edge", 0, 99)
    zero, one = lanes(stream, "edge", code=1)
    assert (zero["state"], one["state"]) == ("beyond the end", "new")


@pytest.mark.exactly_once
def test_what_the_broker_forgot_needs_nobody(stream: Settings) -> None:
    record(stream, "edge", 0, 4)
    zero, _ = lanes(stream, "edge")
    assert (zero["state"], zero["recorded"], zero["committed"]) == ("the broker forgot", 4, None)


def test_every_state_has_a_meaning() -> None:
    assert set(MEANINGS) == set(get_args(State))


@pytest.mark.kafka
def test_without_transactions_it_is_said_that_nothing_is_recorded(
    embedded_broker_servers: str, unique: str
) -> None:
    settings = Settings(
        kafka=Kafka(
            bootstrap_servers=embedded_broker_servers, group_prefix=unique, delivery="at-least-once"
        )
    )
    done = positions(settings, "show")
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert "recorded only where delivery is exactly once" in done.stdout
    assert json.loads(positions(settings, "show", "--json").stdout)["exactly_once"] is False
    assert "exactly once" in refused(settings, "set", "edge", "--to-start")


# -- setting ---------------------------------------------------------------------------------------


@pytest.mark.exactly_once
def test_a_line_a_partition_says_what_was_set(stream: Settings) -> None:
    record(stream, "edge", 1, 4)
    done = positions(stream, "set", "edge", "--to-end")
    topic = stream.topics.transcripts
    assert done.stdout.splitlines() == [
        f"{topic}[0]: none -> 5",
        f"{topic}[1]: 4 -> 5 (the broker said none)",
    ]
    assert [lane["state"] for lane in lanes(stream, "edge")] == ["agrees", "agrees"]


def test_offsets_are_said_with_commas() -> None:
    moved = Moved(
        group="g",
        topic="in",
        partition=3,
        recorded=1_200,
        offset=1_150,
        moved_at=datetime.now(UTC),
    )
    assert _moved(moved) == "in[3]: 1,200 -> 1,150 (the broker said none)"


@pytest.mark.exactly_once
async def test_a_role_goes_on_where_it_was_set_to(exactly_once_broker: Broker, unique: str) -> None:
    settings = settings_for(exactly_once_broker, NO_REDIS, unique, partitions=1)
    stream = Stream(settings, exactly_once=True)
    await stream.create_topics()
    await feed(settings, *[0] * 6)
    await asyncio.to_thread(positions, settings, "set", "edge", "0", "--to", "4")
    async with stream.running("edge"):
        seen = await stream.until(lambda seen: len(seen.routed) >= 2)
    assert sorted(routed["source"]["offset"] for routed in seen.routed) == [4, 5]
    await asyncio.to_thread(positions, settings, "set", "edge", "--to", "5", "0")
    async with stream.running("edge"):
        seen = await stream.until(lambda seen: len(seen.routed) >= 3)
    assert sorted(routed["source"]["offset"] for routed in seen.routed) == [4, 5, 5]
    [lane] = await asyncio.to_thread(lanes, settings, "edge")
    assert (lane["state"], lane["answered"]) == ("agrees", 6)


@pytest.mark.exactly_once
async def test_a_group_with_a_member_is_left_alone(stream: Settings) -> None:
    async with AIOKafkaConsumer(
        stream.topics.transcripts,
        bootstrap_servers=stream.kafka.bootstrap_servers,
        group_id=f"{stream.kafka.group_prefix}.edge",
    ):
        said = await asyncio.to_thread(refused, stream, "set", "edge", "--to-start")
    assert said.startswith("Stop every `edgeroute run edge` first: 1 member is in the group")


@pytest.mark.exactly_once
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("edge 0 --to 6", "can be 0 to 5, and 6 is not"),
        ("edge 9 --to-start", "There is no partition 9"),
        ("edge --to-answered", "Nothing answers an input of"),
        ("redrive --to-answered", "Nothing answers an input of"),
    ],
)
def test_what_cannot_be_set_is_refused(stream: Settings, words: str, said: str) -> None:
    assert said in refused(stream, "set", *words.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("edge", "Say where to"),
        ("edge 0 --to 1 --to-end", "Say where to"),
        ("edge --to-start --to-end", "Say where to"),
        ("edge --to 1", "--to goes with one partition"),
        (f"edge --to-end --why {'x' * (WHY_CHARACTERS + 1)}", "--why can have"),
    ],
)
def test_wrong_use_ends_with_2(words: str, said: str) -> None:
    done = positions(Settings(), "set", *words.split())
    assert (done.exit_code, said in done.stderr) == (2, True)


# -- the doctor ------------------------------------------------------------------------------------


@pytest.mark.exactly_once
def test_the_doctor_counts_what_is_recorded(stream: Settings) -> None:
    positions(stream, "set", "edge", "1", "--to", "3")
    seen = line(stream)
    assert (seen.state, seen.said) == ("OK", "recorded for edge 1, cloud 0 partitions")


@pytest.mark.exactly_once
def test_the_doctor_warns_of_a_broker_that_forgot(stream: Settings) -> None:
    record(stream, "edge", 0, 4)
    seen = line(stream)
    assert seen.state == "WARN"
    assert "the broker forgot 1 of 4 partitions" in seen.said
    assert "edgeroute positions show" in seen.said


@pytest.mark.exactly_once
@pytest.mark.parametrize(
    ("partitions", "policy", "state"), [(2, "compact", "FAIL"), (16, "delete", "WARN")]
)
async def test_the_doctor_sees_a_topic_that_loses_positions(
    stream: Settings, unique: str, partitions: int, policy: str, state: str
) -> None:
    topics = stream.topics.model_copy(update={"positions": f"{unique}.other"})
    given = {"cleanup.policy": policy}
    servers = stream.kafka.bootstrap_servers
    await create_topics(servers, topics.positions, partitions=partitions, settings=given)
    seen = await asyncio.to_thread(line, stream.model_copy(update={"topics": topics}))
    assert (seen.state, topics.positions in seen.said) == (state, True)


@pytest.mark.exactly_once
def test_the_doctor_needs_the_topic_only_for_exactly_once(stream: Settings) -> None:
    topics = stream.topics.model_copy(update={"positions": f"{stream.kafka.group_prefix}.none"})
    exact = stream.model_copy(update={"topics": topics})
    least = exact.model_copy(
        update={"kafka": exact.kafka.model_copy(update={"delivery": "at-least-once"})}
    )
    service.silence_libraries()
    missing = {one.name: one for one in findings(exact)}
    assert (missing["topics"].state, missing["positions"].state) == ("FAIL", "not checked")
    enough = {one.name: one for one in findings(least)}
    assert (enough["topics"].state, enough["positions"].state) == ("OK", "OK")
