"""What `edgeroute predict` writes, with the starter bundle."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgeroute.cli import app
from edgeroute.commands import predict as command
from router.bundle import load_bundle
from router.policy import audited
from tests.services.stream import BUNDLE

MANIFEST = load_bundle(BUNDLE).manifest
TIERS = [model.tier for model in MANIFEST.models.all()]
TEXTS = [
    "thanks, that was great!",
    "",
    "where is my order",
    "This is the third time I call. I am furious, this is unacceptable, get me a manager!",
]


def write(file: Path, texts: list[str]) -> Path:
    lines = [{"call_id": f"c{number}", "text": text} for number, text in enumerate(texts)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def predict(folder: Path, file: Path, *options: str) -> list[dict[str, str]]:
    out = folder / "out.csv"
    words = ["predict", str(BUNDLE), str(file), "--out", str(out), "--quiet", *options]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr
    with out.open(newline="") as stream:
        return list(csv.DictReader(stream))


def refusal(folder: Path, file: Path, *options: str) -> str:
    words = ["predict", str(BUNDLE), str(file), "--out", str(folder / "out.csv"), *options]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert [path.name for path in folder.iterdir()] == [file.name]
    return done.stderr


def test_every_record_has_its_row_in_order(tmp_path: Path) -> None:
    rows = predict(tmp_path, write(tmp_path / "a.jsonl", TEXTS))
    assert [row["call_id"] for row in rows] == ["c0", "c1", "c2", "c3"]


def test_a_row_has_the_answer_of_every_tier_and_of_the_system(tmp_path: Path) -> None:
    [row] = predict(tmp_path, write(tmp_path / "a.jsonl", TEXTS[:1]))
    each = [f"{tier}_{what}" for tier in TIERS for what in ("label", "confidence")]
    assert list(row) == ["call_id", *each, "tier", "label"]
    assert {row[f"{tier}_label"] for tier in TIERS} == {"positive"}


def test_a_confidence_is_the_calibrated_one(tmp_path: Path) -> None:
    from router.confidence import predictions as answers

    [row] = predict(tmp_path, write(tmp_path / "a.jsonl", TEXTS[2:3]))
    bundle = load_bundle(BUNDLE)
    logits = bundle.cloud(threads=1).logits(bundle.tokenizer().encode(TEXTS[2:3]))
    [(_, share)] = answers(logits, MANIFEST.models.cloud.temperature, MANIFEST.labels)
    assert row[f"{TIERS[-1]}_confidence"] == f"{share:.6f}"


def test_a_message_without_text_has_no_answer(tmp_path: Path) -> None:
    rows = predict(tmp_path, write(tmp_path / "a.jsonl", ["", "  ", "hi"]))
    assert [row["tier"] == "" and row["label"] == "" for row in rows] == [True, True, False]


def test_a_complex_message_has_the_clouds_answer(tmp_path: Path) -> None:
    long = " ".join(["I am furious and angry and it is awful"] * 12)
    [row] = predict(tmp_path, write(tmp_path / "a.jsonl", [long]))
    assert row["tier"] == TIERS[-1]


def test_an_audited_message_has_the_clouds_answer(tmp_path: Path) -> None:
    policy = command._policy(load_bundle(BUNDLE))
    drawn = next(f"c{number}" for number in range(9_999) if audited(policy, f"c{number}"))
    (tmp_path / "a.csv").write_text(f"id,text\nc0,{TEXTS[0]}\n{drawn},{TEXTS[0]}\n")
    rows = predict(tmp_path, tmp_path / "a.csv")
    assert not audited(policy, "c0")
    assert [row["tier"] == TIERS[-1] for row in rows] == [False, True]


def test_columns_are_passed_through_under_names_of_choice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("who,body\nme,hello\n")
    options = ("--text-column", "body", "--keep", "agent=who")
    [row] = predict(tmp_path, tmp_path / "a.csv", *options)
    assert row["agent"] == "me"


def test_without_an_id_records_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\nhello\nthanks\n")
    assert [row["record"] for row in predict(tmp_path, tmp_path / "a.csv")] == ["1", "2"]


def test_parquet_gives_the_same_as_lines(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    write(tmp_path / "a.jsonl", TEXTS)
    lines = map(json.loads, (tmp_path / "a.jsonl").read_text().splitlines())
    parquet.write_table(pa.Table.from_pylist(list(lines)), tmp_path / "a.parquet")
    one, other = (predict(tmp_path, tmp_path / f"a.{form}") for form in ("jsonl", "parquet"))
    assert one == other


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("body\nhello\n")
    assert "has no column text" in refusal(tmp_path, tmp_path / "a.csv")


def test_a_file_without_records_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n")
    assert "holds no records" in refusal(tmp_path, tmp_path / "a.csv")


def test_a_file_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", TEXTS)
    with (tmp_path / "a.jsonl").open("a") as stream:
        stream.write("{")
    words = ["predict", str(BUNDLE), str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "o.csv")]
    done = CliRunner().invoke(app, words)
    assert "is not JSON" in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
