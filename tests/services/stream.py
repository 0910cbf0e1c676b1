"""The whole stream in one test process: topics of its own, roles as tasks, and a recount."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from pydantic import SecretStr

from consumers import kafka
from consumers.totals.aggregate import Totals, aggregate
from consumers.totals.store import Store
from edgeroute import roles
from edgeroute.settings import Kafka, LimitSettings, PolicySettings, Redis, Settings, Topics
from schemas.codec import decode_decision
from tests.services.choose import Broker

BUNDLE: Final = Path(__file__).parents[2] / "models" / "starter"
DEADLINE_S: Final = 90.0
ROLES: Final = {"edge": roles.run_edge, "cloud": roles.run_cloud, "monitor": roles.run_monitor}
UNSETTLED: Final = frozenset(
    {"source", "escalation", "decided_at", "answered_at", "escalated_at", "processing_ms"}
    | {"inference_ms", "waited_ms"}
)
"""The fields of our records that hold a time or a position."""


def settings_for(
    broker: Broker,
    redis_url: str,
    unique: str,
    *,
    partitions: int = 6,
    limits: LimitSettings | None = None,
    policy: PolicySettings | None = None,
    bundle: Path = BUNDLE,
) -> Settings:
    """Return settings with topics, groups and keys that no other test has."""
    return Settings(
        bundle=bundle,
        kafka=Kafka(
            bootstrap_servers=broker.bootstrap_servers,
            group_prefix=unique,
            session_timeout_s=6.0,
            delivery="exactly-once" if broker.exactly_once else "at-least-once",
        ),
        topics=Topics(
            transcripts=f"{unique}.transcripts",
            results=f"{unique}.results",
            escalations=f"{unique}.escalations",
            decisions=f"{unique}.decisions",
            dead_letters=f"{unique}.dead-letters",
            positions=f"{unique}.positions",
            partitions=partitions,
        ),
        redis=Redis(url=SecretStr(redis_url), prefix=unique),
        policy=policy or PolicySettings(confidence=0.7, audit_rate=0.05),
        limits=limits or LimitSettings(engines=1),
    )


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that give a child process these settings."""
    values = settings.model_dump(mode="json", exclude_none=True)
    values["redis"]["url"] = settings.redis.url.get_secret_value()
    found: dict[str, str] = {}
    for section, content in values.items():
        if isinstance(content, dict):
            for name, value in content.items():
                text = value if isinstance(value, str) else json.dumps(value)
                found[f"EDGEROUTE_{section}__{name}".upper()] = text
        else:
            found[f"EDGEROUTE_{section}".upper()] = str(content)
    return found


@dataclass(frozen=True)
class Recount:
    """Everything on the topics that readers of committed records see."""

    results: list[dict[str, Any]]
    escalations: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    dead_letters: list["ConsumerRecord[bytes, bytes]"]

    @property
    def finals(self) -> Counter[tuple[str, int, int]]:
        """How many final results each input position has."""
        return Counter(place(r) for r in self.results if r["status"] == "final")

    @property
    def routed(self) -> list[dict[str, Any]]:
        return [d for d in self.decisions if d["kind"] == "routed"]

    @property
    def answered(self) -> list[dict[str, Any]]:
        return [d for d in self.decisions if d["kind"] == "answered"]


def place(record: dict[str, Any]) -> tuple[str, int, int]:
    """Return the input position that a record derives from."""
    source = record["source"]
    return source["topic"], source["partition"], source["offset"]


def settled(records: Iterable[dict[str, Any]]) -> list[str]:
    """Return the records without times and positions, in an order of their own."""
    return sorted(
        json.dumps({k: v for k, v in record.items() if k not in UNSETTLED}, sort_keys=True)
        for record in records
    )


class Stream:
    """Topics of one test and what is done with them."""

    def __init__(self, settings: Settings, *, exactly_once: bool) -> None:
        self.settings = settings
        self.exactly_once = exactly_once
        self._to = roles.connection(settings)

    async def create_topics(self) -> dict[str, bool]:
        """Create what does not exist; return for each topic whether it was created."""
        names = self.settings.topics
        every = (names.transcripts, *roles.topic_names(self.settings).values())
        counts = dict.fromkeys(every, names.partitions)
        return await kafka.create_topics(self._to, counts, 1, names.positions)

    async def feed(self, records: Iterable[tuple[bytes | None, bytes | None]]) -> int:
        """Write raw records to the transcripts topic."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka.bootstrap_servers,
            max_request_size=8 * 1024 * 1024,
            linger_ms=5,
        )
        await producer.start()
        try:
            sent = [
                await producer.send(self.settings.topics.transcripts, key=key, value=value)
                for key, value in records
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()
        return len(sent)

    @asynccontextmanager
    async def running(
        self, *names: str, settings: Settings | None = None
    ) -> AsyncIterator[Sequence[asyncio.Event]]:
        """Run roles as tasks; each stops at its event. A failing role fails the test."""
        stops = [asyncio.Event() for _ in names]
        tasks = [
            asyncio.create_task(ROLES[name](settings or self.settings, stop))
            for name, stop in zip(names, stops, strict=True)
        ]
        try:
            yield stops
        finally:
            for stop in stops:
                stop.set()
            done = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in done:
            if outcome is not None:
                raise outcome

    async def until_settled(self, inputs: int) -> Recount:
        """Wait until every input is routed and every escalation answered; return the recount."""

        def complete(seen: Recount) -> bool:
            escalated = sum(d["route"] == "cloud" for d in seen.routed)
            return len(seen.routed) >= inputs and len(seen.answered) >= escalated

        return await self.until(complete)

    async def until(
        self, condition: Callable[[Recount], bool], *, under_load: bool = False
    ) -> Recount:
        """Read what is committed again and again until the condition holds.

        Under load there is always more to come, so what is returned is cut off anywhere.
        """
        names = self.settings.topics
        async with asyncio.timeout(DEADLINE_S):
            async with (
                self._reader(names.decisions) as decisions,
                self._reader(names.results) as results,
                self._reader(names.escalations) as escalations,
                self._reader(names.dead_letters) as dead_letters,
            ):
                seen = Recount([], [], [], [])
                while True:
                    seen.decisions.extend(map(_json, await _new(decisions)))
                    seen.results.extend(map(_json, await _new(results)))
                    seen.escalations.extend(map(_json, await _new(escalations)))
                    seen.dead_letters.extend(await _new(dead_letters))
                    if condition(seen):
                        break
                if under_load:
                    return seen
                # What was committed together with the last record seen must be seen as well.
                for reader, found in ((results, seen.results), (escalations, seen.escalations)):
                    found.extend(map(_json, await _new(reader, patience_s=0.5)))
                seen.dead_letters.extend(await _new(dead_letters, patience_s=0.5))
                seen.decisions.extend(map(_json, await _new(decisions, patience_s=0.5)))
                return seen

    @asynccontextmanager
    async def _reader(self, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka.bootstrap_servers,
            auto_offset_reset="earliest",
            isolation_level="read_committed" if self.exactly_once else "read_uncommitted",
        )
        await consumer.start()
        try:
            consumer.assign(
                [TopicPartition(topic, p) for p in range(self.settings.topics.partitions)]
            )
            yield consumer
        finally:
            await consumer.stop()


async def until_counted(settings: Settings, seen: Recount) -> None:
    """Wait until the monitor's totals are those of a recount of what was seen."""
    expected = aggregate(decode_decision(json.dumps(d).encode()) for d in seen.decisions)[None]
    totals: Totals | None = None
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(DEADLINE_S),
            Store(settings.redis.url.get_secret_value(), settings.redis.prefix) as store,
        ):
            while totals != expected:
                totals = await store.totals(None)
                await asyncio.sleep(0.05)
    assert totals == expected


async def _new(
    consumer: AIOKafkaConsumer, patience_s: float = 0.05
) -> list["ConsumerRecord[bytes, bytes]"]:
    """Return what has come, until nothing comes for a moment."""
    found: list[ConsumerRecord[bytes, bytes]] = []
    while fetched := await consumer.getmany(timeout_ms=int(patience_s * 1000)):
        for records in fetched.values():
            found.extend(records)
    return found


def _json(record: "ConsumerRecord[bytes, bytes]") -> dict[str, Any]:
    assert record.value is not None
    loaded: dict[str, Any] = json.loads(record.value)
    return loaded
