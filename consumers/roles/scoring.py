"""Token ids to answers, from several threads at once, with one bad message harming no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from consumers.errors import Fatal
from router.bundle import Bundle
from router.confidence import predictions
from router.engine import EngineError, Network
from schemas.bundle import Model


@dataclass(frozen=True, slots=True)
class Scored:
    """A model's answer. ``inference_ms`` is the session's time for the whole micro-batch."""

    label: str
    confidence: float
    inference_ms: float


class Scorer:
    """One tier's network: as many engines as threads may use at once, and how to read them.

    ``instant`` tells that a message costs it microseconds and that it pads nothing, so that it may
    be asked as messages arrive, in whatever number.
    """

    def __init__(
        self, bundle: Bundle, model: Model, engines: int, tick: Callable[[], float]
    ) -> None:
        """Load the engines of one thread each; raises `router.bundle.BundleError`."""
        self.tier: str = model.tier
        self.instant = model.kind == "reflex"
        self.bundle_version = bundle.manifest.bundle_version
        self._labels = bundle.manifest.labels
        self._temperature: float = model.temperature
        self._tick = tick
        # Engines of one thread each: a session of two threads is at times no faster than of one.
        self._idle: SimpleQueue[Network] = SimpleQueue()
        for _ in range(engines):
            self._idle.put(bundle.engine(model, threads=1))

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
                    f"The {self.tier} model fails on every message: look at this machine's memory, "
                    "and check the bundle with `edgeroute bundle verify`."
                )
            return alone
        spent_ms = (self._tick() - started) * 1000
        return [
            Scored(label, confidence, spent_ms)
            for label, confidence in predictions(logits, self._temperature, self._labels)
        ]
