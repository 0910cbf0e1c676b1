"""What a role serves, made from real bundles."""

import pytest

from router import serving
from router.bundle import Bundle, load_bundle
from router.policy import reference_policy
from tests.services.bundles import two_tiers
from tests.services.stream import BUNDLE


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(two_tiers(tmp_path_factory.mktemp("bundles") / "two"))


def test_an_edge_serves_the_tiers_of_its_policy_in_their_order(two: Bundle) -> None:
    for tiers in (("reflex", "student"), ("student",), ("student", "reflex")):
        served = serving.edge(two, reference_policy(tiers, salt="s"), 1)
        assert tuple(tier.name for tier in served.tiers) == tiers


def test_a_policy_of_another_bundle_is_refused(two: Bundle) -> None:
    with pytest.raises(ValueError, match="no tier 'giant'"):
        serving.edge(two, reference_policy(("giant",), salt="s"), 1)


def test_a_worker_serves_the_network_of_the_cloud() -> None:
    bundle = load_bundle(BUNDLE)
    served = serving.cloud(bundle, reference_policy(("student",), salt="s"), 2)
    assert [tier.name for tier in served.tiers] == [bundle.manifest.models.cloud.tier]
    assert served.version == bundle.manifest.bundle_version


def test_callers_share_an_instant_network_and_have_a_session_each_of_the_others(
    two: Bundle,
) -> None:
    served = serving.edge(two, reference_policy(("reflex", "student"), salt="s"), 3)
    reflex, student = served.tiers
    assert (reflex.instant, student.instant) == (True, False)
    assert [len(reflex.networks), len(student.networks)] == [3, 3]
    assert len({id(network) for network in reflex.networks}) == 1
    assert len({id(network) for network in student.networks}) == 3
