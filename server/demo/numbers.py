"""Phone, ID and certificate numbers that belong to nobody.

Each is a pure function of an index, so a stream of a million people needs no memory of what it gave
out. ID numbers are valid by GB 11643 but carry a province's own code (`310000`), which no county issues;
phones lie in 194, a segment without subscribers when this was written, or in 199 0000 for the small world.
"""
from datetime import date, timedelta

from server.roster.id_number import check_character

_PROVINCES = (
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 61, 62,
)
_SERIALS = 500  # serials of one gender: 001, 003 .. 999 for men, 002, 004 .. 998 and 000 for women
_COMBINATIONS = len(_PROVINCES) * _SERIALS
_DAY_STRIDE = 211  # a prime: it shares no factor with any range of days that is not its multiple
PEOPLE_PER_KIND = 1_000_000

PHONE_KINDS = {"caregiver": 1, "family": 2, "relative": 3, "contact": 4}


def county_of(seed: int) -> str:
    """Four digits that keep worlds apart whose seeds end in another digit, as `phone_number` does."""
    return f"00{seed % 10:02d}"


def id_number(index: int, *, birth_date: date, gender: str, county: str = "0000") -> str:
    """An ID number of 18 characters; two indexes give two numbers for the same birth date, gender and
    `county` (four digits that no county has) as long as they differ modulo 13,500."""
    province = _PROVINCES[index % len(_PROVINCES)]
    serial = index // len(_PROVINCES) % _SERIALS * 2 + (1 if gender == "male" else 0)
    first_17 = f"{province}{county}{birth_date:%Y%m%d}{serial:03d}"
    return first_17 + check_character(first_17)


def birth_date_of(index: int, *, earliest: date, latest: date) -> date:
    """A birth date in [earliest, latest], spread evenly; with `id_number` of the same index no two of
    the first 13,500 x days indexes share an ID number."""
    days = (latest - earliest).days + 1
    if days % _DAY_STRIDE == 0:
        days -= 1
    round_number, place = divmod(index, _COMBINATIONS)
    return earliest + timedelta(days=(round_number * _DAY_STRIDE + place * 7_919) % days)


def phone_number(index: int, *, kind: str, seed: int) -> str:
    """A phone of 11 digits, unique per kind (a key of PHONE_KINDS), index and last digit of the seed."""
    if not 0 <= index < PEOPLE_PER_KIND:
        raise ValueError(f"the stream knows {PEOPLE_PER_KIND:,} people of a kind, {index:,} is beyond")
    return f"194{seed % 10}{PHONE_KINDS[kind]}{index:06d}"


def demo_phone(index: int) -> str:
    """A phone of the small demo world: 199 0000 and four digits that are easily read out."""
    return f"1990000{index:04d}"


def certificate_number(index: int, *, prefix: str, issued_on: date) -> str:
    """The number printed on a certificate, e.g. `YLHL2024-0000123`."""
    return f"{prefix}{issued_on.year}-{index:07d}"
