"""What `edgeroute doctor` looks at. Every check ends within a limit, whatever does not answer."""

import asyncio
import platform
import queue
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Literal

from consumers import kafka, standing
from consumers.errors import Fatal, Moving
from consumers.totals.store import Store
from edgeroute import roles
from edgeroute.settings import Settings, cores
from router.bundle import Bundle, BundleError, load_bundle
from router.engine import EngineError, Network
from schemas.bundle import Probe
from training.hardware import cpu_flags

State = Literal["OK", "WARN", "FAIL", "not checked"]

STEP_S: Final = 8.0
"""For a question to a broker or a store that is there."""
POSITIONS_S: Final = 15.0
"""Where the broker forgot, or a partition is new, the outputs are read back too."""
TRANSACTIONS_S: Final = 15.0
"""A broker without them is asked several times."""
LIMIT_S: Final = 60.0
"""For everything: past it a check is given up, however it hangs."""
SKEW_S: Final = 5.0
EDGE_OTHER: Final = 0.3
"""As far as 8-bit arithmetic of another kind of processor moves a logit; more is another model."""
CLOUD_OTHER: Final = 1e-3
OLDEST_REDIS: Final = 7
HANGING_S: Final = 60.0
"""An open transaction that was written to lately may be at work."""
_KAFKA_CHECKS: Final = ("kafka", "topics", "positions", "groups", "transactions")
_WRONG: Final[frozenset[standing.State]] = standing.NEEDS_A_PERSON | {"the broker forgot"}
_LOOKS: Final = 4
_LOOK_AGAIN_S: Final = 0.25
_EIGHT_BIT: Final = ("amx_int8", "avx512_vnni", "avx_vnni")
_LIBRARIES: Final = ("aiokafka", "redis", "onnxruntime", "tokenizers", "numpy", "pydantic")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: a sentence, and where something is wrong what to do about it."""

    name: str
    state: State
    said: str


Check = tuple[tuple[str, ...], Callable[[], Sequence[Finding]]]


def findings(settings: Settings, limit_s: float = LIMIT_S) -> list[Finding]:
    """Return what every check found, in a fixed order; none takes longer than the limit."""
    checks: tuple[Check, ...] = (
        (_KAFKA_CHECKS, lambda: asyncio.run(_kafka(settings))),
        (("redis", "clock"), lambda: asyncio.run(_redis(settings))),
        (("bundle", "probes"), lambda: _bundle(settings)),
        (("machine", "versions"), lambda: [_machine(), _versions()]),
    )
    return [found for results in _together(checks, limit_s) for found in results]


def _together(checks: Sequence[Check], limit_s: float) -> list[Sequence[Finding]]:
    """Run the checks side by side, in threads that nobody waits for when they hang."""
    answers: list[queue.SimpleQueue[Sequence[Finding] | Exception]] = []
    for _, work in checks:
        answer: queue.SimpleQueue[Sequence[Finding] | Exception] = queue.SimpleQueue()
        threading.Thread(target=_answered, args=(work, answer), daemon=True).start()
        answers.append(answer)
    deadline = time.monotonic() + limit_s
    return [
        _in_time(names, answer, deadline, limit_s)
        for (names, _), answer in zip(checks, answers, strict=True)
    ]


def _answered(
    work: Callable[[], Sequence[Finding]],
    answer: "queue.SimpleQueue[Sequence[Finding] | Exception]",
) -> None:
    try:
        answer.put(work())
    except Exception as error:  # noqa: BLE001 - raised again by whoever waits
        answer.put(error)


def _in_time(
    names: tuple[str, ...],
    answer: "queue.SimpleQueue[Sequence[Finding] | Exception]",
    deadline: float,
    limit_s: float,
) -> Sequence[Finding]:
    first, *others = names
    try:
        found = answer.get(timeout=max(deadline - time.monotonic(), 0.01))
    except queue.Empty:
        slow = Finding(first, "FAIL", f"no answer within {limit_s:.0f} s: is this machine busy?")
        return [slow, *_not_checked(others, first)]
    if isinstance(found, Exception):
        raise found
    return found


def _not_checked(names: Sequence[str], needs: str) -> list[Finding]:
    return [Finding(name, "not checked", f"needs {needs}") for name in names]


async def _step(name: str, work: Awaitable[Finding], limit_s: float = STEP_S) -> Finding:
    try:
        async with asyncio.timeout(limit_s):
            return await work
    except Moving as error:
        return Finding(name, "FAIL", str(error))
    except TimeoutError:
        said = (
            f"no answer within {limit_s:.0f} s: check the address in the settings, the firewall, "
            "and the addresses that the broker advertises."
        )
        return Finding(name, "FAIL", said)


async def _kafka(settings: Settings) -> list[Finding]:
    reached = roles.connection(settings)
    broker = await _step("kafka", _broker(reached))
    if broker.state == "FAIL":
        return [broker, *_not_checked(_KAFKA_CHECKS[1:], "a broker that answers")]
    # First, since which topics are needed depends on it.
    transactions = await _step("transactions", _transactions(settings), TRANSACTIONS_S)
    topics = await _step("topics", _topics(settings, reached, transactions))
    return [
        broker,
        topics,
        await _recorded(settings, transactions, topics),
        await _step("groups", _groups(settings, reached)),
        transactions,
    ]


async def _broker(reached: kafka.Connection) -> Finding:
    brokers, release = await kafka.release(reached)
    many = "1 broker" if brokers == 1 else f"{brokers} brokers"
    at = f"{many} at {reached.bootstrap_servers}"
    if not release:
        return Finding("kafka", "WARN", f"{at}, older than Kafka 2.7: the tests run on 3.9 and 4.1")
    return Finding("kafka", "OK", f"{at}, of Kafka {release} or newer")


async def _hanging(settings: Settings) -> int:
    before_ms = int((time.time() - HANGING_S) * 1000)
    topics = roles.written_topics(settings)
    try:
        return len(await kafka.hanging_transactions(roles.connection(settings), topics, before_ms))
    except Fatal:  # a broker, or rights, with which that cannot be asked
        return 0


def _is_exact(settings: Settings, transactions: Finding) -> bool:
    """Whether delivery is exactly once; what is set holds also where the broker has no say."""
    wanted = settings.kafka.delivery
    return wanted == "exactly-once" or (wanted == "auto" and transactions.state == "OK")


async def _topics(settings: Settings, reached: kafka.Connection, transactions: Finding) -> Finding:
    ours = [settings.topics.transcripts, *roles.topic_names(settings).values()]
    if _is_exact(settings, transactions):
        ours.append(settings.topics.positions)
    # A broker learns of a topic that was created just now a moment later.
    for _ in range(_LOOKS):
        found = await kafka.partitions(reached)
        missing = [name for name in ours if name not in found]
        if not missing:
            break
        await asyncio.sleep(_LOOK_AGAIN_S)
    if missing:
        names = ", ".join(missing)
        return Finding("topics", "FAIL", f"missing: {names}; run `edgeroute topics create`.")
    return Finding(
        "topics", "OK", "partitions: " + ", ".join(f"{name} {found[name]}" for name in ours)
    )


async def _recorded(settings: Settings, transactions: Finding, topics: Finding) -> Finding:
    if not _is_exact(settings, transactions):
        return Finding("positions", "OK", "not recorded: delivery is at least once")
    if topics.state == "FAIL":
        return _not_checked(["positions"], "the topics")[0]
    return await _step("positions", _positions(settings), POSITIONS_S)


async def _positions(settings: Settings) -> Finding:
    reached, topic = roles.connection(settings), settings.topics.positions
    if (count := len(await kafka.partitions_of(reached, topic))) < kafka.POSITION_PARTITIONS:
        return Finding("positions", "FAIL", kafka.too_few(topic, count))
    readers = [roles.reader(settings, role) for role in ("edge", "cloud")]
    lanes, _ = await kafka.overview(reached, topic, readers, eager=False)
    policy = await kafka.cleanup_policy(reached, topic)
    if policy not in {"compact", ""}:
        said = f"{topic} has the cleanup.policy {policy}, which loses positions: set it to compact."
        return Finding("positions", "WARN", said)
    if hanging := await _hanging(settings):
        said = (
            f"transactions that hang: {hanging}, and readers wait; `edgeroute transactions show`."
        )
        return Finding("positions", "WARN", said)
    wrong = Counter(lane.state for lane in lanes if lane.state in _WRONG)
    if wrong:
        many = ", ".join(f"{state} {count}" for state, count in wrong.items())
        said = f"{many} of {len(lanes)} partitions: look at `edgeroute positions show`."
        return Finding("positions", "WARN", said)
    of = Counter(lane.reader.role for lane in lanes if lane.known.recorded is not None)
    said = ", ".join(f"{reader.role} {of[reader.role]}" for reader in readers)
    return Finding("positions", "OK", f"recorded for {said} partitions")


async def _groups(settings: Settings, reached: kafka.Connection) -> Finding:
    names = settings.topics
    reads = {"edge": names.transcripts, "cloud": names.escalations, "monitor": names.decisions}
    prefix = settings.kafka.group_prefix
    wanted = {f"{prefix}.{role}": topic for role, topic in reads.items()}
    seen = await kafka.groups(reached, wanted, await kafka.partitions(reached))
    said = ", ".join(f"{role} {_group(seen[f'{prefix}.{role}'])}" for role in reads)
    waiting = [role for role in reads if _is_left_alone(seen[f"{prefix}.{role}"])]
    if waiting:
        start = " and ".join(f"`edgeroute run {role}`" for role in waiting)
        return Finding("groups", "WARN", f"{said}; records wait: start {start}.")
    return Finding("groups", "OK", said)


def _group(group: kafka.Group) -> str:
    running = f"{group.members} running" if group.members else "not running"
    return f"{running} ({f'at most {group.behind:,}' if group.behind else 'nothing'} behind)"


def _is_left_alone(group: kafka.Group) -> bool:
    return group.members == 0 and group.behind > 0


async def _transactions(settings: Settings) -> Finding:
    if settings.kafka.delivery == "at-least-once":
        return Finding("transactions", "OK", "not wanted: kafka.delivery is at-least-once")
    probe = f"{settings.kafka.group_prefix}.probe"
    if await kafka.has_transactions(roles.connection(settings), probe):
        return Finding("transactions", "OK", "the broker gives them: delivery is exactly once")
    if settings.kafka.delivery == "auto":
        said = "the broker has none: delivery is at least once; use a Kafka for exactly once."
        return Finding("transactions", "WARN", said)
    said = "the broker has none: use a Kafka, or set kafka.delivery to auto."
    return Finding("transactions", "FAIL", said)


async def _redis(settings: Settings) -> list[Finding]:
    clock = _not_checked(["clock"], "a Redis that answers")[0]

    async def asked() -> Finding:
        nonlocal clock
        url = settings.redis.url.get_secret_value()
        async with Store(url, settings.redis.prefix) as store:
            before = time.time()
            release, there = await store.server()
            clock = _clock(there, before, time.time())
            return _store(store.address, release, await store.warnings())

    return [await _step("redis", asked(), LIMIT_S / 2), clock]


def _store(address: str, release: str, warnings: Sequence[str]) -> Finding:
    major = release.partition(".")[0]
    if major.isdecimal() and int(major) < OLDEST_REDIS:
        said = f"version {release} at {address} is too old: use {OLDEST_REDIS} or newer."
        return Finding("redis", "FAIL", said)
    if warnings:
        return Finding("redis", "WARN", " ".join(warnings))
    return Finding("redis", "OK", f"version {release or 'unknown'} at {address}, keeps all keys")


def _clock(there: float, before: float, after: float) -> Finding:
    """The other clock was read at some time between the two readings of ours."""
    off = max(there - after, before - there, 0.0)
    if off > SKEW_S:
        which = "ahead of" if there > after else "behind"
        said = f"Redis's clock is {off:,.0f} s {which} ours: set both by NTP, or times are wrong."
        return Finding("clock", "WARN", said)
    return Finding("clock", "OK", "the same as Redis's within a second or so")


def _bundle(settings: Settings) -> list[Finding]:
    try:
        bundle = load_bundle(settings.bundle)
        bundle.check()
        networks = (*bundle.edge(threads=1), bundle.cloud(threads=1))
        whole = f"{bundle.manifest.bundle_version} in {settings.bundle}, complete and unaltered"
        return [Finding("bundle", "OK", whole), _probes(bundle, networks)]
    except (BundleError, EngineError) as error:
        broken = Finding("bundle", "FAIL", str(error))
        return [broken, *_not_checked(["probes"], "a bundle that loads")]


def _probes(bundle: Bundle, networks: Sequence[Network]) -> Finding:
    """Compare what the networks say here with what they said where the bundle was made."""
    probes = bundle.manifest.probes
    if not probes:
        return Finding("probes", "WARN", "the bundle has none; train it anew to get some.")
    models = bundle.manifest.models
    off = {
        model.tier: max(_difference(network, probe, model.tier) for probe in probes)
        for model, network in zip(models.all(), networks, strict=True)
    }
    cloud, largest = models.cloud.tier, max(off.values())
    if any(by > (CLOUD_OTHER if tier == cloud else EDGE_OTHER) for tier, by in off.items()):
        tiers = ", ".join(f"{tier} by {by:.2g}" for tier, by in off.items() if by)
        said = (
            f"this machine computes other answers (off: {tiers}): get a fresh copy, or train on "
            "such a machine."
        )
        return Finding("probes", "FAIL", said)
    if any(by > (CLOUD_OTHER / 10 if tier == cloud else 0) for tier, by in off.items()):
        said = (
            f"answers are off by up to {largest:.2g}: another kind of processor; "
            "near the threshold it decides otherwise than the machine that made the bundle."
        )
        return Finding("probes", "WARN", said)
    return Finding("probes", "OK", f"{len(probes)} of {len(probes)} as where the bundle was made")


def _difference(network: Network, probe: Probe, tier: str) -> float:
    computed: list[float] = network.logits([probe.tokens])[0].tolist()
    return max(abs(here - there) for here, there in zip(computed, probe.logits[tier], strict=True))


def _machine() -> Finding:
    many = "1 core" if cores() == 1 else f"{cores()} cores"
    flags = cpu_flags()
    if not flags:
        return Finding("machine", "OK", f"{many}, {platform.machine()}")
    if found := [name for name in _EIGHT_BIT if name in flags]:
        return Finding("machine", "OK", f"{many}, {platform.machine()} with {', '.join(found)}")
    best = "AVX2" if "avx2" in flags else "not even AVX2"
    said = f"{many}, {best} but no 8-bit instructions (VNNI): slower, and see the line on probes."
    return Finding("machine", "WARN", said)


def _versions() -> Finding:
    names = ", ".join(f"{name} {_version(name)}" for name in ("edgeroute", *_LIBRARIES))
    return Finding("versions", "OK", f"Python {platform.python_version()}, {names}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"
