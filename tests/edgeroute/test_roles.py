"""How settings and a bundle become a policy."""

from pathlib import Path

import pytest

from edgeroute.roles import policy_of
from edgeroute.settings import PolicySettings, Settings, SettingsError
from router.bundle import load_manifest
from schemas.bundle import Manifest
from tests.services.bundles import two_tiers


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return load_manifest(two_tiers(tmp_path_factory.mktemp("bundles") / "two"))


def thresholds(manifest: Manifest, policy: PolicySettings) -> dict[str, float]:
    made = policy_of(Settings(policy=policy), manifest)
    return {tier.name: tier.threshold for tier in made.tiers}


def test_every_tier_has_the_bundle_s_threshold(manifest: Manifest) -> None:
    expected = {model.tier: model.threshold for model in manifest.models.edge}
    assert thresholds(manifest, PolicySettings()) == expected


def test_the_setting_of_all_is_for_every_tier(manifest: Manifest) -> None:
    found = thresholds(manifest, PolicySettings(confidence=0.8))
    assert found == {"reflex": 0.8, "student": 0.8}


def test_a_tier_s_own_setting_wins_over_that_of_all(manifest: Manifest) -> None:
    given = PolicySettings(confidence=0.8, thresholds={"reflex": 0.95})
    assert thresholds(manifest, given) == {"reflex": 0.95, "student": 0.8}


def test_the_reference_has_its_own_number_for_every_tier(manifest: Manifest) -> None:
    given = PolicySettings(name="reference", thresholds={"student": 0.5})
    assert thresholds(manifest, given) == {"reflex": 0.9, "student": 0.5}


def test_a_threshold_of_a_tier_that_the_bundle_lacks_is_refused_with_those_it_has(
    manifest: Manifest,
) -> None:
    given = PolicySettings(thresholds={"refelx": 0.9})
    with pytest.raises(SettingsError, match=r"the tier 'refelx'.* it has reflex, student"):
        policy_of(Settings(bundle=Path("ours"), policy=given), manifest)
