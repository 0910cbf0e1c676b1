"""Conversations for the demo, put together from parts by a seeded draw. Nobody ever said them."""

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final

from schemas.transcript import Transcript

_GREETINGS: Final = ("Hi,", "Hello there,", "Good morning,", "Hey,", "")
_MATTERS: Final = (
    "could you tell me when my parcel will arrive?",
    "I would like to change the address on my account.",
    "my invoice for last month shows a charge that I do not recognise.",
    "the app closes as soon as I open the payments page.",
    "how do I add a second user to my plan?",
    "my order was cancelled and nobody told me why.",
    "I was promised a refund two weeks ago and still have nothing.",
    "is the store in the centre open on Sundays?",
    "my internet has been down since yesterday evening and I work from home.",
    "I want to know if my warranty covers a broken screen.",
)
_FOLLOW_UPS: Final = (
    "Thanks, that is exactly what I needed!",
    "Okay, I will try that and come back to you.",
    "That did not work. What else can I do?",
    "My account number is {number}.",
    "I have explained this three times already, this is unacceptable!",
    "Perfect, you have been a great help.",
    (
        "I am really frustrated. Let me speak to a supervisor. I have waited a month, called five "
        "times, and every time somebody tells me something different. This is a terrible service!"
    ),
    "Sure, go ahead.",
    "Well, it is not great, but at least it works now. I suppose.",
    "Could you send that to me by mail as well?",
)
_REPLIES: Final = (
    "I am happy to look into that for you.",
    "Could you give me your account number, please?",
    "I have forwarded this to my colleagues.",
    "Is there anything else I can do for you?",
)


def conversations(turns: int, seed: int = 42) -> Iterator[Transcript]:
    """Yield this many turns of whole conversations; the last one may be cut short."""
    draw = Random(seed)
    left = turns
    for number in count():
        for turn, (role, text) in enumerate(_conversation(draw)):
            if left == 0:
                return
            left -= 1
            yield Transcript(conversation_id=f"demo-{number:05d}", turn=turn, role=role, text=text)


def _conversation(draw: Random) -> Iterator[tuple[str, str]]:
    yield "customer", f"{draw.choice(_GREETINGS)} {draw.choice(_MATTERS)}".strip()
    for _ in range(draw.randint(1, 4)):
        yield "agent", draw.choice(_REPLIES)
        number = f"{draw.randrange(1_000_000):06d}"
        yield "customer", draw.choice(_FOLLOW_UPS).format(number=number)
