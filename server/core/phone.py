"""Mainland mobile numbers: one spelling, one mask.

domain.md §12: no list of prefixes is kept, because operators get new ones.
"""
import re

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_COUNTRY = re.compile(r"(?:\+|00)86")
_LONGEST_INPUT = 32  # "0086" and eleven digits with separators; longer text is not looked at
# Full-width forms are what Chinese keyboards send. Other digits (superscripts, keycaps) stay refused,
# therefore no Unicode normalisation here.
_HALF_WIDTH = {ord("０") + digit: ord("0") + digit for digit in range(10)}
_HALF_WIDTH |= {ord("＋"): ord("+"), ord("－"): ord("-"), ord("\u3000"): ord(" ")}


def mobile_number(text: str) -> str | None:
    """The 11 ASCII digits of a mainland mobile number, or None when the text is not one.

    Takes `+86` or `0086` in front, spaces and hyphens between, full-width digits.
    """
    if len(text) > _LONGEST_INPUT:
        return None
    plain = text.translate(_HALF_WIDTH).replace(" ", "").replace("-", "")
    country = _COUNTRY.match(plain)
    number = plain[country.end() :] if country else plain
    return number if _MOBILE.fullmatch(number) else None


def mask_phone(number: str) -> str:
    """`138****8000`: what others than the owner's partner in an order may see."""
    return f"{number[:3]}****{number[-4:]}"
