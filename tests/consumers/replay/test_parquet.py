"""Transcripts in Parquet."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from consumers.replay.transcripts import Reading, Rejected, ReplayError, lines_in, transcripts
from schemas.transcript import Transcript

MOMENT = datetime(2024, 3, 1, 10, tzinfo=UTC)


def table(folder: Path, **columns: list[Any]) -> Path:
    file = folder / "t.parquet"
    parquet.write_table(pa.table(columns), file)
    return file


def test_rows_are_transcripts(tmp_path: Path) -> None:
    file = table(tmp_path, role=["customer", "agent"], text=["a", "b"], timestamp=[MOMENT, None])
    assert list(transcripts(file)) == [
        Transcript(role="customer", text="a", timestamp=MOMENT),
        Transcript(role="agent", text="b"),
    ]


def test_columns_can_be_named(tmp_path: Path) -> None:
    file = table(tmp_path, who=["customer"], body=["a"])
    reading = Reading(columns={"role": "who", "text": "body"})
    assert list(transcripts(file, reading)) == [Transcript(role="customer", text="a")]


def test_numbers_are_turns_and_ids_as_a_table_keeps_them(tmp_path: Path) -> None:
    nan = float("nan")
    file = table(tmp_path, role=["c"] * 2, text=["a"] * 2, turn=[1.0, nan], conversation_id=[7, 7])
    found = [(t.conversation_id, t.turn) for t in transcripts(file) if isinstance(t, Transcript)]
    assert found == [("7", 1), ("7", None)]


def test_other_columns_are_metadata(tmp_path: Path) -> None:
    file = table(tmp_path, role=["c"], text=["a"], tags=[["x", "y"]], at=[MOMENT.date()])
    [turn] = transcripts(file)
    assert isinstance(turn, Transcript)
    assert turn.metadata == {"tags": ["x", "y"], "at": "2024-03-01"}


def test_a_row_without_text_is_rejected_by_its_number(tmp_path: Path) -> None:
    file = table(tmp_path, role=["c", "c"], text=["a", None])
    items = list(transcripts(file))
    assert [item.line for item in items if isinstance(item, Rejected)] == [2]


def test_the_number_of_rows_is_known(tmp_path: Path) -> None:
    assert lines_in(table(tmp_path, role=["c"] * 2_500, text=["a"] * 2_500)) == 2_500


@pytest.mark.parametrize("content", [b"", b"no table", b"PAR1" + b"x" * 40 + b"PAR1"])
def test_a_file_that_is_none_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "t.parquet"
    file.write_bytes(content)
    with pytest.raises(ReplayError, match="cannot be read"):
        list(transcripts(file))


def test_without_its_extra_it_says_what_to_install(tmp_path: Path) -> None:
    file = table(tmp_path, role=["c"], text=["a"])
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\n"
        "from consumers.replay.transcripts import ReplayError, transcripts\n"
        f"try: list(transcripts(Path({str(file)!r})))\n"
        "except ReplayError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "pip install -e '.[parquet]'" in done.stdout
