"""Conversations of a customer and an agent, each customer's turn with its label."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from schemas.transcript import Transcript
from training.generator import sayings
from training.generator.contracts import CONTRACTS
from training.generator.domain import Domain, Sayings
from training.generator.goods import GOODS
from training.generator.styles import STYLES, styled

Label = Literal["positive", "negative", "neutral"]
Kind = Literal["plain", "hard", "angry"]

DOMAINS: Final = (*GOODS, *CONTRACTS)
NEGATIVE_SHARE: Final = 0.3
ACCOUNT_SHARE: Final = 0.2

_BAD: Final[Label] = "negative"
_PLAIN: Final[Label] = "neutral"
_GOOD: Final[Label] = "positive"
_COURSES: Final[Mapping[tuple[Label, ...], int]] = {
    (_BAD, _PLAIN, _GOOD): 20,
    (_PLAIN, _GOOD): 20,
    (_GOOD, _GOOD): 12,
    (_BAD, _BAD): 12,
    (_PLAIN, _PLAIN, _GOOD): 11,
    (_BAD, _GOOD): 11,
    (_BAD, _PLAIN, _BAD): 7,
    (_GOOD,): 6,
}
"""What a customer's turns are in a conversation, and how often it goes that way. The weights are
chosen so that of all turns 40 % are positive, 30 % negative and 30 % neutral."""

_SLOT: Final = re.compile(r"\{(\w+)\}")
_ARTICLE: Final = re.compile(r"\ba (?=[aeio](?!ne\b))")
_BEGINS: Final = re.compile(r"(^|[.!?] )([a-z])")


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the customers' turns that are hard, and angry; the others are plain.

    A hard one is long, of several sentences and holds words that ask for a person without meaning
    them, so that it looks complex whatever the model says. An angry one means them. Angry ones are
    negative, so there can be at most as many as there are negative ones that are not hard.
    """

    hard: float = 0.05
    angry: float = 0.05

    @property
    def most_angry(self) -> float:
        """The largest share of angry ones beside this share of hard ones."""
        return NEGATIVE_SHARE * (1 - self.hard)


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a conversation; an agent's has no label and no kind."""

    transcript: Transcript
    domain: str
    label: Label | None = None
    kind: Kind | None = None


def conversation(draw: Random, conversation_id: str, mix: Mix) -> Iterator[Turn]:
    """Yield the turns of one conversation; customer and agent alternate, the customer begins."""
    domain = draw.choice(DOMAINS)
    speaker = _Speaker(draw, domain)
    style = draw.choice(STYLES)
    [course] = draw.choices(list(_COURSES), list(_COURSES.values()))
    known_account = False
    for number, label in enumerate(course):
        gives_account = draw.random() < ACCOUNT_SHARE
        if number:
            text = speaker.agent(
                course[number - 1], asks_account=gives_account and not known_account
            )
            yield Turn(_transcript(conversation_id, 2 * number - 1, "agent", text), domain.name)
        known_account = known_account or gives_account
        kind = _kind(draw, label, mix)
        text = speaker.customer(label, kind, opens=number == 0, gives_account=gives_account)
        text = _finished(text, style, label, draw)
        said = _transcript(conversation_id, 2 * number, "customer", text)
        yield Turn(said, domain.name, label, kind)


def _transcript(conversation_id: str, turn: int, role: str, text: str) -> Transcript:
    return Transcript(conversation_id=conversation_id, turn=turn, role=role, text=text)


def _kind(draw: Random, label: Label, mix: Mix) -> Kind:
    if draw.random() < mix.hard:
        return "hard"
    if label == _BAD and mix.angry and draw.random() < mix.angry / mix.most_angry:
        return "angry"
    return "plain"


def _finished(text: str, style: str, label: Label, draw: Random) -> str:
    """Write it as this customer does, now and then with a sign at the end."""
    text = styled(text, style, draw)
    if style != "polite" and draw.random() < 0.06:
        text = f"{text} {draw.choice(sayings.EMOJI[label])}"
    return text


class _Speaker:
    """Finds sentences for both sides of one conversation, which is about one thing throughout."""

    def __init__(self, draw: Random, domain: Domain) -> None:
        self._draw = draw
        self._domain = domain
        self._facts = {word: draw.choice(known) for word, known in domain.words.items()}
        self._facts["problem"] = self._filled(draw.choice(domain.problems))

    def agent(self, after: Label, *, asks_account: bool) -> str:
        first = self._one_of(sayings.AFTER[after])
        if after == _BAD:
            first = f"{first} {self._one_of(sayings.LOOKING)}"
        if asks_account:
            return self._joined(first, self._one_of(sayings.NUMBER_PLEASE))
        if after == _GOOD:
            return self._joined(first, "Is there anything else I can do for you?")
        answer = self._one_of(self._domain.answers)
        return self._joined(first, answer, self._one_of(sayings.MORE_PLEASE))

    def customer(self, label: Label, kind: Kind, *, opens: bool, gives_account: bool) -> str:
        greeting = self._draw.choice(sayings.GREETINGS) if opens else ""
        said = self._hard(label) if kind == "hard" else self._short(label, kind, opens=opens)
        parts = [*said, *([self._one_of(sayings.ACCOUNT)] if gives_account else [])]
        if opens and self._draw.random() < 0.15:
            parts.append(self._one_of(sayings.POLITE))
        text = self._joined(*parts)
        return _after_greeting(greeting, text) if greeting else text

    def _hard(self, label: Label) -> list[str]:
        tails = self._draw.sample(sayings.HARD_TAILS, self._draw.randint(1, 2))
        return [self._one_of(sayings.HARD[label]), *map(self._filled, tails)]

    def _short(self, label: Label, kind: Kind, *, opens: bool) -> list[str]:
        if kind == "angry":
            return [self._one_of(sayings.ANGRY), *self._perhaps(sayings.AGAIN, 0.5)]
        if label == _GOOD:
            said = self._one_of(sayings.PRAISING if opens else sayings.RESOLVED)
            return [said, *self._perhaps(sayings.GLAD, 0.35)]
        if label == _PLAIN:
            return [self._one_of(sayings.PLAIN_ASKS if opens else sayings.FURTHER)]
        if not opens:
            return [self._one_of(sayings.STILL_BAD), *self._perhaps(sayings.ASKS, 0.3)]
        complaint = self._facts["problem"] + "."
        return [complaint, *self._perhaps(sayings.AGAIN, 0.6), *self._perhaps(sayings.ASKS, 0.6)]

    def _perhaps(self, known: Sayings, chance: float) -> list[str]:
        return [self._one_of(known)] if self._draw.random() < chance else []

    def _one_of(self, known: Sayings) -> str:
        return self._filled(self._draw.choice(known))

    def _filled(self, saying: str) -> str:
        return _SLOT.sub(lambda found: self._word(found.group(1)), saying)

    def _word(self, name: str) -> str:
        if name in self._facts:
            return self._facts[name]
        if name in ("question", "detail", "praise"):
            return self._one_of(getattr(self._domain, name + "s"))
        if name in sayings.WORDS:
            return self._draw.choice(sayings.WORDS[name])
        return _number(name, self._draw)

    def _joined(self, *sentences: str) -> str:
        text = _ARTICLE.sub("an ", " ".join(filter(None, sentences)))
        return _BEGINS.sub(lambda found: found.group(1) + found.group(2).upper(), text)


def _after_greeting(greeting: str, text: str) -> str:
    goes_on = text if text.startswith(("I ", "€", "$", "£")) else text[0].lower() + text[1:]
    return f"{greeting} {goes_on}"


def _number(name: str, draw: Random) -> str:
    """Return a number; none but an account's has six digits."""
    if name == "account":
        return f"{draw.randrange(1_000_000):06d}"
    if name == "digits":
        return f"{draw.randrange(10_000):04d}"
    if name == "minutes":
        return str(draw.randint(5, 95))
    if name == "time":
        hour, half = draw.randint(8, 21), draw.choice(("", "", ":30"))
        return f"{(hour - 1) % 12 + 1}{half} {'am' if hour < 12 else 'pm'}"
    if name == "amount":
        whole, cents = draw.randint(4, 480), draw.choice(("", ".50", ".90", ".99"))
        return draw.choice(
            (f"${whole}{cents}", f"€{whole}{cents}", f"£{whole}{cents}", f"{whole} euros")
        )
    raise ValueError(f"no word {name} is known")
