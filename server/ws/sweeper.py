"""Lets go of channels that nobody sits in, a little later."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.ws.channel import Channel

_log = logging.getLogger(__name__)


class Sweeper:
    """One task while there is something to sweep, none otherwise."""

    def __init__(
        self, *, channels: dict[str, Channel], unfollow: Callable[[str], Awaitable[None]], tasks: Tasks, after_s: float
    ) -> None:
        self._channels = channels
        self._unfollow = unfollow
        self._tasks = tasks
        self._after_s = after_s
        self._noted: dict[str, Channel] = {}
        self._sweeping = False

    def note(self, channel: Channel) -> None:
        """The channel lost its last seat; it is let go unless somebody comes back in time."""
        self._noted[channel.name] = channel
        if not self._sweeping:
            self._sweeping = True
            self._tasks.start("sweep", self._sweep())

    async def _sweep(self) -> None:
        try:
            while self._noted:
                await asyncio.sleep(self._after_s)
                batch, self._noted = self._noted, {}
                for channel in batch.values():
                    await self._let_go(channel)
        finally:
            self._sweeping = False

    async def _let_go(self, channel: Channel) -> None:
        async with channel.following:
            if channel.seats or self._channels.get(channel.name) is not channel:
                return
            try:
                await self._unfollow(channel.name)
            except Unavailable:
                self._noted[channel.name] = channel  # once more, after the same pause
                return
            channel.followed = False
            channel.seen = 0
            channel.position = None  # deaf from here: whoever came meanwhile follows and reads again
            if not channel.seats:
                del self._channels[channel.name]
