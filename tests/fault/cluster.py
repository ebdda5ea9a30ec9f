"""Instances of the product over shared stores, each of which a test may break."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.fault.people import Site
from tests.fault.server_process import SERVE, ServerProcess, free_port, until
from tests.fault.settled import reunite
from tests.fault.store import Where
from tests.services.private import PrivateServer
from tests.services.warm import finish

_EXITS_WITHIN_S = 20.0
_PLANTED_WITHIN_S = 120.0
_READY_WITHIN_S = 120.0  # three seconds on a machine that is not busy; how fast it starts is for other tests


class Breakable:
    """A store's server whose steps do not hold up the loop.

    One thread does them all and lives as long as the server: Linux takes the server along when the thread that
    started it ends.
    """

    def __init__(self, server: PrivateServer) -> None:
        self._server = server
        self._hands = ThreadPoolExecutor(1)
        self._do(server.start).result()

    @property
    def server(self) -> PrivateServer:
        return self._server

    def _do(self, step: Callable[[], None]) -> Future[None]:
        return self._hands.submit(step)

    async def start(self) -> None:
        await asyncio.wrap_future(self._do(self._server.start))

    async def stop(self) -> None:
        await asyncio.wrap_future(self._do(self._server.stop))

    async def kill(self) -> None:
        await asyncio.wrap_future(self._do(self._server.kill))

    def pause(self) -> None:
        self._server.pause()

    def resume(self) -> None:
        self._server.resume()

    def remove(self) -> None:
        self._do(self._server.remove).result()
        self._hands.shutdown()


class Cluster:
    """Two or more processes on one data directory and the same stores.

    `stores` are the running servers by "database", "redis", "mongo"; without them all is embedded, and there can be
    one instance only. `where` is how a checker reads the facts. The demo world must be planted already.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        instances: int,
        where: Where,
        environment: dict[str, str] | None = None,
        stores: dict[str, Breakable] | None = None,
    ) -> None:
        self.stores = stores or {}
        self.where = where
        self.mongo_url = (environment or {}).get("PEIHU_MONGO_URL")
        self.instances = [
            ServerProcess(
                data_dir, port=free_port(), log=data_dir.parent / f"server-{number}.log", environment=environment
            )
            for number in range(instances)
        ]

    async def open(self, program: tuple[str, ...] = SERVE) -> Site:
        """`program` are python's arguments."""
        for one in self.instances:
            one.start(program)
        await self.ready()
        return Site(*(one.url for one in self.instances))

    async def ready(self, *, within_s: float = _READY_WITHIN_S) -> None:
        await asyncio.gather(*(one.ready(within_s=within_s) for one in self.instances))

    async def restart(
        self, number: int, *, how: signal.Signals = signal.SIGKILL, program: tuple[str, ...] = SERVE
    ) -> None:
        """One instance dies or drains, and comes back; `program` are python's arguments."""
        one = self.instances[number]
        one.signal(how)
        await until(lambda: one.exit_code is not None, within_s=_EXITS_WITHIN_S, what="an instance lives on")
        assert one.exit_code == (0 if how is signal.SIGTERM else -how)
        one.start(program)
        await one.ready(within_s=_READY_WITHIN_S)

    async def stop(self) -> None:
        """In good order."""
        for one in self.instances:
            one.signal(signal.SIGTERM)
        for one in self.instances:
            assert await one.ended(within_s=_EXITS_WITHIN_S) == 0

    def settled(self) -> int:
        """Put the channels together in SQL again, when all has stopped; how many events were in MongoDB."""
        if self.mongo_url is None:
            return 0
        assert isinstance(self.where, str)
        return reunite(self.where, self.mongo_url)

    def printed(self) -> str:
        return "\n".join(one.printed() for one in self.instances)

    def put_away(self) -> None:
        for one in self.instances:
            one.put_away()


def plant(environment: dict[str, str]) -> None:
    """The newest schema and the demo world in the stores that the environment names."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("PEIHU_")}
    done = finish(("run.py", "demo"), environment=own | environment, timeout_s=_PLANTED_WITHIN_S)
    assert done.returncode == 0, done.stderr[-2_000:]
