"""What a redrive makes of a letter, and how it keeps its place."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.dead_letters.triage import CAUSES, Choice, Found, Outcome, Places, Rules, Step, step
from consumers.records import Place, Raw
from schemas.codec import decode_redriven
from schemas.dead_letter import Cause, DeadLetter, Redriven
from schemas.record import Source

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST = Source(topic="transcripts", partition=1, offset=5)
ONLY_INVALID = Choice(causes=frozenset({"invalid"}))


def letter(offset: int, value: bytes = b"{", **changes: Any) -> Found:
    fields: dict[str, Any] = {
        "cause": "invalid",
        "error": "field 'text' breaks the rule missing",
        "error_class": "Undecodable",
        "source": FIRST,
        "size": len(value),
        "sha256": hashlib.sha256(value).hexdigest(),
        "truncated": False,
        "failed_at": NOW,
    }
    return Found(
        Raw("dead-letters", 2, offset, b"key", value, 0.0), DeadLetter(**{**fields, **changes})
    )


def foreign(offset: int) -> Found:
    return Found(Raw("dead-letters", 2, offset, None, b"?", 0.0), None)


def taken(
    batch: Sequence[Found], choice: Choice | None = None, places: Places | None = None
) -> Step:
    rules = Rules(choice or Choice(), "transcripts", attempts=3)
    return step(batch, batch[-1].raw.offset + 1, places or Places(0), rules)


def outcome(found: Found, choice: Choice | None = None) -> Outcome | None:
    """What became of one letter; None where it keeps its turn."""
    return next(iter(+taken([found], choice).tally), None)


def test_a_letters_bytes_and_key_are_written_again_as_they_were() -> None:
    [output] = taken([letter(7, b"\xff{")]).outputs
    assert (output.topic, output.key, output.value) == ("transcripts", b"key", b"\xff{")


def test_a_first_redrive_says_where_the_record_stood_and_which_letter_it_was() -> None:
    [output] = taken([letter(7)]).outputs
    position = Source(topic="dead-letters", partition=2, offset=7)
    assert decode_redriven(output.headers) == Redriven(
        attempt=1, first_source=FIRST, dead_letter=position
    )


def test_a_second_redrive_counts_on_and_keeps_the_first_place() -> None:
    first = Source(topic="transcripts", partition=0, offset=0)
    [output] = taken([letter(7, attempts=1, first_source=first)]).outputs
    history = decode_redriven(output.headers)
    assert history is not None
    assert (history.attempt, history.first_source) == (2, first)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (letter(1, attempts=2), "redriven"),
        (letter(1, attempts=3), "exhausted"),
        (letter(1, truncated=True), "not_whole"),
        (letter(1, size=9), "not_whole"),
        (letter(1, sha256="0" * 64), "not_whole"),
        (letter(1, key_dropped=True), "not_whole"),
        (letter(1, source=Source(topic="escalations", partition=0, offset=0)), "foreign"),
        (foreign(1), "foreign"),
    ],
)
def test_what_must_not_go_back_is_refused(found: Found, expected: Outcome) -> None:
    assert outcome(found) == expected


def test_a_letter_without_a_value_goes_back_without_one() -> None:
    empty = Found(letter(1, b"", cause="empty").raw, letter(1, b"", cause="empty").letter)
    assert [output.value for output in taken([empty]).outputs] == [b""]


def test_another_reason_keeps_its_turn() -> None:
    assert outcome(letter(1, cause="too_long"), ONLY_INVALID) is None


def test_older_letters_than_meant_are_passed_over() -> None:
    assert outcome(letter(1), Choice(since=NOW)) == "redriven"
    assert outcome(letter(1), Choice(since=NOW + HOUR)) == "older"


def test_a_redrive_stops_in_front_of_the_first_letter_that_is_later_than_meant() -> None:
    batch = [letter(1), letter(2, failed_at=NOW + HOUR), letter(3)]
    done = taken(batch, Choice(until=NOW + HOUR))
    assert done.ended
    assert done.offset == 2
    assert len(done.outputs) == 1


def test_a_letter_that_has_had_its_turn_is_left_alone() -> None:
    places = Places(0).moved(frozenset({"invalid"}), 5)
    batch = [letter(4), letter(4, cause="too_long"), letter(5)]
    done = taken(batch, places=places)
    assert done.tally == {"redriven": 2}


def test_a_foreign_record_is_told_of_once() -> None:
    assert taken([foreign(3)], places=Places(0).moved(frozenset({"invalid"}), 5)).tally.total() == 0


# -- places ----------------------------------------------------------------------------------------

causes = st.frozensets(st.sampled_from(sorted(CAUSES)), min_size=1)


def test_every_cause_has_a_place() -> None:
    assert frozenset(get_args(Cause)) == CAUSES


@given(st.lists(st.tuples(causes, st.integers(0, 1000))))
def test_places_survive_being_committed(moves: list[tuple[frozenset[Cause], int]]) -> None:
    places = Places(0)
    reached: dict[Cause, int] = dict.fromkeys(CAUSES, 0)
    for chosen, offset in moves:
        places = Places.of(places.moved(chosen, offset).committed, 0)
        reached.update({cause: max(reached[cause], offset) for cause in chosen})
    for cause, offset in reached.items():
        assert places.start(frozenset({cause})) == offset
        assert places.is_done(cause, offset - 1)
        assert not places.is_done(cause, offset)
    assert places.end() == max(reached.values())
    assert places.start(CAUSES) == min(reached.values())


def test_a_partition_that_was_never_redriven_begins_at_its_first_letter() -> None:
    assert Places.of(None, 30).start(CAUSES) == 30


@pytest.mark.parametrize("note", ["", "?", "[1]", '{"invalid": "x"}', '{"invalid": 2}', "7"])
def test_a_note_that_is_not_ours_says_nothing(note: str) -> None:
    assert Places.of(Place(12, note), 0).end() == 12


def test_a_cause_of_a_newer_version_keeps_its_place() -> None:
    committed = Place(12, '{"newer": 40}')
    assert Places.of(committed, 0).moved(CAUSES, 20).committed == Place(20, '{"newer": 40}')


def test_a_note_is_short_however_many_letters_there_were() -> None:
    places = Places(0)
    for at, cause in enumerate(sorted(CAUSES)):
        places = places.moved(frozenset({cause}), 2**60 + at)
    assert len(places.committed.note) < 1_000
