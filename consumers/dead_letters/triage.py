"""Dead letters judged: which are meant, which may be redriven, and how far a redrive is. No Kafka.

How far it is, is told for each cause alone (`Places`): to redrive one cause leaves the others
where they are.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple, get_args

from consumers.records import Place, Raw
from router.plan import Output
from schemas.codec import Undecodable, decode_dead_letter, redriven_headers
from schemas.dead_letter import Cause, DeadLetter, Redriven

CAUSES: Final[frozenset[Cause]] = frozenset(get_args(Cause))

Outcome = Literal["redriven", "older", "exhausted", "not_whole", "foreign", "left", "done", "later"]
"""What a redrive does with a letter: written back; older than what is meant, and passed over for
good; refused (three of them); of a cause that is not meant; redriven or refused before; or later
than what is meant, at which it stops."""
_HAD_ITS_TURN: Final[frozenset[Outcome]] = frozenset(
    {"redriven", "older", "exhausted", "not_whole", "foreign"}
)


class Found(NamedTuple):
    """A record on the dead-letters topic; without a letter where its headers are not ours."""

    raw: Raw
    letter: DeadLetter | None

    @property
    def is_whole(self) -> bool:
        """Whether value and key are the original's, byte for byte."""
        letter, value = self.letter, self.raw.value or b""
        return (
            letter is not None
            and not letter.truncated
            and not letter.key_dropped
            and letter.size == len(value)
            and letter.sha256 == hashlib.sha256(value).hexdigest()
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters are meant; times are those of the failure, ``until`` is no longer included."""

    causes: frozenset[Cause] = CAUSES
    since: datetime | None = None
    until: datetime | None = None
    partitions: frozenset[int] = frozenset()
    """Of the dead-letters topic; empty means all of them."""

    def is_early(self, letter: DeadLetter) -> bool:
        """Whether it failed before the time that is meant."""
        return self.since is not None and letter.failed_at < self.since

    def is_late(self, letter: DeadLetter) -> bool:
        """Whether it failed after the time that is meant."""
        return self.until is not None and letter.failed_at >= self.until

    def takes(self, found: Found) -> bool:
        """Whether a letter is among those meant; a foreign record only where nothing is asked."""
        letter = found.letter
        if letter is None:
            return self.causes == CAUSES and self.since is None and self.until is None
        return (
            letter.cause in self.causes and not self.is_early(letter) and not self.is_late(letter)
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """Which letters are redriven, to where, and how often one may be."""

    choice: Choice
    transcripts: str
    attempts: int
    """A record that was redriven so often already is refused."""


# -- how far a redrive is --------------------------------------------------------------------------


class Places:
    """How far a partition is redriven, for each cause: everything of it before is done.

    It travels as a committed offset, the lowest place, and a note with those that are further.
    """

    def __init__(self, lowest: int, further: Mapping[str, int] | None = None) -> None:
        # A newer version may know causes that this one does not: they keep their place.
        self._of: dict[str, int] = dict.fromkeys(CAUSES, lowest)
        self._of.update(further or {})

    @classmethod
    def of(cls, place: Place | None, first: int) -> "Places":
        """Read a committed place; a note that is not ours says nothing. ``first`` starts anew."""
        if place is None:
            return cls(first)
        try:
            note = json.loads(place.note) if place.note else {}
        except ValueError:
            note = {}
        known = note.items() if isinstance(note, dict) else ()
        return cls(
            place.offset, {c: o for c, o in known if isinstance(o, int) and o > place.offset}
        )

    @property
    def committed(self) -> Place:
        """Return what to commit."""
        lowest = min(self._of.values())
        further = {cause: offset for cause, offset in self._of.items() if offset > lowest}
        return Place(lowest, json.dumps(further, sort_keys=True) if further else "")

    def start(self, causes: frozenset[Cause]) -> int:
        """Return where to begin to read for these causes."""
        return min(self._of[cause] for cause in causes)

    def end(self) -> int:
        """Return the furthest place."""
        return max(self._of.values())

    def is_done(self, cause: Cause, offset: int) -> bool:
        """Whether a letter of this cause has had its turn."""
        return offset < self._of[cause]

    def moved(self, causes: frozenset[Cause], offset: int) -> "Places":
        """Return the places once these causes have reached ``offset``; no place moves back."""
        reached: dict[str, int] = {cause: max(self._of[cause], offset) for cause in causes}
        return Places(min(self._of.values()), {**self._of, **reached})


# -- what becomes of a letter ----------------------------------------------------------------------


class Step(NamedTuple):
    """What a batch of letters comes to: what to write, how far that is, and whether it ends here.

    ``offset`` is behind the last letter that had its turn.
    """

    outputs: list[Output]
    tally: Counter[Outcome]
    offset: int
    ended: bool


def step(batch: Sequence[Found], offset: int, places: Places, rules: Rules) -> Step:
    """Decide over a batch that reaches up to ``offset``."""
    outputs: list[Output] = []
    tally: Counter[Outcome] = Counter()
    for found in batch:
        what = _judged(found, places, rules)
        if what == "later":
            return Step(outputs, tally, found.raw.offset, ended=True)
        if what in _HAD_ITS_TURN:
            tally[what] += 1
        if what == "redriven":
            outputs.append(_again(found))
    return Step(outputs, tally, offset, ended=False)


def _judged(found: Found, places: Places, rules: Rules) -> Outcome:
    letter, choice = found.letter, rules.choice
    if letter is None:
        # It has no cause and so no place of its own: it is told of when the first comes by.
        return "done" if found.raw.offset < places.end() else "foreign"
    if letter.cause not in choice.causes:
        return "left"
    if places.is_done(letter.cause, found.raw.offset):
        return "done"
    if choice.is_late(letter):
        return "later"
    if choice.is_early(letter):
        return "older"
    return _refused(found, letter, rules) or "redriven"


def _refused(found: Found, letter: DeadLetter, rules: Rules) -> Outcome | None:
    if letter.source.topic != rules.transcripts:
        return "foreign"
    if letter.attempts >= rules.attempts:
        return "exhausted"
    return None if found.is_whole else "not_whole"


def _again(found: Found) -> Output:
    """The original record once more, with its history in the headers."""
    raw, letter = found
    assert letter is not None
    history = Redriven(
        attempt=letter.attempts + 1,
        first_source=letter.first_source or letter.source,
        dead_letter=raw.source,
    )
    return Output("transcripts", raw.key, raw.value or b"", redriven_headers(history))


def opened(raw: Raw) -> Found:
    """Read what a record says of itself."""
    try:
        return Found(raw, decode_dead_letter(raw.headers))
    except Undecodable:
        return Found(raw, None)
