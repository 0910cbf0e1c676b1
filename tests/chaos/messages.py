"""What is fed: short support messages, some skipped, some malformed, put together by a seed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, Final, Literal

Sort = Literal["scored", "skipped", "malformed"]
SORT_HEADER: Final = "sort"
"""What a message is, for the recount: the product's own opinion would prove nothing."""
MARKER: Final = "quetzalwort"
"""A word in every message's text, which must turn up in no log."""
RUNS: Final = ("chaos-a", "chaos-b")

_SHARES: Final[dict[Sort, int]] = {"scored": 84, "skipped": 10, "malformed": 6}
_PARTS: Final = (
    "my parcel has not arrived yet",
    "the app closes when I open it",
    "thank you, that solved it",
    "I was charged twice for one order",
    "could you change my address",
    "this is unacceptable, let me speak to a manager",
    "my line has been down since monday morning and nobody calls me back",
    "how do I add a second user to the plan",
    "great service, as always",
    "where do I find my invoice",
)


@dataclass(frozen=True, slots=True)
class Message:
    """One input record."""

    key: bytes | None
    value: bytes
    sort: Sort


def messages(seed: int) -> Iterator[Message]:
    """Yield messages without end; every conversation and turn of theirs occurs once."""
    draw = Random(seed)
    for conversation in count():
        name = f"chaos-{seed}-{conversation}"
        for turn in range(draw.randint(1, 6)):
            sort = draw.choices(list(_SHARES), list(_SHARES.values()))[0]
            value = _value(draw, name, turn, sort)
            yield Message(name.encode() if draw.random() < 0.95 else None, value, sort)


def _value(draw: Random, conversation: str, turn: int, sort: Sort) -> bytes:
    fields: dict[str, Any] = {
        "conversation_id": conversation,
        "turn": turn,
        "role": "customer",
        "text": f"{MARKER}, {'. '.join(draw.choices(_PARTS, k=draw.randint(1, 4)))}.",
    }
    if draw.random() < 0.1:
        fields |= {"run_id": draw.choice(RUNS), "escalate": True}
    if sort == "skipped":
        fields |= draw.choice(({"role": "agent"}, {"text": "  "}))
    whole = json.dumps(fields).encode()
    return _spoilt(draw, fields, whole) if sort == "malformed" else whole


def _spoilt(draw: Random, fields: dict[str, Any], whole: bytes) -> bytes:
    match draw.randrange(6):
        case 0:
            return whole[: draw.randrange(1, len(whole))]
        case 1:
            return json.dumps(fields | {"version": 99}).encode()
        case 2:
            return json.dumps(fields | {"turn": MARKER}).encode()
        case 3:
            return json.dumps({k: v for k, v in fields.items() if k != "role"}).encode()
        case 4:
            return b"\xff\x00" + MARKER.encode() + whole
        case _:
            return json.dumps([MARKER, fields]).encode()
