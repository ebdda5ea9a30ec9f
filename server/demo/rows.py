"""The demo's people as rows of the tables, pure.

Ids are made of what a row stands for, so that the same seed gives the same world in any store.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from server.core.clock import SHANGHAI
from server.core.ids import TAIL_BYTES, id_of
from server.demo.people import GeneratedCaregiver, GeneratedFamily, Hours
from server.roster.hours import WeeklyShift, WorkingHours
from server.roster.opening import open_spans
from server.roster.patients.store import name_hash
from server.roster.pinyin import name_pinyin
from server.storage.sealed import FieldKeys
from server.storage.tables import identity, roster

Row = tuple[Any, dict[str, Any]]  # a table and one row of it

_DAY_MIN = 1_440


def demo_id(made_at: datetime, *names: object) -> str:
    """An id like `core.ids`, the same for the same instant and names."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return id_of(int(made_at.timestamp() * 1000), digest[:TAIL_BYTES])


def morning_of(day: date) -> datetime:
    """Nine o'clock in Shanghai: when demo accounts were made."""
    return datetime.combine(day, time(9), SHANGHAI)


@dataclass(frozen=True, slots=True)
class PlantedFiles:
    """The ids of a caregiver's pictures."""

    photo: str | None
    id_card_front: str
    id_card_back: str
    certificate: str
    health_certificate: str


class PeopleRows:
    """Turns people into rows; `world` keeps the ids of different worlds apart."""

    def __init__(self, *, keys: FieldKeys, password_hash: str, world: str) -> None:
        self._keys = keys
        self._password_hash = password_hash
        self._world = world

    def user_id(self, phone: str, registered_on: date) -> str:
        return demo_id(morning_of(registered_on), self._world, "user", phone)

    def caregiver_id(self, person: GeneratedCaregiver) -> str:
        return demo_id(morning_of(person.registered_on), self._world, "caregiver", person.phone)

    def patient_id(self, family: GeneratedFamily, number: int) -> str:
        return demo_id(morning_of(family.registered_on), self._world, "patient", family.phone, number)

    def account(self, user_type: str, name: str, phone: str, registered_on: date) -> Iterator[Row]:
        at = morning_of(registered_on)
        user_id = self.user_id(phone, registered_on)
        yield (
            identity.t_user,
            {
                "user_id": user_id,
                "username": name,
                "password_hash": self._password_hash,
                "phone": phone,
                "phone_hash": self._keys.lookup_hash(phone, "phone"),
                "user_type": user_type,
                "registered_at": at,
                "terms_accepted_at": at,
                "verification_status": "verified",
            },
        )
        yield identity.consent, self._consent("terms", user_id, None, at)

    def _consent(self, purpose: str, user_id: str, subject_id: str | None, at: datetime) -> dict[str, Any]:
        return {
            "consent_id": demo_id(at, self._world, "consent", purpose, user_id, subject_id),
            "user_id": user_id,
            "purpose": purpose,
            "text_version": "2026-11",
            "subject_id": subject_id,
            "given_at": at,
        }

    def family(self, family: GeneratedFamily) -> Iterator[Row]:
        yield from self.account("patient", family.name.text, family.phone, family.registered_on)
        user_id = self.user_id(family.phone, family.registered_on)
        at = morning_of(family.registered_on)
        for number, patient in enumerate(family.patients):
            patient_id = self.patient_id(family, number)
            yield (
                roster.t_patient_info,
                {
                    "patient_id": patient_id,
                    "user_id": user_id,
                    "name": patient.name.text,
                    "name_hash": name_hash(self._keys, patient.name.text),
                    "birth_date": patient.birth_date,
                    "gender": patient.gender,
                    "relation": patient.relation,
                    "id_number": patient.id_number,
                    "id_number_hash": self._keys.lookup_hash(f"{user_id}\0{patient.id_number}", "patient.id_number"),
                    "contact_phone": patient.contact_phone,
                    "condition": patient.condition,
                    "department": patient.department,
                    "bed_no": patient.bed_no,
                    "health_consent_at": at,
                    "created_at": at,
                    "updated_at": at,
                },
            )
            yield identity.consent, self._consent("health_data", user_id, patient_id, at)

    def caregiver(self, person: GeneratedCaregiver, files: PlantedFiles) -> Iterator[Row]:
        yield from self.account("caregiver", person.name.text, person.phone, person.registered_on)
        caregiver_id = self.caregiver_id(person)
        yield roster.t_caregiver_info, self._caregiver_info(person, files)
        yield roster.t_qualification_certification, self._certification(person, files)
        own = {"caregiver_id": caregiver_id}
        yield from ((roster.caregiver_district, own | {"district": code}) for code in person.districts)
        yield from ((roster.caregiver_hospital, own | {"hospital_id": place}) for place in person.hospital_ids)
        yield from ((roster.caregiver_skill, own | {"skill": code}) for code in person.skills)
        for price in person.prices:
            values = {"service_type": price.service_type, "band": price.band, "price_fen": price.price_fen}
            yield roster.caregiver_price, own | values
        for number, work in enumerate(person.work_history):
            yield roster.caregiver_work_history, self._work(caregiver_id, number, work)
        yield from _hours_rows(caregiver_id, person.weekly_hours)

    def _caregiver_info(self, person: GeneratedCaregiver, files: PlantedFiles) -> dict[str, Any]:
        at, papers = morning_of(person.registered_on), person.papers
        return {
            "caregiver_id": self.caregiver_id(person),
            "user_id": self.user_id(person.phone, person.registered_on),
            "name": person.name.text,
            "name_pinyin": name_pinyin(person.name.text),
            "gender": person.gender,
            "birth_date": person.birth_date,
            "contact_phone": person.phone,
            "experience_years": person.experience_years,
            "bio": person.bio,
            "photo_file_id": files.photo,
            "id_number": person.id_number,
            "id_number_hash": self._keys.lookup_hash(person.id_number, "caregiver.id_number"),
            "certificate_number": papers.certificate_number,
            "health_certificate_number": papers.health_certificate_number,
            "qualification_status": "approved",
            "approved_at": at + timedelta(days=2),
            "papers_valid_until": min(papers.certificate_expires_on, papers.health_certificate_expires_on),
            "accepts_urgent": person.accepts_urgent,
            "accepts_night": person.accepts_night,
            "listening": True,
            "created_at": at,
            "updated_at": at,
        }

    def _certification(self, person: GeneratedCaregiver, files: PlantedFiles) -> dict[str, Any]:
        at, papers = morning_of(person.registered_on), person.papers
        return {
            "certification_id": demo_id(at, self._world, "certification", person.phone),
            "caregiver_id": self.caregiver_id(person),
            "certificate_name": papers.certificate_name,
            "certificate_number": papers.certificate_number,
            "certificate_expires_on": papers.certificate_expires_on,
            "health_certificate_number": papers.health_certificate_number,
            "health_certificate_expires_on": papers.health_certificate_expires_on,
            "id_number": person.id_number,
            "id_number_hash": self._keys.lookup_hash(person.id_number, "caregiver.id_number"),
            "id_card_front_file_id": files.id_card_front,
            "id_card_back_file_id": files.id_card_back,
            "certificate_file_id": files.certificate,
            "health_certificate_file_id": files.health_certificate,
            "status": "approved",
            "submitted_at": at + timedelta(days=1),
            "reviewed_at": at + timedelta(days=2),
        }

    def _work(self, caregiver_id: str, number: int, work: Any) -> dict[str, Any]:
        return {
            "history_id": demo_id(morning_of(work.since), self._world, "work", caregiver_id, number),
            "caregiver_id": caregiver_id,
            "position": number,
            "from": work.since.isoformat()[:7],
            "to": work.to.isoformat()[:7] if work.to else None,
            "employer": work.employer,
            "role": work.role,
        }


def _hours_rows(caregiver_id: str, weekly: tuple[Hours, ...]) -> Iterator[Row]:
    shifts = [WeeklyShift(one.weekday, _minutes(one.start), _minutes(one.end)) for one in weekly]
    for shift in shifts:
        end_min = shift.end_min if shift.end_min > shift.start_min else shift.end_min + _DAY_MIN
        hours = {"weekday": shift.weekday, "start_minute": shift.start_min, "end_minute": end_min}
        yield roster.caregiver_hours, {"caregiver_id": caregiver_id} | hours
    for span in open_spans(WorkingHours(weekly=tuple(shifts))):
        times = {"day": span.day, "start_minute": span.start_minute, "end_minute": span.end_minute}
        yield roster.caregiver_open_time, {"caregiver_id": caregiver_id} | times


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
