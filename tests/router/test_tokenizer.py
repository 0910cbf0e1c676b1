"""The tokenizer of the starter bundle."""

from pathlib import Path

import pytest

from router.bundle import load_bundle
from router.tokenizer import Tokenizer, TokenizerError
from schemas.bundle import TOKENIZER
from tests.router.messages import STARTER, support_messages


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load_bundle(STARTER).tokenizer()


def test_a_batch_gives_the_same_tokens_as_each_text_alone(tokenizer: Tokenizer) -> None:
    texts = support_messages(100)
    assert tokenizer.encode(texts) == [tokenizer.encode([text])[0] for text in texts]


def test_texts_are_not_padded(tokenizer: Tokenizer) -> None:
    short, long = tokenizer.encode(["ok", "the invoice is wrong and the parcel is late"])
    assert len(short) < len(long)


def test_a_long_text_is_cut_and_still_ended(tokenizer: Tokenizer) -> None:
    short, long = tokenizer.encode(["ok", "late " * 5000])
    assert len(long) == 256
    assert (long[0], long[-1]) == (short[0], short[-1])


def test_an_empty_text_has_its_special_tokens(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode([""])[0]) == 2


def test_no_texts_give_no_tokens(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode([]) == []


def test_half_a_surrogate_pair_is_read_around(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode(["fine \ud83d fine"]) == tokenizer.encode(["fine ? fine"])


def test_every_token_is_one_the_networks_know(tokenizer: Tokenizer) -> None:
    odd = ["¿Dónde está mi pedido?", "我的订单在哪里", "⚙️🤷‍♀️", "\u0000\ufffd", "Straße ﬁ"]
    logits = load_bundle(STARTER).edge(threads=1)[-1].logits(tokenizer.encode(odd))
    assert len(logits) == len(odd)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"model": 3}'])
def test_a_file_that_is_no_tokenizer_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / TOKENIZER
    path.write_bytes(content)
    with pytest.raises(TokenizerError, match=r"missing or is no tokenizer file$"):
        Tokenizer.load(path, 256)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"missing or is no tokenizer file$"):
        Tokenizer.load(tmp_path / TOKENIZER, 256)
