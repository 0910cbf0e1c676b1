"""Kafka, and the only package that knows aiokafka.

Exactly-once here is one transactional producer per input partition, opened (which fences the
previous owner) before its position is read. The position is recorded on a topic of ours in the
transaction of what was answered, since a broker may forget a group's committed offsets. aiokafka
sends TxnOffsetCommit without the group's generation, so a broker cannot fence a zombie by it: the
producer's epoch has to.
"""

from consumers.kafka.bulk import ExactWriter, Kept, Writer, exact_writer, plain_writer
from consumers.kafka.cluster import (
    admin,
    cluster_id,
    create_topics,
    has_transactions,
    plain_producer,
    write_all,
)
from consumers.kafka.connection import Connection, Member, fatal_for, lane_errors, quietly
from consumers.kafka.health import Group, groups, partitions, release
from consumers.kafka.history import History, history
from consumers.kafka.ledger import Ledger, Patience
from consumers.kafka.outputs import Outputs
from consumers.kafka.positions import PARTITIONS as POSITION_PARTITIONS
from consumers.kafka.positions import too_few
from consumers.kafka.progress import GroupProgress
from consumers.kafka.sinks import Mover, PlainSink, TransactionalSink, enqueue
from consumers.kafka.source import Source
from consumers.kafka.span import Span, partitions_of, reading
from consumers.kafka.standing import cleanup_policy, overview, set_positions
from consumers.kafka.transactions import Hanging, finish_transaction, hanging_transactions
from consumers.kafka.watching import follow, write_at

__all__ = [
    "POSITION_PARTITIONS",
    "Connection",
    "ExactWriter",
    "Group",
    "GroupProgress",
    "Hanging",
    "History",
    "Kept",
    "Ledger",
    "Member",
    "Mover",
    "Outputs",
    "Patience",
    "PlainSink",
    "Source",
    "Span",
    "TransactionalSink",
    "Writer",
    "admin",
    "cleanup_policy",
    "cluster_id",
    "create_topics",
    "enqueue",
    "exact_writer",
    "fatal_for",
    "finish_transaction",
    "follow",
    "groups",
    "hanging_transactions",
    "has_transactions",
    "history",
    "lane_errors",
    "overview",
    "partitions",
    "partitions_of",
    "plain_producer",
    "plain_writer",
    "quietly",
    "reading",
    "release",
    "set_positions",
    "too_few",
    "write_all",
    "write_at",
]
