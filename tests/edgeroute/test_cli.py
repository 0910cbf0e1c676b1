"""The program as a user meets it: what it prints, and how it ends."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from consumers.embedded import free_port
from edgeroute.cli import app
from edgeroute.settings import as_variables, child_environment
from schemas.codec import RECORDS, json_schema
from tests.services.choose import Broker
from tests.services.stream import BUNDLE, settings_for

SECRET = "hunter2"


def edgeroute(
    *words: str, folder: Path, variables: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run the program with these words, in a folder without settings."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "edgeroute", *words],
        cwd=folder,
        env=child_environment({"PYTHONPATH": root, **(variables or {})}),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
    return done


def sentence(done: "subprocess.CompletedProcess[str]", code: int) -> str:
    """Return the one sentence of a run that ended with this code."""
    [line] = done.stderr.strip().splitlines()
    assert done.returncode == code
    assert line.startswith("edgeroute: ")
    assert line.endswith(".")
    return line


def nobody() -> dict[str, str]:
    """Addresses where nobody listens."""
    return {
        "EDGEROUTE_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "EDGEROUTE_REDIS__URL": f"redis://u:{SECRET}@127.0.0.1:{free_port()}/0",
        "EDGEROUTE_BUNDLE": str(BUNDLE),
    }


def commands() -> Iterator[tuple[str, ...]]:
    def walk(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        children = getattr(command, "commands", {})
        if not children:
            yield words
        for name, child in children.items():
            yield from walk(child, (*words, name))

    yield from walk(typer.main.get_command(app), ())


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_help_with_an_example(words: Sequence[str]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"], env={"TERMINAL_WIDTH": "100"})
    assert done.exit_code == 0
    assert f"edgeroute {' '.join(words)}" in done.stdout.split("Examples")[1]


@pytest.mark.parametrize("name", RECORDS)
def test_schema_prints_the_schema_of_a_record(name: str) -> None:
    done = CliRunner().invoke(app, ["schema", name])
    assert json.loads(done.stdout) == json_schema(RECORDS[name])


@pytest.mark.parametrize("words", ["--help", "config", "schema routed"])
def test_a_quick_command_loads_nothing_heavy(tmp_path: Path, words: str) -> None:
    heavy = ("numpy", "onnxruntime", "aiokafka", "redis", "tokenizers", "torch")
    code = (
        "import sys; from edgeroute.cli import app\n"
        f"try: app({words.split()!r})\n"
        f"except SystemExit: print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=child_environment({"PYTHONPATH": root}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == "[]"


def test_a_wrong_setting_ends_with_2(tmp_path: Path) -> None:
    done = edgeroute("config", folder=tmp_path, variables={"EDGEROUTE_KAFKA__PASSWORD_": SECRET})
    assert "There is no setting kafka.password_" in sentence(done, 2)


def test_an_unknown_option_ends_with_2(tmp_path: Path) -> None:
    assert edgeroute("report", "--nope", folder=tmp_path).returncode == 2


@pytest.mark.parametrize("words", [["replay", "nope.csv"], ["demo", "--transcripts", "nope.csv"]])
def test_a_missing_file_ends_with_2(tmp_path: Path, words: list[str]) -> None:
    assert "There is no file nope.csv" in sentence(edgeroute(*words, folder=tmp_path), 2)


def test_a_missing_bundle_ends_with_2(tmp_path: Path) -> None:
    assert "no model bundle" in sentence(edgeroute("bundle", "verify", "x", folder=tmp_path), 2)


def test_a_damaged_bundle_ends_with_2(tmp_path: Path) -> None:
    for file in BUNDLE.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / "student.onnx").open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"damage")
    said = sentence(
        edgeroute("run", "edge", folder=tmp_path, variables={"EDGEROUTE_BUNDLE": "."}), 2
    )
    assert "student.onnx is damaged" in said


def test_a_whole_bundle_is_said_to_be_so(tmp_path: Path) -> None:
    done = edgeroute("bundle", "verify", str(BUNDLE), folder=tmp_path)
    assert (done.returncode, "complete and unaltered" in done.stdout) == (0, True)


@pytest.mark.parametrize("words", ["run edge", "run monitor", "topics create", "replay a.jsonl"])
def test_a_broker_that_is_away_ends_with_1(tmp_path: Path, words: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"role": "customer", "text": "a"}\n')
    done = edgeroute(*words.split(), folder=tmp_path, variables=nobody())
    assert "No Kafka broker answers" in sentence(done, 1)


def test_a_redis_that_is_away_ends_with_1(tmp_path: Path) -> None:
    done = edgeroute("report", folder=tmp_path, variables=nobody())
    assert "cannot be reached" in sentence(done, 1)


@pytest.mark.embedded
@pytest.mark.parametrize("words", ["run edge", "replay a.jsonl"])
def test_a_missing_topic_ends_with_1(
    tmp_path: Path, words: str, broker: Broker, redis_url: str, unique: str
) -> None:
    (tmp_path / "a.jsonl").write_text('{"role": "customer", "text": "a"}\n')
    given = as_variables(settings_for(broker, redis_url, unique))
    given["EDGEROUTE_LOG__LEVEL"] = "ERROR"
    said = sentence(edgeroute(*words.split(), folder=tmp_path, variables=given), 1)
    assert "edgeroute topics create" in said


@pytest.mark.kafka
def test_topics_are_created_once_and_a_file_is_written_to_them(
    tmp_path: Path, broker: Broker, redis_url: str, unique: str
) -> None:
    given = as_variables(settings_for(broker, redis_url, unique, partitions=1))
    first = edgeroute("topics", "create", folder=tmp_path, variables=given)
    again = edgeroute("topics", "create", folder=tmp_path, variables=given)
    assert (first.stdout.count("created"), again.stdout.count("was there")) == (6, 6)
    (tmp_path / "a.jsonl").write_text('{"role": "customer", "text": "a"}\n\nnot json\n')
    fed = edgeroute("replay", "a.jsonl", "--run-id", "r", folder=tmp_path, variables=given)
    assert (fed.returncode, fed.stdout) == (
        0,
        f"1 transcript written to {unique}.transcripts as run r\n",
    )
    said = "1 malformed line left out: 3 (kept in a.jsonl.rejected.jsonl)\n"
    assert fed.stderr.startswith(said)
    # Without transactions nobody can go on where it was cut off, and that is said.
    assert ("starts over" in fed.stderr) != broker.exactly_once


@pytest.mark.exactly_once
def test_a_replay_that_is_done_says_so_and_what_to_do(
    tmp_path: Path, exactly_once_broker: Broker, redis_url: str, unique: str
) -> None:
    (tmp_path / "a.jsonl").write_text('{"role": "customer", "text": "a"}\n')
    given = as_variables(settings_for(exactly_once_broker, redis_url, unique, partitions=1))
    edgeroute("topics", "create", folder=tmp_path, variables=given)
    edgeroute("replay", "a.jsonl", folder=tmp_path, variables=given)
    done = edgeroute("replay", "a.jsonl", folder=tmp_path, variables=given)
    assert (done.returncode, "done already" in done.stdout, "--again" in done.stdout) == (
        0,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("replay", "Name a file to replay"),
        ("replay --from-topic t --since yesterday", "--since must be a moment like"),
        ("replay --from-topic t --live", "goes without files, --live"),
    ],
)
def test_a_replay_of_nothing_that_can_be_replayed_ends_with_2(
    tmp_path: Path, words: str, said: str
) -> None:
    done = edgeroute(*words.split(), folder=tmp_path, variables=nobody())
    assert said in sentence(done, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--rate 5 --speed 2", "either --rate or --speed"),
        ("--rate 0", "--rate must be a number above 0"),
        ("--speed nan", "--speed must be a number above 0"),
        ("--live --run-id x", "leave out --run-id"),
        ("--live --escalate", "leave out --escalate"),
        ("--column text", "--column takes FIELD=NAME"),
        ("--column run_id=x", "--column takes FIELD=NAME"),
        ("--column text=a --column text=b", "named before"),
        ("--since 2026-03-01", "go with --from-topic"),
        ("--from-topic t", "goes without files"),
        ("--rejected a.jsonl", "would overwrite"),
        ("--run-id " + "x" * 257, "1 to 256 characters"),
    ],
)
def test_a_replay_that_is_asked_for_wrongly_ends_with_2(
    tmp_path: Path, options: str, said: str
) -> None:
    (tmp_path / "a.jsonl").write_text('{"role": "customer", "text": "a"}\n')
    words = ["replay", "a.jsonl", *options.split()]
    assert said in sentence(edgeroute(*words, folder=tmp_path, variables=nobody()), 2)


@pytest.mark.kafka
def test_a_file_that_holds_no_transcripts_ends_with_1(
    tmp_path: Path, broker: Broker, redis_url: str, unique: str
) -> None:
    (tmp_path / "a.csv").write_text("hunter2,b\n1,2\n")
    given = as_variables(settings_for(broker, redis_url, unique, partitions=1))
    assert edgeroute("topics", "create", folder=tmp_path, variables=given).returncode == 0
    done = edgeroute("replay", "a.csv", folder=tmp_path, variables=given)
    assert "role and text" in sentence(done, 1)


def test_the_model_runtime_reports_nothing_to_anybody(tmp_path: Path) -> None:
    # Its uploader keeps a session file in the folder for temporary files.
    home = tmp_path / "tmp"
    home.mkdir()
    given = {"TMPDIR": str(home), "EDGEROUTE_BUNDLE": str(BUNDLE)}
    edgeroute("bundle", "verify", str(BUNDLE), folder=tmp_path, variables=given)
    assert list(home.iterdir()) == []


def test_the_report_says_what_to_do_where_nothing_is_counted(
    tmp_path: Path, redis_url: str, unique: str
) -> None:
    given = {"EDGEROUTE_REDIS__URL": redis_url, "EDGEROUTE_REDIS__PREFIX": unique}
    done = edgeroute("report", folder=tmp_path, variables=given)
    assert (done.returncode, "edgeroute run monitor" in done.stdout) == (0, True)


def test_the_report_for_machines_is_json(tmp_path: Path, redis_url: str, unique: str) -> None:
    given = {"EDGEROUTE_REDIS__URL": redis_url, "EDGEROUTE_REDIS__PREFIX": unique}
    done = edgeroute("report", "--json", folder=tmp_path, variables=given)
    assert json.loads(done.stdout)["routing"]["records"] == 0


def test_the_report_as_a_page_is_a_file(tmp_path: Path, redis_url: str, unique: str) -> None:
    given = {
        "EDGEROUTE_REDIS__URL": redis_url,
        "EDGEROUTE_REDIS__PREFIX": unique,
        "EDGEROUTE_BUNDLE": str(BUNDLE),
    }
    done = edgeroute("report", "--html", "page.html", "--json", folder=tmp_path, variables=given)
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert "The page is in page.html" in done.stderr
    assert json.loads(done.stdout)["models"]["bundle_version"].startswith("starter-")


def test_a_page_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, redis_url: str, unique: str
) -> None:
    given = {"EDGEROUTE_REDIS__URL": redis_url, "EDGEROUTE_REDIS__PREFIX": unique}
    done = edgeroute("report", "--html", "nowhere/page.html", folder=tmp_path, variables=given)
    assert "nowhere/page.html" in sentence(done, 1)


def test_the_report_stands_without_a_bundle(tmp_path: Path, redis_url: str, unique: str) -> None:
    given = {
        "EDGEROUTE_REDIS__URL": redis_url,
        "EDGEROUTE_REDIS__PREFIX": unique,
        "EDGEROUTE_BUNDLE": str(tmp_path / "nowhere"),
    }
    done = edgeroute("report", "--json", folder=tmp_path, variables=given)
    assert "is no model bundle" in json.loads(done.stdout)["no_models_because"]


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
def test_a_role_that_is_told_to_stop_ends_by_itself(
    tmp_path: Path,
    broker: Broker,
    redis_url: str,
    unique: str,
    number: signal.Signals,
    code: int,
) -> None:
    given = as_variables(settings_for(broker, redis_url, unique, partitions=1))
    assert edgeroute("topics", "create", folder=tmp_path, variables=given).returncode == 0
    root = str(Path(__file__).parents[2])
    role = subprocess.Popen(
        [sys.executable, "-m", "edgeroute", "run", "monitor"],
        cwd=tmp_path,
        env=child_environment({"PYTHONPATH": root, **given}),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert role.stderr is not None
        for line in role.stderr:
            if "assigned" in line:
                break
        role.send_signal(number)
        said = role.communicate(timeout=60)[1]
    finally:
        role.kill()
        role.wait()
    assert (role.returncode, "Traceback" in said) == (code, False)


def test_training_into_a_folder_in_use_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    done = edgeroute("train", "--data", "a.csv", "--out", "full", folder=tmp_path)
    assert "full is not empty" in sentence(done, 1)


def test_a_command_that_the_system_refuses_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("x")
    given = {"EDGEROUTE_CONFIG": str(tmp_path / "a.jsonl" / "b")}
    assert "There is no settings file" in sentence(
        edgeroute("config", folder=tmp_path, variables=given), 2
    )
