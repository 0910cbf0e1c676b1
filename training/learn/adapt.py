"""The encoder cut to the vocabulary, and adapted to the domain by masked-language modelling."""

import copy
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from transformers import AutoModel, AutoModelForMaskedLM, PreTrainedModel

from router.tokenizer import Tokenizer
from schemas.bundle import TOKENIZER
from training import TrainingError
from training.base_encoder import offline_base
from training.data.parts import read_texts
from training.learn.torch_loop import (
    Plan,
    Tokens,
    best_of,
    device,
    fit,
    half_precision,
    padded,
    seed_everything,
)
from training.run_folder import Metrics, Work

ENCODER: Final = "encoder"
PLAIN: Final = "plain"
HELD_OUT: Final = 0.05
"""Of the texts, to measure the masked loss on."""
_IGNORED: Final = -100
"""The label of a position that is not to be guessed; torch's own."""


@dataclass(frozen=True)
class Mask:
    """How positions are hidden: ``piece`` is put there, ``fixed`` pieces never are hidden.

    Of the ``share`` chosen, eight in ten get the piece, one a random one, one stays.
    """

    piece: int
    fixed: tuple[int, ...]
    vocabulary: int
    share: float


def run(work: Work) -> Metrics:
    """Write `ENCODER`, and `PLAIN`, the same without adaptation, where there was any."""
    config, section = work.config, work.config.adapt
    seed_everything(config.seed)
    base = config.base or offline_base()
    kept: list[int] = json.loads((work.of("prepare") / "kept.json").read_text(encoding="utf-8"))
    encoder = trimmed(load(AutoModel, base), kept, config.data.max_tokens)
    size = {"pieces": len(kept), "parameters": sum(p.numel() for p in encoder.parameters())}
    if section.epochs == 0:
        encoder.save_pretrained(work.folder / ENCODER)
        return {"said": "left out", "epochs": 0, **size}
    encoder.save_pretrained(work.folder / PLAIN)
    network = trimmed(load(AutoModelForMaskedLM, base), kept, config.data.max_tokens)
    measured = _adapt(work, network)
    # The head for masked words comes without the pooler, which stays as it was.
    encoder.load_state_dict(network.base_model.state_dict(), strict=False)
    encoder.save_pretrained(work.folder / ENCODER)
    return {**measured, **size}


def load(kind: Any, base: str) -> PreTrainedModel:
    """Return a model given by hub name or folder; ``kind`` is one of transformers' auto classes."""
    transformers.logging.set_verbosity_error()
    try:
        model: PreTrainedModel = kind.from_pretrained(base)
    except Exception as error:  # a hub, a disk and a parser can fail here, each in its own way
        raise TrainingError(
            f"the base encoder {base} cannot be loaded ({type(error).__name__}); "
            "name a folder with its files, or a hub model while online"
        ) from error
    return model


def trimmed(full: PreTrainedModel, kept: Sequence[int], positions: int) -> PreTrainedModel:
    """Return the model with only the ``kept`` pieces, in that order, and ``positions`` positions.

    Positions are kept where the encoder counts them from the padding piece, as RoBERTa does.
    """
    config = copy.deepcopy(full.config)
    config.vocab_size = len(kept)
    if (padding := config.pad_token_id) is not None and padding in kept:
        config.pad_token_id = list(kept).index(padding)
    weights = full.state_dict()
    tables = {table.data_ptr() for table in _tables_of_pieces(full)}
    for name, weight in weights.items():
        if weight.data_ptr() in tables:
            weights[name] = weight[list(kept)]
    for name, module in full.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            offset = 0 if module.padding_idx is None else module.padding_idx + 1
            _check_positions(positions, module.num_embeddings - offset)
            if not offset:
                config.max_position_embeddings = positions
                weights[f"{name}.weight"] = module.weight.detach()[:positions]
    small = type(full)(config)
    small.load_state_dict(weights)
    small.tie_weights()
    return small


def hidden(ids: torch.Tensor, mask: Mask, chance: torch.Generator | None = None) -> torch.Tensor:
    """Hide pieces of ``ids`` in place and return what was there, `_IGNORED` elsewhere."""
    labels = ids.clone()
    fixed = torch.isin(ids, torch.tensor(mask.fixed))
    drawn = torch.rand(ids.shape, generator=chance)
    chosen = (drawn < mask.share) & ~fixed
    labels[~chosen] = _IGNORED
    ids[chosen & (drawn < 0.8 * mask.share)] = mask.piece
    swapped = chosen & (drawn >= 0.8 * mask.share) & (drawn < 0.9 * mask.share)
    ids[swapped] = torch.randint(mask.vocabulary, ids.shape, generator=chance)[swapped]
    return labels


def _adapt(work: Work, network: PreTrainedModel) -> Metrics:
    section, seed = work.config.adapt, work.config.seed
    tokenizer = work.of("prepare") / TOKENIZER
    texts = _texts(work.of("prepare"), seed)
    cut = max(1, round(HELD_OUT * len(texts)))
    encode = Tokenizer.load(tokenizer, min(section.tokens, work.config.data.max_tokens)).encode
    held_out, training = encode(texts[:cut]), encode(texts[cut:])
    mask = _mask(tokenizer, network.config.vocab_size, section.masking)
    exam = _exam(held_out, mask, section.batch, seed)

    def loss_of(indices: Sequence[int]) -> torch.Tensor:
        inputs = padded([training[index] for index in indices], torch.device("cpu"))
        return _loss(network, inputs, hidden(inputs["input_ids"], mask))

    plan = Plan("adapting", section.epochs, section.batch, section.learning_rate, seed)
    torch.nn.Module.to(network, device())
    before = _examined(network, exam)
    epochs = fit(
        network,
        [len(tokens) for tokens in training],
        loss_of,
        lambda: -_examined(network, exam),
        plan,
        work.checkpoint / "adapt.pt",
        work.quiet,
    )
    after = -epochs[best_of(epochs)].score
    return {
        "said": f"the loss on masked pieces of held-out text went from {before:.3f} to {after:.3f}",
        "epochs": len(epochs),
        "texts": len(training),
        "held_out_texts": len(held_out),
        "masked_loss_before": before,
        "masked_loss_after": after,
        "training_losses": [epoch.loss for epoch in epochs],
    }


def _texts(prepared: Path, seed: int) -> list[str]:
    """Return each training and unlabelled text once, shuffled."""
    texts = list(
        dict.fromkeys(
            [*read_texts(prepared / "train.jsonl"), *read_texts(prepared / "unlabelled.jsonl")]
        )
    )
    random.Random(seed).shuffle(texts)
    return texts


def _mask(tokenizer: Path, vocabulary: int, share: float) -> Mask:
    added = json.loads(tokenizer.read_text(encoding="utf-8"))["added_tokens"]
    special = {entry["content"]: int(entry["id"]) for entry in added if entry["special"]}
    piece = special.get("[MASK]", special.get("<mask>"))
    if piece is None:
        raise TrainingError(
            "the base encoder's tokenizer has no mask token; "
            "set adapt.epochs = 0 or choose another encoder"
        )
    return Mask(piece, tuple(sorted(special.values())), vocabulary, share)


def _exam(tokens: Tokens, mask: Mask, size: int, seed: int) -> list[dict[str, torch.Tensor]]:
    """Return batches in which the same pieces are always hidden."""
    chance = torch.Generator().manual_seed(seed)
    ordered = sorted(tokens, key=len)
    batches = []
    for start in range(0, len(ordered), size):
        inputs = padded(ordered[start : start + size], torch.device("cpu"))
        labels = hidden(inputs["input_ids"], mask, chance)
        batches.append({**inputs, "labels": labels})
    return batches


def _examined(network: PreTrainedModel, exam: Sequence[dict[str, torch.Tensor]]) -> float:
    """Return the mean loss over all hidden pieces."""
    network.eval()
    total, count = 0.0, 0
    with torch.inference_mode(), half_precision(device()):
        for batch in exam:
            inputs = {name: value for name, value in batch.items() if name != "labels"}
            guessed = int((batch["labels"] != _IGNORED).sum())
            total += float(_loss(network, inputs, batch["labels"])) * guessed
            count += guessed
    return total / max(1, count)


def _loss(
    network: PreTrainedModel, inputs: dict[str, torch.Tensor], labels: torch.Tensor
) -> torch.Tensor:
    """Return the mean loss over the hidden pieces of a batch; 0 where none is hidden."""
    where = device()
    logits = network(**{name: value.to(where) for name, value in inputs.items()}).logits
    total = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).float(), labels.to(where).flatten(), reduction="sum"
    )
    return total / max(1, int((labels != _IGNORED).sum()))


def _tables_of_pieces(model: PreTrainedModel) -> list[torch.Tensor]:
    """Return the weights with a row a piece: embeddings, and the guess of a hidden one."""
    output = model.get_output_embeddings()
    tables = [model.get_input_embeddings().weight]
    if output is not None:
        tables += [output.weight] + ([] if output.bias is None else [output.bias])
    return [table for table in tables if isinstance(table, torch.Tensor)]


def _check_positions(wanted: int, most: int) -> None:
    if wanted > most:
        raise TrainingError(
            f"the base encoder reads at most {most} tokens and data.max_tokens is {wanted}; "
            f"set data.max_tokens to {most} or less"
        )
