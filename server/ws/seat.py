"""One connection's place in one channel."""

from dataclasses import dataclass
from typing import Protocol

from server.ws.outbound import Outbound
from server.ws.wire.codec import Codec


class Occupant(Protocol):
    """The connection, as a channel sees it."""

    def lost_track(self, channel: str) -> None:
        """The channel can no longer be delivered without a gap: subscribe again."""


@dataclass(slots=True, eq=False)
class Seat:
    """`watches`: wants joins and leaves. `joining` until its reply is queued."""

    channel: str
    occupant: Occupant
    outbound: Outbound
    codec: Codec
    watches: bool = False
    joining: bool = True
