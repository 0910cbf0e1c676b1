"""A smaller word-piece vocabulary, cut before training so that all tiers share it.

The table of embeddings is the largest single part of a small encoder, and a domain uses a fraction
of it. Every single character stays, so that no text becomes unreadable: it only gets longer.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import tokenizers  # type: ignore[import-untyped]
from transformers import AutoTokenizer

from training import TrainingError
from training.progress import bar

_AT_ONCE: Final = 1_000


@dataclass(frozen=True)
class Vocabulary:
    """``kept`` are the old ids in the order of the new ones; ``tokenizer`` is the new file.

    There were ``of`` pieces.
    """

    kept: tuple[int, ...]
    tokenizer: str
    of: int


def base_tokenizer(base: str) -> str:
    """Return the tokenizer file of an encoder given by hub name or folder."""
    try:
        return str(AutoTokenizer.from_pretrained(base).backend_tokenizer.to_str())
    except Exception as error:  # a hub, a disk and a parser can fail here, each in its own way
        raise TrainingError(
            f"the base encoder {base} cannot be loaded ({type(error).__name__}); "
            "name a folder with its files, or a hub model while online"
        ) from error


def trim(tokenizer: str, texts: Sequence[str], pieces: int, *, quiet: bool = True) -> Vocabulary:
    """Return the vocabulary of ``tokenizer`` (its JSON) cut to at most ``pieces`` entries.

    Kept are the special tokens, every single character, and of the other pieces the most frequent
    in ``texts``; a piece that ``texts`` never use goes. A vocabulary that is not of word pieces
    stays whole: other kinds are built so that a piece can need another one.
    """
    content: dict[str, Any] = json.loads(tokenizer)
    content["truncation"] = content["padding"] = None
    if content["model"].get("type") != "WordPiece":
        return _whole(json.dumps(content, ensure_ascii=False))
    old: dict[str, int] = content["model"]["vocab"]
    special = {entry["content"] for entry in content["added_tokens"]}
    always = {piece for piece in old if piece in special or len(piece.removeprefix("##")) == 1}
    if len(always) >= pieces:
        raise TrainingError(f"{pieces} pieces are too few; {len(always)} are characters alone")
    seen = _counts(json.dumps(content), texts, quiet=quiet)
    ranked = sorted((old[piece], piece) for piece in old.keys() - always if seen[old[piece]])
    ranked.sort(key=lambda entry: -seen[entry[0]])
    chosen = always | {piece for _, piece in ranked[: pieces - len(always)]}
    kept = sorted(chosen, key=old.__getitem__)
    return Vocabulary(tuple(old[piece] for piece in kept), _rebuilt(content, kept), len(old))


def _whole(tokenizer: str) -> Vocabulary:
    ids = tokenizers.Tokenizer.from_str(tokenizer).get_vocab(with_added_tokens=True).values()
    count = max(ids) + 1
    return Vocabulary(tuple(range(count)), tokenizer, count)


def _counts(tokenizer: str, texts: Sequence[str], *, quiet: bool) -> Counter[int]:
    encode = tokenizers.Tokenizer.from_str(tokenizer).encode_batch_fast
    counts: Counter[int] = Counter()
    for start in bar(range(0, len(texts), _AT_ONCE), "counting word pieces", quiet=quiet):
        for encoding in encode(list(texts[start : start + _AT_ONCE])):
            counts.update(encoding.ids)
    return counts


def _rebuilt(content: dict[str, Any], kept: Sequence[str]) -> str:
    new = {piece: number for number, piece in enumerate(kept)}
    content["model"]["vocab"] = new
    for entry in content["added_tokens"]:
        entry["id"] = new[entry["content"]]
    _renumber(content.get("post_processor") or {}, new)
    return json.dumps(content, ensure_ascii=False)


def _renumber(processor: dict[str, Any], new: dict[str, int]) -> None:
    """Correct the ids of [CLS] and [SEP], which the file repeats in one of two forms."""
    for entry in processor.get("special_tokens", {}).values():
        entry["ids"] = [new[token] for token in entry["tokens"]]
    for side in ("cls", "sep"):
        if side in processor:
            processor[side] = [processor[side][0], new[processor[side][0]]]
