"""Members come and go, engines are slow, and the group hardly notices."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from consumers import kafka
from consumers.contracts import Clock, Limits
from consumers.errors import Fatal
from consumers.loop import Loop
from consumers.roles.edge import EdgeHandler, EdgeRules, EdgeWork
from consumers.roles.scoring import Serving
from edgeroute import roles
from edgeroute.sample import conversations
from edgeroute.settings import LimitSettings, child_environment
from router import serving
from router.bundle import Bundle, load_bundle
from router.economics import Prices
from router.plan import Plan, Writing
from router.policy import Policy
from schemas.codec import encode
from tests.services.choose import Broker
from tests.services.stream import BUNDLE, DEADLINE_S, Stream, environment, place, settings_for

CLOCK = Clock(time.monotonic, lambda: datetime.now(UTC))


def inputs(turns: int) -> list[tuple[bytes, bytes]]:
    return [
        ((turn.conversation_id or "").encode(), encode(turn))
        for turn in conversations(turns, seed=3)
    ]


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_members_joining_and_leaving_under_load_neither_lose_nor_double_anything(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    limits = LimitSettings(engines=1, batch_items=4, commit_wait_ms=1, in_flight=128)
    settings = settings_for(exactly_once_broker, redis_url, unique, limits=limits)
    stream = Stream(settings, exactly_once=True)
    await stream.create_topics()
    values = inputs(2_000)
    async with stream.running("edge", "cloud"):
        fed = 0
        for start in range(0, len(values), 500):
            fed += await stream.feed(values[start : start + 500])
            async with stream.running("edge", "cloud"):
                some = fed - 400
                await stream.until(lambda seen, some=some: len(seen.routed) > some)  # type: ignore[misc]
        seen = await stream.until_settled(fed)
    assert len(seen.routed) == len({place(r) for r in seen.routed}) == fed
    assert set(seen.finals.values()) == {1}
    assert len(seen.finals) == fed
    assert len(seen.answered) == len({place(r) for r in seen.escalations})


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_a_stopped_edge_commits_what_it_holds_and_leaves_the_group_at_once(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    settings = settings_for(exactly_once_broker, redis_url, unique)
    stream = Stream(settings, exactly_once=True)
    await stream.create_topics()
    await stream.feed(inputs(400))
    edge = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edgeroute", "run", "edge"),
        env=child_environment(environment(settings)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await stream.until(lambda seen: bool(seen.routed))
        edge.send_signal(signal.SIGTERM)
        assert await edge.wait() == 0
    finally:
        if edge.returncode is None:
            edge.kill()
    async with kafka.admin(roles.connection(settings)) as admin:
        (group,) = await admin.describe_consumer_groups([f"{unique}.edge"])
    assert group.groups[0][2] == "Empty"


class SlowHandler(EdgeHandler):
    """The edge with an engine that takes its time."""

    def __init__(self, bundle: Bundle, policy: Policy, rules: EdgeRules, seconds: float) -> None:
        served = serving.edge(bundle, policy, 1)
        super().__init__(Serving(served, time.perf_counter), rules, available=lambda: True)
        self._seconds = seconds
        self.batches = 0

    def infer(self, works: Sequence[EdgeWork]) -> list[Plan]:
        time.sleep(self._seconds)
        self.batches += 1
        return super().infer(works)


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_a_slow_engine_holds_a_bounded_number_of_records_and_keeps_its_place_in_the_group(
    exactly_once_broker: Broker, redis_url: str, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(exactly_once_broker, redis_url, unique)
    stream = Stream(settings, exactly_once=True)
    await stream.create_topics()
    await stream.feed(inputs(20_000))
    bundle = load_bundle(BUNDLE)
    policy = roles.policy_of(settings, bundle.manifest)
    rules = EdgeRules(frozenset({"customer"}), 10_000, Prices(), Writing())
    # A micro-batch takes longer than the session timeout: whoever blocked the event loop with it
    # would be thrown out of the group.
    handler = SlowHandler(bundle, policy, rules, seconds=7.0)
    limits = Limits(in_flight=240, engines=1, stop_s=0.1)
    member = kafka.Member(group=f"{unique}.edge", session_timeout_s=6.0)
    connection, names = roles.connection(settings), roles.topic_names(settings)
    source = kafka.Source(
        connection, member, settings.topics.transcripts, names.values(), CLOCK.monotonic
    )
    ledger = kafka.Ledger(
        member.group,
        settings.topics.positions,
        kafka.Outputs(*roles.answers(settings, "edge")),
        CLOCK.monotonic,
    )
    loop = Loop(
        source,
        lambda p: kafka.TransactionalSink(connection, member, source, ledger, p, names),
        handler,
        limits,
        CLOCK,
    )
    stop = asyncio.Event()
    with caplog.at_level(logging.INFO, logger="consumers.loop"):
        running = asyncio.create_task(loop.run(stop))
        most = 0
        async with asyncio.timeout(DEADLINE_S):
            while handler.batches < 2:
                await asyncio.sleep(0.05)
                most = max(most, loop.held)
        stop.set()
        await running
    # A lane may go over its share by one fetch, never more.
    assert 0 < most <= limits.in_flight + limits.fetch_records
    assert sum("assigned" in message for message in caplog.messages) == 1


@pytest.mark.kafka
@pytest.mark.exactly_once
@pytest.mark.parametrize("setting", ["session_timeout_s", "transaction_timeout_s"])
async def test_a_timeout_that_the_broker_does_not_allow_stops_the_role_with_one_sentence(
    exactly_once_broker: Broker, redis_url: str, unique: str, setting: str
) -> None:
    settings = settings_for(exactly_once_broker, redis_url, unique)
    seconds = {"session_timeout_s": 1.0, "transaction_timeout_s": 7_200.0}[setting]
    wrong = settings.kafka.model_copy(update={setting: seconds})
    settings = settings.model_copy(update={"kafka": wrong})
    await Stream(settings, exactly_once=True).create_topics()
    with pytest.raises(Fatal, match=setting):
        async with asyncio.timeout(DEADLINE_S):
            await roles.run_edge(settings, asyncio.Event())
