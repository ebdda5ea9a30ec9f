"""One instance that counts on a bus, one that hears it, and what must be so whatever befalls what is between."""

import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from server.storage.pubsub.port import ChannelMessage
from tests.buses import Instance
from tests.fault.server_process import pass_by, until

_TOLD_WITHIN_S = 5.0
CHANNELS = [f"order:{number}" for number in range(1, 25)]  # of a Cluster's nodes each has some


def at_once(work: Coroutine[Any, Any, None]) -> None:
    """Do what must not wait for anything; a busy machine cannot make it look slow."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise AssertionError(f"{work.__qualname__} waits")


@dataclass(slots=True)
class Talk:
    """`keep_talking` for a while; `check` at the end, when nothing is on its way any more. To speak never waits."""

    speaker: Instance
    listener: Instance
    said: dict[str, list[tuple[int, float]]] = field(default_factory=dict)  # (number, when) by channel
    missed_at_s: list[float] = field(default_factory=list)  # when the listener was told to compare with the log

    async def begin(self) -> None:
        self.listener.bus.on_gap(lambda: self.missed_at_s.append(time.monotonic()))
        for channel in CHANNELS:
            await self.listener.bus.follow(channel)

    async def keep_talking(self, seconds: float, *, every_s: float = 0.005) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for channel in CHANNELS:
                self.say(channel)
            await pass_by(every_s)

    def say(self, channel: str) -> int:
        numbers = self.said.setdefault(channel, [])
        numbers.append((len(numbers) + 1, time.monotonic()))
        at_once(self.speaker.bus.publish(ChannelMessage(channel, "epoch", len(numbers), b"{}")))
        return len(numbers)

    def heard(self, channel: str) -> list[int]:
        return [one.offset for one in self.listener.messages if one.channel == channel]

    async def is_heard_again(self, *, within_s: float) -> float:
        """Something new on every channel arrives; the seconds that took."""
        began_s = time.monotonic()
        for channel in CHANNELS:

            async def arrives(channel: str = channel) -> bool:
                latest = self.say(channel)
                await pass_by(0.05)
                return latest in self.heard(channel)

            await until(arrives, within_s=within_s, what=f"{channel} is heard again")
        return time.monotonic() - began_s

    @property
    def lost(self) -> int:
        return sum(len(numbers) for numbers in self.said.values()) - len(self.listener.messages)

    async def check(self, *, within_s: float) -> float:
        """The seconds until every channel was heard again.

        What arrived is in order, each at most once; and after whatever is missing the listener was told to compare.
        """
        back_s = await self.is_heard_again(within_s=within_s)
        await until(lambda: not self._missed_in_silence(), within_s=_TOLD_WITHIN_S, what="the listener is told")
        for channel in self.said:
            heard = self.heard(channel)
            assert heard == sorted(set(heard)), channel
        return back_s

    def _missed_in_silence(self) -> list[str]:
        told_s = self.missed_at_s[-1] if self.missed_at_s else 0.0
        silent = []
        for channel, said in self.said.items():
            heard = set(self.heard(channel))
            silent += [channel for number, when_s in said if number not in heard and when_s > told_s]
        return silent
