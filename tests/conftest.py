"""The brokers and Redis servers of a run, and what the run says about them.

`broker` and `redis_url` are the ones the run chose: given by KAFKA_BOOTSTRAP_SERVERS or REDIS_URL,
else Docker, else (Kafka only) the JVM, else the embedded ones. `each_broker`, `each_real_broker`
and `each_redis_url` run a test once on every kind there is. A server starts when the first test
needs it and ends with the run.

`make test` runs them in two processes (pytest-xdist), each with servers of its own. A file's tests
stay together, and those that train go first.

With TESTS_REQUIRE_EXACTLY_ONCE set, a run in which exactly-once tests did not pass on both the
Docker and the JVM Kafka fails, whatever else passed.
"""

import os
import signal
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.services import choose
from tests.services.choose import Broker, BrokerKind, Redis, RedisKind

# Tests import the model runtime in many ways; none of them may report to its maker.
os.putenv("ORT_DISABLE_TELEMETRY", "1")
# Nor may they load TensorFlow, which transformers does where it can.
os.environ["USE_TF"] = "0"
REQUIRED: Final[tuple[BrokerKind, ...]] = ("docker", "jvm")
_SERVERS: Final = pytest.StashKey["Servers"]()
_passed: Final[Counter[str]] = Counter()
_TRAINS: Final = "training"
_SAID: Final = "servers"
_workers_said: Final[list[str]] = []
# A run in the background of a shell ignores Ctrl-C, and so would every program that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Servers:
    """The servers that this run has started, by kind."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.brokers: dict[BrokerKind, Broker] = {}
        self.redises: dict[RedisKind, Redis] = {}
        self.missing: dict[str, str] = {}
        self.chosen_broker: BrokerKind | None = None
        self.chosen_redis: RedisKind | None = None

    def broker(self, kind: BrokerKind) -> Broker:
        """Return the broker of this kind, started; skip the test where there is none."""
        if kind not in self.brokers:
            self._skip_without(f"{kind} Kafka", choose.why_no_broker(kind), kind in REQUIRED)
            self.brokers[kind] = self._stack.enter_context(choose.open_broker(kind))
        return self.brokers[kind]

    def redis(self, kind: RedisKind) -> Redis:
        """Return the Redis of this kind, started; skip the test where there is none."""
        if kind not in self.redises:
            self._skip_without(f"{kind} Redis", choose.why_no_redis(kind), kind == "docker")
            self.redises[kind] = self._stack.enter_context(choose.open_redis(kind))
        return self.redises[kind]

    def close(self) -> None:
        self._stack.close()

    def _skip_without(self, name: str, reason: str | None, required: bool) -> None:
        if reason is None:
            return
        self.missing[name] = reason
        if required and _must_run():
            pytest.fail(f"{name} is required here, but {reason}")
        pytest.skip(f"not run: {reason}")


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    servers = Servers()
    request.config.stash[_SERVERS] = servers
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def broker(servers: Servers) -> Broker:
    """The broker that this run chose."""
    servers.chosen_broker = servers.chosen_broker or choose.first_broker_kind()
    return servers.broker(servers.chosen_broker)


@pytest.fixture
def exactly_once_broker(broker: Broker, request: pytest.FixtureRequest) -> Broker:
    """The broker that this run chose, if it has transactions; else the test is not run."""
    if not broker.exactly_once:
        pytest.skip(f"not run: the {broker.kind} broker has no transactions")
    _note(request, broker)
    return broker


@pytest.fixture(params=choose.broker_kinds())
def each_broker(servers: Servers, request: pytest.FixtureRequest) -> Broker:
    """Every kind of broker there is, one after the other."""
    found = servers.broker(request.param)
    if found.exactly_once:
        _note(request, found)
    return found


@pytest.fixture(params=[kind for kind in choose.broker_kinds() if kind != "embedded"])
def each_real_broker(servers: Servers, request: pytest.FixtureRequest) -> Broker:
    """Every kind of broker that has transactions."""
    found = servers.broker(request.param)
    if not found.exactly_once:
        pytest.skip("not run: the given broker has no transactions")
    _note(request, found)
    return found


@pytest.fixture
def jvm_broker(servers: Servers, request: pytest.FixtureRequest) -> Broker:
    """A Kafka on the JVM, shared by the run: not to be killed."""
    found = servers.broker("jvm")
    _note(request, found)
    return found


@pytest.fixture
def embedded_broker_servers(servers: Servers) -> str:
    """The embedded broker's bootstrap servers."""
    return servers.broker("embedded").bootstrap_servers


@pytest.fixture(scope="session")
def redis_url(servers: Servers) -> str:
    """The URL of the Redis that this run chose. Shared by tests: prefix keys with `unique`."""
    servers.chosen_redis = servers.chosen_redis or choose.first_redis_kind()
    return servers.redis(servers.chosen_redis).url


@pytest.fixture(params=choose.redis_kinds())
def each_redis_url(servers: Servers, request: pytest.FixtureRequest) -> str:
    """The URL of every kind of Redis there is. Shared by tests: prefix keys with `unique`."""
    return servers.redis(request.param).url


@pytest.fixture
def unique() -> str:
    """A name that no other test has, for topics, groups, transactional ids and Redis keys."""
    return f"t{uuid.uuid4().hex[:12]}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(root).parts[0] != _TRAINS)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed and "exactly_once" in report.keywords:
        for name, value in report.user_properties:
            if name == "broker":
                _passed[str(value)] += 1


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if hasattr(session.config, "workeroutput"):
        servers = session.config.stash.get(_SERVERS, None)
        session.config.workeroutput[_SAID] = [] if servers is None else _said(servers)
        return  # what has passed is counted by the process that started this one
    if _must_run() and not session.config.option.collectonly and _not_run():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    servers = config.stash.get(_SERVERS, None)
    lines = _workers_said if servers is None else _said(servers)
    if not lines:
        return
    write = terminalreporter.write_line
    terminalreporter.section("servers")
    for line in dict.fromkeys(lines):
        write(line)
    for kind, passed in sorted(_passed.items()):
        write(f"exactly once: {passed} tests passed on the {kind} Kafka")
    if not _passed:
        write("exactly once: NOT RUN")
    if _must_run() and _not_run():
        names = " and ".join(_not_run())
        write(f"FAILED: exactly-once tests are required and did not pass on: {names}", red=True)


def pytest_testnodedown(node: Any) -> None:
    _workers_said.extend(getattr(node, "workeroutput", {}).get(_SAID, []))


def _said(servers: Servers) -> list[str]:
    """Return a line on each server that was wanted."""
    return [
        f"broker: {_chosen(servers.chosen_broker, list(servers.brokers))}",
        f"Redis: {_chosen(servers.chosen_redis, list(servers.redises))}",
        *(f"not there: {name}: {reason}" for name, reason in servers.missing.items()),
    ]


def _chosen(chosen: str | None, running: list[str]) -> str:
    others = ", ".join(kind for kind in running if kind != chosen)
    return (chosen or "none chosen") + (f" (contract tests also on: {others})" if others else "")


def _must_run() -> bool:
    return bool(os.environ.get("TESTS_REQUIRE_EXACTLY_ONCE"))


def _not_run() -> list[str]:
    return [kind for kind in REQUIRED if not _passed[kind]]


def _note(request: pytest.FixtureRequest, broker: Broker) -> None:
    """Remember on which broker the test ran, for the closing report."""
    request.node.user_properties.append(("broker", broker.kind))
