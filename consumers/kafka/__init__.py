"""Kafka, and the only package that knows aiokafka.

Exactly-once here is one transactional producer per input partition, opened (which fences the
previous owner) before the committed offset is read. aiokafka sends TxnOffsetCommit without the
group's generation, so a broker cannot fence a zombie by it: the producer's epoch has to.
"""

from consumers.kafka.cluster import (
    admin,
    cluster_id,
    create_topics,
    has_transactions,
    plain_producer,
    write_all,
)
from consumers.kafka.connection import Connection, Member, lane_errors, quietly, said
from consumers.kafka.health import Group, groups, partitions, release
from consumers.kafka.sinks import Mover, PlainSink, TransactionalSink, enqueue
from consumers.kafka.source import Source
from consumers.kafka.span import Span, partitions_of, reading

__all__ = [
    "Connection",
    "Group",
    "Member",
    "Mover",
    "PlainSink",
    "Source",
    "Span",
    "TransactionalSink",
    "admin",
    "cluster_id",
    "create_topics",
    "enqueue",
    "groups",
    "has_transactions",
    "lane_errors",
    "partitions",
    "partitions_of",
    "plain_producer",
    "quietly",
    "reading",
    "release",
    "said",
    "write_all",
]
