"""Whoever breaks one part of a cluster after the other."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable

from tests.fault.cluster import Cluster
from tests.fault.history import History
from tests.fault.server_process import pass_by

_PEACE_S = (0.8, 2.0)
_OUTAGE_S = (0.3, 2.0)
_LONG_PAUSE_S = 8.0  # after 6 s without its own signs of life an instance knows that it hears nothing
_LONG_PAUSES = 0.3


class Nemesis:
    """Faults of `kinds`, one at a time, written down, until stopped.

    "kill" and "drain" end an instance; "redis-stop", "redis-pause", "mongo-kill" and "db-restart" befall a store.
    """

    def __init__(self, cluster: Cluster, history: History, *, kinds: tuple[str, ...], seed: int) -> None:
        self._cluster = cluster
        self._history = history
        self._random = random.Random(seed)
        faults: dict[str, Callable[[], Awaitable[None]]] = {
            "kill": self._kill, "drain": self._drain, "redis-stop": self._stop_redis,
            "redis-pause": self._pause_redis, "mongo-kill": self._kill_mongo, "db-restart": self._restart_database,
        }  # fmt: skip
        self._faults = {kind: faults[kind] for kind in kinds}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Each kind once before any comes twice."""
        while not self._stopping.is_set():
            kinds = list(self._faults)
            self._random.shuffle(kinds)
            for kind in kinds:
                await pass_by(self._random.uniform(*_PEACE_S))
                if self._stopping.is_set():
                    return
                self._history.write("killed", what=kind)
                await self._faults[kind]()

    def stop(self) -> None:
        """After what is under way; everything runs again then."""
        self._stopping.set()

    async def _kill(self) -> None:
        await self._cluster.restart(self._random.randrange(len(self._cluster.instances)))

    async def _drain(self) -> None:
        await self._cluster.restart(self._random.randrange(len(self._cluster.instances)), how=signal.SIGTERM)

    async def _stop_redis(self) -> None:
        redis = self._cluster.stores["redis"]
        await redis.stop()
        await pass_by(self._random.uniform(*_OUTAGE_S))
        await redis.start()

    async def _pause_redis(self) -> None:
        is_long = self._random.random() < _LONG_PAUSES
        redis = self._cluster.stores["redis"]
        redis.pause()
        await pass_by(_LONG_PAUSE_S if is_long else self._random.uniform(*_OUTAGE_S))
        redis.resume()

    async def _kill_mongo(self) -> None:
        mongo = self._cluster.stores["mongo"]
        await mongo.kill()
        await pass_by(self._random.uniform(*_OUTAGE_S))
        await mongo.start()

    async def _restart_database(self) -> None:
        """As a power cut does, and up again."""
        database = self._cluster.stores["database"]
        await database.kill()
        await database.start()
        await self._cluster.ready()
