"""Bytes to records and back: everything round-trips, and nothing but Undecodable comes out."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import (
    RECORDS,
    Undecodable,
    dead_letter_headers,
    decode,
    decode_dead_letter,
    decode_decision,
    decode_redriven,
    encode,
    json_schema,
    redriven_headers,
)
from schemas.dead_letter import DeadLetter, Redriven
from schemas.decision import Answered, Routed
from schemas.record import Record, Source
from schemas.transcript import Transcript
from tests.schemas import strategies

MARK = "zq7MARKzq7"
"""Stands for a customer's words in an input: it must be in no error."""

GOOD: dict[str, Any] = {"role": "customer", "text": MARK}


def fault(value: bytes | None, kind: type[Record] = Transcript) -> Undecodable:
    """Return the refusal of a value."""
    with pytest.raises(Undecodable) as refused:
        decode(kind, value)
    return refused.value


def refusal(read: Callable[[], object]) -> Undecodable | None:
    """Return the refusal of a value, or None where it is a record; anything else is raised."""
    try:
        read()
    except Undecodable as error:
        return error
    return None


def transcript(**fields: Any) -> bytes:
    """Return a transcript as somebody else's program writes it, with other fields."""
    return json.dumps(GOOD | fields).encode()


def quoted(text: str) -> bytes:
    """Return a transcript with a field of literal JSON."""
    return f'{{"role": "customer", "text": "{MARK}", {text}}}'.encode()


# -- round trips -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RECORDS))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_record_round_trips(name: str, data: st.DataObject) -> None:
    record = data.draw(strategies.BY_NAME[name])
    assert decode(RECORDS[name], encode(record)) == record


@settings(max_examples=60)
@given(strategies.routed | strategies.answered)
def test_a_decision_of_either_kind_round_trips(record: Routed | Answered) -> None:
    assert decode_decision(encode(record)) == record


@settings(max_examples=60)
@given(strategies.redriven, st.lists(st.tuples(st.text(), st.binary())))
def test_a_redriven_records_history_is_found_among_anybodys_headers(
    redriven: Redriven, others: list[tuple[str, bytes]]
) -> None:
    foreign = tuple((f"x{name}", value) for name, value in others)
    assert decode_redriven((*foreign, *redriven_headers(redriven))) == redriven
    assert decode_redriven(foreign) is None


@pytest.mark.parametrize("value", [b"", b"0", b"-1", b'"2"', b"[" * 5_000, b"\xff"])
def test_a_history_that_is_not_ours_is_none(value: bytes) -> None:
    assert decode_redriven((("redrive_attempt", value),)) is None


def test_a_letter_that_was_never_redriven_reads_as_it_did_before_there_were_redrives() -> None:
    source = Source(topic="t", partition=0, offset=1)
    letter = DeadLetter(
        cause="empty",
        error="e",
        error_class="E",
        source=source,
        size=0,
        sha256="0" * 64,
        truncated=False,
        failed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    headers = dead_letter_headers(letter)
    added = {"key_dropped", "attempts", "first_source", "previous"}
    old = tuple(header for header in headers if header[0] not in added)
    assert decode_dead_letter(old) == letter


@given(strategies.dead_letters)
def test_a_dead_letter_round_trips_through_headers(letter: DeadLetter) -> None:
    assert decode_dead_letter(dead_letter_headers(letter)) == letter


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(strategies.records, strategies.names, strategies.json_values)
def test_unknown_keys_are_ignored(record: Record, key: str, value: Any) -> None:
    fields = {"x-" + key: value, **json.loads(encode(record))}
    assert decode(type(record), json.dumps(fields).encode()) == record


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(strategies.records)
def test_an_absent_value_is_left_out(record: Record) -> None:
    absent = {name for name, value in record if value is None}
    assert not absent & set(json.loads(encode(record)))


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_record_has_a_json_schema(name: str) -> None:
    schema = json_schema(RECORDS[name])
    assert schema["type"] == "object"
    assert set(RECORDS[name].model_fields) == set(schema["properties"])  # type: ignore[call-overload]
    json.dumps(schema)


# -- nothing but Undecodable, and none of the content ----------------------------------------------


@given(st.binary(), st.sampled_from(sorted(RECORDS)))
def test_any_bytes_are_a_record_or_undecodable(value: bytes, name: str) -> None:
    error = refusal(lambda: decode(RECORDS[name], value))
    assert error is None or error.cause in {"empty", "not_json", "invalid", "wrong_version"}


@given(strategies.json_values, st.sampled_from(sorted(RECORDS)))
def test_any_json_is_a_record_or_undecodable(value: Any, name: str) -> None:
    error = refusal(lambda: decode(RECORDS[name], json.dumps(value).encode()))
    assert error is None or error.cause in {"invalid", "wrong_version"}


@st.composite
def marked(draw: st.DrawFn) -> Any:
    """JSON of any shape in which every string is the mark."""
    leaves = st.just(MARK) | st.none() | st.booleans() | st.integers() | st.floats()
    return draw(
        st.recursive(
            leaves,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just(MARK), inner),
            max_leaves=4,
        )
    )


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(strategies.records, marked(), st.data())
def test_a_record_with_one_field_replaced_never_shows_content(
    record: Record, value: Any, data: st.DataObject
) -> None:
    fields = json.loads(encode(record))
    name = data.draw(st.sampled_from(sorted(type(record).model_fields)))
    check_silent(type(record), json.dumps(fields | {name: value}).encode())


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    strategies.records, st.integers(0, 10_000), st.sampled_from([b"", b"\0", b"\xff", b'"', b"{"])
)
def test_a_record_broken_anywhere_never_shows_content(
    record: Record, place: int, piece: bytes
) -> None:
    value = encode(record).replace(b"{", f'{{"{MARK}":"{MARK}",'.encode(), 1)
    place %= len(value)
    check_silent(type(record), value[:place] + piece + value[place + 1 :])
    check_silent(type(record), value[:place] + piece)


def check_silent(kind: type[Record], value: bytes) -> None:
    """Decode as the kind and as a decision: a record, or an error without content."""
    for error in (
        refusal(lambda: decode(kind, value)),
        refusal(lambda: decode_decision(value)),
    ):
        # The context too: some loggers print it even where it is suppressed.
        assert error is None or MARK not in f"{error!r} {error.error} {error.__context__}"


@given(st.lists(st.tuples(st.text(), st.binary())))
def test_any_headers_are_a_dead_letter_or_undecodable(headers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(Undecodable, match="headers do not describe a dead letter"):
        decode_dead_letter(tuple(headers))


def test_a_header_without_a_value_is_undecodable() -> None:
    headers: Any = (("version", None),)
    with pytest.raises(Undecodable):
        decode_dead_letter(headers)


# -- what is wrong, by cause -----------------------------------------------------------------------

NOT_JSON = {
    "truncated": transcript()[:-1],
    "truncated inside a string": transcript()[:-8],
    "white space": b" \n",
    "a raw null byte": transcript().replace(b"zq7M", b"zq7\0M"),
    "only null bytes": b"\0" * 10,
    "not UTF-8": transcript().replace(b"zq7M", b"zq7\xff\xfeM"),
    "a lone surrogate, escaped": quoted('"language": "\\ud800"'),
    "a lone surrogate, raw": transcript().replace(b"zq7M", b"\xed\xa0\x80"),
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + transcript(),
    "two values": transcript() * 2,
    "a comment": transcript() + b" // " + MARK.encode(),
    "single quotes": transcript().replace(b'"', b"'"),
    "nested too deeply": b"[" * 1_000_000,
    "metadata nested too deeply": quoted('"metadata": {"a": ' + "[" * 5000 + "]" * 5000 + "}"),
    "an endless number": quoted('"turn": ' + "9" * 5000),
}

INVALID = {
    "null": b"null",
    "a list": b"[]",
    "a string": json.dumps(MARK).encode(),
    "a number": b"1",
    "NaN": b"NaN",
    "no role": b'{"text": "x"}',
    "no text": b'{"role": "customer"}',
    "nothing": b"{}",
    "text of another type": transcript(text=5),
    "text that is null": transcript(text=None),
    "text that is an object": transcript(text={MARK: MARK}),
    "a null character in the text": transcript(text=MARK + "\0"),
    "a null character in the role": transcript(role="a\0"),
    "an empty role": transcript(role=""),
    "a long role": transcript(role="r" * 257),
    "a turn that is a string": transcript(turn="1"),
    "a turn that is a fraction": transcript(turn=1.5),
    "a turn that is true": transcript(turn=True),
    "a negative turn": transcript(turn=-1),
    "a huge turn": transcript(turn=2**31),
    "a turn that is NaN": quoted('"turn": NaN'),
    "metadata with NaN": quoted(f'"metadata": {{"{MARK}": NaN}}'),
    "metadata with an infinity inside": quoted(f'"metadata": {{"{MARK}": [{{"a": -Infinity}}]}}'),
    "metadata with a number beyond floats": quoted(f'"metadata": {{"{MARK}": 1e999}}'),
    "metadata that is a list": transcript(metadata=[MARK]),
    "a time that is none": transcript(timestamp=MARK),
    "a time before the year 1 in UTC": transcript(timestamp="0001-01-01T00:00:00+14:00"),
    "a time after the year 9999 in UTC": transcript(timestamp="9999-12-31T23:59:59-14:00"),
    "a time beyond numbers": transcript(timestamp=1e300),
}


@pytest.mark.parametrize("value", [None, b""])
def test_no_value_is_empty(value: bytes | None) -> None:
    assert fault(value).cause == "empty"
    with pytest.raises(Undecodable) as refused:
        decode_decision(value)
    assert refused.value.cause == "empty"


@pytest.mark.parametrize("what", sorted(NOT_JSON))
def test_what_is_no_json_is_called_so(what: str) -> None:
    error = fault(NOT_JSON[what])
    assert error.cause == "not_json"
    assert MARK not in str(error)


@pytest.mark.parametrize("what", sorted(INVALID))
def test_what_breaks_a_rule_is_called_invalid(what: str) -> None:
    error = fault(INVALID[what])
    assert error.cause == "invalid"
    assert MARK not in str(error)


@pytest.mark.parametrize("version", [0, 2, -1, "1", None, MARK, [1], 1.5])
def test_another_version_is_called_so(version: Any) -> None:
    error = fault(transcript(version=version))
    assert error.cause == "wrong_version"
    assert MARK not in str(error)


def test_another_version_is_called_so_whatever_else_has_changed() -> None:
    assert fault(b'{"version": 2, "role": 5}').cause == "wrong_version"


@pytest.mark.parametrize("kind", ["routed", "answered"])
def test_a_decision_of_another_version_is_called_so(kind: str) -> None:
    with pytest.raises(Undecodable) as refused:
        decode_decision(json.dumps({"kind": kind, "version": 2}).encode())
    assert refused.value.cause == "wrong_version"


def test_a_decision_without_a_source_says_which_field() -> None:
    with pytest.raises(Undecodable, match="field 'source' breaks the rule missing"):
        decode_decision(b'{"kind": "routed", "version": 1}')


def test_a_decision_of_an_unknown_kind_is_invalid() -> None:
    with pytest.raises(Undecodable) as refused:
        decode_decision(json.dumps({"kind": MARK}).encode())
    assert refused.value.cause == "invalid"
    assert MARK not in str(refused.value)


def test_the_error_names_the_field_and_the_rule() -> None:
    assert str(fault(b'{"role": "customer"}')) == "field 'text' breaks the rule missing"


def test_a_key_that_a_customer_wrote_is_not_named() -> None:
    error = fault(quoted(f'"metadata": {{"{MARK}": {{"{MARK}": NaN}}}}'))
    assert str(error) == "field 'metadata' breaks the rule value_error"


def test_five_megabytes_of_text_decode() -> None:
    assert len(decode(Transcript, transcript(text="x" * 5_000_000)).text) == 5_000_000
