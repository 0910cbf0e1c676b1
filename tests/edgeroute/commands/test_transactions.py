"""The commands about transactions that hang, in this process on a real broker."""

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from edgeroute import service
from edgeroute.cli import app
from edgeroute.commands import doctor_checks
from edgeroute.commands.doctor_checks import findings
from edgeroute.settings import Settings, as_variables
from tests.services.choose import Broker
from tests.services.hanging import HangingTopic, trusting_broker
from tests.services.stream import settings_for

pytestmark = [pytest.mark.kafka, pytest.mark.exactly_once, pytest.mark.jvm]
NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    with trusting_broker() as broker:
        of = Broker("jvm", broker.bootstrap_servers, exactly_once=True)
        made = settings_for(of, NO_REDIS, f"t{uuid.uuid4().hex[:12]}", partitions=2)
        service.create_topics(made)
        yield made


def transactions(settings: Settings, *words: str) -> Result:
    """Call the program in this process."""
    given = as_variables(settings)
    return CliRunner().invoke(app, ["transactions", *words, "--quiet-for", "0"], env=given)


def leave_open(settings: Settings, *spanned: int) -> None:
    """Leave a transaction open in partition 1 of the results; the one before spanned these."""

    async def left() -> None:
        topic = HangingTopic(settings.kafka.bootstrap_servers, settings.topics.results)
        await topic.producer.start()
        try:
            await topic.transact(*spanned, commit=True)
            await topic.leave_open(1)
        finally:
            await topic.producer.stop()

    asyncio.run(left())


def test_where_nothing_hangs_that_is_said(settings: Settings) -> None:
    done = transactions(settings, "show")
    assert (done.exit_code, done.stdout) == (0, "No transaction hangs.\n"), done.exception


def test_topics_that_are_not_there_are_not_called_in_order(settings: Settings) -> None:
    names = {name: f"gone.{name}" for name in ("transcripts", "results", "escalations")}
    names |= {name: f"gone.{name}" for name in ("decisions", "dead_letters", "positions")}
    gone = settings.model_copy(update={"topics": settings.topics.model_copy(update=names)})
    done = transactions(gone, "show")
    assert done.stdout == ""
    assert "There is no topic" in str(done.exception)


def test_one_is_shown_with_its_place_and_its_end_and_then_ended(settings: Settings) -> None:
    leave_open(settings, 1)
    shown = transactions(settings, "show")
    assert shown.exit_code == 1
    assert f"{settings.topics.results}[1] from 2 on" in shown.stdout
    assert "the broker's log says committed" in shown.stdout
    ended = transactions(settings, "finish")
    assert ended.exit_code == 0
    assert "ended with commit" in ended.stdout
    assert transactions(settings, "show").exit_code == 0


def test_an_end_that_nobody_knows_is_a_persons_to_say(settings: Settings) -> None:
    topics = settings.topics.model_copy(update={"results": f"{settings.topics.results}.unknown"})
    unknown = settings.model_copy(update={"topics": topics})
    service.create_topics(unknown)
    leave_open(unknown, 0)
    left = transactions(unknown, "finish")
    assert left.exit_code == 1
    assert "--unknown" in left.stdout
    assert transactions(unknown, "finish", "--unknown", "abort").exit_code == 0
    assert transactions(unknown, "show").exit_code == 0


def test_the_doctor_warns(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "HANGING_S", 0.0)
    topics = settings.topics.model_copy(update={"results": f"{settings.topics.results}.warned"})
    warned = settings.model_copy(update={"topics": topics})
    service.create_topics(warned)
    leave_open(warned, 1)
    [said] = [one for one in findings(warned) if one.name == "positions"]
    assert said.state == "WARN"
    assert "transactions that hang: 1" in said.said
