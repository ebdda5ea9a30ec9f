"""Tells what a voice message is by its bytes.

Sound is kept as it came, since nothing here could decode it; it is served as sound only, with `nosniff`
and a sandbox, so that a player is the only thing that ever reads it.
"""
import struct
from dataclasses import dataclass

from server.core.errors import Refused, invalid

MAX_SIZE_BYTES = 4_194_304  # ten minutes of speech
MAX_DURATION_S = 600
_M4A_BRANDS = (b"M4A ", b"mp41", b"mp42", b"isom", b"iso2", b"iso5", b"iso6")
_MP3_SYNC_MASK, _MP3_SYNC = 0xFFE0, 0xFFE0


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as it came and the media type that its bytes have."""

    content: bytes
    media_type: str


def check_sound(content: bytes, *, field: str = "file") -> Sound:
    """An m4a, mp3, amr or wav recording. Raises `unsupported_type`, `invalid` (size or duration)."""
    media_type = _media_type(content)
    if media_type is None:
        raise Refused("unsupported_type", "仅支持 m4a、mp3、amr、wav 格式的录音")
    if len(content) > MAX_SIZE_BYTES:
        raise invalid(field, "录音文件过大", code="too_large")
    if _declared_duration_s(content, media_type) > MAX_DURATION_S:
        raise invalid(field, "录音时长不能超过 10 分钟", code="too_long")
    return Sound(content, media_type)


def _media_type(content: bytes) -> str | None:
    if content.startswith((b"#!AMR\n", b"#!AMR-WB\n")):
        return "audio/amr"
    if content[:4] == b"RIFF" and content[8:16] == b"WAVEfmt ":
        return "audio/wav"
    if content[4:8] == b"ftyp" and content[8:12] in _M4A_BRANDS and b"vide" not in content[:65_536]:
        return "audio/mp4"
    return "audio/mpeg" if _is_mp3(content) else None


def _is_mp3(content: bytes) -> bool:
    start = 0
    if content[:3] == b"ID3" and len(content) > 10:
        a, b, c, d = (byte & 0x7F for byte in content[6:10])
        start = 10 + (a << 21 | b << 14 | c << 7 | d)
    head = content[start : start + 4]
    if len(head) < 4:
        return False
    sync, bits = struct.unpack(">HB", head[:3])
    layer_is_3 = sync & 0x0006 == 0x0002
    return sync & _MP3_SYNC_MASK == _MP3_SYNC and layer_is_3 and bits >> 4 not in (0, 15)


def _declared_duration_s(content: bytes, media_type: str) -> float:
    """What the header claims; 0 when it claims nothing."""
    try:
        if media_type == "audio/wav":
            rate = struct.unpack_from("<I", content, 28)[0]
            at = content.find(b"data", 36, 4_096)
            return struct.unpack_from("<I", content, at + 4)[0] / rate if at > 0 and rate else 0.0
        if media_type == "audio/mp4":
            return _movie_duration_s(content)
    except struct.error:
        return 0.0
    return 0.0


def _movie_duration_s(content: bytes) -> float:
    at = content.find(b"mvhd")
    if at < 0:
        return 0.0
    wide = content[at + 4] == 1 if len(content) > at + 4 else False
    scale, length = struct.unpack_from(">IQ", content, at + 24) if wide else struct.unpack_from(">II", content, at + 16)
    return length / scale if scale else 0.0
