"""WebSocket frames as the server sends them."""

import struct

_TEXT, _BINARY = 0x81, 0x82


def framed(payload: bytes, *, is_text: bool) -> bytes:
    """One message as the bytes of one frame, so that all its receivers can share them (RFC 6455 §5.2)."""
    head = _TEXT if is_text else _BINARY
    size = len(payload)
    if size < 126:
        return bytes((head, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", head, 126, size) + payload
    return struct.pack("!BBQ", head, 127, size) + payload


def payload_of(frame: bytes) -> bytes:
    """The message in a frame of ours."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


def control_frame(opcode: int, payload: bytes) -> bytes:
    """A close, ping or pong; its payload has at most 125 bytes (RFC 6455 §5.5)."""
    return bytes((0x80 | opcode, len(payload))) + payload
