"""The first step: from files to parts, labels and a vocabulary."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers  # type: ignore[import-untyped]

pytest.importorskip("sklearn")
pytest.importorskip("transformers")

from schemas.bundle import Dataset
from training import TrainingError
from training.config import Data, TrainConfig
from training.data.parts import Row, read_part, read_texts
from training.data.prepare import run
from training.run_folder import Work

pytestmark = pytest.mark.train

BANKING = Path(__file__).parents[4] / "shared" / "data" / "banking77"
"""Beside the repository where it was developed; nobody else needs it."""
PARTS = ("train", "validation", "calibration", "judging")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789@?"

Made = Callable[..., Work]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing of an encoder but its tokenizer."""
    from transformers import BertTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "message", "rare", "##age", "late"]
    words += [*LETTERS, *(f"##{letter}" for letter in LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    return folder


@pytest.fixture
def made(tmp_path: Path, base: Path) -> Made:
    """Prepares data given as rows by kind."""

    def make(settings: dict[str, Any] | None = None, **kinds: list[Row]) -> Work:
        sources = {}
        for kind, rows in kinds.items():
            path = tmp_path / f"{kind}.jsonl"
            path.write_text("".join(json.dumps(row._asdict()) + "\n" for row in rows))
            sources[kind] = [{"path": path, "group": "group"}]
        data = Data.model_validate({"pieces": 84, **(settings or {}), **sources})
        config = TrainConfig(base=str(base), data=data)
        work = Work(config, tmp_path / "run", "prepare", quiet=True)
        work.folder.mkdir(parents=True, exist_ok=True)
        return work

    return make


def _rows(count: int, start: int = 0) -> list[Row]:
    return [Row(f"message {n}", "abc"[n % 3]) for n in range(start, start + count)]


def _talks(count: int) -> list[Row]:
    return [row._replace(group=f"talk {n // 3}") for n, row in enumerate(_rows(count))]


def _parts(work: Work) -> dict[str, list[Row]]:
    return {name: read_part(work.folder / f"{name}.jsonl") for name in PARTS}


def _texts(rows: list[Row]) -> set[str]:
    return {row.text for row in rows}


def test_one_file_becomes_four_parts(made: Made) -> None:
    work = made(labelled=_rows(300))
    run(work)
    parts = _parts(work)
    assert {name: len(rows) for name, rows in parts.items()} == {
        "train": 216, "validation": 24, "calibration": 30, "judging": 30,
    }  # fmt: skip
    assert set.union(*map(_texts, parts.values())) == _texts(_rows(300))
    for rows in parts.values():
        assert len(set(Counter(row.label for row in rows).values())) == 1


def test_the_same_data_gives_the_same_bytes(made: Made) -> None:
    contents = []
    for _ in range(2):
        work = made(labelled=_talks(90), unlabelled=_rows(20, 200))
        run(work)
        contents.append({path.name: path.read_bytes() for path in work.folder.iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {
        *(f"{name}.jsonl" for name in (*PARTS, "unlabelled")),
        *("labels.json", "tokenizer.json", "kept.json", "data.json"),
    }


def test_a_conversation_is_in_one_part_only(made: Made) -> None:
    work = made(labelled=_talks(300))
    run(work)
    groups = [{row.group for row in rows} for rows in _parts(work).values()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 100


def test_a_test_file_judges_and_held_out_messages_calibrate(made: Made) -> None:
    work = made(labelled=_rows(90), held_out=_rows(30, 100), test=_rows(30, 200))
    run(work)
    parts = _parts(work)
    assert _texts(parts["calibration"]) == _texts(_rows(30, 100))
    assert _texts(parts["judging"]) == _texts(_rows(30, 200))


def test_held_out_messages_alone_do_both_half_by_half(made: Made) -> None:
    work = made(labelled=_rows(90), held_out=_rows(60, 100))
    run(work)
    parts = _parts(work)
    assert len(parts["calibration"]) == len(parts["judging"]) == 30


def test_without_a_validation_share_the_calibrating_part_is_used_for_it(made: Made) -> None:
    work = made({"validation_share": 0}, labelled=_rows(90))
    run(work)
    parts = _parts(work)
    assert parts["validation"] == parts["calibration"]


def test_what_judges_is_not_learned_from_nor_nearly_the_same(made: Made) -> None:
    judging = [Row("where is my flight @delta", "a"), *_rows(59, 100)]
    near = [Row("Where is  my flight @united", "b"), Row("message 100", "b")]
    work = made(labelled=[*_rows(90), *near], test=judging, held_out=_rows(30, 200))
    metrics = run(work)
    assert not _texts(near) & _texts(_parts(work)["train"])
    assert len(_parts(work)["judging"]) == 60
    assert metrics["left_out_as_seen_in_held_out"]["train"] == {"exact": 1, "near": 1, "group": 0}


def test_unlabelled_texts_are_those_of_no_other_part(made: Made) -> None:
    work = made(labelled=_rows(90), unlabelled=[*_rows(300), *_rows(300)])
    metrics = run(work)
    assert set(read_texts(work.folder / "unlabelled.jsonl")) == _texts(_rows(210, 90))
    assert metrics["cleaned"]["unlabelled"]["repeated"] == 300


def test_the_author_of_a_judging_message_is_in_no_unlabelled_one(made: Made) -> None:
    others = [Row("rare", "", "talk 1"), Row("late", "", "talk 999")]
    test = [row._replace(group="talk 1") for row in _rows(30, 200)]
    work = made(labelled=_talks(90)[6:], test=test, unlabelled=others)
    run(work)
    assert read_texts(work.folder / "unlabelled.jsonl") == ["late"]


def test_the_vocabulary_is_of_training_text(made: Made) -> None:
    work = made(labelled=_rows(90), unlabelled=[Row("late", "")])
    run(work)
    kept = json.loads((work.folder / "kept.json").read_text())
    pieces = Tokenizer.from_file(str(work.folder / "tokenizer.json")).get_vocab()
    assert len(kept) == len(pieces) == 83
    assert {"message", "late"} <= set(pieces)
    assert "rare" not in pieces


def test_an_encoder_with_other_pieces_keeps_them_all(made: Made, tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE({letter: n for n, letter in enumerate(LETTERS)}, []))
    pieces.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=pieces).save_pretrained(tmp_path / "other")
    work = made(labelled=_rows(90))
    other = work.config.model_copy(update={"base": str(tmp_path / "other")})
    run(Work(other, work.run, work.step, quiet=True))
    assert json.loads((work.folder / "kept.json").read_text()) == [*range(len(LETTERS))]


def test_the_data_is_named_for_the_card(made: Made) -> None:
    work = made(labelled=_rows(90), unlabelled=_rows(20, 100))
    run(work)
    entries = json.loads((work.folder / "data.json").read_text())
    datasets = [Dataset.model_validate(entry) for entry in entries]
    assert [(entry.use, entry.rows) for entry in datasets] == [
        ("training", 90),
        ("adapting and distilling, without labels", 20),
    ]
    assert {entry["licence"] for entry in entries} == {"not stated"}


@pytest.mark.skipif(not BANKING.exists(), reason="needs banking77")
def test_the_77_intents_of_banking_come_to_every_part(base: Path, tmp_path: Path) -> None:
    labelled = {"path": str(BANKING / "train.csv.gz"), "label": "category"}
    config = {"base": str(base), "data": {"labelled": [labelled], "pieces": 84}}
    work = Work(TrainConfig.model_validate(config), tmp_path, "prepare", quiet=True)
    work.folder.mkdir()
    run(work)
    for rows in _parts(work).values():
        assert len({row.label for row in rows}) == 77
    assert sum(map(len, _parts(work).values())) > 9_900


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ({}, "there is no labelled data"),
        ({"labelled": _rows(24)}, "label 'a' has 8 messages or conversations and needs 10"),
        ({"labelled": _rows(90), "test": [Row("new", "d")]}, "has the label 'd', which the train"),
        ({"labelled": _rows(90), "held_out": _rows(1)}, "cannot be divided"),
        (
            {"labelled": _rows(90), "held_out": _rows(30), "test": _rows(30)},
            "no messages are left for calibration",
        ),
    ],
)
def test_data_that_cannot_serve_is_one_sentence(
    made: Made, kinds: dict[str, list[Row]], words: str
) -> None:
    with pytest.raises(TrainingError, match=words):
        run(made(**kinds))
