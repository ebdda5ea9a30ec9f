"""One channel on this instance, and who sits in it.

Invariant: every live seat has been handed exactly the events up to `top`. A seat whose reply was newer
than `top` waits in `ahead` until the channel has caught up, so nobody checks positions per receiver.
"""

import asyncio
from collections import deque

from server.storage.channel_log.port import LoggedEvent, Position, Slice
from server.ws.audience import Audience
from server.ws.outbound import Outbound, Turn
from server.ws.recovery import Joined, missed_since, reached
from server.ws.rules import ChannelRule
from server.ws.seat import Seat
from server.ws.wire.answers import MembershipPush, Publication
from server.ws.wire.codec import Codec
from server.ws.wire.commands import Resume

_TAIL_EVENTS = 1_000  # kept only while somebody joins; who needs more reads the log once more


class Channel:
    """Delivers events in order, once, to all live seats. Knows no I/O; the hub reads the log for it."""

    __slots__ = (
        "name", "rule", "position", "seen", "mending", "followed", "following",
        "seats", "joining", "_turn", "_live", "_ahead", "_watchers", "_tail",
    )  # fmt: skip

    def __init__(self, name: str, *, rule: ChannelRule, turn: Turn) -> None:
        self.name = name
        self.rule = rule
        self.position: Position | None = None  # unknown until the first seat has read the log
        self.seen = 0  # the highest offset that the bus spoke of
        self.mending = False
        self.followed = False
        self.following = asyncio.Lock()  # follow and unfollow of one channel never overlap
        self.seats: set[Seat] = set()
        self.joining = 0
        self._turn = turn
        self._live = Audience(turn)
        self._ahead: dict[Seat, int] = {}
        self._watchers: Audience | None = None  # few clients ask for joins and leaves
        self._tail: deque[LoggedEvent] | None = None  # most channels are one idle person's: an empty one is 0.7 KB

    def begin(self, seat: Seat) -> None:
        """From now on nothing that is delivered is lost to this seat."""
        self.seats.add(seat)
        self.joining += 1
        if self._tail is None:
            self._tail = deque(maxlen=_TAIL_EVENTS)

    def settle(self, resume: Resume | None, known: Slice) -> Joined | None:
        """What a joining seat is told, given what it read; None: the log must be read again."""
        top = Position(known.top.epoch, reached(known))
        events = known.events
        if self.position is None:
            self.position = top
        elif top.offset < self.position.offset:
            if resume is not None and not known_complete(known, resume):
                return Joined(self.position, resume=resume)
            newer = [event for event in self._tail or () if event.offset > top.offset]
            if len(newer) != self.position.offset - top.offset:
                return None
            events, top = (*events, *newer), self.position
        if resume is None:
            return Joined(top)
        return Joined(top, resume=resume, missed=missed_since(resume, events, top))

    def settle_without_reading(self, resume: Resume | None) -> Joined | None:
        """As `settle`, where the channel's own position answers already."""
        if self.position is None:
            return None
        if resume is None:
            return Joined(self.position)
        if resume.epoch == self.position.epoch and resume.offset == self.position.offset:
            return Joined(self.position, resume=resume, missed=())
        return None

    def enter(self, seat: Seat, top: Position) -> None:
        """Live from now on; the reply with `top` has just been queued."""
        self._joined(seat)
        if seat not in self.seats:
            return
        if self.position is not None and top.offset < self.position.offset:
            raise RuntimeError("entered a channel in a later turn than its position was told")
        if self.position is not None and top.offset > self.position.offset:
            self._ahead[seat] = top.offset
        else:
            self._live.add(seat)
        if seat.watches:
            if self._watchers is None:
                self._watchers = Audience(self._turn)
            self._watchers.add(seat)

    def leave(self, seat: Seat) -> None:
        """Forget the seat, wherever it is; harmless when repeated."""
        self.seats.discard(seat)
        self._joined(seat)
        self._ahead.pop(seat, None)
        self._live.discard(seat)
        if self._watchers is not None:
            self._watchers.discard(seat)

    def _joined(self, seat: Seat) -> None:
        if not seat.joining:
            return
        seat.joining = False
        self.joining -= 1
        if not self.joining:
            self._tail = None

    def deliver(self, event: LoggedEvent) -> int:
        """Hand the next event to all; returns the number of receivers."""
        receivers = self.send(Publication(event.offset, event.data))
        self.position = Position(event.epoch, event.offset)
        if self._tail is not None:
            self._tail.append(event)
        for seat in [seat for seat, offset in self._ahead.items() if offset <= event.offset]:
            del self._ahead[seat]
            self._live.add(seat)
        return receivers

    def send(self, publication: Publication) -> int:
        """Encode once a codec and queue for every live seat; returns the number of receivers."""
        return self._live.tell(lambda codec: codec.encode_publication(self.name, publication))

    def send_ephemeral(self, publication: Publication) -> int:
        """As `send`, also to those who are ahead: what has no position passes no one twice."""
        count = self.send(publication)
        ahead: dict[Codec, list[Outbound]] = {}
        for seat in self._ahead:
            ahead.setdefault(seat.codec, []).append(seat.outbound)
        for codec, receivers in ahead.items():
            self._turn.put_all(receivers, codec.encode_publication(self.name, publication))
        return count + len(self._ahead)

    def tell_watchers(self, push: MembershipPush) -> None:
        """A join or leave, for those who asked for them."""
        if self._watchers is not None:
            self._watchers.tell(lambda codec: codec.encode_push(push))

    def entered_seats(self) -> list[Seat]:
        """All who were told a position."""
        return [seat for seat in self.seats if not seat.joining]


def known_complete(known: Slice, resume: Resume) -> bool:
    """Whether a read reached its own top, i.e. was not cut by a bound or by retention."""
    return missed_since(resume, known.events, Position(known.top.epoch, reached(known))) is not None
