"""The report's figures and tables."""

import io
import json
from datetime import timedelta

import pytest
from rich.console import Console

from consumers.totals.aggregate import LIVE, Totals, aggregate
from edgeroute.report.tables import ReportFigures, figures, render
from router.bundle import load_manifest
from router.economics import Prices, saving_at
from schemas.decision import Answered, Routed
from tests.consumers.decisions import MOMENT, answered, routed, verdict
from tests.services.stream import BUNDLE

PRICES = Prices()
AUDITED = routed(route="cloud", reason="random_cloud")
ESCALATED = routed(route="cloud", reason="low_confidence")
UNSENT = routed(route="cloud", reason="low_confidence", unsent_price=0.0136)
SKIPPED = routed(route="skipped", reason="role_not_scored", verdict=None, price=0.0)
DEAD = routed(route="dead_letter", reason="invalid_record", verdict=None, price=0.0)


def of(*decisions: Routed | Answered) -> ReportFigures:
    return figures(aggregate(decisions).get(LIVE, Totals()), PRICES)


def shown(said: ReportFigures, *, terminal: bool = False, width: int = 80) -> str:
    file = io.StringIO()
    render(said, Console(file=file, force_terminal=terminal, width=width))
    return file.getvalue()


def row(text: str, name: str) -> list[str]:
    """Return what stands beside ``name`` in the tables."""
    line = next(line for line in text.splitlines() if line.strip().startswith(name))
    return line.strip().removeprefix(name).split()


def test_skipped_records_and_dead_letters_are_in_no_share() -> None:
    routing = of(routed(), ESCALATED, SKIPPED, DEAD).routing
    assert (routing.records, routing.scored) == (4, 2)
    assert (routing.skipped, routing.dead_letters) == (1, 1)
    assert routing.edge_utilisation == 0.5


def test_utilisation_is_told_as_it_is_and_as_it_were_without_the_audit() -> None:
    routing = of(*[routed()] * 2, AUDITED, ESCALATED).routing
    assert routing.edge_utilisation == 0.5
    assert routing.edge_utilisation_without_audit == 0.75


def test_means_are_over_scored_records() -> None:
    easy = routed(verdict=verdict(complexity=0.2, confidence=0.9))
    hard = routed(verdict=verdict(complexity=0.6, confidence=0.5))
    routing = of(easy, hard, SKIPPED).routing
    assert (routing.mean_complexity, routing.mean_confidence) == (0.4, 0.7)


def test_an_escalation_is_charged_for_edge_and_cloud() -> None:
    cost = of(ESCALATED, answered()).cost
    assert (cost.edge, cost.cloud) == (0.001, 0.0136)
    assert cost.total == pytest.approx(0.0146)
    assert cost.saved == pytest.approx(-0.001)


def test_the_saving_is_the_one_of_the_formula() -> None:
    cost = of(*[routed()] * 949, *[ESCALATED] * 51, *[answered()] * 51).cost
    assert cost.saving == pytest.approx(saving_at(0.949, PRICES))
    assert cost.per_query == pytest.approx(0.001 + 0.051 * 0.0136)


def test_no_month_is_estimated_from_under_an_hour() -> None:
    cost = of(routed(), routed(decided_at=MOMENT + timedelta(minutes=59))).cost
    assert cost.monthly_saving is None
    assert cost.no_monthly_because == "under an hour of data"


def test_a_month_is_thirty_mean_days() -> None:
    cost = of(routed(), routed(decided_at=MOMENT + timedelta(days=2))).cost
    assert cost.monthly_saving == pytest.approx(30 * (2 * (0.0136 - 0.001)) / 2)
    assert cost.no_monthly_because is None


def test_agreement_leaves_cloud_errors_out() -> None:
    failed = answered(reason="cloud_error", price=0.0)
    cloud = of(*[ESCALATED] * 4, answered(), answered(label="negative"), failed).cloud
    assert (cloud.answered, cloud.failed, cloud.agreed) == (3, 1, 1)
    assert cloud.agreement == 0.5


def test_cloud_errors_are_of_both_kinds() -> None:
    unavailable = routed(reason="cloud_error")
    cloud = of(unavailable, ESCALATED, answered(reason="cloud_error")).cloud
    assert (cloud.errors, cloud.unavailable, cloud.failed) == (2, 1, 1)


def test_escalations_without_an_answer_are_waiting() -> None:
    assert of(ESCALATED, ESCALATED, answered()).cloud.waiting == 1


def test_nobody_waits_for_what_a_replay_did_not_send_but_it_is_priced() -> None:
    said = of(ESCALATED, UNSENT, UNSENT)
    assert (said.cloud.escalated, said.cloud.unsent, said.cloud.waiting) == (3, 2, 1)
    assert said.cost.cloud == pytest.approx(2 * 0.0136)
    assert row(shown(said), "priced in a replay, not sent")[-1] == "2"


def test_a_report_of_live_traffic_has_no_word_of_what_is_not_sent() -> None:
    assert "not sent" not in shown(of(ESCALATED))


def test_an_answer_that_overtook_its_routing_is_not_a_negative_wait() -> None:
    assert of(answered()).cloud.waiting == 0


def test_latencies_are_within_six_percent() -> None:
    latency = of(*[routed(processing_ms=float(ms)) for ms in range(1, 101)]).latency.processing
    assert latency.count == 100
    told = (latency.p50_ms, latency.p95_ms, latency.p99_ms)
    assert told == pytest.approx((50, 95, 99), rel=0.06)


def test_figures_survive_json() -> None:
    said = figures(aggregate([routed(), ESCALATED])[LIVE], PRICES, runs=["a"])
    assert ReportFigures.model_validate(json.loads(said.model_dump_json())) == said


def test_figures_of_nothing_are_none_and_not_a_crash() -> None:
    said = of()
    assert said.routing.edge_utilisation is None
    assert said.cost.per_query is None
    assert said.cloud.agreement is None
    assert said.latency.processing.p95_ms is None


def test_an_empty_store_says_so_and_what_to_do() -> None:
    text = shown(of())
    assert text.startswith("No decisions recorded yet.")
    assert "edgeroute run monitor" in text


def test_an_empty_run_is_named() -> None:
    assert "for run 7" in shown(figures(Totals(), PRICES, run_id="7"))


def test_an_empty_live_scope_names_the_runs_there_are() -> None:
    assert "Runs with totals: b, a" in shown(figures(Totals(), PRICES, runs=["b", "a"]))


def test_tables_say_what_the_figures_say() -> None:
    text = shown(of(*[routed()] * 3, AUDITED, answered()))
    assert row(text, "scored") == ["4"]
    assert row(text, "answered at the edge") == ["3", "75.0%"]
    assert row(text, "had nothing been audited") == ["4", "100.0%"]
    assert row(text, "random_cloud (drawn for the audit)") == ["1", "25.0%"]
    assert row(text, "neutral") == ["4", "100.0%", "1"]
    assert row(text, "total") == ["$0.0176"]
    assert row(text, "same label as the edge") == ["1", "100.0%"]
    assert row(text, "edge processing")[0] == "4"


def test_only_dead_letters_are_a_report_too() -> None:
    assert row(shown(of(DEAD)), "dead letters") == ["1"]


def test_without_a_terminal_everything_is_plain() -> None:
    text = shown(of(routed(), ESCALATED))
    assert "\x1b" not in text
    assert text.isascii()


def test_labels_beyond_ten_are_summed_up() -> None:
    decisions = [routed(verdict=verdict(label=f"label {n:02}")) for n in range(13)]
    text = shown(of(*decisions))
    assert row(text, "3 more")[0] == "3"
    assert "label 10" not in text


def test_a_label_cannot_write_to_the_terminal() -> None:
    text = shown(of(routed(verdict=verdict(label="\x1b[2J[red]x"))))
    assert "?[2J[red]x" in text


def test_a_run_is_named_as_it_is() -> None:
    said = figures(aggregate([routed()])[LIVE], PRICES, run_id="[bold]march\x1b")
    assert shown(said).startswith("Run [bold]march?  2026-03-01 12:00:00 to")


def test_the_models_and_the_claims_close_the_report() -> None:
    manifest = load_manifest(BUNDLE)
    text = shown(figures(aggregate([routed()])[LIVE], PRICES, bundle=manifest))
    assert row(text, "edge smaller by")[1:3] == [">=", "84.0%"]
    assert row(text, "accuracy kept by the model")[1:3] == [">=", "99.1%"]
    teacher = manifest.measured.networks["teacher"]
    sized = [f"{teacher.size_mb:.1f}", f"{teacher.accuracy:.1%}"]
    assert row(text, "teacher")[:2] == sized


def test_a_report_without_a_bundle_has_dashes_and_says_why() -> None:
    text = shown(figures(aggregate([routed()])[LIVE], PRICES, bundle="it was moved"))
    assert row(text, "accuracy kept by the system") == ["-", ">=", "99.1%", "-"]
    assert row(text, "cloud model") == ["-"] * 4
    assert "it was moved" in text


@pytest.mark.parametrize("width", [44, 80, 200])
def test_a_narrow_terminal_cuts_no_number(width: int) -> None:
    text = shown(of(*[routed(processing_ms=50_000.0)] * 12_345), terminal=True, width=width)
    assert text.count("12,345") >= 5
    assert "$155" in text
    assert "p99" in text


def test_health_names_what_the_run_crosses() -> None:
    health = of(*[routed()] * 3, ESCALATED).health
    assert health is not None
    assert (health.status, health.score, health.alerts) == ("fair", 65, ("edge_utilisation",))


def test_there_is_no_health_of_nothing_scored() -> None:
    assert of(SKIPPED).health is None


def test_the_report_says_status_score_and_each_alert() -> None:
    text = shown(of(*[routed()] * 3, ESCALATED))
    assert row(text, "out of 100") == ["fair", "65"]
    assert row(text, "under 80% answered at the edge") == ["alert"]


TIERS: tuple[Routed | Answered, ...] = (
    *[routed(verdict=verdict(tier="reflex"))] * 6,
    *[routed()] * 3,
    ESCALATED,
    answered(),
)


def test_the_report_says_which_tier_answered_how_many() -> None:
    text = shown(of(*TIERS))
    assert row(text, "reflex") == ["6", "60.0%"]
    assert row(text, "student") == ["3", "30.0%"]
    assert row(text, "teacher") == ["1", "10.0%"]
