"""Records of files in all forms."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.files.reading import last_line, rows
from schemas.files.row import FileError

RECORDS = [
    {"role": "customer", "text": "hello, there"},
    {"role": "agent", "text": "two\nlines \u2014 and a dash"},
]


def as_json_lines() -> bytes:
    return "\n\n".join(json.dumps(record) for record in RECORDS).encode()


def as_table(separator: str) -> bytes:
    lines = [separator.join(RECORDS[0])]
    lines += [separator.join(f'"{value}"' for value in record.values()) for record in RECORDS]
    return "\r\n".join(lines).encode("utf-8-sig")


FORMS = {
    "t.jsonl": as_json_lines(),
    "t.ndjson": as_json_lines(),
    "t.txt": as_json_lines(),
    "t.json": json.dumps(RECORDS).encode(),
    "lines.json": as_json_lines(),
    "t.csv": as_table(","),
    "t.tsv": as_table("\t"),
    "T.TSV.GZ": gzip.compress(as_table("\t")),
    "t.json.gz": gzip.compress(json.dumps(RECORDS).encode()),
}


def read(folder: Path, name: str, content: bytes) -> list[dict[str, Any] | str]:
    file = folder / name
    file.write_bytes(content)
    return [row.values for row in rows(file)]


@pytest.mark.parametrize("name", list(FORMS))
def test_the_same_records_are_read_from_every_form(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, FORMS[name]) == RECORDS


@pytest.mark.parametrize("name", list(FORMS))
def test_the_last_record_has_the_last_number(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FORMS[name])
    assert last_line(tmp_path / name) == list(rows(tmp_path / name))[-1].line


def test_lists_by_name_and_pairs_are_records(tmp_path: Path) -> None:
    content = json.dumps({"train": [["hi", "greeting"]], "test": [{"text": "bye"}]}).encode()
    assert read(tmp_path, "t.json", content) == [
        {"part": "train", "text": "hi", "label": "greeting"},
        {"part": "test", "text": "bye"},
    ]


def test_one_object_is_one_record(tmp_path: Path) -> None:
    assert read(tmp_path, "t.json", json.dumps(RECORDS[0]).encode()) == RECORDS[:1]


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("t.jsonl", b"{", "the line is not JSON"),
        ("t.jsonl", b"[1]", "the line is no JSON object"),
        ("t.jsonl", b'{"text": "\xff"}', "the line is not UTF-8"),
        ("t.csv", b"text\n\xff\n", "the line is not UTF-8"),
        ("t.json", b"[3]", "the record is no object, and no pair of a text and a label"),
    ],
)
def test_what_cannot_be_read_is_told_in_its_place(
    tmp_path: Path, name: str, content: bytes, rule: str
) -> None:
    assert read(tmp_path, name, content) == [rule]


@pytest.mark.parametrize("content", [b"{", b"[1, 2", b"words\nmore words"])
def test_a_file_of_broken_json_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileError, match="it is not JSON"):
        read(tmp_path, "t.json", content)


def test_a_line_with_too_few_values_has_none_for_the_others(tmp_path: Path) -> None:
    assert read(tmp_path, "t.csv", b"role,text\ncustomer\na,b,c\n") == [
        {"role": "customer", "text": None},
        {"role": "a", "text": "b"},
    ]
