"""`edgeroute doctor`: what it says of a broker, a Redis, a bundle, and of what does not answer."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import SecretStr

from consumers import kafka
from consumers.embedded import embedded_redis, free_port
from edgeroute import roles, service
from edgeroute.commands import doctor_checks
from edgeroute.commands.doctor_checks import Finding, findings
from edgeroute.settings import Kafka, Redis, Settings, as_variables, child_environment
from tests.services.bundles import two_tiers
from tests.services.choose import Broker
from tests.services.stream import BUNDLE, Stream, settings_for

ORDER = [
    "kafka", "topics", "positions", "groups", "transactions", "redis", "clock", "bundle", "probes",
    "machine", "versions",
]  # fmt: skip


def nobody(bundle: Path = BUNDLE) -> Settings:
    """Settings with addresses where nobody listens."""
    return Settings(
        bundle=bundle,
        kafka=Kafka(bootstrap_servers=f"127.0.0.1:{free_port()}"),
        redis=Redis(url=SecretStr(f"redis://127.0.0.1:{free_port()}/0")),
    )


def found(settings: Settings) -> dict[str, Finding]:
    service.silence_libraries()
    return {one.name: one for one in findings(settings)}


def states(seen: dict[str, Finding]) -> dict[str, str]:
    return {name: one.state for name, one in seen.items()}


def doctor(settings: Settings, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-m", "edgeroute", "doctor", *words],
        cwd=folder,
        env=child_environment({"PYTHONPATH": root, **as_variables(settings)}),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert not done.stderr
    return done


@pytest.fixture
def whole(exactly_once_broker: Broker, redis_url: str, unique: str) -> Settings:
    """Settings of a stream that could start: a broker with our topics, a Redis, a bundle."""
    settings = settings_for(exactly_once_broker, redis_url, unique)
    service.create_topics(settings)
    return settings


@pytest.mark.exactly_once
def test_where_all_is_well_nothing_fails(whole: Settings) -> None:
    seen = states(found(whole))
    assert list(seen) == ORDER
    # Another processor than the one that made the bundle, or an old one, is worth a warning.
    for name in ("probes", "machine"):
        assert seen.pop(name) in {"OK", "WARN"}
    assert set(seen.values()) == {"OK"}, found(whole)


@pytest.mark.exactly_once
def test_where_all_is_well_it_ends_with_0(whole: Settings, tmp_path: Path) -> None:
    done = doctor(whole, tmp_path)
    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines()] == ORDER


@pytest.mark.exactly_once
def test_json_has_the_same_findings(whole: Settings, tmp_path: Path) -> None:
    told: dict[str, Any] = json.loads(doctor(whole, tmp_path, "--json").stdout)
    assert told["ok"] is True
    assert [one["name"] for one in told["findings"]] == ORDER


@pytest.mark.exactly_once
def test_topics_come_with_their_partitions(whole: Settings) -> None:
    assert f"{whole.topics.transcripts} {whole.topics.partitions}" in found(whole)["topics"].said


@pytest.mark.exactly_once
def test_a_missing_topic_fails_and_is_named(whole: Settings) -> None:
    topics = whole.topics.model_copy(update={"decisions": whole.topics.decisions + ".new"})
    seen = found(whole.model_copy(update={"topics": topics}))["topics"]
    assert seen.state == "FAIL"
    assert topics.decisions in seen.said
    assert "edgeroute topics create" in seen.said


@pytest.mark.kafka
def test_a_broker_without_transactions_is_a_warning_under_auto(
    embedded_broker_servers: str, unique: str
) -> None:
    kafka = Kafka(bootstrap_servers=embedded_broker_servers, group_prefix=unique)
    seen = found(nobody().model_copy(update={"kafka": kafka}))["transactions"]
    assert seen.state == "WARN"
    assert "at least once" in seen.said


@pytest.mark.kafka
def test_a_broker_without_transactions_fails_where_exactly_once_is_set(
    embedded_broker_servers: str, unique: str
) -> None:
    kafka = Kafka(
        bootstrap_servers=embedded_broker_servers, group_prefix=unique, delivery="exactly-once"
    )
    assert found(nobody().model_copy(update={"kafka": kafka}))["transactions"].state == "FAIL"


def test_a_broker_that_is_away_fails_once_and_its_checks_are_left_out(tmp_path: Path) -> None:
    done = doctor(nobody(), tmp_path)
    lines = dict(zip(ORDER, done.stdout.splitlines(), strict=True))
    assert done.returncode == 1
    assert lines["kafka"].startswith("FAIL")
    assert all(lines[name].startswith("not checked") for name in ORDER[1:5])
    assert lines["redis"].startswith("FAIL")
    assert lines["clock"].startswith("not checked")
    assert lines["bundle"].startswith("OK")


@contextmanager
def mute() -> Iterator[str]:
    """The address of somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.slow
def test_it_ends_although_nobody_ever_answers(tmp_path: Path) -> None:
    with ExitStack() as stack:
        broker, store = stack.enter_context(mute()), stack.enter_context(mute())
        settings = Settings(
            bundle=BUNDLE,
            kafka=Kafka(bootstrap_servers=broker),
            redis=Redis(url=SecretStr(f"redis://{store}/0")),
        )
        begun = time.monotonic()
        done = doctor(settings, tmp_path)
    assert time.monotonic() - begun < doctor_checks.LIMIT_S
    assert [line.split()[0] for line in done.stdout.splitlines()].count("FAIL") == 2


def test_a_check_that_hangs_is_given_up() -> None:
    def hang() -> list[Finding]:
        time.sleep(2)
        return []

    [seen] = doctor_checks._together([(("one", "two"), hang)], 0.1)
    assert [one.state for one in seen] == ["FAIL", "not checked"]


def test_a_redis_that_evicts_keys_is_a_warning() -> None:
    with embedded_redis() as url:
        client = redis.Redis.from_url(url)
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.close()
        seen = found(nobody().model_copy(update={"redis": Redis(url=SecretStr(url))}))
    assert seen["redis"].state == "WARN"
    assert "noeviction" in seen["redis"].said
    assert seen["clock"].state == "OK"


@pytest.mark.parametrize(("there", "which"), [(1_060.0, "ahead of"), (940.0, "behind")])
def test_a_clock_that_is_a_minute_off_is_a_warning(there: float, which: str) -> None:
    seen = doctor_checks._clock(there, before=1_000.0, after=1_000.1)
    assert seen.state == "WARN"
    assert "60 s " + which in seen.said


def test_a_slow_answer_is_no_clock_that_is_off() -> None:
    assert doctor_checks._clock(1_004.0, before=1_000.0, after=1_030.0).state == "OK"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A bundle that may be spoilt."""
    return Path(shutil.copytree(BUNDLE, tmp_path / "bundle"))


def test_a_damaged_bundle_fails_and_names_the_file(copied: Path) -> None:
    with (copied / "student.onnx").open("r+b") as file:
        file.seek(1_000)
        file.write(b"spoilt")
    seen = found(nobody(copied))
    assert seen["bundle"].state == "FAIL"
    assert "student.onnx" in seen["bundle"].said
    assert seen["probes"].state == "not checked"


def test_a_folder_that_is_no_bundle_fails(tmp_path: Path) -> None:
    assert found(nobody(tmp_path))["bundle"].state == "FAIL"


@pytest.mark.parametrize(
    ("network", "off", "state"),
    [("student", 0.05, "WARN"), ("student", 2.0, "FAIL"), ("teacher", 0.1, "FAIL")],
)
def test_probes_that_come_out_otherwise_are_said(
    copied: Path, network: str, off: float, state: str
) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["probes"][3]["logits"][network][0] += off
    (copied / "manifest.json").write_text(json.dumps(manifest))
    seen = found(nobody(copied))
    assert seen["bundle"].state == "OK"
    assert seen["probes"].state == state


def test_every_tier_of_the_edge_is_probed(tmp_path: Path) -> None:
    folder = two_tiers(tmp_path / "two")
    assert found(nobody(folder))["probes"].state == "OK"
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["probes"][2]["logits"]["reflex"][1] += 5.0
    (folder / "manifest.json").write_text(json.dumps(manifest))
    probes = found(nobody(folder))["probes"]
    assert probes.state == "FAIL"
    assert "reflex by 5" in probes.said


@pytest.mark.exactly_once
def test_records_that_wait_for_a_role_that_does_not_run_are_a_warning(
    whole: Settings,
) -> None:
    # Outside a transaction: the markers of one would be counted as records that wait.
    turns = [(None, b'{"role": "customer", "text": "hi"}')] * 7
    to, topic = roles.connection(whole), whole.topics.transcripts
    asyncio.run(kafka.write_all(to, topic, turns, idempotent=True))
    seen = found(whole)["groups"]
    assert seen.state == "WARN"
    assert "at most 7 behind" in seen.said
    assert "start `edgeroute run edge`." in seen.said


@pytest.mark.exactly_once
async def test_a_running_role_is_seen_in_its_group(
    exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    settings = settings_for(exactly_once_broker, redis_url, unique)
    await asyncio.to_thread(service.create_topics, settings)
    stream = Stream(settings, exactly_once=True)
    deadline = time.monotonic() + 60
    async with stream.running("edge"):
        while time.monotonic() < deadline:
            seen = (await asyncio.to_thread(found, settings))["groups"]
            if "edge 1 running" in seen.said:
                return
    pytest.fail(f"the edge was never seen: {seen.said}")
