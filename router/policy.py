"""When a message goes to the cloud, and why. Nothing here knows how many tiers there are.

An item stays with the first edge tier that keeps it, unless it is among the audited share, which
goes to the cloud so that the edge's quality can be measured on what it would have kept.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypedDict, Unpack

from router.complexity import RULES, Complexity, TextFeatures, complexity_of, features
from schemas.decision import REASONS, Breakdown, Reason, Route, Verdict

CONFIDENCE: Final = 0.90
COMPLEXITY: Final = 0.75
AUDIT_RATE: Final = 0.05
"""The reference's numbers, used where neither a setting nor the bundle gives one."""

LONGEST_NAME: Final = 200
"""Characters in the name of a tier or a policy; a version is a name and 13 more."""


class Calibrated(TypedDict, total=False):
    """What a bundle recommends; what is absent or None falls back to the reference's number.

    ``thresholds`` is by name of tier, ``confidence`` the threshold of the tiers not named there.
    """

    thresholds: Mapping[str, float]
    confidence: float | None
    complexity: float | None
    audit_rate: float | None


@dataclass(frozen=True, slots=True)
class Tier:
    """A model at the edge, and the confidence from which its answer is good enough."""

    name: str
    threshold: float

    def __post_init__(self) -> None:
        """Refuse what no decision record could carry."""
        _check_name("tier", self.name)
        object.__setattr__(self, "threshold", _share("tier's threshold", self.threshold))


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that decides, besides the message and the models.

    ``tiers`` are the edge's, in the order in which they are asked. ``version`` is the name and a
    hash of every field and of the complexity's rules, so two policies that could decide differently
    never share one. ``probe_share`` is the share of what would be escalated that goes to the cloud
    even while it is away, so that its return is noticed.
    """

    name: str
    tiers: tuple[Tier, ...]
    complexity_threshold: float = COMPLEXITY
    audit_rate: float = AUDIT_RATE
    salt: str = ""
    probe_share: float = 0.0
    version: str = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what cannot decide."""
        _check_name("policy", self.name)
        if not self.tiers:
            raise ValueError("a policy must have at least one tier")
        if len({tier.name for tier in self.tiers}) < len(self.tiers):
            raise ValueError("the tiers of a policy must have different names")
        threshold = _share("complexity threshold", self.complexity_threshold)
        object.__setattr__(self, "complexity_threshold", threshold)
        object.__setattr__(self, "audit_rate", _share("audit rate", self.audit_rate))
        object.__setattr__(self, "probe_share", _share("probe share", self.probe_share))
        object.__setattr__(self, "version", _version(self))


@dataclass(frozen=True, slots=True)
class Answer:
    """What one tier said of a message."""

    tier: str
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Decided:
    """Where a scored message goes, why, and the record of how that came about."""

    route: Route
    reason: Reason
    verdict: Verdict


def reference_policy(
    tiers: Sequence[str],
    *,
    salt: str,
    **settings: Unpack[Calibrated],
) -> Policy:
    """Return the policy named `reference`: each setting, else the reference's number."""
    return _policy("reference", tiers, salt, settings, Calibrated())


def bundle_policy(
    tiers: Sequence[str],
    *,
    salt: str,
    calibrated: Calibrated,
    **settings: Unpack[Calibrated],
) -> Policy:
    """Return the policy named `bundle`: each setting, else the bundle's, else the reference's.

    For a tier's threshold that is: its own setting, the setting of all, its own in the bundle, the
    bundle's for all, the reference's.
    """
    return _policy("bundle", tiers, salt, settings, calibrated)


def recommended_policy(
    thresholds: Mapping[str, float], complexity_threshold: float, audit_rate: float
) -> Policy:
    """Return the policy that a bundle with these thresholds by tier recommends."""
    return Policy(
        name="bundle",
        tiers=tuple(Tier(name, threshold) for name, threshold in thresholds.items()),
        complexity_threshold=complexity_threshold,
        audit_rate=audit_rate,
    )


def audited(policy: Policy, identity: str) -> bool:
    """Return whether a message is in the share taken at random.

    The draw depends on the identity, the salt and the rate alone, so a replay draws the same, and a
    higher rate takes the same messages and more.
    """
    return _draw(policy, identity, b"edgeroute-audit") < policy.audit_rate


def probes(policy: Policy, identity: str) -> bool:
    """Return whether a message goes to the cloud even while it is away, if it would otherwise go.

    Drawn as the audit is, and independently of it.
    """
    return _draw(policy, identity, b"edgeroute-probe") < policy.probe_share


def admits(policy: Policy, identity: str, share: float) -> bool:
    """Return whether a message is in the share of escalations that the budget lets through.

    Drawn as the audit is, and independently of it; a larger share takes the same and more.
    """
    return _draw(policy, identity, b"edgeroute-budget") < share


def keeps(
    policy: Policy,
    tier_index: int,
    texts: Sequence[TextFeatures],
    confidences: Sequence[float],
) -> list[bool]:
    """Return which messages a tier keeps, before the audit; the next tier is asked the others."""
    return [
        _keeps(policy, tier_index, complexity_of(text, confidence), confidence)
        for text, confidence in zip(texts, confidences, strict=True)
    ]


def step(
    policy: Policy,
    *,
    identity: str,
    text: TextFeatures,
    answers: Sequence[Answer],
    available: bool,
    bundle_version: str,
    admitted: float = 1.0,
) -> Decided | None:
    """Decide about a message after each tier's answer; None where the next tier is to be asked.

    ``answers`` are those of the tiers asked so far, in order, none of which before the last has
    kept it. ``available`` is whether the cloud takes work: where it does not, only the probes among
    what would be escalated are; ``admitted`` is the share of it that the budget lets through, of
    the probes too. Answers of other tiers are a ValueError.
    """
    _check_asked(policy, answers)
    index, answer = len(answers) - 1, answers[-1]
    scores = complexity_of(text, answer.confidence)
    kept = _keeps(policy, index, scores, answer.confidence)
    if not kept and index < len(policy.tiers) - 1:
        return None
    reason = _reason(policy, identity, policy.tiers[index], answer, scores)
    if reason != "optimal_edge":
        reason = _turned_back(policy, identity, available, admitted) or reason
    return Decided(
        route=REASONS[reason].route,
        reason=reason,
        verdict=Verdict(
            tier=answer.tier,
            label=answer.label,
            confidence=answer.confidence,
            complexity=scores.total,
            breakdown=Breakdown(
                length=scores.length,
                syntax=scores.syntax,
                uncertainty=scores.uncertainty,
                emotion=scores.emotion,
                keywords=scores.keywords,
            ),
            score=answer.confidence,
            threshold=policy.tiers[index].threshold,
            complexity_threshold=policy.complexity_threshold,
            propensity=policy.audit_rate * (1.0 if available else policy.probe_share) * admitted,
            available=available,
            admitted=admitted,
            bundle_version=bundle_version,
            policy_version=policy.version,
        ),
    )


def decide(
    policy: Policy,
    *,
    identity: str,
    text: str | TextFeatures,
    answers: Sequence[Answer],
    available: bool,
    bundle_version: str,
    admitted: float = 1.0,
) -> Decided:
    """Decide about a message that several tiers were asked about, whether they had to be or not.

    It is what `step` says of the first answer for which it says anything: tiers after the first
    that keeps make no difference. Answers that do not suffice are a ValueError.
    """
    _check_asked(policy, answers)
    seen = features(text) if isinstance(text, str) else text
    for count in range(1, len(answers) + 1):
        decided = step(
            policy,
            identity=identity,
            text=seen,
            answers=answers[:count],
            available=available,
            bundle_version=bundle_version,
            admitted=admitted,
        )
        if decided is not None:
            return decided
    raise ValueError("no tier asked so far keeps the message, and there is another one to ask")


def _check_asked(policy: Policy, answers: Sequence[Answer]) -> None:
    asked = tuple(answer.tier for answer in answers)
    if not asked or asked != tuple(tier.name for tier in policy.tiers[: len(asked)]):
        raise ValueError("the answers must be those of the policy's first tiers, in order")


def _keeps(policy: Policy, tier_index: int, scores: Complexity, confidence: float) -> bool:
    simple = scores.total <= policy.complexity_threshold
    return simple and confidence >= policy.tiers[tier_index].threshold


def _reason(
    policy: Policy, identity: str, tier: Tier, answer: Answer, scores: Complexity
) -> Reason:
    """Return the first reason that holds, as if the cloud were available."""
    if scores.total > policy.complexity_threshold:
        return "high_complexity"
    if answer.confidence < tier.threshold:
        return "low_confidence"
    return "random_cloud" if audited(policy, identity) else "optimal_edge"


def _turned_back(
    policy: Policy, identity: str, available: bool, admitted: float
) -> Literal["cloud_error", "budget"] | None:
    """Return why a message that would be escalated is not, if it is not."""
    if not (available or probes(policy, identity)):
        return "cloud_error"
    return None if admits(policy, identity, admitted) else "budget"


def _policy(
    name: str, tiers: Sequence[str], salt: str, settings: Calibrated, calibrated: Calibrated
) -> Policy:
    for given in (settings, calibrated):
        if set(given.get("thresholds", {})) - set(tiers):
            raise ValueError("a threshold is given for a tier that the policy does not have")
    return Policy(
        name=name,
        tiers=tuple(Tier(tier, _threshold(tier, settings, calibrated)) for tier in tiers),
        complexity_threshold=_first(
            settings.get("complexity"), calibrated.get("complexity"), COMPLEXITY
        ),
        audit_rate=_first(settings.get("audit_rate"), calibrated.get("audit_rate"), AUDIT_RATE),
        salt=salt,
    )


def _threshold(tier: str, *sources: Calibrated) -> float:
    """Return the first that is given; each source's own for the tier before that for all."""
    for given in sources:
        found = given.get("thresholds", {}).get(tier, given.get("confidence"))
        if found is not None:
            return found
    return CONFIDENCE


def _first(setting: float | None, calibrated: float | None, reference: float) -> float:
    """Return the first that is given; 0 is given."""
    if setting is not None:
        return setting
    return reference if calibrated is None else calibrated


def _draw(policy: Policy, identity: str, person: bytes) -> float:
    """Return a number in [0, 1) that depends on the identity, the salt and the purpose alone."""
    # Python's own hash differs by process. The salt is hashed to be a key whatever its length.
    key = hashlib.blake2b(_encoded(policy.salt), digest_size=32).digest()
    digest = hashlib.blake2b(_encoded(identity), digest_size=8, key=key, person=person)
    # 53 bits are what a float holds; with 64 the largest draws would round up to 1.
    return (int.from_bytes(digest.digest(), "big") >> 11) / 2.0**53


def _version(policy: Policy) -> str:
    content = {
        "complexity": RULES,
        "tiers": [[tier.name, tier.threshold] for tier in policy.tiers],
        "complexity_threshold": policy.complexity_threshold,
        "audit_rate": policy.audit_rate,
        "salt": policy.salt,
        "probe_share": policy.probe_share,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"{policy.name}-{hashlib.blake2b(canonical.encode(), digest_size=6).hexdigest()}"


def _share(what: str, value: float) -> float:
    """Return the value as a float; 1 and 1.0, 0.0 and -0.0 must give the same version."""
    if not 0 <= value <= 1:
        raise ValueError(f"the {what} must lie between 0 and 1")
    return float(value) + 0.0


def _check_name(what: str, name: str) -> None:
    if not 0 < len(name) <= LONGEST_NAME or "\x00" in name:
        raise ValueError(
            f"the name of a {what} must have 1 to {LONGEST_NAME} characters, none of them null"
        )


def _encoded(text: str) -> bytes:
    """A setting or a topic's name may hold a lone surrogate, which strict UTF-8 refuses."""
    return text.encode("utf-8", "surrogatepass")
