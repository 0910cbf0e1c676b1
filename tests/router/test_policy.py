"""Where a message goes and why: total, consistent, and reproducible."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from router.complexity import complexity, features
from router.policy import (
    Answer,
    Decided,
    Policy,
    Tier,
    admits,
    audited,
    decide,
    keeps,
    probes,
    reference_policy,
    step,
)

IDENTITIES = [f'["turn", "conversation {n // 7}", {n % 7}]' for n in range(20_000)]

shares = st.floats(0, 1)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
texts = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(["angry", "manager", "hello.", "a"]), max_size=60).map(" ".join),
)
policies = st.builds(
    Policy,
    name=names,
    tiers=st.lists(
        st.builds(Tier, name=names, threshold=shares),
        min_size=1,
        max_size=4,
        unique_by=lambda tier: tier.name,
    ).map(tuple),
    complexity_threshold=shares,
    audit_rate=st.one_of(shares, st.sampled_from([0.0, 1.0])),
    salt=st.text(max_size=80),
    probe_share=st.one_of(shares, st.sampled_from([0.0, 1.0])),
)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `decide` in which every tier was asked."""
    policy = draw(policies)
    answers = [Answer(tier.name, draw(names), draw(shares)) for tier in policy.tiers]
    return {
        "policy": policy,
        "identity": draw(st.text()),
        "text": draw(texts),
        "answers": answers,
        "available": draw(st.booleans()),
        "bundle_version": draw(names),
        "admitted": draw(st.sampled_from([0.0, 1.0]) | shares),
    }


def decided(text: str = "Hi.", confidence: float = 0.95, **changes: Any) -> Decided:
    """Decide about a message that the reference keeps, but for the changes."""
    arguments: dict[str, Any] = {
        "policy": reference_policy(["edge"], salt="s", audit_rate=0.0),
        "identity": "i",
        "available": True,
        "answers": [Answer("edge", "neutral", confidence)],
        "bundle_version": "b",
    } | changes
    return decide(arguments.pop("policy"), text=text, **arguments)


LONG = "angry furious awful " + "word " * 50


@given(cases())
def test_the_reason_fits_the_route(case: dict[str, Any]) -> None:
    found = decide(case.pop("policy"), **case)
    to_the_cloud = {"high_complexity", "low_confidence", "random_cloud"}
    expected = {"cloud": to_the_cloud, "edge": {"optimal_edge", "cloud_error", "budget"}}
    assert found.reason in expected[found.route]


@given(cases())
def test_an_unavailable_cloud_gets_nothing_but_probes(case: dict[str, Any]) -> None:
    policy = case.pop("policy")
    found = decide(policy, **{**case, "available": False})
    assert found.route == "edge" or probes(policy, case["identity"])
    rate = policy.audit_rate * policy.probe_share * case["admitted"]
    assert found.verdict.propensity == rate


@given(cases())
def test_availability_changes_nothing_but_where_it_goes(case: dict[str, Any]) -> None:
    policy = case.pop("policy")
    up = decide(policy, **{**case, "available": True})
    down = decide(policy, **{**case, "available": False})
    stays = up.reason != "optimal_edge" and not probes(policy, case["identity"])
    assert down.reason == ("cloud_error" if stays else up.reason)
    rate = policy.audit_rate * policy.probe_share * case["admitted"]
    changed = {"available": False, "propensity": rate}
    assert down.verdict == up.verdict.model_copy(update=changed)


@given(cases())
def test_the_budget_changes_nothing_but_where_it_goes(case: dict[str, Any]) -> None:
    policy = case.pop("policy")
    free = decide(policy, **{**case, "admitted": 1.0})
    bound = decide(policy, **case)
    stays = free.route == "cloud" and not admits(policy, case["identity"], case["admitted"])
    assert bound.reason == ("budget" if stays else free.reason)
    assert bound.route == ("edge" if stays else free.route)
    rate = free.verdict.propensity * case["admitted"]
    changed = {"admitted": case["admitted"], "propensity": rate}
    assert bound.verdict == free.verdict.model_copy(update=changed)


def test_a_probe_keeps_the_reason_for_which_it_would_be_escalated() -> None:
    policy = replace(reference_policy(["edge"], salt="s"), probe_share=1.0)
    found = decided(confidence=0.2, policy=policy, available=False)
    assert (found.route, found.reason) == ("cloud", "low_confidence")


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_about_the_share_of_messages_set_are_probes(share: float) -> None:
    policy = replace(reference_policy(["edge"], salt="s"), probe_share=share)
    found = sum(probes(policy, identity) for identity in IDENTITIES)
    assert found == pytest.approx(share * len(IDENTITIES), rel=0.15)


def test_who_probes_does_not_depend_on_who_is_audited() -> None:
    policy = replace(reference_policy(["edge"], salt="s", audit_rate=0.5), probe_share=0.5)
    both = sum(probes(policy, one) and audited(policy, one) for one in IDENTITIES)
    assert both == pytest.approx(len(IDENTITIES) / 4, rel=0.05)


@given(cases())
def test_the_reason_follows_from_the_verdict_and_the_draw(case: dict[str, Any]) -> None:
    policy = case.pop("policy")
    found = decide(policy, **{**case, "available": True, "admitted": 1.0})
    verdict = found.verdict
    if verdict.complexity > verdict.complexity_threshold:
        assert found.reason == "high_complexity"
    elif verdict.score < verdict.threshold:
        assert found.reason == "low_confidence"
    elif audited(policy, case["identity"]):
        assert found.reason == "random_cloud"
    else:
        assert found.reason == "optimal_edge"


@given(cases())
def test_the_first_tier_that_keeps_a_message_decides_else_the_last(case: dict[str, Any]) -> None:
    policy, text = case.pop("policy"), features(case["text"])
    kept = [
        keeps(policy, i, [text], [answer.confidence])[0] for i, answer in enumerate(case["answers"])
    ]
    index = kept.index(True) if any(kept) else len(kept) - 1
    verdict = decide(policy, **case).verdict
    answer, tier = case["answers"][index], policy.tiers[index]
    assert (verdict.tier, verdict.label) == (answer.tier, answer.label)
    assert (verdict.score, verdict.threshold) == (answer.confidence, tier.threshold)


@given(cases())
def test_tiers_after_the_deciding_one_need_not_be_asked(case: dict[str, Any]) -> None:
    policy, answers = case.pop("policy"), case.pop("answers")
    whole = decide(policy, answers=answers, **case)
    index = [tier.name for tier in policy.tiers].index(whole.verdict.tier)
    assert decide(policy, answers=answers[: index + 1], **case) == whole


@given(cases())
def test_after_each_answer_the_policy_decides_or_asks_the_next_tier(case: dict[str, Any]) -> None:
    policy, answers, text = case.pop("policy"), case.pop("answers"), features(case.pop("text"))
    whole = decide(policy, answers=answers, text=text, **case)
    index = [tier.name for tier in policy.tiers].index(whole.verdict.tier)
    for count in range(1, index + 1):
        assert step(policy, answers=answers[:count], text=text, **case) is None
    assert step(policy, answers=answers[: index + 1], text=text, **case) == whole


@given(cases())
def test_the_verdict_says_everything_it_was_decided_by(case: dict[str, Any]) -> None:
    policy = case.pop("policy")
    verdict = decide(policy, **case).verdict
    scores = complexity(case["text"], verdict.confidence)
    assert verdict.complexity == scores.total
    assert verdict.breakdown.model_dump() == {
        "length": scores.length,
        "syntax": scores.syntax,
        "uncertainty": scores.uncertainty,
        "emotion": scores.emotion,
        "keywords": scores.keywords,
    }
    assert verdict.complexity_threshold == policy.complexity_threshold
    assert verdict.available == case["available"]
    assert verdict.bundle_version == case["bundle_version"]
    assert verdict.policy_version == policy.version


def test_a_simple_message_of_which_the_model_is_sure_stays() -> None:
    assert (decided().route, decided().reason) == ("edge", "optimal_edge")


def test_complexity_is_the_first_reason() -> None:
    always = reference_policy(["edge"], salt="s", audit_rate=1.0)
    assert decided(LONG, 0.1, policy=always).reason == "high_complexity"


def test_confidence_is_the_second_reason() -> None:
    always = reference_policy(["edge"], salt="s", audit_rate=1.0)
    assert decided("Hi.", 0.1, policy=always).reason == "low_confidence"


def test_the_audit_is_the_third_reason() -> None:
    always = reference_policy(["edge"], salt="s", audit_rate=1.0)
    assert decided(policy=always).reason == "random_cloud"


@pytest.mark.parametrize(
    ("confidence", "reason"), [(0.9, "optimal_edge"), (0.8999, "low_confidence")]
)
def test_a_confidence_at_the_threshold_stays(confidence: float, reason: str) -> None:
    assert decided(confidence=confidence).reason == reason


def test_a_complexity_at_the_threshold_stays() -> None:
    exact = complexity("Hi there.", 0.95).total
    policy = reference_policy(["edge"], salt="s", complexity=exact, audit_rate=0.0)
    assert decided("Hi there.", policy=policy).reason == "optimal_edge"


def test_the_propensity_is_the_audit_rate() -> None:
    policy = reference_policy(["edge"], salt="s", audit_rate=0.2)
    assert decided(policy=policy).verdict.propensity == 0.2


@pytest.mark.parametrize("asked", [[], ["student"], ["reflex", "reflex"], ["other"]])
def test_answers_of_other_tiers_are_refused(asked: list[str]) -> None:
    policy = reference_policy(["reflex", "student"], salt="s")
    with pytest.raises(ValueError, match="first tiers, in order"):
        decided(policy=policy, answers=[Answer(name, "neutral", 0.99) for name in asked])


def test_a_message_that_the_first_of_two_tiers_does_not_keep_needs_the_second() -> None:
    policy = reference_policy(["reflex", "student"], salt="s")
    with pytest.raises(ValueError, match="another one to ask"):
        decided(policy=policy, answers=[Answer("reflex", "neutral", 0.1)])


@given(cases())
def test_features_of_a_text_decide_as_the_text_does(case: dict[str, Any]) -> None:
    policy, text = case.pop("policy"), case.pop("text")
    assert decide(policy, text=features(text), **case) == decide(policy, text=text, **case)


# -- the audit -------------------------------------------------------------------------------------


def drawn(rate: float, salt: str = "s") -> set[str]:
    """Return which of 20,000 identities are audited."""
    policy = reference_policy(["edge"], salt=salt, audit_rate=rate)
    return {identity for identity in IDENTITIES if audited(policy, identity)}


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.5])
def test_the_audited_share_is_near_the_rate(rate: float) -> None:
    five_sigma = 5 * (rate * (1 - rate) / len(IDENTITIES)) ** 0.5
    assert abs(len(drawn(rate)) / len(IDENTITIES) - rate) < five_sigma


def test_a_rate_of_0_audits_nothing_and_of_1_everything() -> None:
    assert (len(drawn(0.0)), len(drawn(1.0))) == (0, len(IDENTITIES))


def test_a_higher_rate_audits_the_same_messages_and_more() -> None:
    assert drawn(0.05) < drawn(0.1)


def test_two_salts_draw_independently() -> None:
    both = len(drawn(0.2) & drawn(0.2, "another")) / len(IDENTITIES)
    assert 0.03 < both < 0.05


@given(cases(), cases())
def test_the_draw_depends_on_identity_salt_and_rate_alone(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    same = replace(other["policy"], salt=one["policy"].salt, audit_rate=one["policy"].audit_rate)
    assert audited(one["policy"], one["identity"]) == audited(same, one["identity"])


def test_the_draw_is_the_same_in_every_process() -> None:
    code = (
        "from router.policy import *\n"
        "p = reference_policy(['edge'], salt='s', audit_rate=0.5)\n"
        "print([audited(p, str(n)) for n in range(64)])"
    )
    policy = reference_policy(["edge"], salt="s", audit_rate=0.5)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str([audited(policy, str(n)) for n in range(64)])


def test_the_draw_never_changes() -> None:
    policy = reference_policy(["edge"], salt="edgeroute", audit_rate=0.5)
    bits = "".join("01"[audited(policy, f"message {n}")] for n in range(32))
    assert bits == "11011000011000010111011110110111"


# -- names, versions, precedence -------------------------------------------------------------------


@given(policies, policies)
def test_the_version_changes_exactly_when_something_that_decides_does(
    one: Policy, other: Policy
) -> None:
    assert (one.version == other.version) == (one == other)


@given(policies, st.data())
def test_a_change_of_any_field_changes_the_version(policy: Policy, data: st.DataObject) -> None:
    tier = Tier(policy.tiers[0].name, data.draw(shares))
    changes: dict[str, Any] = {
        "name": data.draw(names),
        "tiers": data.draw(st.sampled_from([(tier, *policy.tiers[1:]), policy.tiers[::-1]])),
        "complexity_threshold": data.draw(shares),
        "audit_rate": data.draw(shares),
        "salt": data.draw(st.text()),
    }
    field = data.draw(st.sampled_from(sorted(changes)))
    assume(getattr(policy, field) != changes[field])
    assert replace(policy, **{field: changes[field]}).version != policy.version


@given(policies)
def test_the_version_begins_with_the_name(policy: Policy) -> None:
    assert policy.version.rpartition("-")[0] == policy.name


def test_a_whole_number_and_a_negative_zero_change_no_version() -> None:
    plain = Policy("p", (Tier("edge", 1.0),), complexity_threshold=1.0, audit_rate=0.0)
    odd = Policy("p", (Tier("edge", 1),), complexity_threshold=1, audit_rate=-0.0)
    assert odd.version == plain.version


def test_a_policy_without_tiers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one tier"):
        reference_policy([], salt="s")


def test_two_tiers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="different names"):
        reference_policy(["edge", "edge"], salt="s")


@pytest.mark.parametrize("name", ["", "x" * 201, "a\0b"])
def test_a_name_that_no_decision_could_carry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^the name of a tier"):
        Tier(name, 0.5)
    with pytest.raises(ValueError, match=r"^the name of a policy"):
        Policy(name, (Tier("edge", 0.5),))
