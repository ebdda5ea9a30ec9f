"""What one person has received over the live channel.

Everything is kept with the moment of its arrival, so that an expectation may be stated after the event
came. Positions of a channel must rise one by one: a gap or a repetition is itself a finding.
"""
import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from centrifuge import (
    ClientEventHandler,
    PublicationContext,
    ServerPublicationContext,
    SubscribedContext,
    SubscriptionEventHandler,
    UnsubscribedContext,
)


@dataclass(frozen=True, slots=True)
class Event:
    """One publication: the envelope of contract.md §8 taken apart, `offset` 0 when it has none."""

    channel: str
    type: str
    id: str
    data: dict[str, Any]
    offset: int
    arrived_at: float  # time.monotonic()


class Inbox:
    """The events of one person, in the order in which they came."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Condition()

    async def put(self, channel: str, publication: Any) -> None:
        """Take a publication of the official client."""
        envelope = publication.data
        self.events.append(Event(
            channel=channel, type=envelope["type"], id=envelope["id"], data=envelope["data"],
            offset=publication.offset or 0, arrived_at=time.monotonic(),
        ))
        async with self._news:
            self._news.notify_all()

    def find(self, event_type: str, *, where: Callable[[Event], bool]) -> Event | None:
        return next((event for event in self.events if event.type == event_type and where(event)), None)

    async def await_event(
        self, event_type: str, *, where: Callable[[Event], bool], within_s: float
    ) -> Event | None:
        """The first such event, already there or still to come; None after `within_s`."""
        try:
            async with asyncio.timeout(within_s), self._news:
                await self._news.wait_for(lambda: self.find(event_type, where=where))
        except TimeoutError:
            return None
        return self.find(event_type, where=where)

    async def await_position(self, channel: str, offset: int, *, within_s: float) -> bool:
        """True once the channel's position is `offset` or more; False after `within_s`."""
        try:
            async with asyncio.timeout(within_s), self._news:
                await self._news.wait_for(lambda: max(self.offsets(channel), default=0) >= offset)
        except TimeoutError:
            return False
        return True

    def offsets(self, channel: str) -> list[int]:
        """Positions received on a channel, in order of arrival, without those that are never stored."""
        return [event.offset for event in self.events if event.channel == channel and event.offset]


class UserEvents(ClientEventHandler):
    """Fills an inbox from what the server subscribed at connect (`user:`)."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        await self._inbox.put(ctx.channel, ctx.pub)


class FollowEvents(SubscriptionEventHandler):
    """Fills an inbox from a followed channel and remembers how its subscription went."""

    def __init__(self, channel: str, inbox: Inbox) -> None:
        self._channel = channel
        self._inbox = inbox
        self._news = asyncio.Condition()
        self.subscribed: list[SubscribedContext] = []
        self.refusal: UnsubscribedContext | None = None

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self.subscribed.append(ctx)
        async with self._news:
            self._news.notify_all()

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        self.refusal = ctx
        async with self._news:
            self._news.notify_all()

    async def on_publication(self, ctx: PublicationContext) -> None:
        await self._inbox.put(self._channel, ctx.pub)

    async def settled(self, *, times: int, within_s: float) -> bool:
        """True when subscribed for the `times`-th time; False when refused or too late."""
        try:
            async with asyncio.timeout(within_s), self._news:
                await self._news.wait_for(lambda: len(self.subscribed) >= times or self.refusal)
        except TimeoutError:
            return False
        return len(self.subscribed) >= times
