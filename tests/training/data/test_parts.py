"""The files between the first step and the others."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from training.data.parts import Row, read_part, read_texts, write_part, write_texts

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
rows = st.builds(Row, texts, texts, st.none() | texts)


@given(st.lists(rows))
def test_rows_are_read_as_they_were_written(written: list[Row]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "train.jsonl"
        write_part(path, written)
        assert read_part(path) == written
        assert read_texts(path) == [row.text for row in written]


@given(st.lists(texts))
def test_texts_are_read_as_they_were_written(written: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "unlabelled.jsonl"
        write_texts(path, written)
        assert read_texts(path) == written
