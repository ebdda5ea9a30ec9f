"""Keeps the roll of channels with presence."""

from collections import Counter, deque
from typing import Any

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.pubsub.port import Bus, ControlMessage
from server.ws.presence import Presence
from server.ws.wire.answers import ClientInfo, MembershipPush

KIND = "membership"  # of control messages


class Roll:
    """Joins and leaves are worked off in their order by one task, which ends when there are none.

    Nobody waits for them: a slow store must not keep sockets of gone clients open.
    """

    def __init__(self, *, presence: Presence, bus: Bus, tasks: Tasks, counts: Counter[str]) -> None:
        self._presence = presence
        self._bus = bus
        self._tasks = tasks
        self._counts = counts
        self._pending: deque[MembershipPush] = deque()
        self._working = False

    def note(self, kind: str, channel: str, info: ClientInfo) -> None:
        """A client joined or left; `kind` is "join" or "leave"."""
        self._pending.append(MembershipPush(channel, kind, info))
        if not self._working:
            self._working = True
            self._tasks.start("roll", self._work())

    async def _work(self) -> None:
        try:
            while self._pending:
                await self._enter(self._pending.popleft())
        finally:
            self._working = False

    async def _enter(self, push: MembershipPush) -> None:
        try:
            if push.kind == "join":
                await self._presence.add(push.channel, push.info)
            else:
                await self._presence.remove(push.channel, push.info.client)
            await self._bus.broadcast(ControlMessage(KIND, _body(push)))
        except Unavailable:
            self._counts["presence_failed"] += 1


def _body(push: MembershipPush) -> dict[str, object]:
    info = push.info
    return {
        "channel": push.channel, "kind": push.kind, "user": info.user, "client": info.client,
        "conn_info": info.conn_info,
    }  # fmt: skip


def read_body(body: dict[str, Any]) -> MembershipPush | None:
    """The push that a control message asks for; None when another program wrote nonsense."""
    texts = [body.get(name) for name in ("channel", "kind", "user", "client")]
    conn_info = body.get("conn_info")
    if not all(type(text) is str for text in texts) or texts[1] not in ("join", "leave"):
        return None
    channel, kind, user, client = map(str, texts)
    return MembershipPush(channel, kind, ClientInfo(user, client, conn_info if type(conn_info) is dict else None))
