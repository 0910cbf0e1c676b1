"""What to make a bundle from, and how: one TOML file. Importing it needs no training package."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from training import TrainingError

SEED: Final = 42

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A table of the file; a key it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Generated(Section):
    """Messages from the generator instead of a file; ``seed`` is apart from the run's own.

    ``turns`` are the customers' in conversations; ``messages`` stand alone, and are the richer ones
    to learn from. The shares of the labels are for these; the rest of them is neutral.
    """

    messages: Count
    kind: Literal["turns", "messages"] = "turns"
    seed: int = Field(default=SEED, ge=0)
    positive: Share = 0.4
    negative: Share = 0.3

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.positive + self.negative > 1:
            raise ValueError("positive and negative are more than 1 together")
        return self


class Source(Section):
    """One file of messages, or the generator.

    ``group`` names the column of the author or conversation: its messages are never in two parts,
    also of another source of the same ``name``. ``where`` keeps the records whose columns have this
    value, or one of these, and ``limit`` at most how many of them, drawn with the seed. ``empty``
    says what becomes of a record without a text or a label. ``name`` and ``licence`` are for the
    card.
    """

    path: Path | None = None
    generate: Generated | None = None
    text: str = "text"
    label: str = "label"
    group: str | None = None
    where: dict[str, str | tuple[str, ...]] = {}
    empty: Literal["refuse", "skip"] = "refuse"
    limit: Count | None = None
    name: str | None = None
    licence: str = "not stated"

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.path is None) == (self.generate is None):
            raise ValueError("a source has either a path or generate")
        return self


class Data(Section):
    """The data. ``held_out`` calibrates and judges, half by half, unless ``test`` judges.

    Where they are missing, a share of ``labelled`` stands in for ``held_out``.
    """

    labelled: tuple[Source, ...] = ()
    held_out: tuple[Source, ...] = ()
    test: tuple[Source, ...] = ()
    unlabelled: tuple[Source, ...] = ()
    held_out_share: float = Field(default=0.2, gt=0, lt=1)
    validation_share: float = Field(default=0.1, ge=0, lt=1)
    """Of the training data, to choose epochs by; at 0 the calibrating half is used for that."""
    pieces: Count = 8_800
    max_tokens: int = Field(default=256, ge=8)


class Adapt(Section):
    """Masked-language modelling on all text before teaching; 0 epochs leave it out."""

    epochs: int = Field(default=2, ge=0)
    batch: Count = 32
    tokens: int = Field(default=128, ge=8)
    masking: Share = 0.15
    learning_rate: Rate = 5e-5


MEASURED: Final[dict[str, Any]] = {
    "frozen_epochs": 0,
    "epochs": 4,
    "learning_rate": 1e-4,
    "slowdown": 1.0,
    "schedule": "linear",
    "batch": 32,
    "tokens": 128,
    "patience": 0,
}
"""What measured better than the reference's numbers on a small encoder; see `docs/models.md`."""


class Teach(Section):
    """The classifier, in two stages: the encoder frozen, then all weights.

    The numbers below are the preset ``reference``; ``measured`` puts `MEASURED` in their place. A
    key that is given wins over either.
    """

    preset: Literal["reference", "measured"] = "reference"
    framework: Literal["torch", "tensorflow"] = "torch"
    frozen_epochs: int = Field(default=1, ge=0)
    epochs: Count = 8
    """Of both stages together."""
    learning_rate: Rate = 3e-5
    slowdown: Rate = 10.0
    """The second stage's learning rate is this many times smaller."""
    schedule: Literal["plateau", "linear"] = "plateau"
    """After warming up: halved after an epoch without progress, or falling in a line to nothing."""
    batch: Count = 128
    tokens: int = Field(default=256, ge=8)
    patience: int = Field(default=2, ge=0)
    """This many epochs without progress end a stage; 0 never do."""
    class_weights: bool = False
    """Weigh a label's messages by how rare it is."""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, content: Any) -> Any:
        measured = isinstance(content, dict) and content.get("preset") == "measured"
        return MEASURED | content if measured else content

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.frozen_epochs > self.epochs:
            raise ValueError("frozen_epochs is larger than epochs, which counts both stages")
        return self


class Distil(Section):
    """The student: which of the teacher's layers it starts from, and how it learns."""

    layers: Count | tuple[int, ...] = 3
    """How many, spread evenly, or which, counted from 0."""
    intermediate: Count | None = 1_024
    """Neurons that stay in each feed-forward part; None or more than there are keep all."""
    hidden: float = Field(default=0.0, ge=0)
    """The share of the last layer's states in the loss, beside the logits; 0 leaves them out."""
    unlabelled: int | None = Field(default=None, ge=0)
    """At most this many of the unlabelled texts; None means all."""
    epochs: Count = 5
    batch: Count = 32
    tokens: int = Field(default=128, ge=8)
    learning_rate: Rate = 2e-4


class Reflex(Section):
    """The tier in front, one convolution over word pieces; 0 epochs leave it out."""

    window: int = Field(default=3, ge=1, le=16)
    """Pieces that a channel sees at once."""
    channels: int | None = Field(default=None, ge=1, le=1_024)
    """How many bytes the file has for each piece and place in the window. None means half as many
    as there are labels, at least 16 and at most 64."""
    epochs: int = Field(default=5, ge=0)
    batch: Count = 64
    learning_rate: Rate = 5e-3
    dropout: float = Field(default=0.05, ge=0, lt=1)
    """Of pieces, and of what is made of them."""
    hard: Share = 0.1
    """How much a known label counts beside the teacher's probabilities."""


class Compress(Section):
    """Eight-bit arithmetic; the table of embeddings may have fewer bits."""

    embedding_bits: Literal[4, 8] = 8
    sample: Count = 100


class Aim(NamedTuple):
    """What thresholds are chosen for: a share at the edge, or a largest loss."""

    target: Literal["edge_share", "largest_loss"]
    value: float


class Calibrate(Section):
    """The target that thresholds are chosen for.

    ``edge_share`` is the least share of messages that stay at the edge, the audited ones not among
    them. ``largest_loss``, where it is given, takes its place: the accuracy is at most this share
    lower than with the cloud alone (0.009 keeps 99.1 % of it).
    """

    edge_share: Share = 0.949
    largest_loss: Share | None = None
    audit_rate: Share = 0.01
    complexity: Share = 0.75
    tolerance: Share = 0.01
    """Accuracy that may be lost, as the cloud's network expects it, by asking a cheaper tier first;
    by labels it is a fraction of that."""

    @property
    def aim(self) -> Aim:
        """Return the one target."""
        if self.largest_loss is None:
            return Aim("edge_share", self.edge_share)
        return Aim("largest_loss", self.largest_loss)


class Benchmark(Section):
    """How much is timed; accuracies are always of all judging messages."""

    examples: Count = 500
    warm_up: Count = 10
    threads: Count = 2
    """Of the sessions that are timed in batches; latencies are of sessions with one."""


class TrainConfig(Section):
    """A whole run. ``base`` is a hub name or a folder; None means the packaged offline encoder."""

    name: str = Field(default="bundle", pattern=r"^\w[\w .+-]{0,99}$")
    """Of the bundle, and of the run's folder."""
    seed: int = Field(default=SEED, ge=0)
    base: str | None = None
    purpose: str = ""
    """For the card: what the bundle is good for, and what not."""
    licence: str = "unknown"
    """For the card, of the weights, as model hubs name licences: ``apache-2.0``."""
    data: Data = Data()
    adapt: Adapt = Adapt()
    teach: Teach = Teach()
    distil: Distil = Distil()
    reflex: Reflex = Reflex()
    compress: Compress = Compress()
    calibrate: Calibrate = Calibrate()
    benchmark: Benchmark = Benchmark()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the file's content; relative paths in it start at the file's folder."""
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise TrainingError(
                f"{path} cannot be read as TOML ({type(error).__name__}); correct it"
            ) from error
        _anchor(content, path.resolve().parent)
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))
            rule = first["msg"].removeprefix("Value error, ")
            raise TrainingError(f"{path} has a wrong {where}: {rule}; correct it") from error


def _anchor(content: dict[str, Any], folder: Path) -> None:
    base = content.get("base")
    if isinstance(base, str) and (folder / base).is_dir():  # else it is a hub's name
        content["base"] = str(folder / base)
    data = content.get("data")
    for sources in data.values() if isinstance(data, dict) else ():
        for source in sources if isinstance(sources, list) else ():
            if isinstance(source, dict) and isinstance(source.get("path"), str):
                source["path"] = str(folder / source["path"])
