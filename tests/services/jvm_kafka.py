"""A real Apache Kafka without Docker: one KRaft node as a child process."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from consumers.embedded import HOST, end_with_parent, free_port

VERSION: Final = "4.1.0"
"""The Apache Kafka that tests run where no other is asked for."""
_CLUSTER_ID: Final = "ZWRnZXJvdXRlLXRlc3RzLQ"
_POM: Final = Path(__file__).with_name("kafka-pom.xml")
_JAVA_OPTIONS: Final = ["-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


class JvmKafkaError(Exception):
    """Kafka's jars or Java cannot be had, or the broker did not start."""


def jars_folder(version: str = VERSION) -> Path:
    """Return where the jars are kept between runs; TESTS_KAFKA_JARS overrides it for `VERSION`."""
    given = os.environ.get("TESTS_KAFKA_JARS")
    if given and version == VERSION:
        return Path(given)
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "edgeroute" / f"kafka-{version}"


def why_unavailable(version: str = VERSION) -> str | None:
    """Return why no JVM Kafka of this version can be had here, or None if it can."""
    java = shutil.which("java")
    if java is None:
        return "java is not installed"
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < 17:
        return "java is older than 17"
    if not _complete(jars_folder(version)) and shutil.which("mvn") is None:
        return f"the jars of Kafka {version} are not there and Maven is not installed"
    return None


def fetch_jars(version: str = VERSION, within: float = 300.0) -> Path:
    """Return the folder of Kafka's jars, fetching them with Maven the first time."""
    folder = jars_folder(version)
    if _complete(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as work:
        shutil.copy(_POM, Path(work) / "pom.xml")
        command = ["mvn", "-B", "-q", f"-Dkafka.version={version}", "dependency:copy-dependencies"]
        done = subprocess.run(
            command, cwd=work, capture_output=True, text=True, timeout=within, check=False
        )
        if done.returncode:
            said = done.stdout.strip().partition("\n")[0][:500]
            raise JvmKafkaError(f"Maven could not fetch Kafka {version}: {said}")
        (Path(work) / "libs" / ".complete").touch()
        shutil.rmtree(folder, ignore_errors=True)
        # Another run may have put its own there in the meantime, which serves as well.
        try:
            (Path(work) / "libs").rename(folder)
        except OSError:
            if not _complete(folder):
                raise
    return folder


def _complete(folder: Path) -> bool:
    return (folder / ".complete").exists()


class JvmKafka:
    """One broker on one data directory and one port, which outlive `kill` and `start`.

    ``settings`` go into its server.properties over the defaults of `_properties`. The log of all
    its lives is `log`. Leaving the context (or `close`) ends it and removes the data.
    """

    def __init__(
        self,
        folder: Path | None = None,
        settings: Mapping[str, str] | None = None,
        version: str = VERSION,
    ) -> None:
        self._version = version
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="edgeroute-kafka-")
            folder = Path(self._temporary.name)
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "broker.log"
        self._folder = folder
        self._port = free_port()
        self._config = folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        self._config.write_text(self._properties(settings or {}))

    @property
    def bootstrap_servers(self) -> str:
        """The address clients connect to; the same in every life."""
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The broker's process id, or None while it is down."""
        return self._process.pid if self._process else None

    def start(self, within: float = 60.0) -> None:
        """Start it, again on the data it has, and return when it answers."""
        if self._process is not None:
            raise JvmKafkaError("the broker is already running")
        if not (self._folder / "data" / "meta.properties").exists():
            self._format(within)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java(), "kafka.Kafka", str(self._config)],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - one system call, loaded beforehand
            )
        self._wait_until_it_answers(within)

    def kill(self) -> None:
        """End it with SIGKILL: nothing is flushed, nobody is told."""
        self._end(signal.SIGKILL, 10)

    def stop(self, within: float = 30.0) -> None:
        """End it with SIGTERM, and with SIGKILL if it takes too long."""
        self._end(signal.SIGTERM, within)

    def restart(self, within: float = 60.0) -> None:
        """Kill it and start it again on the same data and port."""
        self.kill()
        self.start(within)

    def close(self) -> None:
        """Kill it and remove its data."""
        self.kill()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _end(self, how: signal.Signals, within: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _format(self, within: float) -> None:
        command = [*self._java(), "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID]
        done = subprocess.run(
            [*command, "-c", str(self._config)],
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        if done.returncode:
            raise JvmKafkaError(f"the storage could not be formatted: {done.stderr[-500:]}")

    def _java(self) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={Path(__file__).with_name('kafka-log4j2.xml')}"
        return ["java", *_JAVA_OPTIONS, logging, "-cp", f"{fetch_jars(self._version)}/*"]

    def _wait_until_it_answers(self, within: float) -> None:
        deadline = time.monotonic() + within
        while not _answers(self._port):
            process = self._process
            if process is None or process.poll() is not None:
                self._process = None
                raise JvmKafkaError(f"the broker ended while starting: {self._last_words()}")
            if time.monotonic() > deadline:
                raise JvmKafkaError(f"no broker within {within:g} s: {self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-500:]

    def _properties(self, settings: Mapping[str, str]) -> str:
        controller = free_port()
        values = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{HOST}:{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{HOST}:{self._port},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self._port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self._folder / "data"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "3",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "3",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            # Until its old session ends, a broker that was killed cannot register again.
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "500",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            # A topic that nobody created is a mistake in a test, not a topic with one partition.
            "auto.create.topics.enable": "false",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "log.cleaner.dedupe.buffer.size": "4194304",
            "message.max.bytes": "8388608",
        }
        return "".join(f"{key}={value}\n" for key, value in {**values, **settings}.items())


def _answers(port: int) -> bool:
    """Whether the broker answers an ApiVersions request (version 0), not only the connection."""
    body = b"\x00\x12\x00\x00\x00\x00\x00\x01\x00\x00"
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(len(body).to_bytes(4, "big") + body)
            return len(connection.recv(4)) == 4
    except OSError:
        return False
