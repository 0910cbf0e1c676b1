"""Puts a role together from settings and runs it."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from consumers import kafka
from consumers.contracts import Clock, Limits, Sink
from consumers.loop import Loop
from consumers.positions import (
    Answers,
    answered_escalation,
    redriven_letter,
    refused_record,
    routed_input,
)
from consumers.records import Partition
from consumers.roles.budget import Budget
from consumers.roles.cloud import CloudHandler
from consumers.roles.cloud_watch import CloudWatch, watching
from consumers.roles.dead_letter_limit import DeadLetterShare, GuardedSink
from consumers.roles.edge import EdgeHandler, EdgeRules
from consumers.roles.scoring import Serving
from consumers.standing import Reader
from edgeroute.settings import LimitSettings, Settings, SettingsError, cores
from router import serving
from router.availability import AwayRules
from router.budget import Ceiling
from router.bundle import load_bundle
from router.economics import Prices
from router.plan import Output, Writing
from router.policy import Calibrated, Policy, bundle_policy, reference_policy
from schemas.bundle import Manifest

log = logging.getLogger("edgeroute")
CLOCK: Final = Clock(time.monotonic, lambda: datetime.now(UTC))
SinkOf = Callable[[Partition], Sink[Output]]


def connection(settings: Settings) -> kafka.Connection:
    """Return how to reach the cluster."""
    given = settings.kafka
    return kafka.Connection(
        bootstrap_servers=given.bootstrap_servers,
        security_protocol=given.security_protocol,
        sasl_mechanism=given.sasl_mechanism,
        username=given.username,
        password=given.password.get_secret_value() if given.password else None,
        ca_file=str(given.ca_file) if given.ca_file else None,
    )


def prices(settings: Settings) -> Prices:
    """Return what an inference costs."""
    return Prices(edge=settings.prices.edge, cloud=settings.prices.cloud)


def topic_names(settings: Settings) -> dict[str, str]:
    """Return the topic of each role a record can be written to."""
    names = settings.topics
    return {
        "results": names.results,
        "escalations": names.escalations,
        "decisions": names.decisions,
        "dead_letters": names.dead_letters,
    }


def written_topics(settings: Settings) -> list[str]:
    """Return every topic that is written to in transactions, or by whoever feeds us."""
    names = settings.topics
    return [names.transcripts, *topic_names(settings).values(), names.positions]


def answers(settings: Settings, role: str) -> tuple[str, dict[str, Answers]]:
    """Return the topic that a role reads, and which of its records the outputs answer."""
    names = settings.topics
    of: dict[str, tuple[str, dict[str, Answers]]] = {
        "edge": (names.transcripts, {names.decisions: routed_input}),
        "cloud": (
            names.escalations,
            # What cannot be decoded has a dead letter and no decision.
            {names.decisions: answered_escalation, names.dead_letters: refused_record},
        ),
        "redrive": (names.dead_letters, {names.transcripts: redriven_letter}),
    }
    return of[role]


def reader(settings: Settings, role: str) -> Reader:
    """Return how a role, or the redrive, keeps its positions."""
    topic, answered_by = answers(settings, role)
    is_redrive = role == "redrive"
    return Reader(
        role=role,
        command="dead-letters redrive" if is_redrive else f"run {role}",
        group=f"{settings.kafka.group_prefix}.{role}",
        topic=topic,
        answers=answered_by,
        has_places=is_redrive,
    )


def policy_of(settings: Settings, manifest: Manifest) -> Policy:
    """Return the policy: setting, else the bundle's calibrated value, else the reference's."""
    return replace(_thresholds(settings, manifest), probe_share=settings.cloud.probe_share)


def _thresholds(settings: Settings, manifest: Manifest) -> Policy:
    given, calibrated = settings.policy, manifest.thresholds
    chosen = {model.tier: model.threshold for model in manifest.models.edge}
    tiers = tuple(chosen)
    for unknown in sorted(set(given.thresholds) - set(tiers)):
        raise SettingsError(
            f"The setting policy.thresholds names the tier {unknown!r}, which the bundle "
            f"{settings.bundle} does not have at the edge: it has {', '.join(tiers)}."
        )
    overrides: Calibrated = {
        "thresholds": given.thresholds,
        "confidence": given.confidence,
        "complexity": given.complexity,
        "audit_rate": given.audit_rate,
    }
    if given.name == "reference":
        return reference_policy(tiers, salt=given.salt, **overrides)
    return bundle_policy(
        tiers,
        salt=given.salt,
        calibrated={
            "thresholds": chosen,
            "complexity": calibrated.complexity,
            "audit_rate": calibrated.audit_rate,
        },
        **overrides,
    )


async def run_edge(settings: Settings, stop: asyncio.Event) -> None:
    """Run an edge router until ``stop``."""
    bundle = load_bundle(settings.bundle)
    limits = _limits(settings)
    rules = EdgeRules(
        roles=frozenset(role.casefold() for role in settings.edge.roles),
        text_characters=settings.limits.text_characters,
        prices=prices(settings),
        writing=_writing(settings),
    )
    policy = policy_of(settings, bundle.manifest)
    served = serving.edge(bundle, policy, limits.engines)
    async with (
        _reading(settings, "edge") as (source, sink_of),
        _availability(settings, source) as available,
    ):
        budget = Budget(_ceiling(settings), CLOCK.monotonic, source.part)
        handler = EdgeHandler(Serving(served, time.perf_counter), rules, available, budget)
        log.info("bundle %s, policy %s", served.version, policy.version)
        kept = ", ".join(f"{tier.name} from {tier.threshold:g}" for tier in policy.tiers)
        log.info("kept at the edge by confidence: %s", kept)
        await Loop(source, _guarded(settings, sink_of), handler, limits, CLOCK).run(stop)


async def run_cloud(settings: Settings, stop: asyncio.Event) -> None:
    """Run a cloud worker until ``stop``."""
    limits = _limits(settings)
    bundle = load_bundle(settings.bundle)
    served = serving.cloud(bundle, policy_of(settings, bundle.manifest), limits.engines)
    handler = CloudHandler(
        Serving(served, time.perf_counter),
        settings.prices.cloud,
        _writing(settings),
        settings.cloud.answer_within_s,
        CLOCK.now,
    )
    async with _reading(settings, "cloud") as (source, sink_of):
        await Loop(source, sink_of, handler, limits, CLOCK).run(stop)


async def run_monitor(settings: Settings, stop: asyncio.Event) -> None:
    """Run a monitor until ``stop``."""
    # Redis's client takes a fifth of a role's start, and only this one needs it.
    from consumers.roles.monitor import MonitorHandler, MonitorSink, looking_back  # noqa: PLC0415
    from consumers.totals.store import Store  # noqa: PLC0415

    reached = connection(settings)
    exactly_once = await delivers_exactly_once(settings)
    cluster = await kafka.cluster_id(reached)
    ours = member(settings, "monitor", exactly_once=exactly_once)
    source = kafka.Source(reached, ours, settings.topics.decisions, (), CLOCK.monotonic)
    async with Store(settings.redis.url.get_secret_value(), settings.redis.prefix) as store:
        for warning in await store.warnings():
            log.warning("%s", warning)

        sinks: dict[Partition, MonitorSink] = {}

        def sink_of(partition: Partition) -> MonitorSink:
            sinks[partition] = MonitorSink(store, source, cluster, partition)
            return sinks[partition]

        loop = Loop(source, sink_of, MonitorHandler(), _limits(settings), CLOCK)
        async with looking_back(sinks, loop.lose):
            await loop.run(stop)


async def delivers_exactly_once(settings: Settings) -> bool:
    """Return whether the broker's transactions are used: as set, or as the broker can."""
    wanted = settings.kafka.delivery
    if wanted != "auto":
        return wanted == "exactly-once"
    probe = f"{settings.kafka.group_prefix}.probe"
    return await kafka.has_transactions(connection(settings), probe)


def stop_on_signals(stop: asyncio.Event) -> list[signal.Signals]:
    """Set ``stop`` at SIGTERM and SIGINT, so that what is in flight is finished first.

    The list returned holds the signals that came.
    """
    came: list[signal.Signals] = []

    def on(number: signal.Signals) -> None:
        came.append(number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on, number)
    return came


@asynccontextmanager
async def _reading(settings: Settings, role: str) -> AsyncIterator[tuple[kafka.Source, SinkOf]]:
    """Yield a role's input and its lanes' ways out."""
    reached, names = connection(settings), topic_names(settings)
    topic, _ = answers(settings, role)
    exactly_once = await delivers_exactly_once(settings)
    log.info("delivery: %s", "exactly once" if exactly_once else "AT LEAST ONCE (no transactions)")
    ours = member(settings, role, exactly_once=exactly_once)
    positions = settings.topics.positions
    needed = [*names.values(), *([positions] if exactly_once else ())]
    source = kafka.Source(reached, ours, topic, needed, CLOCK.monotonic)
    async with AsyncExitStack() as stack:
        if exactly_once:
            outputs = kafka.Outputs(*answers(settings, role))
            ledger = kafka.Ledger(ours.group, positions, outputs, CLOCK.monotonic)
            yield (
                source,
                lambda p: kafka.TransactionalSink(reached, ours, source, ledger, p, names),
            )
        else:
            producer = await stack.enter_async_context(kafka.plain_producer(reached))
            yield source, lambda p: kafka.PlainSink(producer, source, p, names)


def _guarded(settings: Settings, sink_of: SinkOf) -> SinkOf:
    """Return ways out that end the role at too many dead letters, whichever lane they came by."""
    limits = settings.limits
    counted = DeadLetterShare(limits.dead_letter_share, limits.dead_letter_window)
    sentence = _too_many(limits, settings.topics.transcripts)
    return lambda partition: GuardedSink(sink_of(partition), counted, sentence)


def _too_many(limits: LimitSettings, topic: str) -> str:
    share, window = limits.dead_letter_share, limits.dead_letter_window
    return (
        f"More than {share:.0%} of the last {window:,} records became dead letters, so we stopped: "
        "look at them with `edgeroute dead-letters list`, put right what writes to "
        f"{topic}, then start this again; with limits.dead_letter_share at 1 nothing stops it."
    )


@asynccontextmanager
async def _availability(
    settings: Settings, source: kafka.Source
) -> AsyncIterator[Callable[[], bool]]:
    """Yield what says whether the cloud takes work, watched for as long as this is open."""
    given = settings.cloud
    if not given.watch:
        yield lambda: True
        return
    progress = kafka.GroupProgress(
        connection(settings),
        f"{settings.kafka.group_prefix}.cloud",
        settings.topics.escalations,
        CLOCK.now,
        committed_only=source.committed_only,
    )
    rules = AwayRules(given.absent_s, given.oldest_s, given.settle_s)
    watch = CloudWatch(progress, rules, CLOCK.monotonic)
    async with watching(watch, source.started):
        yield watch.available


def member(settings: Settings, role: str, *, exactly_once: bool) -> kafka.Member:
    """Return how a role, or a command that keeps a place of its own, is named and bounded."""
    return kafka.Member(
        group=f"{settings.kafka.group_prefix}.{role}",
        session_timeout_s=settings.kafka.session_timeout_s,
        transaction_timeout_s=settings.kafka.transaction_timeout_s,
        revoke_s=settings.limits.revoke_s,
        committed_only=exactly_once,
    )


def _writing(settings: Settings) -> Writing:
    return Writing(
        provisional=settings.edge.provisional_results,
        text_in_results=settings.edge.text_in_results,
        dead_letter_bytes=settings.limits.dead_letter_bytes,
    )


def _ceiling(settings: Settings) -> Ceiling:
    given = settings.budget
    return Ceiling(settings.prices.cloud, given.share, given.dollars_a_day)


def _limits(settings: Settings) -> Limits:
    given = settings.limits
    return Limits(
        in_flight=given.in_flight,
        batch_items=given.batch_items,
        batch_tokens=given.batch_tokens,
        batch_wait_s=given.batch_wait_ms / 1000,
        commit_wait_s=given.commit_wait_ms / 1000,
        transaction_records=given.transaction_records,
        engines=given.engines or cores(),
        stop_s=given.stop_s,
        revoke_s=given.revoke_s,
    )
