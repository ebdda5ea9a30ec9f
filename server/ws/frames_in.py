"""Takes a client's WebSocket frames out of its bytes.

Without I/O: whoever reads the socket feeds it. Frames of RFC 6455, with RFC 7692 where it was agreed; refuses what
Tornado's own reader refuses, and is compared with it in tests/property/test_frames_in.py.
"""

import zlib
from typing import NamedTuple

from server.ws.stream import unmasked

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_CONTINUATION = 0x0
_FINAL, _COMPRESSED, _RESERVED, _OPCODE = 0x80, 0x40, 0x70, 0x0F
_CONTROL, _MASKED = 0x8, 0x80
_KNOWN = (_CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
_LONGEST_CONTROL = 125
_SYNC_MARK = b"\x00\x00\xff\xff"  # which the sender leaves out (RFC 7692 §7.2.1)


class BrokenFrame(Exception):
    """It breaks the protocol: what comes after it cannot be understood."""


class TooLarge(Exception):
    """A message over the bound, whole or by its parts, as sent or as inflated."""


class Frame(NamedTuple):
    """A whole message or a control frame, by its opcode. Text is a str."""

    opcode: int
    payload: str | bytes


class Frames:
    """Feed bytes as they come, take frames until None. After an exception it is of no more use.

    Between frames nothing is kept but the object itself.
    """

    __slots__ = ("_most_bytes", "_inflates", "_data", "_at", "_opcode", "_parts", "_is_deflated")

    def __init__(self, *, most_bytes: int, inflates: bool) -> None:
        self._most_bytes = most_bytes
        self._inflates = inflates  # permessage-deflate without context was agreed
        self._data = b""
        self._at = 0
        self._opcode = _CONTINUATION  # of the message whose parts are coming
        self._parts: bytearray | None = None
        self._is_deflated = False

    def feed(self, data: bytes) -> None:
        """More bytes."""
        self._data = self._data[self._at :] + data if self._data else data
        self._at = 0

    def next(self) -> Frame | None:
        """The next message or control frame; None until more bytes come. Raises BrokenFrame or TooLarge."""
        while (part := self._part()) is not None:
            frame = self._joined(*part)
            if frame is not None:
                return frame
        return None

    def _part(self) -> tuple[int, bytes] | None:
        """The first byte and the payload of the next frame; it is refused as soon as its head is there."""
        data, at = self._data, self._at
        have = len(data) - at
        if have < 2:
            return None
        first, size = data[at], data[at + 1]
        self._check(first, size & 0x7F)
        body = at + 2
        masked, size = size & _MASKED, size & 0x7F
        if size >= 126:
            body += 2 if size == 126 else 8
            if len(data) < body:
                return None
            size = int.from_bytes(data[at + 2 : body])
        if size + len(self._parts or b"") > self._most_bytes:
            raise TooLarge
        if masked:
            body += 4
        end = body + size
        if len(data) < end:
            return None
        payload = data[body:end]
        if end == len(data):
            self._data, self._at = b"", 0
        else:
            self._at = end
        return first, unmasked(data[body - 4 : body], payload) if masked else payload

    def _check(self, first: int, size: int) -> None:
        """RFC 6455 §5.2, §5.4 and §5.5."""
        opcode = first & _OPCODE
        reserved = first & _RESERVED
        if reserved == _COMPRESSED and self._inflates and opcode in (TEXT, BINARY):
            reserved = 0
        if reserved or opcode not in _KNOWN:
            raise BrokenFrame
        if opcode & _CONTROL:
            if size > _LONGEST_CONTROL or not first & _FINAL:
                raise BrokenFrame
        elif (self._parts is None) == (opcode == _CONTINUATION):
            raise BrokenFrame  # the rest of nothing, or a message within another

    def _joined(self, first: int, payload: bytes) -> Frame | None:
        opcode = first & _OPCODE
        if opcode & _CONTROL:
            return Frame(opcode, payload)
        if opcode != _CONTINUATION:
            self._opcode = opcode
            self._is_deflated = bool(first & _COMPRESSED)
            if not first & _FINAL:
                self._parts = bytearray(payload)
                return None
        elif self._parts is not None:
            self._parts += payload
            if not first & _FINAL:
                return None
            payload, self._parts = bytes(self._parts), None
        return self._whole(payload)

    def _whole(self, payload: bytes) -> Frame:
        if self._is_deflated:
            payload = _inflated(payload, most_bytes=self._most_bytes)
        if self._opcode == BINARY:
            return Frame(BINARY, payload)
        try:
            return Frame(TEXT, payload.decode("utf-8"))
        except UnicodeDecodeError:
            raise BrokenFrame from None


def _inflated(payload: bytes, *, most_bytes: int) -> bytes:
    """Stops at the bound, whatever a bomb would become."""
    inflator = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        message = inflator.decompress(payload + _SYNC_MARK, most_bytes + 1)
    except zlib.error:
        raise BrokenFrame from None
    if len(message) > most_bytes:
        raise TooLarge
    return message
