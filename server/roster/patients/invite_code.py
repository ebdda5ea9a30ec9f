"""A code that one can read out over the phone.

Ten digits: no letters to spell, none to mistake. Guessing is bounded by the edge's limit on joining and
by the code's single day.
"""

import re
import secrets
import unicodedata

_DIGITS = 10
_SEPARATORS = re.compile(r"[\s\-‐-―]+")
_SHAPE = re.compile(rf"[0-9]{{{_DIGITS}}}")


def new_invite_code() -> str:
    """`123-456-7890`."""
    digits = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"


def plain_invite_code(text: str) -> str | None:
    """The ten digits of a code however it was typed, or None when it cannot be one."""
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    return plain if _SHAPE.fullmatch(plain) else None
