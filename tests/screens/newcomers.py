"""Caregivers whose papers wait for an administrator.

Their papers are drawn as the demo world's are, with 演示样本 across.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from server.demo.certificates import Bearer, draw_certificate, draw_id_card_back, draw_id_card_front
from server.demo.lettering import find_cjk_font
from server.demo.numbers import id_number
from server.demo.portraits import draw_portrait
from tests.e2e.people import People, Person, register

PASSWORD = "correct horse"
_COUNTY = "0300"  # keeps these ID numbers apart from those of all other worlds


@dataclass(frozen=True)
class Newcomer:
    """Who registers; `place` makes the numbers differ."""

    place: int
    phone: str
    name: str
    name_latin: str
    gender: str
    birth_date: date


_NEWCOMERS = (
    Newcomer(1, "13960000081", "林秀珍", "Lin Xiuzhen", "female", date(1985, 3, 7)),
    Newcomer(2, "13960000082", "罗建平", "Luo Jianping", "male", date(1979, 11, 21)),
)


def enrol_newcomers(people: People) -> list[Person]:
    """Registered, with a profile and papers handed in."""
    return [_enrol(people, newcomer) for newcomer in _NEWCOMERS]


def _enrol(people: People, one: Newcomer) -> Person:
    person = register(people.caller, one.phone, user_type="caregiver", username=one.name, password=PASSWORD)
    profile: dict[str, Any] = {
        "name": one.name, "gender": one.gender, "birth_date": one.birth_date.isoformat(), "contact_phone": one.phone,
        "districts": ["xicheng"], "skills": ["elderly_care", "post_surgery"], "experience_years": 6,
        "bio": "在康复科病区做了六年护理员，会用助行器和轮椅，待老人有耐心。",
    }  # fmt: skip
    person.post("/api/caregiver/profile", profile)
    fields, papers = _papers(one)
    reply = person.upload("/api/caregiver/qualification", fields, **papers)
    assert reply.status == 201, (reply.code, reply.errors)
    return person


def _papers(one: Newcomer) -> tuple[dict[str, str], dict[str, bytes]]:
    number = id_number(one.place, birth_date=one.birth_date, gender=one.gender, county=_COUNTY)
    portrait = draw_portrait(one.phone, gender=one.gender, age=40)
    bearer = Bearer(one.name, one.name_latin, one.gender, one.birth_date, number, portrait)
    valid_until, font = date.today() + timedelta(days=500), find_cjk_font()
    certificate, health = f"YLHL2026-000{one.place:04d}", f"JK2026-000{one.place:04d}"
    fields = {
        "id_number": number, "certificate_name": "养老护理员职业技能等级证书", "certificate_number": certificate,
        "certificate_expires_on": valid_until.isoformat(), "health_certificate_number": health,
        "health_certificate_expires_on": valid_until.isoformat(),
    }  # fmt: skip
    return fields, {
        "id_card_front": draw_id_card_front(bearer, font_path=font),
        "id_card_back": draw_id_card_back(bearer, font_path=font),
        "certificate": draw_certificate(
            bearer, title="养老护理员职业技能等级证书", title_latin="Certificate of care", number=certificate,
            expires_on=valid_until, font_path=font,
        ),
        "health_certificate": draw_certificate(
            bearer, title="健康证明", title_latin="Certificate of health", number=health, expires_on=valid_until,
            font_path=font,
        ),
    }
