"""Seats in channels: taken, entered and given up.

A seat that is given up while it is prepared stays given up, whoever did it and whoever sits there by then.
"""

from server.ws.guest import Guest
from server.ws.hub import Hub
from server.ws.recovery import Joined
from server.ws.roll import Roll
from server.ws.rules import ChannelRules
from server.ws.seat import Seat
from server.ws.session import Session, State
from server.ws.wire.commands import Resume


class ConnectionGone(Exception):
    """The connection closed while somebody was asked for it; there is nothing left to do."""


class Seating:
    """One for all connections; keeps nothing itself."""

    def __init__(self, *, hub: Hub, roll: Roll, rules: ChannelRules) -> None:
        self._hub = hub
        self._roll = roll
        self._rules = rules

    async def prepare(
        self, guest: Guest, channel: str, resume: Resume | None, *, join_leave: bool = False
    ) -> tuple[Seat, Joined]:
        """Take a seat and find out where the channel stands. Raises Unavailable or ConnectionGone.

        In the same turn queue what the client is told and call `enter`, or `give_up`.
        """
        still_open(guest.session)
        watches = join_leave and self._has_presence(channel)
        seat = Seat(channel, guest, guest.outbound, guest.codec, watches=watches)
        guest.seats[channel] = seat
        self._hub.reserve(seat)
        joined = None
        try:
            joined = await self._hub.prepare(seat, resume)
        finally:
            if joined is None:
                self.give_up(guest, seat)
        still_open(guest.session)
        return seat, joined

    def enter(self, guest: Guest, seat: Seat, joined: Joined) -> None:
        """Live from now on."""
        self._hub.enter(seat, joined)
        if self._has_presence(seat.channel):
            self._roll.join(seat.channel, guest.session.info)

    def give_up(self, guest: Guest, seat: Seat) -> None:
        """A prepared seat is not wanted; harmless when it was left meanwhile."""
        if guest.seats.get(seat.channel) is seat:
            del guest.seats[seat.channel]
        self._hub.leave(seat)

    def leave(self, guest: Guest, channel: str, *, lingers: bool = True) -> None:
        """Leave a channel; unknown ones are ignored. `lingers`: the connection may be back in a moment."""
        seat = guest.seats.pop(channel, None)
        if seat is None:
            return
        was_inside = not seat.joining
        self._hub.leave(seat)
        if was_inside and self._has_presence(channel):
            self._roll.leave(channel, guest.session.info, lingers=lingers)

    def _has_presence(self, channel: str) -> bool:
        rule = self._rules.of(channel)
        return rule is not None and rule.presence


def still_open(session: Session) -> None:
    """Raises ConnectionGone."""
    if session.state is State.CLOSED:
        raise ConnectionGone
