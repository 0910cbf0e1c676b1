"""What the edge makes of an input."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest

from consumers.records import Raw
from consumers.roles.budget import Budget
from consumers.roles.edge import EdgeHandler, EdgeRules, EdgeWork
from consumers.roles.scoring import Serving
from edgeroute.sample import conversations
from router import serving
from router.budget import Ceiling
from router.bundle import Bundle, load_bundle
from router.economics import Prices
from router.engine import EngineError
from router.plan import Output, Writing
from router.policy import Policy, bundle_policy, reference_policy
from router.reflex import Reflex
from schemas.codec import decode_dead_letter, redriven_headers
from schemas.dead_letter import Redriven
from schemas.record import Source
from tests.services.bundles import two_tiers
from tests.services.stream import BUNDLE

TOKENIZER = load_bundle(BUNDLE).tokenizer()
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(BUNDLE)


def handler(
    bundle: Bundle,
    *,
    confidence: float = 0.0,
    audit_rate: float = 0.0,
    available: bool = True,
    writing: Writing | None = None,
) -> EdgeHandler:
    policy = reference_policy(
        ("student",), salt="s", confidence=confidence, complexity=1.0, audit_rate=audit_rate
    )
    rules = EdgeRules(frozenset({"customer"}), 200, Prices(), writing or Writing())
    return EdgeHandler(served(bundle, policy), rules, available=lambda: available)


def served(bundle: Bundle, policy: Policy) -> Serving:
    return Serving(serving.edge(bundle, policy, 1), time.perf_counter)


def raw(offset: int = 4, **fields: object) -> Raw:
    value = {"role": "customer", "text": "where is my parcel?", "conversation_id": "c", **fields}
    return Raw("transcripts", 1, offset, b"key", json.dumps(value).encode(), 0.0)


def written(edge: EdgeHandler, record: Raw) -> dict[str, Any]:
    """Return the records written for an input, by topic; a dead letter by its headers."""
    (job,) = edge.prepare([record])
    plan = job.plan or edge.infer([job.work])[0]  # type: ignore[list-item]
    return {output.topic: _loaded(output) for output in plan.at(NOW, 3.0)}


def _loaded(output: Output) -> Any:
    if output.topic == "dead_letters":
        return decode_dead_letter(output.headers)
    return json.loads(output.value)


def test_an_easy_message_is_final_at_the_edge(bundle: Bundle) -> None:
    found = written(handler(bundle), raw())
    assert set(found) == {"decisions", "results"}
    assert found["decisions"]["route"] == "edge"
    assert found["decisions"]["reason"] == "optimal_edge"
    assert found["decisions"]["price"] == 0.001
    assert found["results"]["status"] == "final"


def test_a_hard_message_is_provisional_and_travels_on_with_its_text(bundle: Bundle) -> None:
    found = written(handler(bundle, confidence=1.0), raw())
    assert found["decisions"]["route"] == "cloud"
    assert found["results"]["status"] == "provisional"
    assert found["escalations"]["text"] == "where is my parcel?"
    assert found["escalations"]["edge"]["label"] == found["results"]["label"]


def test_provisional_answers_can_be_switched_off(bundle: Bundle) -> None:
    edge = handler(bundle, confidence=1.0, writing=Writing(provisional=False))
    assert set(written(edge, raw())) == {"decisions", "escalations"}


def test_where_the_cloud_is_unavailable_the_edge_answers_and_says_so(bundle: Bundle) -> None:
    found = written(handler(bundle, confidence=1.0, available=False), raw())
    assert found["decisions"]["reason"] == "cloud_error"
    assert found["results"]["status"] == "final"
    assert "escalations" not in found


def test_a_role_that_is_not_scored_passes_as_skipped_and_unpriced(bundle: Bundle) -> None:
    found = written(handler(bundle), raw(role="agent"))
    assert found["decisions"]["route"] == "skipped"
    assert found["decisions"]["price"] == 0
    assert found["results"]["answered_by"] == "nobody"


def test_roles_are_compared_without_case(bundle: Bundle) -> None:
    assert written(handler(bundle), raw(role="Customer"))["decisions"]["route"] == "edge"


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_message_is_skipped(bundle: Bundle, text: str) -> None:
    assert written(handler(bundle), raw(text=text))["decisions"]["reason"] == "empty_text"


def test_a_message_at_the_limit_is_scored_and_one_over_it_is_a_dead_letter(
    bundle: Bundle,
) -> None:
    assert written(handler(bundle), raw(text="é" * 200))["decisions"]["route"] == "edge"
    found = written(handler(bundle), raw(text="é" * 201))
    assert found["decisions"]["route"] == "dead_letter"
    assert found["dead_letters"].cause == "too_long"


def test_a_replayed_message_that_is_refused_counts_for_its_run(bundle: Bundle) -> None:
    found = written(handler(bundle), raw(text="é" * 201, run_id="history-1", turn=4))
    assert found["decisions"]["run_id"] == "history-1"
    assert found["decisions"]["turn"] == 4


def test_a_long_dead_letter_keeps_its_beginning_its_size_and_its_hash(bundle: Bundle) -> None:
    edge = handler(bundle, writing=Writing(dead_letter_bytes=10))
    record = raw(text="x" * 500)
    (job,) = edge.prepare([record])
    assert job.plan is not None
    letter = next(output for output in job.plan.at(NOW, 0.0) if output.topic == "dead_letters")
    described = decode_dead_letter(letter.headers)
    assert record.value is not None
    assert letter.value == record.value[:10]
    assert described.truncated
    assert described.size == len(record.value)


def test_a_redriven_record_that_fails_again_keeps_its_history(bundle: Bundle) -> None:
    first = Source(topic="transcripts", partition=0, offset=9)
    letter = Source(topic="dead-letters", partition=3, offset=7)
    history = Redriven(attempt=2, first_source=first, dead_letter=letter)
    record = replace(raw(text="é" * 201), headers=redriven_headers(history))
    found = written(handler(bundle), record)["dead_letters"]
    assert (found.attempts, found.first_source, found.previous) == (2, first, letter)
    assert found.source == record.source


def test_a_dead_letter_says_that_its_key_was_too_long_to_keep(bundle: Bundle) -> None:
    long = replace(raw(text="é" * 201), key=b"k" * 2_000)
    assert written(handler(bundle), long)["dead_letters"].key_dropped
    assert not written(handler(bundle), raw(text="é" * 201))["dead_letters"].key_dropped


def test_text_is_in_a_result_only_where_the_setting_asks_for_it(bundle: Bundle) -> None:
    asked = handler(bundle, writing=Writing(text_in_results=True))
    assert written(asked, raw())["results"]["text"] == "where is my parcel?"
    assert "text" not in written(handler(bundle), raw())["results"]


def test_a_replayed_message_carries_its_run_everywhere(bundle: Bundle) -> None:
    found = written(handler(bundle, confidence=1.0), raw(run_id="history-1", escalate=True))
    assert "escalations" in found
    assert {record["run_id"] for record in found.values()} == {"history-1"}


def test_no_text_of_a_replay_travels_on_unless_it_escalates_for_real(bundle: Bundle) -> None:
    found = written(handler(bundle, confidence=1.0), raw(run_id="history-1"))
    assert set(found) == {"decisions", "results"}
    assert (found["decisions"]["route"], found["results"]["status"]) == ("cloud", "final")


def test_an_audited_message_is_chosen_by_its_identity_and_not_by_its_position(
    bundle: Bundle,
) -> None:
    edge = handler(bundle, audit_rate=0.5)
    drawn = {
        turn: {written(edge, raw(turn=turn, offset=at))["decisions"]["route"] for at in (1, 77)}
        for turn in range(20)
    }
    assert all(len(routes) == 1 for routes in drawn.values())
    assert {route for routes in drawn.values() for route in routes} == {"edge", "cloud"}


# -- several tiers ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(two_tiers(tmp_path_factory.mktemp("bundles") / "two"))


def cascade(bundle: Bundle, policy: Policy | None = None, budget: Budget | None = None) -> Any:
    chosen = {model.tier: model.threshold for model in bundle.manifest.models.edge}
    policy = policy or bundle_policy(
        tuple(chosen), salt="s", calibrated={"thresholds": chosen, "audit_rate": 0.05}
    )
    rules = EdgeRules(frozenset({"customer"}), 2000, Prices(), Writing())
    return EdgeHandler(served(bundle, policy), rules, lambda: True, budget)


def messages(count: int) -> list[Raw]:
    turns = islice(conversations(4 * count, seed=3), 4 * count)
    texts = [turn.text for turn in turns if turn.role == "customer"]
    return [raw(offset=n, turn=n, text=text) for n, text in enumerate(texts[:count])]


def decisions(edge: EdgeHandler, records: Sequence[Raw], batch: int) -> list[dict[str, Any]]:
    """Return what is decided when this many messages are taken together, in both places."""
    plans: dict[int, Any] = {}
    works: list[EdgeWork] = []
    for start in range(0, len(records), batch):
        for record, job in zip(
            records[start : start + batch],
            edge.prepare(records[start : start + batch]),
            strict=True,
        ):
            if job.work is None:
                plans[record.offset] = job.plan
            else:
                works.append(job.work)
    works.sort(key=lambda work: len(work.tokens))
    for start in range(0, len(works), batch):
        some = works[start : start + batch]
        for work, plan in zip(some, edge.infer(some), strict=True):
            plans[work.raw.offset] = plan
    found = [json.loads(plans[record.offset].at(NOW, 3.0)[0].value) for record in records]
    return [{k: v for k, v in one.items() if k != "inference_ms"} for one in found]


def test_the_first_tier_that_keeps_a_message_answers_it(two: Bundle) -> None:
    found = decisions(cascade(two), messages(60), 60)
    by_tier = Counter(one["verdict"]["tier"] for one in found)
    assert by_tier.keys() == {"reflex", "student"}
    for one in found:
        verdict = one["verdict"]
        if verdict["tier"] == "reflex":
            assert verdict["confidence"] >= verdict["threshold"] == 0.8


def test_what_a_tier_keeps_needs_no_micro_batch(two: Bundle) -> None:
    records = messages(60)
    jobs = cascade(two).prepare(records)
    done = [json.loads(job.plan.at(NOW, 1.0)[0].value) for job in jobs if job.plan]
    assert 10 < len(done) < 50
    assert {one["verdict"]["tier"] for one in done} == {"reflex"}


def test_decisions_are_the_same_whatever_is_taken_together(two: Bundle) -> None:
    edge, records = cascade(two), messages(48)
    alone = decisions(edge, records, 1)
    for batch in (2, 7, 48):
        assert decisions(edge, records, batch) == alone


def test_tiers_with_micro_batches_are_asked_in_order_too(two: Bundle) -> None:
    # The student in front: then the reflex is asked in the micro-batch, of what the student leaves.
    models = two.manifest.models.model_copy(update={"edge": two.manifest.models.edge[::-1]})
    turned = replace(two, manifest=two.manifest.model_copy(update={"models": models}))
    found = decisions(cascade(turned), messages(30), 15)
    assert {one["verdict"]["tier"] for one in found} == {"student", "reflex"}


def test_a_reflex_alone_finishes_everything_as_it_arrives(two: Bundle) -> None:
    models = two.manifest.models.model_copy(update={"edge": two.manifest.models.edge[:1]})
    lonely = replace(two, manifest=two.manifest.model_copy(update={"models": models}))
    assert all(job.plan for job in cascade(lonely).prepare(messages(20)))


def test_the_edge_is_paid_once_whichever_tier_answers(two: Bundle) -> None:
    assert {one["price"] for one in decisions(cascade(two), messages(40), 8)} == {0.001}


def test_a_message_on_which_the_reflex_fails_harms_no_other(
    two: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, edge = messages(12), cascade(two)
    (poison,) = two.tokenizer().encode([json.loads(records[3].value or b"")["text"]])
    expected = decisions(edge, records, 12)
    logits = Reflex.logits

    def poisoned(self: Reflex, batch: Sequence[Sequence[int]], pad_to: int | None = None) -> Any:
        if poison in [list(tokens) for tokens in batch]:
            raise EngineError("the reflex failed on a message")
        return logits(self, batch, pad_to)

    monkeypatch.setattr(Reflex, "logits", poisoned)
    jobs = edge.prepare(records)
    assert [output.topic for output in jobs[3].plan.at(NOW, 1.0)] == ["dead_letters", "decisions"]
    monkeypatch.setattr(Reflex, "logits", logits)
    others = [record for n, record in enumerate(records) if n != 3]
    assert decisions(edge, others, 11) == [one for n, one in enumerate(expected) if n != 3]


def test_the_budget_hears_of_every_message_once(two: Bundle) -> None:
    class Heard(Budget):
        scored = wanted = 0

        def saw(self, scored: int, wanted: int) -> None:
            self.scored += scored
            self.wanted += wanted

    heard = Heard(Ceiling(0.0136), lambda: 0.0, lambda: 1.0)
    found = decisions(cascade(two, budget=heard), messages(40), 8)
    hard = sum(one["reason"] != "optimal_edge" for one in found)
    assert (heard.scored, heard.wanted) == (40, hard)


def test_work_in_flight_is_answered_by_what_was_served_when_it_arrived(two: Bundle) -> None:
    first, second = cascade(two), cascade(two, reference_policy(("student",), salt="other"))
    works = [job.work for edge in (first, second) for job in edge.prepare(messages(30)) if job.work]
    plans = second.infer(works[::-1])
    policies = [_loaded(plan.at(NOW, 1.0)[0])["verdict"]["policy_version"] for plan in plans]
    expected = [work.serving.served.policy.version for work in works[::-1]]
    assert len(set(expected)) == 2
    assert policies == expected
