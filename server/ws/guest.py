"""A connection, as those see it who let it in and out."""

from typing import Protocol

from server.ws.outbound import Outbound
from server.ws.seat import Occupant, Seat
from server.ws.session import Session
from server.ws.wire.answers import Reply
from server.ws.wire.codec import Codec
from server.ws.wire.codes import Disconnect, Unsubscription


class Guest(Occupant, Protocol):
    """Kept by the registry while it is connected."""

    session: Session
    outbound: Outbound
    codec: Codec
    seats: dict[str, Seat]

    def reply(self, reply: Reply) -> None:
        """Queue a reply."""

    def close(self, disconnect: Disconnect) -> None:
        """End it."""

    def unsubscribe(self, channel: str, ending: Unsubscription) -> None:
        """End its subscription to the channel, if it has one."""
