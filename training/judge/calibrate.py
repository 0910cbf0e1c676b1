"""The step that makes confidences honest and chooses the thresholds for a target."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from router.confidence import probabilities
from router.tokenizer import Tokenizer
from schemas.bundle import TOKENIZER, Target
from schemas.record import Record
from training import networks
from training.config import Calibrate
from training.data.parts import read_labels, read_part
from training.judge.reliability import Reliability, reliability, temperature
from training.judge.scores import Held, held_out, logits_of, scores
from training.judge.thresholds import Point, candidates, choose, curve, point
from training.progress import bar
from training.run_folder import Metrics, Work, write_whole

FILE: Final = "calibration.json"

Logits = Mapping[str, NDArray[np.float32]]
"""By tier, in the order in which they are asked, the cloud's last."""


class Trust(Record):
    """A tier's calibration before and after its temperature, on the same messages."""

    before: Reliability
    after: Reliability


class TierCalibration(Record):
    """A tier's temperature and threshold, and what they do for its confidence.

    ``fitted`` is on the messages that the temperature was fitted to, ``judged`` on others.
    """

    temperature: float
    threshold: float
    fitted: Trust
    judged: Trust


class Calibration(Record):
    """What the step found. ``tiers`` is in the order in which they are asked, the cloud's last.

    ``met`` is whether the target could be met, and ``chosen`` says in words how the thresholds were
    found. ``choice`` is what they do on the ``messages`` they were chosen from, and ``curve`` what
    others would have done, one for each share at the edge.
    """

    messages: int
    judged: int
    complexity: float
    audit_rate: float
    target: Target
    target_value: float
    met: bool
    chosen: str
    tiers: dict[str, TierCalibration]
    choice: Point
    curve: tuple[Point, ...]

    @classmethod
    def read(cls, work: Work) -> "Calibration":
        """Return what the step found in this run."""
        return cls.model_validate_json((work.of("calibrate") / FILE).read_bytes())


def run(work: Work) -> Metrics:
    """Fit and choose on the calibration part, report on the judging part too."""
    fitted, judged = (held(work, part) for part in ("calibration", "judging"))
    files = {**networks.edge(work), networks.TEACHER: networks.cloud(work)}
    on_fitted, on_judged = _answers(files, (fitted, judged), quiet=work.quiet)
    found = calibrate(
        (fitted, on_fitted), (judged, on_judged), work.config.calibrate, work.config.seed
    )
    write_whole(work.folder / FILE, found.model_dump_json(indent=1) + "\n")
    return _metrics(found)


def held(work: Work, part: Literal["calibration", "judging"]) -> Held:
    """Return a held-out part of the run's data."""
    prepared = work.of("prepare")
    tokenizer = Tokenizer.load(prepared / TOKENIZER, work.config.data.max_tokens)
    labels = read_labels(prepared)
    rows = [(row.text, row.label) for row in read_part(prepared / f"{part}.jsonl")]
    return held_out(rows, labels, tokenizer)


def calibrate(
    fitted: tuple[Held, Logits], judged: tuple[Held, Logits], wanted: Calibrate, seed: int
) -> Calibration:
    """Return temperatures and thresholds from what the tiers say of the ``fitted`` messages."""
    messages, logits = fitted
    temperatures = {
        tier: temperature(said, messages.truth.tolist()) for tier, said in logits.items()
    }
    *edge, cloud = logits
    tiers = [
        scores(logits[tier], temperatures[tier], messages, wanted.complexity) for tier in logits
    ]
    cloud_shares = probabilities(logits[cloud], temperatures[cloud])
    choices = candidates(tiers[:-1], tiers[-1], cloud_shares, wanted.audit_rate)
    choice = choose(choices, wanted.aim, wanted.tolerance)
    chosen = [*choices.thresholds[choice.number].tolist(), 0.0]
    return Calibration(
        messages=len(messages.texts),
        judged=len(judged[0].texts),
        complexity=wanted.complexity,
        audit_rate=wanted.audit_rate,
        target=wanted.aim.target,
        target_value=wanted.aim.value,
        met=choice.met,
        chosen=_in_words(wanted, len(messages.texts), met=choice.met),
        tiers={
            tier: TierCalibration(
                temperature=temperatures[tier],
                threshold=threshold,
                fitted=_trust(messages, logits[tier], temperatures[tier], seed),
                judged=_trust(judged[0], judged[1][tier], temperatures[tier], seed),
            )
            for tier, threshold in zip(logits, chosen, strict=True)
        },
        choice=point(choices, choice.number, edge, cloud),
        curve=curve(choices, wanted.tolerance, edge, cloud),
    )


def _answers(
    files: Mapping[str, Path], parts: tuple[Held, Held], *, quiet: bool
) -> tuple[Logits, Logits]:
    first: dict[str, NDArray[np.float32]] = {}
    second: dict[str, NDArray[np.float32]] = {}
    for tier, file in bar(list(files.items()), "asking every tier", quiet=quiet):
        network = networks.load(file, threads=1)
        first[tier], second[tier] = (logits_of(network, part.tokens) for part in parts)
    return first, second


def _trust(messages: Held, logits: NDArray[np.float32], divisor: float, seed: int) -> Trust:
    before, after = (
        reliability(probabilities(logits, value), messages.truth.tolist(), seed)
        for value in (1.0, divisor)
    )
    return Trust(before=before, after=after)


def _in_words(wanted: Calibrate, messages: int, *, met: bool) -> str:
    target, value = wanted.aim
    said = (
        f"the share at the edge is at least {value:.1%}"
        if target == "edge_share"
        else f"the accuracy is at most {value:.2%} below cloud-only's"
    )
    reached = "" if met else "; no thresholds reach that, and these come nearest"
    return (
        f"chosen on {messages:,} held-out messages so that {said}, after those above the "
        f"complexity threshold and an audit of {wanted.audit_rate:.1%}{reached}"
    )


def _metrics(found: Calibration) -> Metrics:
    tiers = {
        name: {
            "temperature": tier.temperature,
            "threshold": tier.threshold,
            "judged_error_before": tier.judged.before.error,
            "judged_error_after": tier.judged.after.error,
            "judged_error_by_chance": tier.judged.after.by_chance,
        }
        for name, tier in found.tiers.items()
    }
    choice = found.choice
    said = (
        f"{choice.edge_share:.1%} at the edge and {choice.accuracy:.1%} right on the calibration "
        f"part{'' if found.met else '; the target is out of reach'}"
    )
    return {"said": said, "tiers": tiers, "met": found.met, "choice": choice.model_dump()}
