"""The article's claims beside what was measured."""

import json
from typing import Any

import pytest

from consumers.aggregate import LIVE, Totals, aggregate
from edgeroute.claims import Claim
from edgeroute.figures import ReportFigures, figures
from router.bundle import load_manifest
from router.economics import Prices
from schemas.bundle import Manifest
from tests.consumers.decisions import answered, routed
from tests.services.stream import BUNDLE

ESCALATED = (routed(route="cloud", reason="low_confidence"), answered())


def claim(name: str, *, edge: int = 1, cloud: int = 0, **given: Any) -> Claim:
    decisions = [*[routed()] * edge, *ESCALATED * cloud]
    return named(figures(aggregate(decisions)[LIVE], Prices(), **given), name)


def named(said: ReportFigures, name: str) -> Claim:
    [found] = [claim for claim in said.claims if claim.name == name]
    return found


def manifest(**edge: float) -> Manifest:
    """The starter's manifest, with other figures of the edge's network."""
    found = load_manifest(BUNDLE)
    measured = found.measured
    changed = measured.networks["student"].model_copy(update=edge)
    networks = {**measured.networks, "student": changed}
    return found.model_copy(update={"measured": measured.model_copy(update={"networks": networks})})


@pytest.mark.parametrize(("edge", "met"), [(949, True), (948, False)])
def test_the_share_at_the_edge_must_reach_the_claim(edge: int, met: bool) -> None:
    assert claim("answered at the edge", edge=edge, cloud=1000 - edge).met is met


def test_all_at_the_edge_saves_less_than_the_article_claims_and_it_says_so() -> None:
    saved = claim("saved against cloud-only")
    assert saved.measured == pytest.approx(1 - 0.001 / 0.0136)
    assert saved.met is False
    assert saved.note == "at most 92.6%, all at the edge"


def test_inference_and_processing_are_judged_apart() -> None:
    slow = figures(aggregate([routed(inference_ms=19.0, processing_ms=900.0)])[LIVE], Prices())
    assert named(slow, "edge inference, p95").met is True
    assert named(slow, "edge processing, p95").met is False


def test_the_bundle_tells_accuracy_kept_size_and_the_time_of_one_message() -> None:
    cloud = load_manifest(BUNDLE).measured.networks["teacher"]
    given = manifest(
        accuracy=cloud.accuracy * 0.995, size_mb=cloud.size_mb * 0.15, latency_p95_ms=21.0
    )
    assert claim("accuracy kept", bundle=given).measured == pytest.approx(0.995)
    assert claim("accuracy kept", bundle=given).met is True
    assert claim("model smaller by", bundle=given).measured == pytest.approx(0.85)
    assert claim("model smaller by", bundle=given).met is True
    assert claim("edge model's inference, p95", bundle=given).met is False


def test_without_a_bundle_its_claims_are_open_and_the_run_s_are_not() -> None:
    open_ = {name: claim(name).met for name in ("accuracy kept", "model smaller by")}
    assert open_ == {"accuracy kept": None, "model smaller by": None}
    assert claim("answered at the edge").met is True


def test_without_a_run_its_claims_are_open() -> None:
    said = figures(Totals(), Prices(), bundle=manifest())
    assert named(said, "answered at the edge").met is None
    assert named(said, "accuracy kept").met is not None


def test_a_free_cloud_has_no_largest_saving() -> None:
    said = figures(aggregate([routed()])[LIVE], Prices(edge=0.0, cloud=0.0))
    assert named(said, "saved against cloud-only").note is None


def test_claims_and_models_survive_json() -> None:
    said = figures(aggregate([routed()])[LIVE], Prices(), bundle=manifest())
    assert ReportFigures.model_validate(json.loads(said.model_dump_json())) == said
