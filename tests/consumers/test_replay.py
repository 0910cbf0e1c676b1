"""The reader of transcript files."""

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.replay import ReplayError, record_of, transcripts
from schemas.codec import decode, encode
from schemas.transcript import Transcript
from tests.schemas.strategies import transcripts as some_transcripts

QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
GOOD = b'{"role": "customer", "text": "hello"}\n'
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


def written(folder: Path, name: str, content: bytes) -> Path:
    file = folder / name
    file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return file


def read(folder: Path, name: str, content: bytes) -> list[Transcript | int]:
    return list(transcripts(written(folder, name, content)))


def complaint(file: Path) -> str:
    """Read a file to its end; return what the reader said of it."""
    try:
        return f"{len(list(transcripts(file)))} records."
    except ReplayError as error:
        return str(error)


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz"])
@QUICK
@given(turns=st.lists(some_transcripts, max_size=5))
def test_jsonl_comes_back_as_it_was(tmp_path: Path, name: str, turns: list[Transcript]) -> None:
    content = b"".join(encode(turn) + b"\n" for turn in turns)
    assert read(tmp_path, name, content) == turns


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@QUICK
@given(rows=st.lists(st.tuples(CELLS, CELLS.filter(bool), st.integers(0, 99)), max_size=5))
def test_csv_comes_back_as_it_was(
    tmp_path: Path, name: str, rows: Sequence[tuple[str, str, int]]
) -> None:
    plain = tmp_path / "plain.csv"
    with plain.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "conversation_id", "turn", "role"])
        writer.writerows([text, talk, turn, "customer"] for text, talk, turn in rows)
    found = read(tmp_path, name, plain.read_bytes())
    assert [(t.text, t.conversation_id, t.turn) for t in found if isinstance(t, Transcript)] == [
        (text, talk, turn) for text, talk, turn in rows
    ]


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.csv.gz"])
@QUICK
@given(content=st.binary(max_size=300))
def test_no_bytes_crash_the_reader(tmp_path: Path, name: str, content: bytes) -> None:
    head = b"role,text\n" if ".csv" in name else b""
    assert complaint(written(tmp_path, name, head + content)).endswith(".")


@QUICK
@given(packed=st.binary(max_size=200), keep=st.integers(0, 60))
def test_no_packed_bytes_crash_the_reader(tmp_path: Path, packed: bytes, keep: int) -> None:
    file = tmp_path / "t.jsonl.gz"
    file.write_bytes(gzip.compress(GOOD * 20, mtime=0)[:keep] + packed)
    assert complaint(file).endswith(".")


@QUICK
@given(kinds=st.lists(st.sampled_from(["good", "bad", "blank"]), max_size=30))
def test_a_malformed_line_has_the_number_that_an_editor_shows(
    tmp_path: Path, kinds: list[str]
) -> None:
    lines = {"good": GOOD, "bad": b'{"role": \n', "blank": b"\n"}
    found = read(tmp_path, "t.jsonl", b"".join(lines[kind] for kind in kinds))
    numbers = [item for item in found if isinstance(item, int)]
    assert numbers == [n for n, kind in enumerate(kinds, start=1) if kind == "bad"]


def test_a_malformed_csv_record_has_the_number_of_its_last_line(tmp_path: Path) -> None:
    content = b'role,text\ncustomer,"two\nlines"\n\ncustomer\n'
    assert read(tmp_path, "t.csv", content)[1:] == [5]


@pytest.mark.parametrize(
    "line",
    [
        b'{"role": "customer", "text": "\xff"}',
        b'{"role": "customer", "text": "\\ud800"}',
        b'{"role": "customer", "text": "a", "metadata": {"x": NaN}}',
        b'{"role": "customer", "text": "a", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"role": "customer", "text": "a", "turn": ' + b"9" * 5000 + b"}",
        b'{"role": "customer", "text": "a\\u0000"}',
        b'{"role": "customer"}',
        b"[]",
        b"null",
    ],
    ids=[
        "no UTF-8",
        "half a pair",
        "NaN",
        "deep",
        "long number",
        "null",
        "no text",
        "list",
        "none",
    ],
)
def test_a_line_that_is_no_transcript_spoils_only_itself(tmp_path: Path, line: bytes) -> None:
    found = read(tmp_path, "t.jsonl", GOOD + line + b"\n" + GOOD)
    assert [item if isinstance(item, int) else "good" for item in found] == ["good", 2, "good"]


def test_a_turn_that_is_no_number_is_malformed(tmp_path: Path) -> None:
    content = b"role,text,turn\ncustomer,a,x\ncustomer,a," + b"9" * 5000 + b"\ncustomer,a,3\n"
    found = read(tmp_path, "t.csv", content)
    assert [item if isinstance(item, int) else item.turn for item in found] == [2, 3, 3]


def test_columns_without_a_field_become_metadata(tmp_path: Path) -> None:
    [turn] = read(tmp_path, "t.csv", b"role,text,ts,queue\ncustomer,a,2024-03-01T10:00:00,eu\n")
    assert isinstance(turn, Transcript)
    assert (turn.metadata, turn.timestamp and turn.timestamp.year) == ({"queue": "eu"}, 2024)


def test_a_byte_order_mark_belongs_to_no_column(tmp_path: Path) -> None:
    [turn] = read(tmp_path, "t.csv", b"\xef\xbb\xbftext,role\na,customer\n")
    assert isinstance(turn, Transcript)


def test_a_file_that_ends_too_early_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl.gz"
    file.write_bytes(gzip.compress(GOOD * 1000)[:-9])
    with pytest.raises(ReplayError, match="ends too early"):
        list(transcripts(file))


def test_a_file_that_only_looks_packed_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl.gz"
    file.write_bytes(GOOD)
    with pytest.raises(ReplayError, match="not gzip"):
        list(transcripts(file))


def test_csv_without_its_columns_is_one_sentence_that_repeats_no_line(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="role and text") as caught:
        read(tmp_path, "t.csv", b"a secret,message\n1,2\n")
    assert "secret" not in str(caught.value)


def test_a_run_id_marks_every_transcript(tmp_path: Path) -> None:
    file = written(tmp_path, "t.jsonl", GOOD * 3)
    assert {t.run_id for t in transcripts(file, "march") if isinstance(t, Transcript)} == {"march"}


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    file, seen = written(tmp_path, "t.jsonl.gz", GOOD * 500), list[int]()
    list(transcripts(file, at=seen.append))
    assert seen == sorted(seen)
    assert seen[-1] == file.stat().st_size


def test_the_key_on_the_topic_is_the_conversation() -> None:
    turn = Transcript(role="customer", text="a", conversation_id="c")
    key, value = record_of(turn)
    assert (key, decode(Transcript, value)) == (b"c", turn)


def test_without_a_conversation_there_is_no_key() -> None:
    key, value = record_of(Transcript(role="customer", text="a"))
    assert (key, json.loads(value)["text"]) == (None, "a")
