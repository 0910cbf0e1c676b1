"""Encoders of a few thousand random weights, and a vocabulary to go with them."""

import json
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
from transformers import BertConfig, BertForSequenceClassification, BertModel

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_TEXT = (
    "the parcel is late again and nobody answers thanks that was great perfect help where my "
    "invoice number order blue awful i am so happy furious lovely terrible kind refund fast app on"
)
WORDS = tuple(_TEXT.split())
VOCABULARY = (*SPECIAL, *"abcdefghijklmnopqrstuvwxyz", *WORDS)


def tiny_config(**changes: Any) -> BertConfig:
    """Return the sizes of a BERT of two layers, 32 wide, for `VOCABULARY`."""
    sizes = {
        "vocab_size": len(VOCABULARY), "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 64, "max_position_embeddings": 64,
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


def tiny_tokenizer(path: Path) -> Path:
    """Write a word-piece tokenizer of `VOCABULARY` to ``path``."""
    numbers = {piece: number for number, piece in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    path.write_text(json.dumps(json.loads(tokenizer.to_str())), encoding="utf-8")
    return path
