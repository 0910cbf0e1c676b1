"""`edgeroute generate`, as a user meets it."""

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgeroute.cli import app
from edgeroute.settings import child_environment
from training.config import Generated, Source
from training.data.sources import take


def generate(*words: str) -> bytes:
    done = CliRunner().invoke(app, ["generate", *words])
    assert done.exit_code == 0
    return done.stdout_bytes


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    words = ("--turns", "300", "--times", "--malformed", "0.1")
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-m", "edgeroute", "generate", *words],
        env=child_environment({"PYTHONPATH": root, "PYTHONHASHSEED": "77"}),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == generate(*words)


def test_another_seed_gives_others() -> None:
    assert generate("--turns", "50", "--seed", "1") != generate("--turns", "50", "--seed", "2")


def test_packed_files_are_the_same_bytes_too(tmp_path: Path) -> None:
    files = [tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"]
    for file in files:
        generate("--turns", "50", "--out", str(file))
    assert files[0].read_bytes() == files[1].read_bytes()
    assert gzip.decompress(files[0].read_bytes()) == generate("--turns", "50")


def test_messages_counts_customers_and_turns_counts_all() -> None:
    by_messages = [json.loads(line) for line in generate("--messages", "100").splitlines()]
    assert sum("label" in row for row in by_messages) == 100
    assert len(generate("--turns", "100").splitlines()) == 100


def test_without_a_number_it_makes_5_000_labelled_messages() -> None:
    assert len(generate("--labelled-only").splitlines()) == 5_000


def test_posts_are_single_and_labelled() -> None:
    rows = [json.loads(line) for line in generate("--posts", "--messages", "200").splitlines()]
    assert len(rows) == len({row["conversation_id"] for row in rows}) == 200
    assert {row["label"] for row in rows} == {"positive", "negative", "neutral"}


def test_a_name_with_csv_gives_columns(tmp_path: Path) -> None:
    file = tmp_path / "turns.csv"
    generate("--turns", "5", "--out", str(file))
    header, *rows = file.read_text().splitlines()
    assert header.startswith("conversation_id,turn,role,text,")
    assert len(rows) == 5


def test_training_can_read_what_is_labelled(tmp_path: Path) -> None:
    file = tmp_path / "messages.csv"
    generate("--labelled-only", "--messages", "500", "--out", str(file))
    rows = take(Source(path=file), 42, labelled=True).messages
    assert {row.label for row in rows} == {"positive", "negative", "neutral"}
    assert len(rows) == 500


def test_training_makes_the_same_messages_itself() -> None:
    lines = generate("--labelled-only", "--messages", "50", "--seed", "7").splitlines()
    source = Source(generate=Generated(messages=50, seed=7))
    made = take(source, 42, labelled=True)
    assert [row.text for row in made.messages] == [json.loads(line)["text"] for line in lines]
    assert made.sha256 == hashlib.sha256(b"\n".join(lines) + b"\n").hexdigest()


def test_times_begin_at_the_start_that_was_given() -> None:
    made = generate("--turns", "3", "--times", "--start", "2025-06-01T10:00:00")
    assert json.loads(made.splitlines()[0])["timestamp"] == "2025-06-01T10:00:00Z"


@pytest.mark.parametrize(
    "words",
    [
        ("--angry", "0.4"),
        ("--hard", "0.5", "--angry", "0.2"),
        ("--turns", "5", "--messages", "5"),
        ("--out", "no/such/folder/turns.jsonl"),
        ("--malformed", "1"),
        ("--posts", "--turns", "5"),
        ("--posts", "--hard", "0.2"),
        ("--start", "yesterday"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_said_and_ends_with_2(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, ["generate", *words])
    assert done.exit_code == 2
    assert done.stderr
    assert not done.stdout


def test_a_reader_that_has_enough_gets_no_traceback() -> None:
    root = str(Path(__file__).parents[3])
    command = f"{sys.executable} -m edgeroute generate | head -n 1"
    environment = child_environment({"PYTHONPATH": root})
    done = subprocess.run(
        command, shell=True, env=environment, capture_output=True, timeout=60, check=True
    )
    assert json.loads(done.stdout)
    assert not done.stderr
