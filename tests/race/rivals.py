"""People who ask at once, half over HTTP, half over sockets."""
import asyncio
from itertools import count

from server.app import Parts
from server.storage.pubsub.in_process import Exchange, InProcessBus
from tests.cast import Person
from tests.live import Reply, Socket
from tests.world import Bookings, World


def two_instances(**guards) -> list[Parts]:
    """Parts of two instances on one store that hear each other."""
    exchange = Exchange()
    return [Parts(bus=InProcessBus(exchange=exchange), **guards) for _ in range(2)]


class Rivals:
    """Everybody's callers over one world; sockets are opened once and kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.bookings = Bookings(world)
        self._sockets: dict[str, list[Socket]] = {}
        self._turn = count()

    async def join(self, *people: Person, sockets: int = 1) -> None:
        """Open the sockets that their rpc calls go over, one after the other."""
        for person in people:
            self._sockets[person.user_id] = [await self.world.socket(person) for _ in range(sockets)]

    def socket(self, person: Person) -> Socket:
        return self._sockets[person.user_id][0]

    async def ask(self, person: Person, verb: str, body: dict, *, by_rpc: bool, key: str | None = None) -> Reply:
        """One POST below /api/, over either edge."""
        if not by_rpc:
            return await self.world.post(person, "/api/" + verb.replace(".", "/"), body, key=key)
        sockets = self._sockets[person.user_id]
        keyed = body if key is None else body | {"idempotency_key": key}
        return await sockets[next(self._turn) % len(sockets)].rpc(verb, keyed)

    async def forget_news(self) -> None:
        for sockets in self._sockets.values():
            for socket in sockets:
                socket.pushes.clear()


async def at_once(*asked) -> list[Reply]:
    return await asyncio.gather(*asked)
