"""The same messages in other frames, made once for all.

Channels group their receivers by codec object; a reframed codec is one more, so a publication is
compressed or wrapped once, however many connections share it.
"""

import zlib
from collections.abc import Callable

from server.ws.wire.answers import Publication, Push, Reply
from server.ws.wire.codec import Codec
from server.ws.wire.commands import Command
from server.ws.wire.frames import framed, payload_of

Reframe = Callable[[bytes], bytes]

WINDOW_BITS = 12  # 4 KiB hold a page of chat; the Python client asks for no more, others take any
_LEVEL, _MEMORY_LEVEL = 6, 5
_COMPRESSED = 0x40  # RSV1 of RFC 7692
_OFFERED = {
    "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits", "client_max_window_bits",
}  # fmt: skip
_SYNC_MARK = b"\x00\x00\xff\xff"  # ends every flushed block and is left out (RFC 7692 §7.2.1)


class Reframed:
    """Implements `Codec`: what another one says, its WebSocket frames put into others."""

    def __init__(self, codec: Codec, reframe: Reframe) -> None:
        self._codec = codec
        self._reframe = reframe
        self.subprotocol = codec.subprotocol
        self.is_text = codec.is_text
        self.ping = reframe(codec.ping)
        self.pong = codec.pong
        self.pong = codec.pong

    def decode(self, message: str | bytes) -> list[Command]:
        return self._codec.decode(message)

    def encode_reply(self, reply: Reply) -> bytes:
        return self._reframe(self._codec.encode_reply(reply))

    def encode_publication(self, channel: str, publication: Publication) -> bytes:
        return self._reframe(self._codec.encode_publication(channel, publication))

    def encode_push(self, push: Push) -> bytes:
        return self._reframe(self._codec.encode_push(push))


def deflating(*, from_bytes: int) -> Reframe:
    """Compress messages of at least so many bytes, each for itself: no context is carried over.

    So a compressed frame can be shared, and a connection keeps no compressor (zlib's default holds 256 KiB).
    A message that does not shrink stays as it is, which RFC 7692 §6 allows for any message.
    """

    def deflate(frame: bytes) -> bytes:
        payload = payload_of(frame)
        if len(payload) < from_bytes:
            return frame
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -WINDOW_BITS, _MEMORY_LEVEL)
        small = (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_SYNC_MARK)
        if len(small) >= len(payload):
            return frame
        plain_head = framed(small, is_text=True)
        return bytes((frame[0] | _COMPRESSED,)) + plain_head[1:]

    return deflate


def agreed_compression(offers: str) -> dict[str, str | None] | None:
    """Parameters of permessage-deflate to agree to, of a client's Sec-WebSocket-Extensions; None: decline.

    Always without context, in both directions; windows below ours are declined (RFC 7692 §7.1).
    """
    for offer in offers.split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        asked = dict(parameter.partition("=")[::2] for parameter in parameters)
        window = asked.get("server_max_window_bits", "15").strip('" ')
        if name != "permessage-deflate" or len(asked) < len(parameters) or not _OFFERED.issuperset(asked):
            continue
        if window.isascii() and window.isdigit() and WINDOW_BITS <= int(window[:3]) <= zlib.MAX_WBITS:
            agreed: dict[str, str | None] = {"server_no_context_takeover": None, "client_no_context_takeover": None}
            return agreed | {name: str(WINDOW_BITS) for name in asked if name == "server_max_window_bits"}
    return None


def as_line(frame: bytes) -> bytes:
    """One line of an HTTP stream."""
    return payload_of(frame) + b"\n"


def as_it_is(frame: bytes) -> bytes:
    """Messages that say their length themselves."""
    return payload_of(frame)


def as_event(frame: bytes) -> bytes:
    """One event of `text/event-stream`; a carriage return would end its line, and in JSON it is a space."""
    return b"data: " + payload_of(frame).replace(b"\r", b" ") + b"\n\n"
