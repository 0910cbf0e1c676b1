"""Twenty thousand malformed records among good ones: none stops the stream, none is lost."""

import asyncio
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import pytest

from edgeroute.settings import LimitSettings, child_environment
from schemas.codec import decode_dead_letter, encode
from schemas.transcript import Transcript
from tests.services.choose import Broker
from tests.services.stream import Stream, environment, place, settings_for
from tests.services.topics import create_topics

BAD: Final = 20_000
GOOD_EVERY: Final = 80
MARKER: Final = "xyzzyplugh"
HUGE: Final = 5 * 1024 * 1024

Maker = Callable[[Random], bytes]


def _valid(draw: Random, **changes: object) -> bytes:
    fields = {"conversation_id": f"c{draw.randrange(999)}", "turn": 1, "role": "customer"}
    return json.dumps({**fields, "text": MARKER, **changes}).encode()


def _without(draw: Random, name: str) -> bytes:
    return json.dumps({k: v for k, v in json.loads(_valid(draw)).items() if k != name}).encode()


KINDS: Final[dict[str, Maker]] = {
    "no value": lambda draw: b"",
    "truncated": lambda draw: _valid(draw)[: draw.randrange(1, 40)],
    "no JSON at all": lambda draw: f"{MARKER} {draw.random()}".encode(),
    "random bytes": lambda draw: b"\xfe" + draw.randbytes(30),
    "a list": lambda draw: f'["{MARKER}"]'.encode(),
    "a string": lambda draw: f'"{MARKER}"'.encode(),
    "null": lambda draw: b"null",
    "two objects": lambda draw: _valid(draw) + _valid(draw),
    "byte order mark": lambda draw: b"\xef\xbb\xbf" + _valid(draw),
    "UTF-16": lambda draw: _valid(draw).decode().encode("utf-16"),
    "raw null byte": lambda draw: _valid(draw).replace(MARKER.encode(), b"a\x00b"),
    "escaped null": lambda draw: _valid(draw, text=f"{MARKER}\x00"),
    "lone surrogate": lambda draw: _valid(draw).replace(MARKER.encode(), b"\\ud800"),
    "raw surrogate": lambda draw: _valid(draw).replace(MARKER.encode(), b"\xed\xa0\x80"),
    "NaN": lambda draw: _valid(draw, metadata={MARKER: float("nan")}),
    "infinite turn": lambda draw: _valid(draw, turn=float("inf")),
    "negative turn": lambda draw: _valid(draw, turn=-1),
    "huge turn": lambda draw: _valid(draw, turn=10**30),
    "fractional turn": lambda draw: _valid(draw, turn=1.5),
    "turn as text": lambda draw: _valid(draw, turn=MARKER),
    "text as number": lambda draw: _valid(draw, text=7),
    "text as object": lambda draw: _valid(draw, text={MARKER: 1}),
    "role as null": lambda draw: _valid(draw, role=None),
    "empty role": lambda draw: _valid(draw, role=""),
    "no text": lambda draw: _without(draw, "text"),
    "no role": lambda draw: _without(draw, "role"),
    "wrong version": lambda draw: _valid(draw, version=2),
    "version as text": lambda draw: _valid(draw, version="1"),
    "bad time": lambda draw: _valid(draw, timestamp=f"{MARKER}-13-45"),
    "metadata as list": lambda draw: _valid(draw, metadata=[MARKER]),
    "deep nesting": lambda draw: b'{"text":' + b"[" * 5_000,
    "deep metadata": lambda draw: b'{"metadata":' + b'{"a":' * 400 + b"1" + b"}" * 401,
    "long id": lambda draw: _valid(draw, conversation_id="c" * 300),
    "over the text limit": lambda draw: _valid(draw, text=MARKER * 1_200),
}


@pytest.mark.kafka
@pytest.mark.exactly_once
async def test_good_records_among_twenty_thousand_malformed_ones_are_all_answered(
    exactly_once_broker: Broker, redis_url: str, unique: str, tmp_path: Path
) -> None:
    # Nearly everything here is malformed, at which an edge would stop.
    limits = LimitSettings(engines=1, dead_letter_share=1.0)
    settings = settings_for(exactly_once_broker, redis_url, unique, limits=limits)
    stream = Stream(settings, exactly_once=True)
    await create_topics(
        settings.kafka.bootstrap_servers,
        settings.topics.transcripts,
        partitions=settings.topics.partitions,
        settings={"max.message.bytes": str(2 * HUGE)},
    )
    await stream.create_topics()
    bad, good = _mixture()
    shuffled = [*bad, *good]
    Random(6).shuffle(shuffled)
    await stream.feed((None, value) for value in shuffled)
    log = tmp_path / "edge.log"
    environ = {**environment(settings), "EDGEROUTE_LOG__LEVEL": "DEBUG"}
    with log.open("wb") as stderr:
        edge = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "edgeroute", "run", "edge"),
            env=child_environment(environ),
            stderr=stderr,
        )
        try:
            seen = await stream.until(lambda seen: len(seen.routed) >= len(bad) + len(good))
        finally:
            edge.terminate()
            code = await edge.wait()
    assert code == 0
    assert len(seen.finals) + len(seen.escalations) >= len(good)
    routed = Counter(r["route"] for r in seen.routed)
    assert routed["dead_letter"] == len(bad)
    assert routed["edge"] + routed["cloud"] == len(good)
    assert len({place(r) for r in seen.routed}) == len(seen.routed)
    letters = [decode_dead_letter(tuple(letter.headers)) for letter in seen.dead_letters]
    assert Counter(letter.sha256 for letter in letters) == Counter(
        hashlib.sha256(value).hexdigest() for value in bad
    )
    assert {letter.size for letter in letters if letter.truncated} == {len(bad[-1])}
    assert not any(
        MARKER.encode() in value for letter in seen.dead_letters for _, value in letter.headers
    )
    assert MARKER not in log.read_text()


def _mixture() -> tuple[list[bytes], list[bytes]]:
    draw = Random(5)
    makers = list(KINDS.values())
    bad = [makers[i % len(makers)](draw) for i in range(BAD - 2)]
    # Two of five megabytes: more would measure the broker's disk.
    huge = _valid(draw, text=MARKER + "x" * HUGE)
    good = [
        encode(
            Transcript(
                conversation_id=f"good-{i}", turn=0, role="customer", text=f"{MARKER} where is it?"
            )
        )
        for i in range(BAD // GOOD_EVERY)
    ]
    return [*bad, huge, huge], good
