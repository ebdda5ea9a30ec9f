"""Voice messages by their bytes."""
import struct

import pytest

from server.core.errors import Refused
from server.storage.files.sounds import MAX_SIZE_BYTES, check_sound

_MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)


def _wav(*, seconds):
    rate = 16_000
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8_000, rate, 2, 16)
    return b"RIFF" + struct.pack("<I", 36) + head + b"data" + struct.pack("<I", seconds * rate) + bytes(100)


def _m4a(*, seconds, wide=False):
    ftyp = struct.pack(">I", 24) + b"ftypM4A \x00\x00\x00\x00M4A mp42"
    times = struct.pack(">QQIQ", 0, 0, 1_000, seconds * 1_000) if wide else struct.pack(">IIII", 0, 0, 1_000, seconds * 1_000)
    return ftyp + struct.pack(">I", 8) + b"moov" + struct.pack(">I", 108) + b"mvhd" + bytes([wide, 0, 0, 0]) + times


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"#!AMR\n" + bytes(50), "audio/amr"),
        (b"#!AMR-WB\n" + bytes(50), "audio/amr"),
        (_wav(seconds=10), "audio/wav"),
        (_m4a(seconds=10), "audio/mp4"),
        (_m4a(seconds=10, wide=True), "audio/mp4"),
        (_MP3_FRAME, "audio/mpeg"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x05" + bytes(5) + _MP3_FRAME, "audio/mpeg"),
    ],
)
def test_a_recording_is_known_by_its_bytes(content, media_type):
    assert check_sound(content).media_type == media_type


@pytest.mark.parametrize(
    "content",
    [
        b"", b"ID3", b"ID3\x04\x00\x00\x00\x00\x00\x05<script>alert(1)</script>", b"<html>", b"RIFF\x00\x00\x00\x00WEBP",
        b"\xff\xd8\xff\xe0" + bytes(50), b"MZ\x90\x00", b"OggS", b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x18ftypmp42" + bytes(12) + b"vide",
    ],
)
def test_anything_else_is_an_unsupported_type(content):
    with pytest.raises(Refused) as caught:
        check_sound(content)
    assert caught.value.code == "unsupported_type"


@pytest.mark.parametrize("content", [_wav(seconds=86_400), _m4a(seconds=86_400), _m4a(seconds=86_400, wide=True)])
def test_a_day_of_sound_is_refused_by_its_header(content):
    with pytest.raises(Refused) as caught:
        check_sound(content, field="voice")
    assert [(e.field, e.code) for e in caught.value.errors] == [("voice", "too_long")]


def test_a_recording_that_is_too_large_is_refused():
    with pytest.raises(Refused) as caught:
        check_sound(b"#!AMR\n" + bytes(MAX_SIZE_BYTES))
    assert caught.value.errors[0].code == "too_large"
