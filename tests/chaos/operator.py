"""The person who ends what Kafka leaves hanging, as `edgeroute transactions finish` would."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import KafkaError

from consumers import kafka
from consumers.errors import Fatal
from tests.chaos.recount import TOPICS

_LOOK_S: Final = 10.0
_QUIET_S: Final = 20.0
"""A transaction that was not written to for this long is looked at: twice the longest timeout."""


@dataclass(slots=True)
class Operator:
    """Looks for transactions that hang, and ends each as the coordinator's log says."""

    connection: kafka.Connection
    say: Callable[[str], None]
    ended: int = 0
    """How many were ended: each is a marker that the broker never wrote."""

    async def watch(self) -> None:
        """Look again and again. A broker that is away is looked at later."""
        while True:
            await asyncio.sleep(_LOOK_S)
            with suppress(Fatal, KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(4 * _LOOK_S):
                    await self._look()

    async def _look(self) -> None:
        before_ms = int((time.time() - _QUIET_S) * 1000)
        topics = [*TOPICS, "positions"]
        for one in await kafka.hanging_transactions(self.connection, topics, before_ms):
            topic, number = one.partition
            how = {True: "committed", False: "aborted", None: "nobody knows how"}[one.committed]
            self.say(f"a transaction hangs in {topic}[{number}] from {one.offset} on: {how}")
            if one.committed is not None:
                await kafka.finish_transaction(self.connection, one, commit=one.committed)
                self.ended += 1
