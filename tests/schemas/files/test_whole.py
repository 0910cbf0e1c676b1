"""Files as wholes."""

import hashlib
from pathlib import Path

import pytest

from schemas.files.whole import replacing, sha256_of


def test_the_hash_is_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_of(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()


def test_a_file_is_replaced_when_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    with replacing(tmp_path / "f") as part:
        part.write_text("new")
        assert (tmp_path / "f").read_text() == "old"
    assert [file.read_text() for file in tmp_path.iterdir()] == ["new"]


def test_a_file_stays_where_writing_it_goes_wrong(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    with pytest.raises(IsADirectoryError), replacing(tmp_path / "f") as part:
        (part.write_text("half"), tmp_path.read_text())
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]
