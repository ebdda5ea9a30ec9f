"""The hub: channels of this instance and who sits in them.

The bus may lose, repeat and reorder; the log is the truth. What arrives in order is delivered at once,
anything else is left to the mender.
"""

from collections import Counter

from server.core.errors import Unavailable
from server.core.tasks import Tasks
from server.storage.channel_log.port import ChannelLog, LoggedEvent, Position, Slice
from server.storage.pubsub.port import Bus, ChannelMessage
from server.ws.channel import Channel
from server.ws.limits import Limits
from server.ws.mender import Mender, other_epoch
from server.ws.outbound import Turn
from server.ws.recovery import Joined, missed_since, reached
from server.ws.rules import ChannelRules
from server.ws.seat import Seat
from server.ws.sweeper import Sweeper
from server.ws.tails import Tails
from server.ws.wire.answers import MembershipPush, Publication
from server.ws.wire.commands import Resume

_MANY_SEATS = 16  # who are likely to come back together
_READS_TO_SETTLE = 5  # each further read means that the channel moved by more than its tail meanwhile


class Hub:
    """Local subscriptions. `reserve`, then `await prepare`, queue the reply, then `enter`."""

    def __init__(
        self, *, log: ChannelLog, bus: Bus, rules: ChannelRules, turn: Turn, tasks: Tasks, limits: Limits,
        counts: Counter[str],
    ) -> None:  # fmt: skip
        self._bus = bus
        self._rules = rules
        self._turn = turn
        self._limits = limits
        self._counts = counts
        self.channels: dict[str, Channel] = {}
        self._tails = Tails(most_events=limits.recovery_entries, most_bytes=limits.recovery_bytes)
        self._mender = Mender(log=log, tails=self._tails, tasks=tasks, limits=limits, counts=counts)
        self._sweeper = Sweeper(
            channels=self.channels, unfollow=bus.unfollow, tasks=tasks, after_s=limits.unfollow_after_s
        )

    def reserve(self, seat: Seat) -> None:
        """Take a place; what is delivered from here on is not lost to it."""
        channel = self.channels.get(seat.channel)
        if channel is None:
            rule = self._rules.of(seat.channel)
            if rule is None:
                raise ValueError(f"no channel of ours: {seat.channel}")
            channel = self.channels[seat.channel] = Channel(seat.channel, rule=rule, turn=self._turn)
        channel.begin(seat)

    async def prepare(self, seat: Seat, resume: Resume | None) -> Joined:
        """Follow the channel and find out where it stands and what was missed. Raises Unavailable.

        Call `enter` in the same turn as this returns.
        """
        channel = self.channels[seat.channel]
        await self._follow(channel)
        if not channel.rule.recoverable:
            return Joined(Position("", 0), recoverable=False)
        joined = channel.settle_without_reading(resume) or self._settle_by_tail(channel, resume)
        for _ in range(_READS_TO_SETTLE):
            if joined is not None:
                return joined
            known = await self._mender.read(channel.name, resume)
            if other_epoch(channel.position, known.top):
                self._mender.give_up(channel)  # the channel began anew, and those inside do not know yet
            joined = channel.settle(resume, known)
            self._learn(channel, resume, known)
            self._mender.start_if_behind(channel)
        if joined is None:
            raise Unavailable()
        return joined

    def _settle_by_tail(self, channel: Channel, resume: Resume | None) -> Joined | None:
        if resume is None or channel.position is None:
            return None
        missed = self._tails.missed(channel.name, channel.position, resume)
        if missed is None:
            return None
        self._counts["recovered_from_memory"] += 1
        return Joined(channel.position, resume=resume, missed=missed)

    def _learn(self, channel: Channel, resume: Resume | None, known: Slice) -> None:
        """Remember what was read where others sit too: they were cut off together, or will be."""
        if resume is not None and len(channel.seats) > 1:
            top = Position(known.top.epoch, reached(known))
            if missed_since(Resume(resume.offset, ""), known.events, top) is not None:
                self._tails.learn(channel.name, top.epoch, known.events)

    def enter(self, seat: Seat, joined: Joined) -> None:
        """Live from now on; the reply is already in the connection's queue."""
        self.channels[seat.channel].enter(seat, joined.top)

    def leave(self, seat: Seat) -> None:
        """Give the place up, at whatever stage; the last one lets the channel go."""
        channel = self.channels.get(seat.channel)
        if channel is not None:
            channel.leave(seat)
            if not channel.seats:
                self._sweeper.note(channel)

    def tell_watchers(self, push: MembershipPush) -> None:
        """A join or leave for the local seats that asked for such news."""
        channel = self.channels.get(push.channel)
        if channel is not None:
            channel.tell_watchers(push)

    def receive(self, message: ChannelMessage) -> None:
        """One message of the bus. Never raises for what it contains."""
        channel = self.channels.get(message.channel)
        if channel is None:
            return
        if len(message.data) > self._limits.message_bytes or b"\n" in message.data:
            self._counts["poison_messages"] += 1  # not ours; a stored event comes again from the log
        elif message.offset is None or not channel.rule.recoverable:
            self._counts["deliveries"] += channel.send_ephemeral(Publication(None, message.data))
        else:
            self._receive_positioned(channel, message, message.offset)

    def _receive_positioned(self, channel: Channel, message: ChannelMessage, offset: int) -> None:
        position = channel.position
        if position is None or channel.mending:
            channel.seen = max(channel.seen, offset)
        elif position.epoch not in ("", message.epoch):
            self._mender.start(channel)
        elif offset == position.offset + 1:
            event = LoggedEvent(channel.name, message.epoch, offset, message.data)
            self._counts["deliveries"] += channel.deliver(event)
            self._tails.add(event, begin=len(channel.seats) >= _MANY_SEATS)
        elif offset <= position.offset:
            self._counts["duplicates"] += 1
        else:
            channel.seen = max(channel.seen, offset)
            self._mender.start(channel)

    async def check_positions(self) -> None:
        """Compare every channel with the log, to notice what the bus lost at the end of a burst."""
        await self._mender.check(self.channels)

    async def _follow(self, channel: Channel) -> None:
        async with channel.following:
            if self.channels.get(channel.name) is not channel:
                raise Unavailable()  # let go meanwhile: the connection that waited here is closed
            if not channel.followed:
                await self._bus.follow(channel.name)
                channel.followed = True
