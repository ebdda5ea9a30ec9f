"""Does an ID number belong to the person it is given for.

GB 11643 as `id_number.py` reads it; birth date and gender come from the number and must agree.
"""

from datetime import date

from server.core.errors import invalid
from server.roster.id_number import BadIdNumber, parse_id_number


def checked_id_number(text: str, *, birth_date: date, gender: str, today: date, field: str = "id_number") -> str:
    """The number in its one spelling. Raises Refused: 422 `invalid` about `field`."""
    try:
        parsed = parse_id_number(text, today=today)
    except BadIdNumber as bad:
        raise invalid(field, str(bad)) from None
    if parsed.birth_date != birth_date:
        raise invalid(field, "身份证号与出生日期不一致", code="mismatch")
    if parsed.gender != gender:
        raise invalid(field, "身份证号与性别不一致", code="mismatch")
    return parsed.number
