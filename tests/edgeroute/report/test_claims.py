"""The article's claims beside what was measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from consumers.totals.aggregate import LIVE, Totals, aggregate
from edgeroute.report.claims import Claim, measured_claims, models
from edgeroute.report.figures import ReportFigures, figures
from router.bundle import load_manifest
from router.economics import Prices
from schemas.bundle import Manifest
from tests.consumers.decisions import answered, routed
from tests.services.bundles import two_tiers
from tests.services.stream import BUNDLE

ESCALATED = (routed(route="cloud", reason="low_confidence"), answered())


def claim(name: str, *, edge: int = 1, cloud: int = 0, **given: Any) -> Claim:
    decisions = [*[routed()] * edge, *ESCALATED * cloud]
    return named(figures(aggregate(decisions)[LIVE], Prices(), **given), name)


def named(said: ReportFigures, name: str) -> Claim:
    [found] = [claim for claim in said.claims if claim.name == name]
    return found


def manifest(kept: float = 0.995, **student: float) -> Manifest:
    """The starter's manifest, with other figures of its student, and of what is kept."""
    found = load_manifest(BUNDLE)
    measured = found.measured
    changed = measured.networks["student"].model_copy(update=student)
    system = measured.system
    retention = system.retention.model_copy(update={"share": kept})
    figures = {
        "networks": {**measured.networks, "student": changed},
        "retentions": (retention.model_copy(update={"of": "student", "against": "teacher"}),),
        "system": system.model_copy(update={"retention": retention}),
    }
    return found.model_copy(update={"measured": measured.model_copy(update=figures)})


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
    given = manifest(size_mb=cloud.size_mb * 0.1, latency_p95_ms=21.0)
    others = sum(
        load_manifest(BUNDLE).measured.networks[model.tier].size_mb
        for model in given.models.edge
        if model.tier != "student"
    )
    smaller = claim("edge smaller by", bundle=given)
    assert smaller.measured == pytest.approx(0.9 - others / cloud.size_mb)
    assert smaller.met is True
    assert claim("edge model's inference, p95", bundle=given).met is False


@pytest.mark.parametrize(("kept", "met"), [(0.991, True), (0.9909, False)])
def test_what_the_model_and_all_tiers_keep_is_judged(kept: float, met: bool) -> None:
    for name in ("accuracy kept by the model", "accuracy kept by the system"):
        found = claim(name, bundle=manifest(kept))
        assert (found.measured, found.met) == (kept, met)


def test_the_edge_s_size_is_that_of_all_its_tiers(tmp_path: Path) -> None:
    made = load_manifest(two_tiers(tmp_path / "two"))
    networks = made.measured.networks
    together = networks["reflex"].size_mb + networks["student"].size_mb
    assert models(made).edge_mb == together
    assert models(made).smaller == pytest.approx(1 - together / networks["teacher"].size_mb)


def test_what_a_bundle_does_not_compare_is_open() -> None:
    given = manifest()
    measured = given.measured.model_copy(update={"retentions": ()})
    silent = given.model_copy(update={"measured": measured})
    assert claim("accuracy kept by the model", bundle=silent).met is None


def test_without_a_bundle_its_claims_are_open_and_the_run_s_are_not() -> None:
    open_ = {name: claim(name).met for name in ("accuracy kept by the system", "edge smaller by")}
    assert open_ == dict.fromkeys(open_)
    assert claim("answered at the edge").met is True


def test_without_a_run_its_claims_are_open() -> None:
    said = figures(Totals(), Prices(), bundle=manifest())
    assert named(said, "answered at the edge").met is None
    assert named(said, "accuracy kept by the system").met is not None


def test_a_free_cloud_has_no_largest_saving() -> None:
    said = figures(aggregate([routed()])[LIVE], Prices(edge=0.0, cloud=0.0))
    assert named(said, "saved against cloud-only").note is None


def test_claims_and_models_survive_json() -> None:
    said = figures(aggregate([routed()])[LIVE], Prices(), bundle=manifest())
    assert ReportFigures.model_validate(json.loads(said.model_dump_json())) == said


def test_what_was_measured_is_set_beside_every_claim() -> None:
    found = {claim.name: claim for claim in measured_claims(manifest())}
    assert {claim.claimed for claim in found.values()} == {0.949, 0.935, 20.0, 0.991, 0.84}
    edge_share = manifest().measured.system.edge_share
    assert found["answered at the edge"].measured == edge_share
    saved = found["saved against cloud-only"].measured
    assert saved == pytest.approx(1 - (0.001 + (1 - edge_share) * 0.0136) / 0.0136)


def test_the_size_with_the_whole_vocabulary_has_its_own_line() -> None:
    whole = manifest().measured.model_copy(update={"untrimmed_mb": 1_000.0})
    found = measured_claims(manifest().model_copy(update={"measured": whole}))
    [line] = [claim for claim in found if claim.name == "smaller than the uncut model"]
    assert line.measured == pytest.approx(1 - models(manifest()).edge_mb / 1_000.0)
