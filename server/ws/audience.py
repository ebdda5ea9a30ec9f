"""Who hears a channel, and what they are about to hear.

Many receivers share more than the frame: what a turn brings is joined once for all of them, so that a publication
costs nothing a receiver until it is sent.
"""

from collections.abc import Callable, Collection, Iterator

from server.ws.outbound import Outbound, Turn
from server.ws.seat import Seat
from server.ws.wire.codec import Codec

_MANY = 16  # receivers; below it is cheaper to queue for each


class Audience:
    """Implements `Gathers`. Who joins hears what is told from then on, who leaves what was told before."""

    __slots__ = ("_turn", "_receivers", "_gathered")

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._receivers: dict[Codec, dict[Seat, Outbound]] = {}
        self._gathered: dict[Codec, list[bytes]] | None = None  # for exactly those who are in `_receivers`

    def add(self, seat: Seat) -> None:
        self.spill()
        self._receivers.setdefault(seat.codec, {})[seat] = seat.outbound

    def discard(self, seat: Seat) -> None:
        """Harmless for a seat that is not in it."""
        receivers = self._receivers.get(seat.codec)
        if receivers is not None and seat in receivers:
            self.spill()
            del receivers[seat]

    def tell(self, encoded: Callable[[Codec], bytes]) -> int:
        """Encode once a codec and queue for everybody; returns the number of receivers."""
        count = 0
        for codec, receivers in self._receivers.items():
            if receivers:
                frame = encoded(codec)
                if len(receivers) >= _MANY:
                    self._gather(codec, frame)
                else:
                    self._turn.put_all(receivers.values(), frame)
                count += len(receivers)
        return count

    def _gather(self, codec: Codec, frame: bytes) -> None:
        if self._gathered is None:
            self._gathered = {}
            self._turn.gather(self)
        self._gathered.setdefault(codec, []).append(frame)

    def spill(self) -> None:
        """See `Gathers`; also before the receivers become others."""
        for receivers, frames in self._taken():
            self._turn.put_all(receivers, frames)

    def spill_now(self) -> None:
        """See `Gathers`."""
        for receivers, frames in self._taken():
            for outbound in tuple(receivers):  # one that is too slow leaves meanwhile
                outbound.put_now(frames)

    def _taken(self) -> Iterator[tuple[Collection[Outbound], bytes]]:
        gathered, self._gathered = self._gathered, None
        for codec, frames in (gathered or {}).items():
            yield self._receivers[codec].values(), frames[0] if len(frames) == 1 else b"".join(frames)
