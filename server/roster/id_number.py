"""Resident identity numbers (GB 11643): checking, masking.

The number itself tells birth date and gender. Retired region codes stay valid, so only the province is
checked; 15-digit numbers were withdrawn in 2013 and are refused (domain.md §12).
"""
import re
from dataclasses import dataclass
from datetime import date

_SHAPE = re.compile(r"[0-9]{17}[0-9Xx]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
# 81-83 are on the residence permits of people from Hong Kong, Macao and Taiwan.
_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 "
    "61 62 63 64 65 71 81 82 83".split()
)
_OLDEST_YEARS = 150


@dataclass(frozen=True, slots=True)
class IdNumber:
    """A checked number with an upper-case X, and what it tells of its holder."""

    number: str
    birth_date: date
    gender: str  # "male" | "female"


class BadIdNumber(ValueError):
    """The text is no resident identity number; the message is Chinese for people."""


def check_character(first_17: str) -> str:
    """The 18th character that belongs to 17 ASCII digits."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True)) % 11]


def parse_id_number(text: str, *, today: date) -> IdNumber:
    """Check a number; `today` is the Shanghai day against which the birth date is judged.

    Raises BadIdNumber. Lower-case x is accepted; blanks, full-width digits and 15 digits are not.
    """
    if not _SHAPE.fullmatch(text):
        raise BadIdNumber("身份证号应为18位")
    number = text.upper()
    if number[:2] not in _PROVINCES:
        raise BadIdNumber("身份证号的地区码不正确")
    birth_date = _birth_date(number, today=today)
    if check_character(number[:17]) != number[17]:
        raise BadIdNumber("身份证号校验位不正确")
    return IdNumber(number, birth_date, "male" if int(number[16]) % 2 else "female")


def _birth_date(number: str, *, today: date) -> date:
    try:
        birth_date = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise BadIdNumber("身份证号中的出生日期不存在") from None
    if birth_date > today or today.year - birth_date.year > _OLDEST_YEARS:
        raise BadIdNumber("身份证号中的出生日期不合理")
    return birth_date


def mask_id_number(number: str) -> str:
    """`110***********002X`: the only form that leaves the server."""
    return f"{number[:3]}{'*' * 11}{number[-4:]}"
