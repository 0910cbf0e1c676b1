"""The front door of training. Importing it needs none of the training packages."""

from dataclasses import dataclass
from pathlib import Path

from training import TrainingError

SEED = 42


@dataclass(frozen=True)
class TrainConfig:
    """What to make a bundle from, and how.

    ``base`` is a hub name or the folder of an encoder with word pieces; None means the packaged
    offline encoder. ``held_out`` (calibrates) and ``test`` (judges) are files like ``data``; where
    absent, a fifth of ``data`` stands in for the first and a half of the first for the second.
    ``data_name`` and ``data_licence`` are for the card.
    ``training_tokens`` cuts messages while teaching only, ``max_tokens`` when they are scored.
    """

    data: Path
    out: Path
    text_column: str = "text"
    label_column: str = "label"
    base: str | None = None
    held_out: Path | None = None
    test: Path | None = None
    name: str = "bundle"
    data_name: str | None = None
    data_licence: str = "not stated"
    epochs: int = 2
    batch: int = 32
    learning_rate: float = 1e-4
    training_tokens: int = 128
    max_tokens: int = 256
    pieces: int = 8_800
    target_edge_share: float = 0.949
    audit_rate: float = 0.01
    complexity_threshold: float = 0.75
    seed: int = SEED
    quiet: bool = False


def train(config: TrainConfig) -> Path:
    """Make the bundle and return its folder, ``config.out``, or raise `TrainingError`."""
    if config.out.exists() and (not config.out.is_dir() or any(config.out.iterdir())):
        raise TrainingError(f"{config.out} is not empty; name a new folder for the bundle")
    try:
        from training import straight  # noqa: PLC0415 - routing machines lack what it imports
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"training needs the package {error.name}, which is not installed; "
            "install edgeroute[train]"
        ) from error
    return straight.make(config)
