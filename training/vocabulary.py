"""A smaller word-piece vocabulary, cut before training so that both networks share it.

The table of embeddings is the largest single part of a small encoder, and a domain uses a fraction
of it. Every single character stays, so that no text becomes unreadable: it only gets longer.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import tokenizers  # type: ignore[import-untyped]

from training import TrainingError

LARGEST: Final = 10_800
"""More pieces than this and the sizes promised for the networks do not hold."""


@dataclass(frozen=True)
class Vocabulary:
    """``kept`` are the old ids in the order of the new ones; ``tokenizer`` is the new file."""

    kept: tuple[int, ...]
    tokenizer: str


def trim(tokenizer: str, texts: Sequence[str], pieces: int) -> Vocabulary:
    """Return the vocabulary of ``tokenizer`` (its JSON) cut to at most ``pieces`` entries.

    Kept are the special tokens, every single character, and of the other pieces the most frequent
    in ``texts``; a piece that ``texts`` never use goes.
    """
    if pieces > LARGEST:
        raise TrainingError(f"a vocabulary of {pieces} is too large; {LARGEST} is the most")
    content: dict[str, Any] = json.loads(tokenizer)
    if content["model"].get("type") != "WordPiece":
        raise TrainingError(
            "the base encoder does not use word pieces; choose one of BERT's family"
        )
    content["truncation"] = content["padding"] = None
    old: dict[str, int] = content["model"]["vocab"]
    special = {entry["content"] for entry in content["added_tokens"]}
    always = {piece for piece in old if piece in special or len(piece.removeprefix("##")) == 1}
    if len(always) >= pieces:
        raise TrainingError(f"{pieces} pieces are too few; {len(always)} are characters alone")
    seen = _counts(json.dumps(content), texts)
    ranked = sorted((old[piece], piece) for piece in old.keys() - always if seen[old[piece]])
    ranked.sort(key=lambda entry: -seen[entry[0]])
    chosen = always | {piece for _, piece in ranked[: pieces - len(always)]}
    kept = sorted(chosen, key=old.__getitem__)
    return Vocabulary(tuple(old[piece] for piece in kept), _rebuilt(content, kept))


def _counts(tokenizer: str, texts: Sequence[str]) -> Counter[int]:
    encode = tokenizers.Tokenizer.from_str(tokenizer).encode_batch_fast
    counts: Counter[int] = Counter()
    for start in range(0, len(texts), 1000):
        for encoding in encode(list(texts[start : start + 1000])):
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
