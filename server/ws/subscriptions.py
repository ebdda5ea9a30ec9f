"""The channels of one connection, whoever subscribed them."""

from dataclasses import dataclass

from server.ws.rules import ChannelRules
from server.ws.wire.codes import ErrorCode, Errors
from server.ws.wire.commands import Subscribe


@dataclass(slots=True)
class Subscription:
    """`joining` until its reply is made; both kinds share the one slot of a channel."""

    by_server: bool
    joining: bool = True
    access_ended: bool = False


class Subscriptions:
    """Slots by channel name."""

    __slots__ = ("_slots", "_rules", "_most")

    def __init__(self, *, rules: ChannelRules, most: int) -> None:
        self._slots: dict[str, Subscription] = {}
        self._rules = rules
        self._most = most

    def __contains__(self, channel: str) -> bool:
        return channel in self._slots

    def get(self, channel: str) -> Subscription | None:
        return self._slots.get(channel)

    def why_not(self, command: Subscribe) -> ErrorCode | None:
        """The error that a subscribe gets without asking anybody."""
        if command.kind != 0:
            return Errors.NOT_AVAILABLE
        if command.channel in self._slots:
            return Errors.ALREADY_SUBSCRIBED
        if self._rules.of(command.channel) is None:
            return Errors.PERMISSION_DENIED
        return Errors.LIMIT_EXCEEDED if len(self._slots) >= self._most else None

    def begin(self, channel: str, *, by_server: bool) -> None:
        self._slots[channel] = Subscription(by_server)

    def settle(self, channel: str) -> None:
        """The reply to its subscribe is made."""
        self._slots[channel].joining = False

    def forget(self, channel: str) -> bool:
        """Free the slot; False when there was none."""
        return self._slots.pop(channel, None) is not None

    def clear(self) -> None:
        self._slots.clear()
