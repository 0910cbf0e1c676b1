"""Labelled files: read, cleaned and separated."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from training import TrainingError
from training.prepare import Row, halve, read_rows, separate

ROWS = [Row(f"message {number}", "ab"[number % 4 == 0]) for number in range(200)]


def _file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    data = content.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_csv_is_read(tmp_path: Path, name: str) -> None:
    path = _file(tmp_path, name, 'text,label\n"hi, you",a\nbye,b\n')
    assert read_rows(path, "text", "label") == [Row("hi, you", "a"), Row("bye", "b")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_lines_of_json_are_read(tmp_path: Path, name: str) -> None:
    path = _file(tmp_path, name, json.dumps({"t": "hi", "l": 3}) + "\n\n")
    assert read_rows(path, "t", "l") == [Row("hi", "3")]


def test_a_repeated_row_counts_once(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "text,label\nhi,a\n hi ,a\n")
    assert read_rows(path, "text", "label") == [Row("hi", "a")]


def test_a_text_with_two_labels_is_left_out(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", "text,label\nhi,a\nhi,b\nbye,b\n")
    assert read_rows(path, "text", "label") == [Row("bye", "b")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "text,other\nhi,a\n", "has no 'label'"),
        ("a.csv", "text,label\n", "has no usable rows"),
        ("a.xlsx", "x", "neither .csv nor .jsonl"),
        ("a.jsonl", "{", "line 1 of .* is not JSON"),
        ("a.jsonl", "[1]", "line 1 of .* is not a JSON object"),
    ],
)
def test_a_file_that_does_not_serve_is_one_sentence(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    with pytest.raises(TrainingError, match=words):
        read_rows(_file(tmp_path, name, content), "text", "label")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read as text"):
        read_rows(tmp_path / "gone.csv", "text", "label")


def test_a_gzip_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(b"text,label\n")
    with pytest.raises(TrainingError, match="cannot be read as text"):
        read_rows(path, "text", "label")


def test_a_split_keeps_the_share_of_each_label() -> None:
    first, second = halve(ROWS, 0.2, 42)
    assert Counter(row.label for row in first) == {"a": 120, "b": 40}
    assert Counter(row.label for row in second) == {"a": 30, "b": 10}


def test_a_split_repeats_itself_for_a_seed() -> None:
    assert halve(ROWS, 0.2, 42) == halve(ROWS, 0.2, 42) != halve(ROWS, 0.2, 43)


def test_no_text_is_in_two_parts() -> None:
    parts = separate(ROWS[:100], ROWS[50:150], ROWS[100:])
    assert parts.calibration == ROWS[100:150]
    assert parts.judging == ROWS[150:]


def test_a_label_never_learned_is_not_judged() -> None:
    parts = separate(ROWS[:100], [*ROWS[100:150], Row("new", "c")], ROWS[150:])
    assert {row.label for row in parts.calibration} == {"a", "b"}


def test_one_label_alone_is_refused() -> None:
    with pytest.raises(TrainingError, match="at least two"):
        halve([row for row in ROWS if row.label == "a"], 0.2, 42)


def test_a_label_with_one_row_is_refused() -> None:
    with pytest.raises(TrainingError, match="'c' has too few rows"):
        halve([*ROWS, Row("lonely", "c")], 0.2, 42)
