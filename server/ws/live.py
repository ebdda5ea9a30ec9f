"""The live channels of one instance, wired together."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from uuid import uuid4

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.channel_log.port import ChannelLog
from server.storage.pubsub.port import Bus
from server.ws.connection import Connection
from server.ws.control import Control
from server.ws.desk import Desk
from server.ws.entrance import Entrance
from server.ws.errands import Errands
from server.ws.fallback.switchboard import Switchboard
from server.ws.hub import Hub
from server.ws.limits import Limits
from server.ws.outbound import Turn
from server.ws.ports import Authenticate, CallMethod, MayFollow, Transport
from server.ws.presence import LocalPresence, Presence
from server.ws.rate import Bucket
from server.ws.reframed import Reframed, deflating
from server.ws.registry import Registry
from server.ws.roll import Roll
from server.ws.room import Room
from server.ws.rules import ChannelRules
from server.ws.seating import Seating
from server.ws.session import Session
from server.ws.wheel import Wheel
from server.ws.wire.answers import Address
from server.ws.wire.codec import Codec
from server.ws.wire.codes import Disconnect, Disconnects
from server.ws.wire.json_codec import JsonCodec
from server.ws.wire.msgpack_codec import MsgpackCodec
from server.ws.wire.protobuf_codec import ProtobufCodec

_CLOSED_AT_ONCE = 100  # of a drain; others are served in between
_POLL_S = 0.02
_BUSY_RETRY_S = 1


class LiveChannels:
    """Made by the composition root; `start` before the first connection, `drain` before exit.

    `counts` are running totals for metrics: commands, errors, closes, deliveries, gaps, log_reads, bugs.
    """

    def __init__(
        self, *, log: ChannelLog, bus: Bus, authenticate: Authenticate, may_follow: MayFollow, call: CallMethod,
        tasks: Tasks, limits: Limits | None = None, rules: ChannelRules | None = None,
        presence: Presence | None = None, allowed_origins: tuple[str, ...] = (),
        compress_from_bytes: int | None = None,
    ) -> None:  # fmt: skip
        self.limits = limits = limits or Limits()
        self.allowed_origins = frozenset(allowed_origins)
        self.counts: Counter[str] = Counter()
        self.connections: set[Connection] = set()
        codecs: tuple[Codec, ...] = tuple(
            made(commands_per_frame=limits.commands_per_frame) for made in (JsonCodec, ProtobufCodec, MsgpackCodec)
        )
        self.codecs = {codec.subprotocol: codec for codec in codecs}  # the first is spoken where none is named
        self.deflated = _deflated(self.codecs, from_bytes=compress_from_bytes)
        self._bus = bus
        self.tasks = tasks
        self._rules = rules = rules or ChannelRules()
        self._draining = False
        self._handshakes: Bucket | None = None
        presence = presence or LocalPresence(ttl_s=limits.presence_ttl_s)
        turn, self._wheel = Turn(), Wheel()
        self._roll = roll = Roll(presence=presence, bus=bus, tasks=tasks, limits=limits, counts=self.counts)
        self._registry = Registry(connections_per_user=limits.connections_per_user)
        self.hub = Hub(log=log, bus=bus, rules=rules, turn=turn, tasks=tasks, limits=limits, counts=self.counts)
        self.switchboard = Switchboard(bus=bus, tasks=tasks, limits=limits, counts=self.counts)
        entrance = Entrance(
            authenticate=authenticate, may_follow=may_follow, registry=self._registry,
            seating=Seating(hub=self.hub, roll=roll, rules=rules), limits=limits,
        )  # fmt: skip
        self.errands = Errands(bus=bus, registry=self._registry, entrance=entrance, tasks=tasks, counts=self.counts)
        self._control = Control(
            hub=self.hub, registry=self._registry, switchboard=self.switchboard, errands=self.errands,
            counts=self.counts,
        )  # fmt: skip
        desk = Desk(
            call=call, may_follow=may_follow, log=log, presence=presence, rules=rules, limits=limits,
            counts=self.counts,
        )  # fmt: skip
        self._room = Room(entrance, desk, turn, self._wheel, tasks, limits, self.counts)

    def start(self) -> None:
        """Hear the bus and start the clock; needs a running loop."""
        self._handshakes = Bucket(self.limits.handshakes_per_s, now=asyncio.get_running_loop().time())
        self._bus.on_channel(self.hub.receive)
        self._bus.on_control(self._control.obey)
        self._wheel.start()
        self._roll.start()
        self.tasks.forever("check positions", self._check_positions)

    async def _check_positions(self) -> None:
        while True:
            await asyncio.sleep(self.limits.position_check_s)
            try:
                await self.hub.check_positions()
            except Unavailable:
                self.counts["position_checks_failed"] += 1

    def busy_for_s(self) -> int | None:
        """None when a handshake is welcome, else the seconds for Retry-After."""
        waiting = len(self.connections) - len(self._registry)
        if self._draining or waiting >= self.limits.waiting_connections:
            return _BUSY_RETRY_S
        if self._handshakes is not None and self._handshakes.take(asyncio.get_running_loop().time()):
            return _BUSY_RETRY_S
        return None

    def open(
        self, transport: Transport, *, codec: Codec, remote_address: str, address: Address | None = None
    ) -> Connection:
        """A socket was opened; the edge calls `receive` and, once, `closed` for it.

        With an `address` the switchboard brings what the client says.
        """
        now = asyncio.get_running_loop().time()
        session = Session(str(uuid4()), limits=self.limits, rules=self._rules, now=now, address=address)
        connection = Connection(self._room, transport, session=session, codec=codec, remote_address=remote_address)
        connection.set_deadline()
        self.connections.add(connection)
        if address is not None:
            self.switchboard.enter(address, connection)
        self.counts["opened"] += 1
        return connection

    def closed(self, connection: Connection) -> None:
        """The socket of a connection is closed."""
        self.connections.discard(connection)
        if connection.session.address is not None:
            self.switchboard.leave(connection.session.address)
        connection.gone()

    def revoke(self, *, user_id: str | None, login_id: str | None, disconnect: Disconnect = Disconnects.FORCED) -> int:
        """Close this instance's connections of a login or a user; returns how many.

        The bus does it by itself; this is for the poll that notices revocations when the bus is away.
        """
        return self._control.revoke(user_id=user_id, login_id=login_id, disconnect=disconnect)

    def login_ids(self) -> set[str]:
        """Logins connected to this instance."""
        return self._registry.login_ids()

    async def drain(self, *, within_s: float = 5.0) -> None:
        """Take no more handshakes, let running calls answer, close all with 3001. Clients come back elsewhere."""
        self._draining = True
        deadline = asyncio.get_running_loop().time() + within_s
        await self._close_idle(until=deadline - within_s / 2)
        await self._close(tuple(self.connections))
        await _until(lambda: not self.connections, deadline=deadline)
        for connection in tuple(self.connections):
            connection.abort()
        self._wheel.stop()
        await self.tasks.stop()


    async def _close_idle(self, *, until: float) -> None:
        """Close each as soon as nobody works for it: clients that never stop asking must not hold up the rest."""
        while busy := [each for each in self.connections if each.is_busy]:
            await self._close(tuple(self.connections.difference(busy)))
            if asyncio.get_running_loop().time() >= until:
                return
            await asyncio.sleep(_POLL_S)

    async def _close(self, connections: Iterable[Connection]) -> None:
        for number, connection in enumerate(connections, start=1):
            connection.close(Disconnects.SHUTDOWN)
            if number % _CLOSED_AT_ONCE == 0:
                await asyncio.sleep(0)


def _deflated(codecs: Mapping[str, Codec], *, from_bytes: int | None) -> dict[str, Codec]:
    """For sockets that agreed on compression; none when it is off."""
    if from_bytes is None:
        return {}
    return {name: Reframed(codec, deflating(from_bytes=from_bytes)) for name, codec in codecs.items()}


async def _until(condition: Callable[[], bool], *, deadline: float) -> None:
    """Nobody signals the end of the last call; a drain happens once."""
    while not condition() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(_POLL_S)
