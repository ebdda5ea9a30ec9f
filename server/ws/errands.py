"""What the server begins by itself with chosen connections.

Orders go over the bus to all instances, at most once: who is not connected misses them. What must not be
missed is an event of a channel.
"""

import logging
from collections import Counter
from dataclasses import dataclass
from typing import Any

from server.core.errors import Refused, Unavailable
from server.core.strict_json import dumps, parse
from server.core.tasks import Tasks
from server.storage.pubsub.port import Bus, ControlMessage
from server.ws.entrance import Entrance
from server.ws.guest import Guest
from server.ws.registry import Registry
from server.ws.seating import ConnectionGone
from server.ws.wire.answers import MessagePush
from server.ws.wire.codec import Codec
from server.ws.wire.codes import Unsubscriptions

KINDS = MESSAGE, SUBSCRIBE, UNSUBSCRIBE = "message", "subscribe", "unsubscribe"  # of control messages
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Whom:
    """Connections of a user, of one login of theirs, or a single one by its client id (as presence tells it)."""

    user_id: str
    login_id: str | None = None
    client: str | None = None


class Errands:
    """One for all connections. All orders raise Unavailable, and ValueError for what is no JSON of ours."""

    def __init__(
        self, *, bus: Bus, registry: Registry, entrance: Entrance, tasks: Tasks, counts: Counter[str]
    ) -> None:
        self._bus = bus
        self._registry = registry
        self._entrance = entrance
        self._tasks = tasks
        self._counts = counts

    async def message(self, whom: Whom, data: Any) -> None:
        """Push a message of no channel, any JSON value."""
        await self._order(MESSAGE, whom, data=_checked(data))

    async def subscribe(self, whom: Whom, channel: str) -> None:
        """Subscribe them to a channel that they may follow, until it or the connection ends."""
        await self._order(SUBSCRIBE, whom, channel=channel)

    async def unsubscribe(self, whom: Whom, channel: str) -> None:
        """End their subscription to a channel with 2000, whoever began it."""
        await self._order(UNSUBSCRIBE, whom, channel=channel)

    async def _order(self, kind: str, whom: Whom, **body: object) -> None:
        told = {"user_id": whom.user_id, "login_id": whom.login_id, "client": whom.client}
        await self._bus.broadcast(ControlMessage(kind, told | body))

    def obey(self, message: ControlMessage) -> None:
        """Carry an order out here. Never raises; one that makes no sense is counted."""
        body = message.body
        guests, channel = self._guests(body), body.get("channel")
        if guests is None or (message.kind != MESSAGE and type(channel) is not str):
            self._counts["poison_messages"] += 1
        elif message.kind == MESSAGE:
            self._tell(guests, body.get("data"))
        elif message.kind == UNSUBSCRIBE:
            for guest in guests:
                guest.unsubscribe(str(channel), Unsubscriptions.BY_SERVER)
        else:
            for guest in guests:
                self._tasks.start("server subscribe", self._subscribe(guest, str(channel)))

    def _guests(self, body: dict[str, object]) -> list[Guest] | None:
        user_id, login_id, client = (body.get(name) for name in ("user_id", "login_id", "client"))
        if type(user_id) is not str or any(one is not None and type(one) is not str for one in (login_id, client)):
            return None
        guests = self._registry.guests(user_id, None if login_id is None else str(login_id))
        return [guest for guest in guests if client in (None, guest.session.client)]

    def _tell(self, guests: list[Guest], data: object) -> None:
        try:
            push = MessagePush(_checked(data))
        except ValueError:
            self._counts["poison_messages"] += 1
            return
        frames: dict[Codec, bytes] = {}
        for guest in guests:
            frame = frames.get(guest.codec)
            if frame is None:
                frame = frames[guest.codec] = guest.codec.encode_push(push)
            guest.outbound.put(frame)

    async def _subscribe(self, guest: Guest, channel: str) -> None:
        try:
            await self._entrance.subscribe_unasked(guest, channel)
        except ConnectionGone:
            return
        except (Refused, Unavailable):
            self._counts["server_subscribes_failed"] += 1
            _log.info("an order to subscribe could not be carried out", extra={"channel": channel})


def _checked(data: Any) -> Any:
    """The value as every encoding can say it. Raises ValueError."""
    try:
        return parse(dumps(data))
    except (TypeError, RecursionError):
        raise ValueError("no JSON") from None
