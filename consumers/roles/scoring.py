"""Token ids to answers, from several threads at once, with one bad message harming no other."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from queue import SimpleQueue

from consumers.errors import Fatal
from router.confidence import predictions
from router.engine import EngineError, Network
from router.serving import Served, ServedTier


@dataclass(frozen=True, slots=True)
class Scored:
    """A model's answer. ``inference_ms`` is the session's time for the whole micro-batch."""

    label: str
    confidence: float
    inference_ms: float


class Scorer:
    """Asks one tier, from as many threads at once as it has networks."""

    def __init__(self, tier: ServedTier, tick: Callable[[], float]) -> None:
        self.tier = tier
        self._tick = tick
        self._idle: SimpleQueue[Network] = SimpleQueue()
        for network in tier.networks:
            self._idle.put(network)

    def score(self, batch: Sequence[Sequence[int]]) -> list[Scored | EngineError]:
        """Return an answer for each message, in order; where the batch fails, each is tried alone.

        Raises `Fatal` where a whole batch fails one by one: then it is not the messages, and going
        on would turn the topic into dead letters.
        """
        started = self._tick()
        engine = self._idle.get()
        try:
            logits = engine.logits(batch)
        except EngineError as error:
            if len(batch) == 1:
                return [error]
            logits = None
        finally:
            self._idle.put(engine)
        if logits is None:
            alone = [self.score([tokens])[0] for tokens in batch]
            if all(isinstance(answer, EngineError) for answer in alone):
                raise Fatal(
                    f"The {self.tier.name} model fails on every message: look at this machine's "
                    "memory, and check the bundle with `edgeroute bundle verify`."
                )
            return alone
        spent_ms = (self._tick() - started) * 1000
        return [
            Scored(label, confidence, spent_ms)
            for label, confidence in predictions(logits, self.tier.temperature, self.tier.labels)
        ]


class Serving:
    """What a role serves, with a scorer for each tier. Compared by identity."""

    def __init__(self, served: Served, tick: Callable[[], float]) -> None:
        self.served = served
        scorers = [Scorer(tier, tick) for tier in served.tiers]
        self.instant = list(takewhile(lambda scorer: scorer.tier.instant, scorers))
        """The instant tiers in front of the others."""
        self.batched = scorers[len(self.instant) :]


def places(servings: Iterable[Serving]) -> dict[Serving, list[int]]:
    """Return where each serving stands among those of a micro-batch; mostly there is one."""
    found: dict[Serving, list[int]] = {}
    for place, serving in enumerate(servings):
        found.setdefault(serving, []).append(place)
    return found
