"""One chaos run: start everything, let things go wrong, wait until all is drained, count."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from consumers import kafka
from consumers.totals.aggregate import LIVE, Scope, aggregate
from consumers.totals.store import Store
from schemas.codec import decode_decision
from tests.chaos.faults import Director
from tests.chaos.fleet import ROOT, fleet, fully_staffed
from tests.chaos.load import busy
from tests.chaos.messages import MARKER, messages
from tests.chaos.moments import Happened
from tests.chaos.operator import Operator
from tests.chaos.plan import BROKER_SHARE, SESSION_S, TRANSACTION_S, Role, plan
from tests.chaos.recount import TOPICS, Check, Recount
from tests.chaos.streams import Feeder, Reader, committed, open_reader, written
from tests.services.choose import first_redis_kind, open_redis
from tests.services.jvm_kafka import VERSION, JvmKafka

PARTITIONS: Final = 6
SIZES: Final[dict[Role, int]] = {"edge": 3, "cloud": 2, "monitor": 2}
_STALLED_S: Final = 60.0
_END_S: Final = 40.0
_SETTINGS: Final = {
    "EDGEROUTE_BUNDLE": str(ROOT / "models" / "starter"),
    "EDGEROUTE_KAFKA__DELIVERY": "exactly-once",
    "EDGEROUTE_KAFKA__SESSION_TIMEOUT_S": str(SESSION_S),
    "EDGEROUTE_KAFKA__TRANSACTION_TIMEOUT_S": str(TRANSACTION_S),
    # A quarter goes to the cloud whatever the model thinks.
    "EDGEROUTE_POLICY__CONFIDENCE": "0.4",
    "EDGEROUTE_POLICY__AUDIT_RATE": "0.2",
    # Many small transactions: each is a chance to go wrong.
    "EDGEROUTE_LIMITS__ENGINES": "1",
    "EDGEROUTE_LIMITS__IN_FLIGHT": "256",
    "EDGEROUTE_LIMITS__BATCH_ITEMS": "8",
    "EDGEROUTE_LIMITS__COMMIT_WAIT_MS": "20",
    "EDGEROUTE_LIMITS__TRANSACTION_RECORDS": "24",
    "EDGEROUTE_LIMITS__STOP_S": "8",
    "EDGEROUTE_LIMITS__REVOKE_S": "2",
}
_BROKER: Final = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000"}


@dataclass(frozen=True, slots=True)
class Options:
    """What to run."""

    faults: int
    seed: int
    folder: Path
    rate: float = 100.0
    wrong: str | None = None
    broker_share: float = BROKER_SHARE
    load: int = 0
    """How many busy processes run beside it."""
    kafka: str = VERSION
    say: Callable[[str], None] = print
    progress: Callable[[int], None] = lambda _: None

    @property
    def repeat(self) -> str:
        """The arguments that give the same plan under the same conditions."""
        wrong = f" --wrong {self.wrong}" if self.wrong else ""
        return (
            f"--faults {self.faults} --seed {self.seed} --broker-share {self.broker_share:g} "
            f"--load {self.load} --kafka {self.kafka}{wrong}"
        )


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    recount: Recount
    checks: list[Check]
    faults: Counter[str]
    happened: list[Happened]
    seconds: float
    gave_up: int = 0
    aborted: int = 0
    """Decisions that were written in transactions which never committed: faults that hit one."""
    misremembered: Counter[str] = field(default_factory=Counter)
    """How often the broker named no position ("none") or another than the one recorded."""
    unmarked: int = 0
    """Partitions in which the broker left a transaction open for ever; the operator ended it."""
    unequal: list[str] = field(default_factory=list)
    """Totals in Redis that a recount of the decisions does not give, by scope and name."""
    strange: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """How many inputs and escalations lack something."""
        return len({(check.of, place) for check in self.checks for place in check.lost})

    @property
    def doubled(self) -> int:
        """How many inputs and escalations have something that they should not have."""
        return len({(check.of, place) for check in self.checks for place in check.doubled})

    @property
    def ok(self) -> bool:
        """Whether nothing at all was wrong."""
        wrong = self.lost or self.doubled or self.unequal or self.strange
        return not wrong and not self.recount.disordered


def run(options: Options) -> Outcome:
    """Run it. Nothing is left running, whatever happens."""
    options.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(_quiet_clients())
        stack.enter_context(busy(options.load))
        broker, threads = stack.enter_context(_broker(options.folder, options.kafka))
        redis = stack.enter_context(open_redis(first_redis_kind())).url
        prefix = f"chaos-{options.seed}-{time.time_ns()}"
        environment = _SETTINGS | {
            "EDGEROUTE_KAFKA__BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "EDGEROUTE_REDIS__URL": redis,
            "EDGEROUTE_REDIS__PREFIX": prefix,
        }
        programs: dict[Role, tuple[str, ...]] = {}
        if options.wrong:
            programs["edge"] = ("-m", "tests.chaos.sabotage", options.wrong)
        ours = stack.enter_context(fleet(options.folder, environment, dict(programs)))
        # Records carry the time of day, so the moments of the faults are taken from it as well.
        started = time.time()

        def clock() -> float:
            return time.time() - started

        director = Director(ours, broker, threads, options.say, options.progress, clock)
        return asyncio.run(_run(options, director, Store(redis, prefix), started))


@contextmanager
def _quiet_clients() -> Iterator[None]:
    """Our own clients would say again and again that the broker is away, which is known here."""
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _broker(folder: Path, version: str) -> Iterator[tuple[JvmKafka, ThreadPoolExecutor]]:
    """A broker that is started from one thread that outlives it: it would end with that thread."""
    threads = ThreadPoolExecutor(1, thread_name_prefix="broker")
    broker = JvmKafka(folder / "broker", _BROKER, version)
    try:
        threads.submit(broker.start).result()
        yield broker, threads
    finally:
        threads.submit(broker.kill).result()
        threads.shutdown()


async def _run(options: Options, director: Director, store: Store, began: float) -> Outcome:
    ours, servers = director.fleet, director.broker.bootstrap_servers
    reached = kafka.Connection(servers)
    await kafka.create_topics(reached, dict.fromkeys(TOPICS, PARTITIONS), 1, "positions")
    cluster = await kafka.cluster_id(reached)
    fully_staffed(ours, SIZES, options.say)
    stop = asyncio.Event()
    feeder = Feeder(servers, options.rate, messages(options.seed))
    feeding = asyncio.create_task(feeder.run(stop))
    operator = Operator(reached, options.say)
    watching = asyncio.create_task(operator.watch())
    started = time.monotonic()
    try:
        await director.conduct(plan(options.faults, options.seed, options.broker_share))
    finally:
        stop.set()
        await feeding
    options.say(f"all faults are over; {feeder.written} inputs written; waiting for the rest")
    async with store:
        reader = await open_reader(servers, PARTITIONS, began)
        try:
            await _drain(reader, director, store, cluster)
            await asyncio.to_thread(ours.end_all, _END_S)
            await reader.read_on()
        finally:
            watching.cancel()
            await reader.consumer.stop()
        seconds = time.monotonic() - started
        ours.check_logs(MARKER)
        recount = reader.recount
        return Outcome(
            recount=recount,
            checks=recount.checks(),
            faults=director.done,
            happened=director.happened,
            seconds=seconds,
            gave_up=ours.gave_up,
            aborted=await written(servers, "decisions", PARTITIONS) - len(recount.decisions),
            misremembered=ours.misremembered(),
            unmarked=operator.ended,
            unequal=await _unequal(store, recount),
            strange=ours.strange,
        )


async def _drain(reader: Reader, director: Director, store: Store, cluster: str) -> None:
    """Wait until every record has been passed by its reader; note it where nothing moves."""
    last, since = -1, time.monotonic()
    while True:
        director.supervise()
        await reader.read_on()
        known = dict(reader.recount.ends)
        passed, waiting = await _passed(reader.recount, director, store, cluster)
        # What was passed may have written more in the meantime, for somebody else to read.
        await reader.read_on()
        if not waiting and reader.recount.ends == known:
            return
        if passed != last:
            last, since = passed, time.monotonic()
        if time.monotonic() - since > _STALLED_S:
            director.fleet.strange.append(f"nothing moved for {_STALLED_S:.0f} s: {waiting}")
            return
        await asyncio.sleep(1.0)


async def _passed(
    recount: Recount, director: Director, store: Store, cluster: str
) -> tuple[int, str]:
    """Return the sum of all readers' positions, and where there are records that wait."""
    servers, numbers = director.broker.bootstrap_servers, range(PARTITIONS)
    edge = await committed(servers, "edgeroute.edge", "transcripts", numbers)
    cloud = await committed(servers, "edgeroute.cloud", "escalations", numbers)
    monitor = {n: await store.position(cluster, "decisions", n) or 0 for n in numbers}
    total, waiting = 0, []
    for (topic, number), end in recount.ends.items():
        places = {"transcripts": edge, "escalations": cloud, "decisions": monitor}.get(topic)
        if places is not None:
            total += places[number]
            if places[number] < end:
                waiting.append(f"{topic}[{number}] {places[number]} of {end}")
    return total, ", ".join(sorted(waiting))


async def _unequal(store: Store, recount: Recount) -> list[str]:
    expected = aggregate(decode_decision(value) for value in recount.decisions)
    scopes: list[Scope] = [LIVE, *await store.runs()]
    found = {scope: await store.totals(scope) for scope in scopes}
    wrong = [f"runs: {len(found)} in Redis, {len(expected)} counted"] * (
        found.keys() != expected.keys()
    )
    for scope in expected.keys() & found.keys():
        ours, theirs = expected[scope], found[scope]
        for name in sorted(ours.counts.keys() | theirs.counts.keys()):
            if ours.count(name) != theirs.count(name):
                wrong.append(
                    f"{scope or 'live'}: {name}: {theirs.count(name)} in Redis, "
                    f"{ours.count(name)} counted"
                )
        if ours != theirs and not wrong:
            wrong.append(f"{scope or 'live'}: labels or moments differ")
    return wrong
