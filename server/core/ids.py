"""Opaque ids that sort by the time they were made.

48 bits of milliseconds and 80 random bits in Crockford's alphabet: 26 lower-case characters that fit
a VARCHAR(32) key and keep new rows together at the end of an index.
"""

import re
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
ID_PATTERN = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")


def new_id() -> str:
    """A fresh id; unique without any coordination."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    characters = []
    for _ in range(26):
        characters.append(_ALPHABET[number & 31])
        number >>= 5
    return "".join(reversed(characters))


def looks_like_id(text: object) -> bool:
    """True for text that `new_id` could have made; anything else is simply not found."""
    return type(text) is str and ID_PATTERN.fullmatch(text) is not None
