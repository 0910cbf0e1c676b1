"""What the worker makes of an escalation."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.records import Raw
from consumers.roles.cloud import CloudHandler, CloudWork
from consumers.roles.scoring import Serving
from router import serving
from router.bundle import Bundle, load_bundle
from router.engine import EngineError, Network
from router.plan import Output, Writing
from router.policy import reference_policy
from schemas.codec import decode_dead_letter, encode
from schemas.escalation import EdgeAnswer, Escalation
from schemas.record import Source
from tests.services.stream import BUNDLE

TOKENIZER = load_bundle(BUNDLE).tokenizer()
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def escalation(
    text: str = "where is my parcel?", offset: int = 5, age_s: float = 0.25
) -> Escalation:
    return Escalation(
        source=Source(topic="transcripts", partition=1, offset=offset),
        identity=f"id{offset}",
        conversation_id="c1",
        turn=3,
        text=text,
        edge=EdgeAnswer(label="neutral", confidence=0.4, tier="student", bundle_version="b-1"),
        reason="low_confidence",
        escalated_at=NOW - timedelta(seconds=age_s),
    )


def raw(value: bytes, offset: int = 9) -> Raw:
    return Raw("escalations", 2, offset, b"c1", value, 0.0)


@pytest.fixture(scope="module")
def served() -> Serving:
    return served_from(load_bundle(BUNDLE))


def served_from(bundle: Bundle) -> Serving:
    policy = reference_policy(("student",), salt="s")
    return Serving(serving.cloud(bundle, policy, 1), time.perf_counter)


def worker(served: Serving, within_s: float = 60.0) -> CloudHandler:
    return CloudHandler(served, 0.0136, Writing(), within_s, lambda: NOW)


def written(handler: CloudHandler, *records: Raw) -> list[list[Output]]:
    jobs = handler.prepare(records)
    works = [job.work for job in jobs if job.work is not None]
    answers = iter(handler.infer(works) if works else [])
    return [list((job.plan or next(answers)).at(NOW, 7.0)) for job in jobs]


def loaded(output: Output) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(output.value)
    return value


def test_an_answer_carries_the_teacher_the_price_and_both_positions(served: Serving) -> None:
    handler = worker(served)
    ((decision, result),) = written(handler, raw(encode(escalation())))
    answered = loaded(decision)
    assert answered["kind"] == "answered"
    assert answered["tier"] == "teacher"
    assert answered["price"] == 0.0136
    assert answered["source"] == {"topic": "transcripts", "partition": 1, "offset": 5}
    assert answered["escalation"] == {"topic": "escalations", "partition": 2, "offset": 9}
    assert answered["waited_ms"] == 250.0
    assert loaded(result)["status"] == "final"
    assert loaded(result)["answered_by"] == "cloud"


def test_a_value_that_is_no_escalation_is_a_dead_letter_and_nothing_else(served: Serving) -> None:
    handler = worker(served)
    ((letter,), good) = written(handler, raw(b'{"text": 1}'), raw(encode(escalation())))
    assert letter.topic == "dead_letters"
    assert decode_dead_letter(letter.headers).source.topic == "escalations"
    assert [output.topic for output in good] == ["decisions", "results"]


class Poisoned:
    """An engine that fails on any batch with a certain message in it, else is the real one."""

    def __init__(self, engine: Network, poison: list[int]) -> None:
        self.engine = engine
        self.poison = poison

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        if self.poison in [list(tokens) for tokens in batch]:
            raise EngineError("the model failed on a batch")
        return self.engine.logits(batch)


def test_a_message_on_which_the_model_fails_gets_the_edges_answer_and_harms_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle = load_bundle(BUNDLE)
    (poison,) = bundle.tokenizer().encode(["poison"])
    engine = Poisoned(bundle.cloud(threads=1), poison)
    monkeypatch.setattr(type(bundle), "engine", lambda self, model, threads: engine)
    handler = worker(served_from(bundle))
    bad, good = (escalation("poison", 1), escalation("thank you very much", 2))
    failed, fine = written(handler, raw(encode(bad)), raw(encode(good)))
    answered = loaded(failed[0])
    assert answered["reason"] == "cloud_error"
    assert (answered["label"], answered["confidence"]) == ("neutral", 0.4)
    assert answered["bundle_version"] == "b-1"
    assert answered["price"] == 0.0136
    assert loaded(failed[1])["answered_by"] == "edge"
    assert loaded(fine[0])["reason"] == "low_confidence"


def test_an_escalation_that_is_too_old_gets_the_edges_answer_and_no_model_is_paid(
    served: Serving,
) -> None:
    old, young = (escalation(offset=1, age_s=60.5), escalation(offset=2, age_s=59.5))
    late, fine = written(worker(served, 60.0), raw(encode(old)), raw(encode(young)))
    answered = loaded(late[0])
    assert answered["reason"] == "cloud_error"
    assert (answered["label"], answered["confidence"]) == ("neutral", 0.4)
    assert (answered["price"], answered["inference_ms"]) == (0.0, 0.0)
    assert loaded(late[1])["answered_by"] == "edge"
    assert loaded(fine[0])["reason"] == "low_confidence"


def test_the_model_is_not_asked_about_escalations_that_are_all_too_old(
    served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.batched[0], "score", None)
    found = written(worker(served, 60.0), *(raw(encode(escalation(age_s=61))) for _ in range(3)))
    assert [loaded(decision)["reason"] for decision, _ in found] == ["cloud_error"] * 3


def test_answers_do_not_depend_on_the_batch(served: Serving) -> None:
    texts = [f"message {'long ' * n}about my order" for n in range(12)]
    tokens = TOKENIZER.encode(texts)
    works = [
        CloudWork(served, escalation(text, n), Source(topic="e", partition=0, offset=n), ids)
        for n, (text, ids) in enumerate(zip(texts, tokens, strict=True))
    ]
    handler = worker(served)

    def answers(plans: Sequence[Any]) -> list[tuple[str, float]]:
        records = [loaded(plan.at(NOW, 0.0)[0]) for plan in plans]
        return [(record["label"], record["confidence"]) for record in records]

    together = answers(handler.infer(works))
    alone = answers([handler.infer([work])[0] for work in works])
    assert together == alone
