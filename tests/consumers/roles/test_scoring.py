"""Answers from a model that may fail."""

import time
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.errors import Fatal
from consumers.roles.scoring import Scored, Scorer
from router import serving
from router.bundle import load_bundle
from router.engine import EngineError, Network
from router.policy import reference_policy
from tests.services.stream import BUNDLE

TOKENIZER = load_bundle(BUNDLE).tokenizer()


class Breaking:
    """A real engine that fails on any batch with one of these messages in it."""

    def __init__(self, engine: Network, broken: list[list[int]]) -> None:
        self.engine = engine
        self.broken = broken

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        if any(list(tokens) in self.broken for tokens in batch):
            raise EngineError("the model failed")
        return self.engine.logits(batch)


def scorer(monkeypatch: pytest.MonkeyPatch, *broken: str) -> Scorer:
    bundle = load_bundle(BUNDLE)
    tokens = bundle.tokenizer().encode(broken)
    engine = Breaking(bundle.edge(threads=1)[-1], tokens)
    monkeypatch.setattr(type(bundle), "engine", lambda self, model, threads: engine)
    policy = reference_policy(("student",), salt="s")
    return Scorer(serving.edge(bundle, policy, 1).tiers[-1], time.perf_counter)


def test_one_message_that_breaks_the_model_costs_no_other_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = scorer(monkeypatch, "bad")
    answers = model.score(TOKENIZER.encode(["bad", "thank you", "where is it"]))
    assert [isinstance(answer, Scored) for answer in answers] == [False, True, True]


def test_a_model_that_fails_on_every_message_of_a_batch_stops_the_role(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = scorer(monkeypatch, "one", "two")
    with pytest.raises(Fatal, match="fails on every message"):
        model.score(TOKENIZER.encode(["one", "two"]))
