"""How commands and answers look on the wire: the port."""

from typing import Protocol

from server.ws.wire.answers import Publication, Push, Reply
from server.ws.wire.commands import Command


class Codec(Protocol):
    """One encoding. All results of `encode_*` are whole WebSocket frames, ready to be shared by receivers.

    There is one object a process and encoding; channels group their receivers by it.
    """

    subprotocol: str  # what a client offers in Sec-WebSocket-Protocol
    is_text: bool  # whether its messages travel in text frames
    ping: bytes  # the frame of a server ping
    pong: str | bytes  # a client's whole message that answers one

    def decode(self, message: str | bytes) -> list[Command]:
        """The commands of one message, in order and at least one. Raises BadFrame."""

    def encode_reply(self, reply: Reply) -> bytes:
        """The answer to one command."""

    def encode_publication(self, channel: str, publication: Publication) -> bytes:
        """The push of one event."""

    def encode_push(self, push: Push) -> bytes:
        """The push of anything else."""
