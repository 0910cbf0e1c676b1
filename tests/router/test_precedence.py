"""Where a policy's numbers come from: setting, bundle, reference."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.policy import Calibrated, Policy, Tier, bundle_policy, reference_policy

shares = st.floats(0, 1)


def numbers(policy: Policy) -> tuple[float, float, float]:
    """Return what the precedence is about."""
    return policy.tiers[0].threshold, policy.complexity_threshold, policy.audit_rate


CALIBRATED = Calibrated(confidence=0.6, complexity=0.7, audit_rate=0.01)


def test_the_reference_has_the_numbers_of_the_reference() -> None:
    policy = reference_policy(["edge"], salt="s")
    assert (policy.name, numbers(policy)) == ("reference", (0.90, 0.75, 0.05))


def test_a_setting_overrides_the_reference() -> None:
    policy = reference_policy(["edge"], salt="s", confidence=0.1, complexity=0.2, audit_rate=0.0)
    assert numbers(policy) == (0.1, 0.2, 0.0)


def test_the_bundle_has_its_calibrated_numbers() -> None:
    policy = bundle_policy(["edge"], salt="s", calibrated=CALIBRATED)
    assert (policy.name, numbers(policy)) == ("bundle", (0.6, 0.7, 0.01))


def test_a_setting_overrides_the_bundle_even_where_it_is_0() -> None:
    policy = bundle_policy(
        ["edge"], salt="s", calibrated=CALIBRATED, confidence=0.0, complexity=0.0, audit_rate=0.0
    )
    assert numbers(policy) == (0.0, 0.0, 0.0)


def test_what_a_bundle_leaves_open_is_the_reference_s() -> None:
    policy = bundle_policy(["edge"], salt="s", calibrated={"confidence": 0.6, "audit_rate": None})
    assert numbers(policy) == (0.6, 0.75, 0.05)


def thresholds(policy: Policy) -> dict[str, float]:
    return {tier.name: tier.threshold for tier in policy.tiers}


TIERS = ("reflex", "student", "giant", "last")
BY_TIER = Calibrated(thresholds={"reflex": 0.7, "student": 0.5}, confidence=0.6)


@given(
    st.lists(st.sampled_from(TIERS), min_size=1, max_size=4, unique=True),
    st.dictionaries(st.sampled_from(TIERS), shares),
    st.none() | shares,
    st.dictionaries(st.sampled_from(TIERS), shares),
    st.none() | shares,
)
def test_a_threshold_is_the_tier_s_setting_else_that_of_all_else_the_bundle_s_else_the_reference_s(
    tiers: list[str],
    own: dict[str, float],
    of_all: float | None,
    calibrated: dict[str, float],
    otherwise: float | None,
) -> None:
    own = {tier: share for tier, share in own.items() if tier in tiers}
    calibrated = {tier: share for tier, share in calibrated.items() if tier in tiers}
    policy = bundle_policy(
        tiers,
        salt="s",
        calibrated={"thresholds": calibrated, "confidence": otherwise},
        thresholds=own,
        confidence=of_all,
    )
    for tier in tiers:
        sources = (own.get(tier), of_all, calibrated.get(tier), otherwise, 0.90)
        assert thresholds(policy)[tier] == next(share for share in sources if share is not None)


def test_each_tier_of_the_bundle_has_its_own_threshold() -> None:
    policy = bundle_policy(["reflex", "student"], salt="s", calibrated=BY_TIER)
    assert thresholds(policy) == {"reflex": 0.7, "student": 0.5}


def test_the_reference_takes_no_threshold_from_a_bundle() -> None:
    policy = reference_policy(["reflex", "student"], salt="s", thresholds={"reflex": 0.99})
    assert thresholds(policy) == {"reflex": 0.99, "student": 0.90}


def test_a_threshold_for_a_tier_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="a tier that the policy does not have"):
        reference_policy(["student"], salt="s", thresholds={"reflex": 0.9})


def test_every_tier_of_a_list_gets_the_threshold() -> None:
    policy = reference_policy(["reflex", "student"], salt="s", confidence=0.8)
    assert policy.tiers == (Tier("reflex", 0.8), Tier("student", 0.8))


@pytest.mark.parametrize("field", ["confidence", "complexity", "audit_rate"])
@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_number_that_is_no_share_is_refused(field: str, value: float) -> None:
    changes: dict[str, Any] = {field: value}
    with pytest.raises(ValueError, match=r"^the .* must lie between 0 and 1$"):
        reference_policy(["edge"], salt="s", **changes)
