"""Approved caregivers in bulk, for the demo world and generated ones.

The rows are what the use cases would have made, without the use cases: accounts must exist, codes and
numbers are taken as they come.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from server.core.ids import new_id
from server.roster.caregivers.store import hour_rows
from server.roster.caregivers.store_papers import id_number_hash
from server.roster.hours import WorkingHours
from server.roster.store import insert_rows
from server.storage.tables.roster import (
    caregiver_district,
    caregiver_hospital,
    caregiver_price,
    caregiver_skill,
    caregiver_work_history,
    t_caregiver_info,
    t_qualification_certification,
)
from server.storage.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedPapers:
    """Audited papers; the file ids are of `stored_file` rows, or of none."""

    id_number: str
    certificate_name: str
    certificate_number: str
    certificate_expires_on: date
    health_certificate_number: str
    health_certificate_expires_on: date
    id_card_front_file_id: str
    id_card_back_file_id: str
    certificate_file_id: str
    health_certificate_file_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedCaregiver:
    """One caregiver; `prices` are (service_type, band, fen), `work_history` (from, to, employer, role)."""

    user_id: str
    name: str
    gender: str
    birth_date: date
    contact_phone: str
    experience_years: int
    bio: str | None
    photo_file_id: str | None
    districts: Sequence[str]
    hospital_ids: Sequence[str]
    skills: Sequence[str]
    work_history: Sequence[tuple[str, str | None, str, str]]
    prices: Sequence[tuple[str, str, int]]
    hours: WorkingHours
    accepts_urgent: bool
    accepts_night: bool
    papers: PlantedPapers
    approved_at: datetime
    listening: bool = True
    scores: Sequence[int] = ()  # of the visible reviews, which somebody else plants
    completed_count: int = 0
    caregiver_id: str = field(default_factory=new_id)
    approved_by: str | None = None


async def plant_caregivers(tx: Transaction, caregivers: Iterable[PlantedCaregiver]) -> list[str]:
    """Insert them with everything that hangs on them; a few statements a call. Returns their ids."""
    planted = list(caregivers)
    rows: dict[Any, list[dict[str, Any]]] = {
        t_caregiver_info: [_caregiver_row(tx, one) for one in planted],
        t_qualification_certification: [_paper_row(tx, one) for one in planted],
    }
    for one in planted:
        for table, children in _children(one).items():
            owned = [{**child, "caregiver_id": one.caregiver_id} for child in children]
            rows.setdefault(table, []).extend(owned)
    for table, many in rows.items():
        await insert_rows(tx, table, many)
    return [one.caregiver_id for one in planted]


def _caregiver_row(tx: Transaction, one: PlantedCaregiver) -> dict[str, Any]:
    papers, count, total = one.papers, len(one.scores), sum(one.scores)
    kept = ("caregiver_id", "user_id", "name", "gender", "birth_date", "contact_phone", "experience_years")
    kept += ("bio", "photo_file_id", "accepts_urgent", "accepts_night", "listening", "completed_count", "approved_at")
    return {name: getattr(one, name) for name in kept} | {
        "id_number": papers.id_number,
        "id_number_hash": id_number_hash(tx, papers.id_number),
        "certificate_number": papers.certificate_number,
        "health_certificate_number": papers.health_certificate_number,
        "qualification_status": "approved",
        "papers_valid_until": min(papers.certificate_expires_on, papers.health_certificate_expires_on),
        "rating_sum": total,
        "review_count": count,
        "good_count": sum(score >= 4 for score in one.scores),
        "rating_milli": (total * 2000 + count) // (count * 2) if count else None,
        "created_at": one.approved_at,
        "updated_at": one.approved_at,
    }


def _paper_row(tx: Transaction, one: PlantedCaregiver) -> dict[str, Any]:
    papers = {name: getattr(one.papers, name) for name in PlantedPapers.__slots__}
    return papers | {
        "certification_id": new_id(),
        "caregiver_id": one.caregiver_id,
        "id_number_hash": id_number_hash(tx, one.papers.id_number),
        "status": "approved",
        "submitted_at": one.approved_at,
        "reviewed_at": one.approved_at,
        "reviewed_by": one.approved_by,
    }


def _children(one: PlantedCaregiver) -> dict[Any, list[dict[str, Any]]]:
    history = [
        {"history_id": new_id(), "position": at, "from": since, "to": to, "employer": employer, "role": role}
        for at, (since, to, employer, role) in enumerate(one.work_history)
    ]
    prices = [{"service_type": code, "band": band, "price_fen": fen} for code, band, fen in one.prices]
    return {
        caregiver_district: [{"district": code} for code in one.districts],
        caregiver_hospital: [{"hospital_id": code} for code in one.hospital_ids],
        caregiver_skill: [{"skill": code} for code in one.skills],
        caregiver_work_history: history,
        caregiver_price: prices,
        **hour_rows(one.hours),
    }
