"""Opaque ids that sort by the time they were made.

48 bits of milliseconds and 80 further bits in Crockford's alphabet: 26 lower-case characters that fit
a VARCHAR(32) key and keep new rows together at the end of an index.
"""
import os
import re
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)  # ten bits each
_SHIFTS = tuple(range(120, -1, -10))
ID_PATTERN = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")
TAIL_BYTES = 10


def new_id() -> str:
    """A fresh id; unique without any coordination."""
    return id_of(time.time_ns() // 1_000_000, os.urandom(TAIL_BYTES))


def id_of(made_at_ms: int, tail: bytes) -> str:
    """The id of an instant in unix milliseconds with a tail of ten bytes."""
    bits = (made_at_ms << 80 | int.from_bytes(tail)) << 2  # 26 characters hold 130 bits
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])


def looks_like_id(text: object) -> bool:
    """True for text that `new_id` could have made; anything else is simply not found."""
    return type(text) is str and ID_PATTERN.fullmatch(text) is not None
