"""The live channels of one instance, wired together."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from uuid import uuid4

from server.core.tasks import Tasks
from server.storage.channel_log.port import ChannelLog
from server.storage.presence.in_process import InProcessPresence
from server.storage.presence.port import Presence
from server.storage.pubsub.port import Bus
from server.ws.comparing import Comparing
from server.ws.connection import Connection
from server.ws.control import Control
from server.ws.desk import Desk
from server.ws.entrance import Entrance
from server.ws.errands import Errands
from server.ws.fallback.switchboard import Switchboard
from server.ws.gate import Gate
from server.ws.hearing import Hearing
from server.ws.hub import Hub
from server.ws.limits import Limits
from server.ws.outbound import Turn
from server.ws.pace import Paces
from server.ws.poller import open_poller
from server.ws.ports import AddressOf, Authenticate, CallMethod, MayFollow, Transport
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
        compress_from_bytes: int | None = None, address_of: AddressOf = lambda peer, _headers: peer,
    ) -> None:  # fmt: skip
        self.limits = limits = limits or Limits()
        self.allowed_origins = frozenset(allowed_origins)
        self.address_of = address_of
        self.counts: Counter[str] = Counter()
        self.connections: set[Connection] = set()
        codecs: tuple[Codec, ...] = tuple(
            made(commands_per_frame=limits.commands_per_frame) for made in (JsonCodec, ProtobufCodec, MsgpackCodec)
        )
        self.codecs = {codec.subprotocol: codec for codec in codecs}  # the first is spoken where none is named
        self.deflated = _deflated(self.codecs, from_bytes=compress_from_bytes)
        self.poller = open_poller()
        self._bus = bus
        self.tasks = tasks
        self._rules = rules = rules or ChannelRules()
        self._draining = False
        self.gate = Gate(per_s=limits.handshakes_per_s, waits_s=limits.handshake_waits_s)
        presence = presence or InProcessPresence(ttl_s=limits.presence_ttl_s)
        turn, self._wheel = Turn(), Wheel()
        self._roll = roll = Roll(presence=presence, bus=bus, tasks=tasks, limits=limits, counts=self.counts)
        self.registry = Registry(connections_per_user=limits.connections_per_user)
        self.hub = Hub(log=log, bus=bus, rules=rules, turn=turn, tasks=tasks, limits=limits, counts=self.counts)
        self._comparing = Comparing(
            compare=self.hub.check_positions, every_s=limits.position_check_s, counts=self.counts
        )
        self.switchboard = Switchboard(bus=bus, tasks=tasks, limits=limits, counts=self.counts)
        entrance = Entrance(
            authenticate=authenticate, may_follow=may_follow, registry=self.registry,
            seating=Seating(hub=self.hub, roll=roll, rules=rules), limits=limits,
        )  # fmt: skip
        self.errands = Errands(bus=bus, registry=self.registry, entrance=entrance, tasks=tasks, counts=self.counts)
        self._control = Control(
            hub=self.hub, registry=self.registry, switchboard=self.switchboard, errands=self.errands,
            counts=self.counts,
        )  # fmt: skip
        desk = Desk(
            call=call, may_follow=may_follow, log=log, presence=presence, rules=rules, limits=limits,
            counts=self.counts,
        )  # fmt: skip
        self.paces = Paces(limits)
        hearing = Hearing(entrance=entrance, paces=self.paces, counts=self.counts)
        self._room = Room(entrance, hearing, desk, turn, self._wheel, tasks, limits, self.counts)

    def start(self) -> None:
        """Hear the bus and start the clock; needs a running loop."""
        self._bus.on_channel(self.hub.receive)
        self._bus.on_control(self._control.obey)
        self._bus.on_gap(self._comparing.soon)
        self._bus.on_gap(self._roll.keep_soon)
        self.poller.start()
        self._wheel.start()
        self._roll.start()
        self._comparing.start(self.tasks)

    def busy_for_s(self) -> int | None:
        """None when a handshake is welcome at once, else the seconds for Retry-After."""
        return None if not self._is_full() and self.gate.enters_at_once() else _BUSY_RETRY_S

    async def welcome(self) -> int | None:
        """As `busy_for_s`, after waiting for one's turn."""
        if self._is_full() or not await self.gate.enters() or self._is_full():
            return _BUSY_RETRY_S
        return None

    def _is_full(self) -> bool:
        return self._draining or len(self.connections) - len(self.registry) >= self.limits.waiting_connections

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
        return self.registry.login_ids()

    async def drain(self, *, within_s: float = 5.0) -> None:
        """Take no more handshakes, let running calls answer, close all with 3001. Clients come back elsewhere."""
        self._draining = True
        self.gate.close()
        deadline = asyncio.get_running_loop().time() + within_s
        await self._close_idle(until=deadline - within_s / 2)
        await self._close(tuple(self.connections))
        await _until(lambda: not self.connections, deadline=deadline)
        for connection in tuple(self.connections):
            connection.abort()
        self._wheel.stop()
        await self.tasks.stop()
        self.poller.stop()

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
