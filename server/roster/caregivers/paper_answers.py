"""How papers are shown to owner and administrator."""

from typing import Any

from server.core.clock import server_now, shanghai_text
from server.core.errors import Refused
from server.roster.id_number import mask_id_number
from server.roster.wording import GENDER_TEXTS, QUALIFICATION_TEXTS
from server.storage.files.links import FileLinks

FILES = ("id_card_front", "id_card_back", "certificate", "health_certificate")


def own_answer(row: Any, *, links: FileLinks) -> dict[str, Any]:
    """A certification as its owner sees it; the addresses open for five minutes."""
    return {
        "certification_id": row["certification_id"],
        "certificate_name": row["certificate_name"],
        "certificate_number": row["certificate_number"],
        "certificate_expires_on": row["certificate_expires_on"].isoformat(),
        "health_certificate_number": row["health_certificate_number"],
        "health_certificate_expires_on": row["health_certificate_expires_on"].isoformat(),
        "id_number_masked": mask_id_number(row["id_number"]),
        "status": row["status"],
        "status_text": QUALIFICATION_TEXTS[row["status"]],
        "reason": row["reason"],
        "submitted_at": shanghai_text(row["submitted_at"]),
        "reviewed_at": shanghai_text(row["reviewed_at"]),
    } | {f"{name}_url": links.url(row[f"{name}_file_id"]) for name in FILES}


def review_answer(row: Any, *, links: FileLinks) -> dict[str, Any]:
    """The same with the person, for an administrator."""
    return own_answer(row, links=links) | {
        "caregiver_id": row["caregiver_id"],
        "user_id": row["user_id"],
        "name": row["name"],
        "gender": row["gender"],
        "gender_text": GENDER_TEXTS[row["gender"]],
        "birth_date": row["birth_date"].isoformat(),
        "experience_years": row["experience_years"],
        "reviewed_by": row["reviewed_by"],
    } | claim_answer(row)


def claim_answer(row: Any) -> dict[str, Any]:
    """Who has it in hand; nobody once the claim is over or the papers are decided."""
    holds = row["status"] == "pending" and row["claimed_until"] is not None and row["claimed_until"] > server_now()
    names = ("claimed_by", "claimed_by_name")
    return {name: row[name] if holds else None for name in names} | {
        "claimed_until": shanghai_text(row["claimed_until"]) if holds else None
    }


def not_yours(row: Any, admin_id: str) -> Refused:
    """Why this administrator does not decide these papers."""
    holder = claim_answer(row)
    if holder["claimed_by"] not in (None, admin_id):
        return Refused("wrong_state", f"该认证正由{holder['claimed_by_name'] or '其他管理员'}审核", data=holder)
    return Refused("wrong_state", "该认证已处理")
