"""A run's folder in which the data is prepared and a tiny teacher is taught nothing."""

import json
import random
from pathlib import Path

from tests.training.tiny import WORDS, tiny_classifier, tiny_tokenizer
from training.config import TrainConfig
from training.data.parts import Row, write_part, write_texts
from training.run_folder import Work

LABELS = ("bad", "good", "none")


def sentences(count: int, seed: int = 3) -> list[str]:
    """Return random sentences of the tiny vocabulary, 1 to 20 words long."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=chance.randint(1, 20))) for _ in range(count)]


def prepared_run(run: Path, config: TrainConfig, messages: int = 40) -> Path:
    """Write what `prepare` and `teach` leave, with 20 unlabelled texts and 20 for validation."""
    folder = run / "prepare"
    folder.mkdir(parents=True)
    chance = random.Random(5)
    for part, count, seed in (("train", messages, 1), ("validation", 20, 2)):
        rows = [Row(text, chance.choice(LABELS)) for text in sentences(count, seed)]
        write_part(folder / f"{part}.jsonl", rows)
    write_texts(folder / "unlabelled.jsonl", sentences(20, 3))
    (folder / "labels.json").write_text(json.dumps(LABELS), encoding="utf-8")
    tiny_tokenizer(folder / "tokenizer.json")
    tiny_classifier().save_pretrained(run / "teach" / "model")
    return run


def step(run: Path, name: str, config: TrainConfig) -> Work:
    """Return what a step is given, its folders empty."""
    work = Work(config=config, run=run, step=name, quiet=True)
    work.checkpoint.mkdir(parents=True)
    return work
