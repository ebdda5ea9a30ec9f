"""Opaque ids that sort by the time they were made.

48 bits of milliseconds and 80 further bits in Crockford's alphabet: 26 lower-case characters that fit
a VARCHAR(32) key and keep new rows together at the end of an index.
"""
import base64
import os
import re
import time

_ALPHABET = b"0123456789abcdefghjkmnpqrstvwxyz"
_FROM_BASE32 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _ALPHABET)
ID_PATTERN = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")
TAIL_BYTES = 10


def new_id() -> str:
    """A fresh id; unique without any coordination."""
    return id_of(time.time_ns() // 1_000_000, os.urandom(TAIL_BYTES))


def id_of(made_at_ms: int, tail: bytes) -> str:
    """The id of an instant in unix milliseconds with a tail of ten bytes."""
    text = base64.b32encode(made_at_ms.to_bytes(6) + tail)
    return text[:26].translate(_FROM_BASE32).decode()


def looks_like_id(text: object) -> bool:
    """True for text that `new_id` could have made; anything else is simply not found."""
    return type(text) is str and ID_PATTERN.fullmatch(text) is not None
