"""The reader of transcript files."""

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.replay.transcripts import (
    Reading,
    Rejected,
    ReplayError,
    digest_of,
    lines_in,
    record_of,
    stem_of,
    transcripts,
)
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


def read(
    folder: Path, name: str, content: bytes, reading: Reading | None = None
) -> list[Transcript | Rejected]:
    return list(transcripts(written(folder, name, content), reading))


def one(folder: Path, name: str, content: bytes, reading: Reading | None = None) -> Transcript:
    [turn] = read(folder, name, content, reading)
    assert isinstance(turn, Transcript)
    return turn


def rejected(found: Sequence[Transcript | Rejected]) -> list[Rejected]:
    return [item for item in found if isinstance(item, Rejected)]


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
    # Who is replayed, and whether for real, is not for the file to say.
    unmarked = [turn.model_copy(update={"run_id": None, "escalate": None}) for turn in turns]
    assert read(tmp_path, name, content) == unmarked


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
    assert [item.line for item in rejected(found)] == [
        n for n, kind in enumerate(kinds, start=1) if kind == "bad"
    ]


def test_a_malformed_csv_record_has_the_number_of_its_last_line(tmp_path: Path) -> None:
    content = b'role,text\ncustomer,"two\nlines"\n\ncustomer\n'
    assert [item.line for item in rejected(read(tmp_path, "t.csv", content))] == [5]


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
    assert [item.line for item in rejected(found)] == [2]
    assert len(found) == 3


def test_a_turn_that_is_no_number_is_malformed(tmp_path: Path) -> None:
    content = b"role,text,turn\ncustomer,a,x\ncustomer,a," + b"9" * 5000 + b"\ncustomer,a,3\n"
    found = read(tmp_path, "t.csv", content)
    assert [item.line for item in rejected(found)] == [2, 3]


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


def test_a_replay_marks_every_transcript_whatever_the_file_says(tmp_path: Path) -> None:
    content = b'{"role": "customer", "text": "a", "run_id": "x", "escalate": false}\n' + GOOD
    found = read(tmp_path, "t.jsonl", content, Reading(run_id="march", escalate=True))
    assert [(t.run_id, t.escalate) for t in found if isinstance(t, Transcript)] == [
        ("march", True)
    ] * 2


def test_a_column_named_like_a_mark_spoils_no_csv(tmp_path: Path) -> None:
    turn = one(tmp_path, "t.csv", b"role,text,escalate,run_id\ncustomer,a,yes,x\n")
    assert (turn.escalate, turn.run_id, turn.metadata) == (None, None, None)


def test_a_line_without_a_conversation_is_one_of_its_own_and_the_same_at_every_reading(
    tmp_path: Path,
) -> None:
    file = written(tmp_path, "t.jsonl", GOOD + b"\n" + GOOD)
    reading = Reading(digest=digest_of(file))
    first, again = (
        [t.conversation_id for t in map(real, transcripts(file, reading))] for _ in "ab"
    )
    start = digest_of(file)[:16]
    assert first == again == [f"{start}-1", f"{start}-3"]


def real(item: Transcript | Rejected) -> Transcript:
    assert isinstance(item, Transcript)
    return item


def test_a_turn_that_the_file_gives_is_kept(tmp_path: Path) -> None:
    content = b"role,text,turn,conversation_id\ncustomer,a,3,\ncustomer,b,,c\n"
    found = map(real, read(tmp_path, "t.csv", content, Reading(digest="f" * 64)))
    assert [(t.conversation_id, t.turn) for t in found] == [("f" * 16 + "-2", 3), ("c", None)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b"who,body,nr,text\ncustomer,hello,4,old\n"),
        ("t.jsonl", b'{"who": "customer", "body": "hello", "nr": 4, "text": "old"}\n'),
    ],
)
def test_columns_are_found_under_the_names_that_are_given(
    tmp_path: Path, name: str, content: bytes
) -> None:
    columns = {"role": "who", "text": "body", "turn": "nr"}
    turn = one(tmp_path, name, content, Reading(columns=columns))
    assert (turn.role, turn.text, turn.turn) == ("customer", "hello", 4)
    assert turn.metadata == {"text": "old"}


def test_csv_without_the_columns_that_are_given_names_those(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="role and body"):
        read(tmp_path, "t.csv", b"role,text\na,b\n", Reading(columns={"text": "body"}))


@pytest.mark.parametrize(
    ("name", "content", "rule", "raw"),
    [
        ("t.jsonl", b"{nope\r\n", "the line is not JSON", "{nope"),
        ("t.jsonl", b"[1]\n", "the line is no JSON object", "[1]"),
        ("t.jsonl", b'{"role": "a"}\n', "field 'text' breaks the rule missing", '{"role": "a"}'),
        ("t.csv", b'role,text\n"a\nb"\n', "the line has fewer values", '"a\nb"'),
    ],
)
def test_a_rejected_line_says_its_rule_and_keeps_what_stands_there(
    tmp_path: Path, name: str, content: bytes, rule: str, raw: str
) -> None:
    [item] = rejected(read(tmp_path, name, content))
    assert item.rule.startswith(rule)
    assert item.raw == raw


def test_a_line_that_no_broker_takes_is_rejected(tmp_path: Path) -> None:
    line = json.dumps({"role": "customer", "text": "é" * 600_000}, ensure_ascii=False)
    [item] = rejected(read(tmp_path, "t.jsonl", line.encode()))
    assert "1,000,000 bytes" in item.rule


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz"])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_progress_ends_at_the_number_of_lines(tmp_path: Path, name: str, end: bytes) -> None:
    file, seen = written(tmp_path, name, GOOD * 500 + GOOD.strip() + end), list[int]()
    list(transcripts(file, at=seen.append))
    assert seen == list(range(1, 502))
    assert lines_in(file) == 501


@pytest.mark.parametrize(
    ("name", "stem"),
    [("march.jsonl.gz", "march"), ("a.b.csv", "a.b"), ("plain", "plain"), (".gz", ".gz")],
)
def test_a_file_has_a_name_without_its_format(name: str, stem: str) -> None:
    assert stem_of(Path(name)) == stem


def test_only_the_end_of_a_name_tells_the_format(tmp_path: Path) -> None:
    assert one(tmp_path, "t.csv.rejected.jsonl", GOOD).text == "hello"


def test_the_key_on_the_topic_is_the_conversation() -> None:
    turn = Transcript(role="customer", text="a", conversation_id="c")
    key, value = record_of(turn)
    assert (key, decode(Transcript, value)) == (b"c", turn)


def test_without_a_conversation_there_is_no_key() -> None:
    key, value = record_of(Transcript(role="customer", text="a"))
    assert (key, json.loads(value)["text"]) == (None, "a")
