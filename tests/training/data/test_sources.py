"""Sources of messages: every format, and what is said of one that does not serve."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from training import TrainingError
from training.config import Generated, Source
from training.data.parts import Row
from training.data.sources import name_of, take

RECORDS = [{"text": "hi, you", "label": "a", "who": "x"}, {"text": "bye", "label": 3, "who": None}]
ROWS = [Row("hi, you", "a"), Row("bye", "3")]


def _file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    data = content.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def _taken(path: Path, **more: Any) -> list[Row]:
    return take(Source(path=path, **more), 42, labelled=True).messages


def _csv(separator: str = ",", start: str = "") -> str:
    rows = [("text", "label", "who"), ('"hi, you"', "a", "x"), ("bye", "3", "")]
    return start + "\r\n".join(separator.join(row) for row in rows)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", _csv()),
        ("a.csv.gz", _csv()),
        ("A.CSV", _csv(start="\ufeff")),
        ("a.tsv", _csv("\t")),
        ("a.jsonl", "\n\n".join(map(json.dumps, RECORDS))),
        ("a.ndjson.gz", "\n".join(map(json.dumps, RECORDS)) + "\n"),
        ("a.json", json.dumps(RECORDS)),
        ("a.json.gz", json.dumps({"one": RECORDS[:1], "two": RECORDS[1:]})),
    ],
)
def test_a_file_is_read_as_its_name_says(tmp_path: Path, name: str, content: str) -> None:
    assert _taken(_file(tmp_path, name, content)) == ROWS


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def write(**columns: list[Any]) -> Path:
        parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
        return tmp_path / "a.parquet"

    return write


def test_a_parquet_file_is_read(table: Callable[..., Path]) -> None:
    assert _taken(table(text=["hi, you", "bye"], label=["a", "3"])) == ROWS


def test_a_gap_in_a_table_is_empty(table: Callable[..., Path]) -> None:
    file = table(text=["hi, you", None, "x"], label=[1.5, 2.5, float("nan")])
    assert _taken(file, empty="skip") == [Row("hi, you", "1.5")]


def test_pairs_in_named_lists_are_texts_and_labels(tmp_path: Path) -> None:
    parts = {"train": [["hi, you", "a"]], "oos_train": [["bye", "3"]], "test": [["no", "b"]]}
    file = _file(tmp_path, "a.json", json.dumps(parts))
    assert _taken(file, where={"part": ("train", "oos_train")}) == ROWS


def test_columns_can_have_other_names(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.csv", "said,intent\nhi,a\n")
    assert _taken(file, text="said", label="intent") == [Row("hi", "a")]


def test_only_the_records_asked_for_are_taken(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.jsonl", '{"text":"a","role":"agent"}\n{"text":"b","label":"x","n":1}')
    assert _taken(file, where={"n": "1"}) == [Row("b", "x")]


def test_a_limit_is_drawn_with_the_seed(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.csv", "text,label\n" + "".join(f"m{n},a\n" for n in range(99)))
    first, again = (take(Source(path=file, limit=9), 1, labelled=True).messages for _ in range(2))
    assert first == again
    assert len(first) == 9
    assert first != take(Source(path=file, limit=9), 2, labelled=True).messages


def test_groups_of_sources_of_one_name_are_the_same(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.csv", _csv())
    assert [row.group for row in _taken(file, group="who")] == ["who:x", None]
    assert _taken(file, group="who", name="shop")[0].group == "shop:x"


def test_text_without_labels_needs_no_labels(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.csv", 'text\nhi\n" "\n')
    taken = take(Source(path=file), 42, labelled=False)
    assert taken.messages == [Row("hi", "")]
    assert taken.empty == 1


def test_half_a_surrogate_pair_can_be_written_again(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.jsonl", '{"text": "hi \\ud83d", "label": "a"}')
    assert _taken(file) == [Row("hi ?", "a")]


def test_made_messages_know_their_conversation() -> None:
    source = Source(generate=Generated(messages=30))
    rows = take(source, 42, labelled=True).messages
    assert len(rows) == 30
    assert 1 < len({row.group for row in rows}) < 30


def test_the_hash_of_made_messages_is_of_their_content() -> None:
    few, other, again = (
        take(Source(generate=Generated(messages=5, seed=seed)), 42, labelled=True).sha256
        for seed in (1, 2, 1)
    )
    assert few == again != other


def test_a_source_is_named_without_its_place(tmp_path: Path) -> None:
    assert name_of(Source(path=tmp_path / "shop" / "a.csv")) == "shop/a.csv"
    assert name_of(Source(path=tmp_path / "a.csv", name="ours")) == "ours/a.csv"
    made = Source(generate=Generated(messages=5000, seed=3))
    assert name_of(made) == "5,000 made-up messages, seed 3"


def test_made_single_messages_have_the_shares_that_were_asked_for() -> None:
    wanted = Generated(messages=600, kind="messages", positive=0.0, negative=0.8)
    rows = take(Source(generate=wanted), 42, labelled=True).messages
    assert {row.label for row in rows} == {"negative", "neutral"}
    assert sum(row.label == "negative" for row in rows) > 400


def test_shares_above_one_are_refused() -> None:
    with pytest.raises(ValidationError, match="more than 1 together"):
        Generated(messages=1, positive=0.6, negative=0.5)


def test_a_source_is_a_file_or_made() -> None:
    with pytest.raises(ValidationError, match="either a path or generate"):
        Source()
    with pytest.raises(ValidationError, match="either a path or generate"):
        Source(path=Path("a.csv"), generate=Generated(messages=1))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "text,other\nhi,a\n", "record 1 of .*a.csv has no 'label'"),
        ("a.csv", "text,label\nhi,a\n  ,a\n", "record 2 of .*a.csv has an empty 'text'"),
        ("a.csv", "text,label\nhi,a\nhi\n", "record 2 of .*a.csv has an empty 'label'"),
        ("a.csv", "text,label\n", "no usable messages among its 0 records"),
        ("a.csv", f"text,label\nhi,{'long' * 65}\n", "has no label but a text in 'label'"),
        ("a.csv.bz2", "x", "is neither .csv"),
        ("a.jsonl", "{", "line 1 of .* the line is not JSON"),
        ("a.jsonl", "\n[1]", "line 2 of .* no JSON object"),
        ("a.json", "{", "a.json cannot be read: it is not JSON"),
        ("a.json", "3", "the record is no object, and no pair"),
        ("a.json", '{"train": [["only a text"]]}', "the record is no object, and no pair"),
        ("a.parquet", "PAR1", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_does_not_serve_is_one_sentence(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    with pytest.raises(TrainingError, match=words):
        _taken(_file(tmp_path, name, content))


def test_a_where_that_nothing_meets_is_one_sentence(tmp_path: Path) -> None:
    file = _file(tmp_path, "a.csv", _csv())
    with pytest.raises(TrainingError, match="no usable messages among its 2 records"):
        _taken(file, where={"who": "nobody"})


PACKED = gzip.compress(b"text,label\nhi,a")


@pytest.mark.parametrize(
    "content", [b"text,label\n", PACKED[:-9], PACKED[:10] + b"\xff" + PACKED[11:]]
)
def test_a_gzip_that_is_none_or_cut_or_damaged_is_one_sentence(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"cannot be read: it (is not gzip|ends too early)"):
        _taken(path)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"cannot be read: No such file"):
        _taken(tmp_path / "gone.csv")


def test_text_that_is_not_utf_8_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text,label\nd\xe9j\xe0,a".encode("latin-1"))
    with pytest.raises(TrainingError, match=r"line 2 of .* the line is not UTF-8"):
        _taken(tmp_path / "a.csv")
