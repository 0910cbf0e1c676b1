"""A ceiling on the cloud, on a broker: who is over it is answered at the edge, and all add up."""

import pytest

from edgeroute import roles
from edgeroute.sample import conversations
from edgeroute.settings import Budget, PolicySettings
from router.bundle import load_bundle
from router.policy import admits, audited
from schemas.codec import encode
from tests.services.choose import Broker
from tests.services.stream import BUNDLE, Stream, place, settings_for

TURNS = 1_500
SHARE = 0.02


@pytest.mark.kafka
async def test_escalations_stay_under_the_ceiling_and_the_rest_is_final_at_the_edge(
    broker: Broker, redis_url: str, unique: str
) -> None:
    policy = PolicySettings(confidence=0.8, audit_rate=0.05)
    settings = settings_for(broker, redis_url, unique, policy=policy)
    settings = settings.model_copy(update={"budget": Budget(share=SHARE)})
    stream = Stream(settings, exactly_once=broker.exactly_once)
    await stream.create_topics()
    fed = await stream.feed(
        ((turn.conversation_id or "").encode(), encode(turn))
        for turn in conversations(TURNS, seed=9)
    )
    async with stream.running("edge", "cloud"):
        seen = await stream.until_settled(fed)
    scored = [routed for routed in seen.routed if "verdict" in routed]
    held_back = [routed for routed in scored if routed["reason"] == "budget"]
    escalated = [routed for routed in scored if routed["route"] == "cloud"]
    assert set(seen.finals.values()) == {1}
    assert len(seen.finals) == fed
    assert len(held_back) > len(escalated) > 0
    # Chance moves so few by a third of themselves and more.
    assert len(escalated) <= 2 * SHARE * len(scored)
    final_at_the_edge = {
        place(r) for r in seen.results if r["status"] == "final" and r["answered_by"] == "edge"
    }
    assert {place(routed) for routed in held_back} <= final_at_the_edge
    rules = roles.policy_of(settings, load_bundle(BUNDLE).manifest)
    for routed in scored:
        verdict = routed["verdict"]
        hard = (
            verdict["complexity"] > verdict["complexity_threshold"]
            or verdict["score"] < verdict["threshold"]
            or audited(rules, routed["identity"])
        )
        goes = hard and admits(rules, routed["identity"], verdict["admitted"])
        assert (routed["route"] == "cloud") == goes
        assert (routed["reason"] == "budget") == (hard and not goes)
        assert verdict["propensity"] == pytest.approx(0.05 * verdict["admitted"])
