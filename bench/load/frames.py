"""WebSocket frames as a load generator needs them: by hand.

The mask is zero: legal on the wire, every server still unmasks, and nothing is spent on our side.
"""

import struct

_MASKED, _FINAL, _NO_MASK = 0x80, 0x80, b"\0\0\0\0"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


def handshake(path: str, host: str) -> bytes:
    """The request that opens a socket."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: cGVpaHUgYmVuY2gga2V5IQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def masked(payload: bytes, *, opcode: int = TEXT) -> bytes:
    """One frame from a client."""
    size = len(payload)
    if size < 126:
        head = bytes((_FINAL | opcode, _MASKED | size))
    elif size < 65_536:
        head = struct.pack("!BBH", _FINAL | opcode, _MASKED | 126, size)
    else:
        head = struct.pack("!BBQ", _FINAL | opcode, _MASKED | 127, size)
    return head + _NO_MASK + payload


def next_frame(data: bytearray, start: int, end: int) -> tuple[int, int, int] | None:
    """Opcode and bounds of the payload of the frame at `start`; None while it is not all there."""
    if end - start < 2:
        return None
    size, body = data[start + 1], start + 2
    if size == 126:
        if end - start < 4:
            return None
        size, body = data[start + 2] << 8 | data[start + 3], start + 4
    elif size == 127:
        if end - start < 10:
            return None
        size, body = int.from_bytes(data[start + 2 : start + 10]), start + 10
    if end - body < size:
        return None
    return data[start] & 0x0F, body, body + size
