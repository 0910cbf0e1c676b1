"""Kafka and Redis in Docker, through testcontainers."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from docker import DockerClient

KAFKA_IMAGE: Final = "confluentinc/cp-kafka:7.9.2"
REDIS_IMAGE: Final = "redis:7.4-alpine"
_OWNER: Final = "edgeroute.tests.owner"


@cache
def why_unavailable(image: str) -> str | None:
    """Return why ``image`` cannot be run here, or None if it can; pulls it where it is missing."""
    from docker.errors import DockerException

    try:
        client = _client()
    except (DockerException, OSError):
        return "no Docker engine answers"
    try:
        return None if _have(client, image) else f"the image {image} cannot be pulled"
    finally:
        client.close()


@contextmanager
def docker_kafka() -> Iterator[str]:
    """Run one Kafka broker in KRaft mode; yield its bootstrap servers."""
    _prepare()
    from testcontainers.community.kafka import KafkaContainer

    container = (
        KafkaContainer(KAFKA_IMAGE)
        .with_kraft()
        # One broker cannot hold three replicas: a transactional start would wait for ever.
        .with_env("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
        .with_env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
        .with_env("KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS", "3")
        .with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
        .with_env("KAFKA_MESSAGE_MAX_BYTES", "8388608")
        .with_env("KAFKA_HEAP_OPTS", "-Xmx512m")
        .with_kwargs(labels=_labels())
    )
    try:
        container.start(timeout=90)
        yield container.get_bootstrap_server()
    finally:
        container.stop()


@contextmanager
def docker_redis() -> Iterator[str]:
    """Run one Redis; yield its URL."""
    _prepare()
    from testcontainers.community.redis import RedisContainer

    with RedisContainer(REDIS_IMAGE).with_kwargs(labels=_labels()) as container:
        yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"


def _client() -> "DockerClient":
    import docker

    _knock()
    client = docker.from_env(timeout=10)
    client.ping()
    return client


def _knock() -> None:
    """Raise OSError where nobody listens: the Docker client would leave its socket open there."""
    scheme, _, path = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(10)
            door.connect(path)


def _have(client: "DockerClient", image: str) -> bool:
    from docker.errors import APIError, ImageNotFound

    try:
        client.images.get(image)
    except ImageNotFound:
        try:
            client.images.pull(image)
        except (APIError, OSError):
            return False
    return True


def _prepare() -> None:
    """Turn the reaper off where its image cannot be had, and sweep what it would have."""
    from docker.errors import APIError
    from testcontainers.core.config import testcontainers_config

    client = _client()
    try:
        if not testcontainers_config.ryuk_disabled:
            testcontainers_config.ryuk_disabled = not _have(
                client, testcontainers_config.ryuk_image
            )
        for container in client.containers.list(
            all=True, ignore_removed=True, filters={"label": _OWNER}
        ):
            if not _alive(container.labels[_OWNER]):
                with suppress(APIError):  # another run sweeps too
                    container.remove(force=True, v=True)
    finally:
        client.close()


def _labels() -> dict[str, str]:
    return {_OWNER: f"{os.getpid()}.{_started(os.getpid())}"}


def _alive(owner: str) -> bool:
    """Whether a container's owner still runs; its start time tells reused process ids apart."""
    pid, _, started = owner.partition(".")
    return _started(int(pid)) == started


def _started(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        try:
            os.kill(pid, 0)
        except OSError:
            return "ended"
        return "unknown"
    return fields[19]
