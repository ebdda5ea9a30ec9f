"""The official Python client, with everything it was told kept."""
import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from centrifuge import Client, ClientEventHandler
from centrifuge.exceptions import ReplyError

from server.demo.tale.inbox import FollowEvents, Inbox

ARRIVES_WITHIN_S = 8.0


class Told(ClientEventHandler):
    """Events of the client itself, by name; publications of server-side channels go into the inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._news = asyncio.Condition()
        self.events: list[tuple[str, Any]] = []

    async def _note(self, name: str, context: Any) -> None:
        self.events.append((name, context))
        async with self._news:
            self._news.notify_all()

    async def on_connected(self, ctx: Any) -> None:
        await self._note("connected", ctx)

    async def on_connecting(self, ctx: Any) -> None:
        await self._note("connecting", ctx)

    async def on_disconnected(self, ctx: Any) -> None:
        await self._note("disconnected", ctx)

    async def on_subscribed(self, ctx: Any) -> None:
        await self._note("subscribed", ctx)

    async def on_publication(self, ctx: Any) -> None:
        await self._inbox.put(ctx.channel, ctx.pub)

    def count(self, name: str) -> int:
        return sum(known == name for known, _ in self.events)

    async def hear(self, name: str, *, times: int = 1) -> Any:
        """The `times`-th event of this name, there already or still to come."""
        async with asyncio.timeout(ARRIVES_WITHIN_S), self._news:
            await self._news.wait_for(lambda: self.count(name) >= times)
        return [context for known, context in self.events if known == name][times - 1]


class Live:
    """One connection; use as `async with`, which connects unless `ready` is false."""

    def __init__(
        self, port: int, token: str, *, get_token: Callable[[], Awaitable[str]] | None = None, ready: bool = True
    ) -> None:
        self.inbox = Inbox()
        self.told = Told(self.inbox)
        self._ready = ready
        self.client = Client(
            f"ws://127.0.0.1:{port}/connection/websocket", events=self.told, token=token, get_token=get_token,
            max_reconnect_delay=0.5, proxy=None,
        )

    async def __aenter__(self) -> "Live":
        await self.client.connect()
        if self._ready:
            await self.client.ready(timeout=ARRIVES_WITHIN_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.disconnect()
        closing = list(self.client._background_tasks)  # it waits for no transport by itself, and the loop ends soon
        if closing:
            await asyncio.wait(closing, timeout=ARRIVES_WITHIN_S)

    async def follow(self, channel: str) -> FollowEvents:
        """Subscribe and wait for the outcome: `subscribed` or `refusal` of what is returned."""
        events = FollowEvents(channel, self.inbox)
        subscription = self.client.new_subscription(channel, events=events, recoverable=True)
        await subscription.subscribe()
        await events.settled(times=1, within_s=ARRIVES_WITHIN_S)
        return events

    async def refusal(self, method: str, data: Any) -> tuple[int, str, bool]:
        """(code, message, temporary) of an rpc that must be refused."""
        try:
            result = await self.client.rpc(method, data)
        except ReplyError as error:
            return error.code, error.message, error.temporary
        raise AssertionError(f"{method} was done: {result.data}")
