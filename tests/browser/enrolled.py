"""A new caregiver, through the public contract, up to papers handed in."""
from datetime import date, timedelta
from typing import Any

from tests.e2e.people import People, Person, picture, register

PASSWORD = "correct horse"
_BORN_ON = "1985-03-07"
_ID_NUMBER = "110105198503070043"  # a woman's of that day
_FILES = ("id_card_front", "id_card_back", "certificate", "health_certificate")


def enrol(people: People, *, phone: str, name: str) -> Person:
    """Registered, with a profile."""
    person = register(people.caller, phone, user_type="caregiver", username=name, password=PASSWORD)
    profile: dict[str, Any] = {
        "name": name, "gender": "female", "birth_date": _BORN_ON, "contact_phone": phone, "districts": ["xicheng"],
        "skills": [], "experience_years": 3,
    }  # fmt: skip
    person.post("/api/caregiver/profile", profile)
    return person


def hand_in_papers(person: Person) -> None:
    valid_until = (date.today() + timedelta(days=400)).isoformat()
    fields = {
        "id_number": _ID_NUMBER, "certificate_name": "养老护理员四级", "certificate_number": "ZS-2024-0081",
        "certificate_expires_on": valid_until, "health_certificate_number": "JK-2024-0081",
        "health_certificate_expires_on": valid_until,
    }  # fmt: skip
    pictures = {name: picture(size=(640, 400), color=(180 + 10 * place, 210, 230)) for place, name in enumerate(_FILES)}
    reply = person.upload("/api/caregiver/qualification", fields, **pictures)
    assert reply.status == 201, (reply.code, reply.errors)
