"""Keeps the roll of channels with presence.

Others are told when a user comes and when a user is gone, not each connection: a second tab is no news, and
neither is a phone that changes networks and is back before its entry was taken out.
"""

import asyncio
from collections import Counter, deque
from contextlib import suppress
from typing import Any

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.presence.port import ClientInfo, Presence
from server.storage.pubsub.port import Bus, ControlMessage
from server.ws.limits import Limits
from server.ws.wire.answers import MembershipPush

KIND = "membership"  # of control messages
_KEPT_AT_ONCE = 500
_KEPT_TIMES_A_LIFE = 3  # two rounds may fail before an entry expires


class Roll:
    """Joins and leaves are worked off in their order by one task, which ends when there are none.

    Nobody waits for them: a slow store must not keep sockets of gone clients open.
    """

    def __init__(
        self, *, presence: Presence, bus: Bus, tasks: Tasks, limits: Limits, counts: Counter[str]
    ) -> None:
        self._presence = presence
        self._bus = bus
        self._tasks = tasks
        self._limits = limits
        self._counts = counts
        self._own: dict[tuple[str, str], ClientInfo] = {}
        self._lingering: dict[tuple[str, str], float] = {}  # to when; in this order, because all linger equally long
        self._pending: deque[MembershipPush] = deque()
        self._working = self._waiting = False
        self._soon = asyncio.Event()

    def start(self) -> None:
        """Keep the entries of this instance alive from now on."""
        self._tasks.forever("keep presence", self._keep_for_ever)

    def keep_soon(self) -> None:
        """The store may have forgotten who is here: it is told at once, not at the next round."""
        self._soon.set()

    def join(self, channel: str, info: ClientInfo) -> None:
        """A connection of this instance is in the channel."""
        key = (channel, info.client)
        self._own[key] = info
        if self._lingering.pop(key, None) is None:
            self._note(MembershipPush(channel, "join", info))

    def leave(self, channel: str, info: ClientInfo, *, lingers: bool) -> None:
        """It is in no more. One that lingers may be back in a moment, and then it was never gone."""
        key = (channel, info.client)
        if key not in self._own:
            return
        if not lingers:
            self._end(key)
            return
        self._lingering.setdefault(key, asyncio.get_running_loop().time() + self._limits.presence_lingers_s)
        if not self._waiting:
            self._waiting = True
            self._tasks.start("presence lingers", self._wait())

    def _end(self, key: tuple[str, str]) -> None:
        self._lingering.pop(key, None)
        self._note(MembershipPush(key[0], "leave", self._own.pop(key)))

    async def _wait(self) -> None:
        try:
            while self._lingering:
                key, until = next(iter(self._lingering.items()))
                left_s = until - asyncio.get_running_loop().time()
                if left_s > 0:
                    await asyncio.sleep(left_s)
                else:
                    self._end(key)
        finally:
            self._waiting = False

    def _note(self, push: MembershipPush) -> None:
        self._pending.append(push)
        if not self._working:
            self._working = True
            self._tasks.start("roll", self._work())

    async def _work(self) -> None:
        try:
            while self._pending:
                try:
                    await self._enter(self._pending[0])
                finally:
                    self._pending.popleft()
        finally:
            self._working = False

    async def _enter(self, push: MembershipPush) -> None:
        """A join that fails is told by the next round of keeping, a leave that fails when the entry has expired."""
        try:
            if push.kind == "join":
                is_news = await self._presence.add(push.channel, push.info)
            else:
                is_news = await self._presence.remove(push.channel, push.info.client)
            if is_news:
                await self._tell(push)
        except Unavailable:
            self._counts["presence_failed"] += 1

    async def _keep_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.presence_ttl_s / _KEPT_TIMES_A_LIFE):
                    await self._soon.wait()
            self._soon.clear()
            try:
                await self.keep()
            except Unavailable:
                self._counts["presence_failed"] += 1

    async def keep(self) -> None:
        """One round: our entries live on, and those of instances that died are told as gone. Raises Unavailable.

        Who was missing in the store is told as there: the store was away when he came, or we were for so long that
        others have told him as gone, or it was emptied and some hear of him twice.
        """
        entering = {(push.channel, push.info.client) for push in self._pending}
        own = [(key[0], info) for key, info in self._own.items() if key not in entering]
        for start in range(0, len(own), _KEPT_AT_ONCE):
            batch = own[start : start + _KEPT_AT_ONCE]
            missing = await self._presence.keep([entry for entry in batch if self._holds(*entry)])
            for channel, info in missing:
                if self._holds(channel, info):
                    await self._tell(MembershipPush(channel, "join", info))
            await asyncio.sleep(0)
        for channel, info in await self._presence.take_expired():
            self._counts["presence_expired"] += 1
            await self._tell(MembershipPush(channel, "leave", info))

    def _holds(self, channel: str, info: ClientInfo) -> bool:
        return (channel, info.client) in self._own

    async def _tell(self, push: MembershipPush) -> None:
        await self._bus.broadcast(ControlMessage(KIND, _body(push)))


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
