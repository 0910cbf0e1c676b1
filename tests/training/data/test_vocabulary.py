"""The vocabulary: what is cut, and that what stays reads the same."""

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models  # type: ignore[import-untyped]

from tests.router.messages import support_messages

pytest.importorskip("transformers")

from training import TrainingError
from training.data.vocabulary import trim

WORDS = ["[PAD]", "gone", "[UNK]", "[CLS]", "[SEP]", "p", "##p", "par", "##cel", "late", "rare"]
TEXTS = ["parcel late late late", "late parcel", "rare"]


def _file(words: list[str]) -> str:
    special = {word: number for number, word in enumerate(words) if word.startswith("[")}
    added = [
        {
            "id": number,
            "content": word,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for word, number in special.items()
    ]
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": None,
            "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": {
                "type": "BertProcessing",
                "sep": ["[SEP]", special["[SEP]"]],
                "cls": ["[CLS]", special["[CLS]"]],
            },
            "decoder": None,
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {word: number for number, word in enumerate(words)},
            },
        }
    )


def _pieces(tokenizer: str, text: str) -> list[str]:
    return list(Tokenizer.from_str(tokenizer).encode(text).tokens)


def test_a_piece_never_seen_goes() -> None:
    kept = trim(_file(WORDS), TEXTS, 11).kept
    assert WORDS.index("gone") not in kept


def test_the_most_frequent_pieces_stay() -> None:
    vocabulary = trim(_file(WORDS), TEXTS, 9)
    assert [WORDS[number] for number in vocabulary.kept] == [
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "p", "##p", "par", "##cel", "late")
    ]


def test_text_made_of_kept_pieces_reads_the_same() -> None:
    vocabulary = trim(_file(WORDS), TEXTS, 9)
    text = "parcel late"
    assert _pieces(vocabulary.tokenizer, text) == _pieces(_file(WORDS), text)


def test_the_new_numbers_point_at_the_old_pieces() -> None:
    vocabulary = trim(_file(WORDS), TEXTS, 9)
    encoding = Tokenizer.from_str(vocabulary.tokenizer).encode("parcel late")
    assert [WORDS[vocabulary.kept[number]] for number in encoding.ids] == encoding.tokens


def test_fewer_pieces_than_characters_are_refused() -> None:
    with pytest.raises(TrainingError, match="are too few"):
        trim(_file(WORDS), TEXTS, 3)


def test_a_tokenizer_of_another_kind_stays_whole() -> None:
    pieces = Tokenizer(models.BPE({"<pad>": 0, "a": 1, "b": 2, "ab": 3}, [("a", "b")]))
    pieces.add_special_tokens(["<mask>"])
    vocabulary = trim(pieces.to_str(), ["ab"], 2)
    assert vocabulary.kept == (0, 1, 2, 3, 4)
    assert _pieces(vocabulary.tokenizer, "abba") == ["ab", "b", "a"]


def test_the_starter_leaves_no_support_message_unreadable() -> None:
    starter = Path(__file__).parents[3] / "models" / "starter" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(starter))
    plain = [text for text in support_messages(100) if text.isascii()]
    assert not any("[UNK]" in encoding.tokens for encoding in tokenizer.encode_batch(plain))
