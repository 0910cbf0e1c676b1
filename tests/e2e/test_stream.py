"""Transcripts in, decisions out: the whole stream with real models, on every broker."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeroute.sample import conversations
from edgeroute.settings import PolicySettings
from schemas.codec import decode_dead_letter, encode
from tests.services.bundles import two_tiers
from tests.services.choose import Broker
from tests.services.stream import Stream, place, settings_for, until_counted

TURNS = 240
BROKEN = (b"", b"{", b'{"role":"customer"}', b'{"role":"customer","text":"\\ud800"}', b"[]")


def inputs(turns: int = TURNS) -> Iterator[tuple[bytes, bytes]]:
    for turn in conversations(turns, seed=7):
        assert turn.conversation_id is not None
        yield turn.conversation_id.encode(), encode(turn)


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_every_input_gets_one_routed_record_and_every_valid_one_a_final_result(
    each_broker: Broker, redis_url: str, unique: str, tmp_path: Path
) -> None:
    policy = PolicySettings(thresholds={"reflex": 0.8, "student": 0.7}, audit_rate=0.05)
    bundle = two_tiers(tmp_path / "two")
    settings = settings_for(each_broker, redis_url, unique, policy=policy, bundle=bundle)
    stream = Stream(settings, exactly_once=each_broker.exactly_once)
    await stream.create_topics()
    fed = await stream.feed([*inputs(), *((None, value) for value in BROKEN)])
    async with stream.running("edge", "cloud", "monitor"):
        seen = await stream.until_settled(fed)
        await until_counted(settings, seen)
    assert len(seen.routed) == len({place(r) for r in seen.routed}) == fed
    assert len(seen.finals) == TURNS
    assert set(seen.finals.values()) == {1}
    escalated = [place(r) for r in seen.routed if r["route"] == "cloud"]
    assert escalated
    assert sorted(map(place, seen.escalations)) == sorted(escalated)
    assert sorted(map(place, seen.answered)) == sorted(escalated)
    decided = {r["verdict"]["tier"] for r in seen.routed if "verdict" in r}
    assert decided == {"reflex", "student"}
    assert {r["tier"] for r in seen.results if "tier" in r} == {"reflex", "student", "teacher"}


@pytest.mark.kafka
async def test_a_dead_letter_keeps_the_bytes_and_says_where_they_came_from(
    broker: Broker, redis_url: str, unique: str
) -> None:
    stream = Stream(settings_for(broker, redis_url, unique), exactly_once=broker.exactly_once)
    await stream.create_topics()
    await stream.feed([(b"k", b'{"secret words"')])
    async with stream.running("edge"):
        seen = await stream.until(lambda seen: bool(seen.dead_letters))
    (letter,) = seen.dead_letters
    described = decode_dead_letter(tuple(letter.headers))
    assert letter.value == b'{"secret words"'
    assert letter.key == b"k"
    assert described.cause == "not_json"
    assert described.source.topic == f"{unique}.transcripts"
    assert not any(b"secret" in value for _, value in letter.headers)


@pytest.mark.kafka
async def test_an_escalated_message_has_a_provisional_answer_before_the_final_one(
    broker: Broker, redis_url: str, unique: str
) -> None:
    settings = settings_for(broker, redis_url, unique)
    stream = Stream(settings, exactly_once=broker.exactly_once)
    await stream.create_topics()
    fed = await stream.feed(inputs(60))
    async with stream.running("edge", "cloud"):
        seen = await stream.until_settled(fed)
    escalated = {place(r) for r in seen.escalations}
    provisional = [place(r) for r in seen.results if r["status"] == "provisional"]
    assert sorted(provisional) == sorted(escalated)
    by_cloud = {place(r) for r in seen.results if r["answered_by"] == "cloud"}
    assert by_cloud == escalated


@pytest.mark.kafka
async def test_no_message_text_is_in_any_record_that_is_not_an_escalation(
    broker: Broker, redis_url: str, unique: str
) -> None:
    stream = Stream(settings_for(broker, redis_url, unique), exactly_once=broker.exactly_once)
    await stream.create_topics()
    text = "my marker word is xyzzyplugh and this is unacceptable"
    value = json.dumps({"role": "customer", "text": text, "metadata": {"note": text}}).encode()
    fed = await stream.feed([(None, value)])
    async with stream.running("edge", "cloud"):
        seen = await stream.until_settled(fed)
    assert "xyzzyplugh" not in json.dumps([seen.results, seen.decisions])
    assert all("metadata" not in escalation for escalation in seen.escalations)
