"""The channels of one connection, whoever subscribed them."""

from dataclasses import dataclass

from server.ws.effects import Answer, Effect, Join, Leave, Tell
from server.ws.recovery import Joined
from server.ws.rules import ChannelRules
from server.ws.wire import answers
from server.ws.wire.answers import Reply, Result, SubscribePush, UnsubscribePush
from server.ws.wire.codes import ErrorCode, Errors, Unsubscription
from server.ws.wire.commands import Subscribe


@dataclass(slots=True)
class Subscription:
    """`joining` until its reply is made; both kinds share the one slot of a channel."""

    by_server: bool
    joining: bool = True
    ended: Unsubscription | None = None


class Subscriptions:
    """The part of the session that is about channels; as pure as the session."""

    __slots__ = ("_slots", "_rules", "_most")

    def __init__(self, *, rules: ChannelRules, most: int) -> None:
        self._slots: dict[str, Subscription] = {}
        self._rules = rules
        self._most = most

    def __contains__(self, channel: str) -> bool:
        return channel in self._slots

    def is_by_server(self, channel: str) -> bool:
        return channel in self._slots and self._slots[channel].by_server

    def begin_by_server(self, channels: tuple[str, ...]) -> None:
        """The channels that come with the connect."""
        for channel in channels:
            self._slots[channel] = Subscription(by_server=True)

    def settle(self, channel: str, joined: Joined) -> Result:
        """The channel is joined; what its client is told."""
        self._slots[channel].joining = False
        return _told(joined)

    def subscribe(self, command: Subscribe) -> tuple[Effect, ...]:
        """Join, unless the answer is known without asking anybody."""
        error = self._why_not(command)
        if error is not None:
            return (Answer(Reply(command.id, error)),)
        self._slots[command.channel] = Subscription(by_server=False)
        return (Join(command),)

    def _why_not(self, command: Subscribe) -> ErrorCode | None:
        if command.kind != 0:
            return Errors.NOT_AVAILABLE
        if command.channel in self._slots:
            return Errors.ALREADY_SUBSCRIBED
        if self._rules.of(command.channel) is None:
            return Errors.PERMISSION_DENIED
        return Errors.LIMIT_EXCEEDED if len(self._slots) >= self._most else None

    def joined(self, command: Subscribe, joined: Joined) -> Reply:
        """A seat was prepared; if the reply is an error the seat must be given up."""
        slot = self._slots.get(command.channel)
        if slot is None or slot.ended:
            return self.join_failed(command, Errors.PERMISSION_DENIED)
        if command.rejects_unrecovered and joined.resume is not None and joined.missed is None:
            return self.join_failed(command, Errors.UNRECOVERABLE)
        return Reply(command.id, self.settle(command.channel, joined))

    def join_failed(self, command: Subscribe, error: ErrorCode) -> Reply:
        """The channel is free again."""
        self.forget(command.channel)
        return Reply(command.id, error)

    def begin_unasked(self, channel: str) -> Subscription | None:
        """The server wants the client to follow a channel; None when it does already or cannot."""
        if channel in self._slots or self._rules.of(channel) is None or len(self._slots) >= self._most:
            return None
        slot = self._slots[channel] = Subscription(by_server=True)
        return slot

    def joined_unasked(self, channel: str, slot: Subscription, joined: Joined) -> SubscribePush | None:
        """A seat was prepared: what its client is told. None when the slot was given up or ended meanwhile."""
        if self._slots.get(channel) is not slot or slot.ended is not None:
            return None
        slot.joining = False
        return SubscribePush(channel, joined.top.epoch, joined.top.offset, joined.recoverable)

    def withdraw(self, channel: str, slot: Subscription) -> None:
        """Nothing came of what `begin_unasked` began; the channel is free unless somebody else took it."""
        if self._slots.get(channel) is slot:
            del self._slots[channel]

    def unsubscribe(self, channel: str, ending: Unsubscription) -> tuple[Effect, ...]:
        """The server ends it; a client that is just joining is told so in its reply."""
        slot = self._slots.get(channel)
        if slot is not None and slot.joining:
            slot.ended = ending
            return ()
        return self.end(channel, ending)

    def end(self, channel: str, ending: Unsubscription) -> tuple[Effect, ...]:
        """Leave and say why; nothing for a channel that was not subscribed."""
        left = self.forget(channel)
        return (*left, Tell(UnsubscribePush(channel, ending))) if left else ()

    def forget(self, channel: str) -> tuple[Effect, ...]:
        """Free the slot without a word."""
        return (Leave(channel),) if self._slots.pop(channel, None) else ()

    def clear(self) -> None:
        self._slots.clear()


def _told(joined: Joined) -> Result:
    """Recovered: the position asked for, which the client moves by playing what it missed (protocol §7)."""
    recovered = joined.resume is not None and joined.missed is not None
    return answers.subscribed(
        epoch=joined.top.epoch,
        offset=joined.resume.offset if recovered else joined.top.offset,
        recoverable=joined.recoverable,
        was_recovering=joined.resume is not None,
        publications=joined.missed,
    )
