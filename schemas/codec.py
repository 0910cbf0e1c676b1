"""Bytes to records and back. The only place that knows the wire is JSON."""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import pydantic_core
from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.dead_letter import Cause, DeadLetter, Redriven
from schemas.decision import Answered, Decision, Routed
from schemas.escalation import Escalation
from schemas.position import Moved, Position
from schemas.record import Record
from schemas.result import Result
from schemas.transcript import Transcript

RECORDS: Final[dict[str, type[Record]]] = {
    "transcript": Transcript,
    "escalation": Escalation,
    "result": Result,
    "routed": Routed,
    "answered": Answered,
    "dead-letter": DeadLetter,
    "position": Position,
    "moved": Moved,
}
"""Every record type that crosses a topic, by the name the command line uses."""

Headers = tuple[tuple[str, bytes], ...]
R = TypeVar("R", bound=Record)

_REDRIVEN: Final = "redrive_"
"""What the names of a redriven record's headers begin with."""
_MOVED: Final = "moved"
_KINDS: Final = (("routed",), ("answered",))
_DECISION: Final[TypeAdapter[Routed | Answered]] = TypeAdapter(Decision)


class Undecodable(Exception):
    """A value that is no valid record. Its message names fields and rules, never content."""

    def __init__(self, cause: Cause, error: str) -> None:
        super().__init__(error)
        self.cause: Cause = cause
        self.error = error


def encode(record: Record) -> bytes:
    """Return the record as JSON bytes; fields that are None are left out."""
    return record.__pydantic_serializer__.to_json(record, exclude_none=True)


def encode_open(record: Record, later: frozenset[str]) -> bytes:
    """Return the record as JSON bytes without the fields that are filled in later, and still open.

    `closed` adds those; between the two stands whatever is not known yet.
    """
    whole = record.__pydantic_serializer__.to_json(record, exclude_none=True, exclude=set(later))
    return whole[:-1]


def closed(opened: bytes, later: Mapping[str, object]) -> bytes:
    """Return what `encode_open` left open as a whole record with these fields."""
    return opened + b"," + pydantic_core.to_json(later)[1:]


def decode(kind: type[R], value: bytes | None) -> R:
    """Return the record in ``value``, or raise `Undecodable`."""
    if not value:
        raise Undecodable("empty", "the record has no value")
    try:
        return kind.model_validate_json(value)
    except ValidationError as error:
        refused = _undecodable(error)
    # Not raised above: some loggers print the context of an exception, and that quotes the input.
    raise refused


def decode_decision(value: bytes | None) -> Routed | Answered:
    """Return the decision record in ``value``, or raise `Undecodable`."""
    if not value:
        raise Undecodable("empty", "the record has no value")
    try:
        return _DECISION.validate_json(value)
    except ValidationError as error:
        refused = _undecodable(error)
    raise refused


def position_key(group: str, topic: str, partition: int) -> bytes:
    """Return the key of a position: what `Position` is the newest record of."""
    return json.dumps([group, topic, partition]).encode()


def moved_key(moved: Moved) -> bytes:
    """Return the key of a move: no other has it, so that compaction keeps every move."""
    at = moved.moved_at.isoformat()
    return json.dumps([_MOVED, moved.group, moved.topic, moved.partition, at]).encode()


def decode_moved(key: bytes, value: bytes | None) -> Moved | None:
    """Return the move that a record on the topic of positions is, or None where it is no move."""
    if not key.startswith(f'["{_MOVED}", '.encode()):
        return None
    try:
        return decode(Moved, value)
    except Undecodable:
        return None


def dead_letter_headers(letter: DeadLetter) -> Headers:
    """Return the letter as one header a field, each a JSON scalar or object."""
    return _as_headers(letter, "")


def scalar_header(name: str, value: object) -> tuple[str, bytes]:
    """Return one field as the header that `dead_letter_headers` makes of it."""
    return name, pydantic_core.to_json(value)


def decode_dead_letter(headers: Headers) -> DeadLetter:
    """Return the letter that `dead_letter_headers` wrote, or raise `Undecodable`."""
    try:
        return _of_headers(DeadLetter, headers, "")
    except (ValueError, TypeError):
        # A header of somebody else's may have no value, which is a TypeError.
        raise Undecodable("invalid", "the headers do not describe a dead letter") from None


def redriven_headers(redriven: Redriven) -> Headers:
    """Return what a redriven record carries besides its own bytes."""
    return _as_headers(redriven, _REDRIVEN)


def decode_redriven(headers: Headers) -> Redriven | None:
    """Return what `redriven_headers` wrote among an input's headers, or None where it is not there.

    An input's headers are anybody's, so what does not read as ours is no fault of the record.
    """
    ours = tuple(header for header in headers if header[0].startswith(_REDRIVEN))
    try:
        return _of_headers(Redriven, ours, _REDRIVEN) if ours else None
    except (ValueError, TypeError):
        return None


def _as_headers(record: Record, prefix: str) -> Headers:
    fields = record.model_dump(mode="json", exclude_none=True)
    return tuple((prefix + name, pydantic_core.to_json(value)) for name, value in fields.items())


def _of_headers(kind: type[R], headers: Headers, prefix: str) -> R:
    fields: dict[str, Any] = {
        name.removeprefix(prefix): pydantic_core.from_json(value) for name, value in headers
    }
    return kind.model_validate_json(pydantic_core.to_json(fields))


def json_schema(kind: type[BaseModel]) -> dict[str, object]:
    """Return the JSON Schema of a record type."""
    return kind.model_json_schema()


def _undecodable(error: ValidationError) -> Undecodable:
    """Say what is wrong by field and rule. The input, and messages that may quote it, stay out."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return Undecodable("not_json", "the value is not JSON in UTF-8")
    # Where there are several kinds of record, the path to the field begins with the kind.
    path = first["loc"][1:] if first["loc"][:1] in _KINDS else first["loc"]
    # A path below the top level can hold keys that a customer wrote (metadata), so only known
    # top-level names are repeated.
    top = path[0] if path else None
    known = {name for kind in RECORDS.values() for name in kind.model_fields}
    field = f"field {top!r}" if top in known else "the record"
    cause: Cause = "wrong_version" if top == "version" else "invalid"
    return Undecodable(cause, f"{field} breaks the rule {first['type']}")
