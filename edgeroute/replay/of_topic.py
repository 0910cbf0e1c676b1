"""Replays what a topic of transcripts holds."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import count

from rich.console import Console

from consumers import kafka
from consumers.errors import Fatal
from consumers.records import Raw
from consumers.replay.pace import Pace
from consumers.replay.transcripts import Reading, Rejected, reread
from consumers.replay.write import Timer, write_history
from edgeroute import roles
from edgeroute.replay.of_files import TIMER, Fed, Replay, kept, progress
from edgeroute.settings import Settings
from schemas.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a topic: from its start, and up to now, where no moments are given."""

    topic: str
    since: datetime | None = None
    until: datetime | None = None

    @property
    def digest(self) -> str:
        """What only the same part of the same topic has."""
        return sha256(f"{self.topic} {self.since} {self.until}".encode()).hexdigest()


def replay_topic(
    settings: Settings, span: Span, how: Replay, console: Console, timer: Timer = TIMER
) -> Fed:
    """Write what the topic holds from the position on, except what earlier replays wrote."""
    return asyncio.run(_replay(settings, span, how, console, timer))


async def _replay(
    settings: Settings, span: Span, how: Replay, console: Console, timer: Timer
) -> Fed:
    reached, target = roles.connection(settings), settings.topics.transcripts
    for topic in (target, span.topic):
        await kafka.partitions_of(reached, topic)
    if not await roles.delivers_exactly_once(settings):
        raise Fatal(
            "Replaying a topic needs a broker with transactions, and this one has none: "
            "replay a file instead."
        )
    await kafka.partitions_of(reached, settings.topics.positions)
    run_id = how.run_id or f"{span.topic}-{span.digest[:8]}"
    ours = kept(settings, f"replay.{run_id}.{span.digest[:16]}")
    async with kafka.history(reached, span.topic) as held:
        spans = await held.spans(span.since, span.until)
        async with kafka.exact_writer(reached, target, ours, tuple(spans)) as out:
            known = {} if how.again else out.places
            left = {p: (max(first, known.get(p, 0)), end) for p, (first, end) in spans.items()}
            length = sum(max(end - first, 0) for first, end in left.values())
            reading = Reading(run_id, how.escalate or None)
            async with aclosing(held.read(left)) as records:
                with progress(console, span.topic, lambda: length) as told:
                    again = _rereading(reading, told)
                    pace = Pace(timer.now, rate=how.rate)
                    tally = await write_history(records, out, pace, timer, again)
    return Fed(tally.sent, tally.malformed, (), run_id=run_id, exact=True)


def _rereading(
    reading: Reading, told: Callable[[int], None] | None
) -> Callable[[Raw], Transcript | Rejected | None]:
    """Return what makes a record of this replay of one of the topic's, and tells of its number."""
    numbers = count(1)

    def again(raw: Raw) -> Transcript | Rejected | None:
        if told is not None:
            told(next(numbers))
        return reread(raw, reading)

    return again
