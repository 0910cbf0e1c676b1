"""Encoders of a few thousand random weights, and a vocabulary to go with them."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import (  # type: ignore[import-untyped]
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)  # fmt: skip
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
)

from training.config import TrainConfig
from training.data.parts import Row, write_part, write_texts
from training.run_folder import Work, begin

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_TEXT = (
    "the parcel is late again and nobody answers thanks that was great perfect help where my "
    "invoice number order blue awful i am so happy furious lovely terrible kind refund fast app on"
)
WORDS = tuple(_TEXT.split())
VOCABULARY = tuple(dict.fromkeys((*SPECIAL, *"abcdefghijklmnopqrstuvwxyz", *WORDS)))


def tiny_config(**changes: Any) -> BertConfig:
    """Return the sizes of a BERT of two layers, 32 wide, for `VOCABULARY`."""
    sizes = {
        "vocab_size": len(VOCABULARY), "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 64, "max_position_embeddings": 64,
        "initializer_range": 0.2,
    }  # fmt: skip
    return BertConfig(**(sizes | changes))


def tiny_encoder(folder: Path, seed: int = 1) -> Path:
    """Write a random encoder to ``folder``."""
    torch.manual_seed(seed)
    BertModel(tiny_config()).save_pretrained(folder)
    return folder


def tiny_classifier(labels: int = 3) -> BertForSequenceClassification:
    """Return a random classifier."""
    torch.manual_seed(1)
    return BertForSequenceClassification(tiny_config(num_labels=labels))


def tiny_tokenizer(path: Path, vocabulary: Sequence[str] = VOCABULARY) -> Path:
    """Write a word-piece tokenizer to ``path``."""
    numbers = {piece: number for number, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    path.write_text(json.dumps(json.loads(tokenizer.to_str())), encoding="utf-8")
    return path


PHRASES = {
    "bad": ("the parcel is late again", "awful", "nobody answers", "terrible and furious"),
    "good": ("thanks that was great", "perfect", "i am so happy", "lovely kind help"),
    "none": ("where is my invoice", "my order number", "the app is blue", "refund on my order"),
}


def tiny_rows(count: int, seed: int) -> list[Row]:
    """Return labelled messages of three easy phrases each, balanced."""
    chance = random.Random(seed)
    labels = sorted(PHRASES)
    chosen = [labels[number % len(labels)] for number in range(count)]
    return [Row(" ".join(chance.choices(PHRASES[label], k=3)), label) for label in chosen]


def tiny_work(run: Path, step: str, training: int = 120, **sections: dict[str, Any]) -> Work:
    """Return a run in which `prepare` is done, on a random base encoder in the run's folder.

    Its vocabulary lacks every fifth of the base's words.
    """
    prepared = run / "prepare"
    prepared.mkdir(parents=True, exist_ok=True)
    kept = [number for number, _ in enumerate(VOCABULARY) if number < 31 or number % 5]
    tiny_tokenizer(prepared / "tokenizer.json", [VOCABULARY[number] for number in kept])
    (prepared / "kept.json").write_text(json.dumps(kept), encoding="utf-8")
    (prepared / "labels.json").write_text(json.dumps(sorted(PHRASES)), encoding="utf-8")
    write_part(prepared / "train.jsonl", tiny_rows(training, 1))
    write_part(prepared / "validation.jsonl", tiny_rows(60, 2))
    write_texts(prepared / "unlabelled.jsonl", [row.text for row in tiny_rows(300, 3)])
    if not (run / "base").exists():
        tiny_encoder(run / "base")
    content = {"base": str(run / "base"), "data": {"max_tokens": 32}, **sections}
    work = Work(TrainConfig.model_validate(content), run, step, quiet=True)
    begin(work, step)
    return work


def tiny_base(folder: Path) -> Path:
    """Write a random encoder with its tokenizer to ``folder``, as a hub keeps them."""
    tiny_encoder(folder)
    tokenizer = str(tiny_tokenizer(folder / "tokenizer.json"))
    names = {f"{token[1:-1].lower()}_token": token for token in SPECIAL}
    PreTrainedTokenizerFast(tokenizer_file=tokenizer, **names).save_pretrained(folder)
    return folder
