"""The input: what is required, what is free, and how times are read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.codec import decode, encode
from schemas.transcript import Transcript


def read(**fields: Any) -> Transcript:
    """Return a transcript from JSON with these fields."""
    return decode(Transcript, json.dumps({"role": "customer", "text": "Hi"} | fields).encode())


def test_only_role_and_text_are_required() -> None:
    assert read() == Transcript(role="customer", text="Hi")


def test_an_empty_text_is_a_transcript() -> None:
    assert read(text="").text == ""


def test_a_record_without_a_version_is_of_the_first() -> None:
    assert read().version == 1


@pytest.mark.parametrize(
    "time",
    [
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00",
        "2024-05-01T14:00:00+02:00",
        "2024-05-01 12:00:00.000Z",
    ],
)
def test_a_time_is_read_as_utc(time: str) -> None:
    assert read(timestamp=time).timestamp == datetime(2024, 5, 1, 12, tzinfo=UTC)


def test_a_null_is_an_absent_value() -> None:
    assert read(turn=None, conversation_id=None, metadata=None) == read()


def test_metadata_is_free() -> None:
    free = {"a": [1, 2.5, None, {"b": "c"}], "": True}
    assert read(metadata=free).metadata == free


def test_metadata_keeps_its_nulls() -> None:
    record = read(metadata={"a": None, "b": {"c": None}})
    assert decode(Transcript, encode(record)) == record


def test_a_transcript_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read().text = "other"  # type: ignore[misc]
