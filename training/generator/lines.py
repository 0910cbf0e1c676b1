"""Turns as lines of a file, some of them broken on purpose."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any, Final, Literal

from schemas.codec import encode
from training.generator.talk import Turn

Form = Literal["jsonl", "csv"]
COLUMNS: Final = (
    "conversation_id", "turn", "role", "text", "timestamp", "label", "domain", "kind"
)  # fmt: skip

_Fields = dict[str, Any]


def lines(stream: Iterable[Turn], form: Form, malformed: float, draw: Random) -> Iterator[bytes]:
    """Yield a line for each turn and, among all lines, the share ``malformed`` of broken ones.

    A broken line is one more turn of that conversation that nobody can read; the conversation
    itself is complete without it. CSV has its columns' names in the first line.
    """
    line, breaks = (_json, _JSON_BREAKS) if form == "jsonl" else (_csv, _CSV_BREAKS)
    if form == "csv":
        yield _row(dict(zip(COLUMNS, COLUMNS, strict=True)))
    for turn in stream:
        while draw.random() < malformed:
            yield draw.choice(breaks)(_fields(turn), draw)
        yield line(_fields(turn))


def _fields(turn: Turn) -> _Fields:
    """Return the columns; an agent's turn has neither label nor kind."""
    marks = {"label": turn.label, "domain": turn.domain, "kind": turn.kind}
    known: _Fields = json.loads(encode(turn.transcript))
    known.pop("version", None)
    return known | {name: value for name, value in marks.items() if value is not None}


def _json(fields: _Fields) -> bytes:
    """What the transcript schema does not know stands in the metadata too, which it allows."""
    marks = {name: fields[name] for name in ("label", "domain", "kind") if name in fields}
    return json.dumps(fields | {"metadata": marks}, ensure_ascii=False).encode() + b"\n"


def _csv(fields: _Fields) -> bytes:
    return _row(fields)


def _row(fields: _Fields) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([fields.get(name, "") for name in COLUMNS])
    return line.getvalue().encode()


def _cut(fields: _Fields, draw: Random) -> bytes:
    whole = _json(fields).decode()
    return whole[: draw.randint(2, len(whole) - 3)].encode() + b"\n"


def _bare(fields: _Fields, _: Random) -> bytes:
    return f"{fields['role']}: {fields['text']}\n".encode()


def _listed(fields: _Fields, _: Random) -> bytes:
    return json.dumps([fields["role"], fields["text"]], ensure_ascii=False).encode() + b"\n"


def _without_text(fields: _Fields, _: Random) -> bytes:
    return _json({name: value for name, value in fields.items() if name != "text"})


def _text_is_a_number(fields: _Fields, draw: Random) -> bytes:
    return _json(fields | {"text": draw.randint(0, 99)})


def _not_utf8(line: Callable[[_Fields], bytes]) -> "_Break":
    """A byte of another encoding, where the line begins to speak."""
    return lambda fields, _: (
        line(fields | {"text": "caf\x01 " + fields["text"]})
        .replace(rb"\u0001", b"\xe9")
        .replace(b"\x01", b"\xe9")
    )


def _with(line: Callable[[_Fields], bytes], **wrong: object) -> "_Break":
    return lambda fields, _: line(fields | wrong)


def _short_row(fields: _Fields, _: Random) -> bytes:
    """A row that ends before its text."""
    return f"{fields['conversation_id']},{fields['turn']},{fields['role']}\n".encode()


_Break = Callable[[_Fields, Random], bytes]
_JSON_BREAKS: Final[tuple[_Break, ...]] = (
    _cut,
    _bare,
    _listed,
    _without_text,
    _text_is_a_number,
    _not_utf8(_json),
    _with(_json, turn=-1),
    _with(_json, role=""),
    _with(_json, timestamp="yesterday"),
    _with(_json, text="a\x00b"),
)
_CSV_BREAKS: Final[tuple[_Break, ...]] = (
    _short_row,
    _not_utf8(_row),
    _with(_row, turn="second"),
    _with(_row, role=""),
    _with(_row, timestamp="yesterday"),
)
"""Every way in which a line can be broken; none of them spoils the line after it."""
