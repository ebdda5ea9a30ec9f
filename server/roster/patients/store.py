"""Rows of patients, their consent and their family."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from server.core.ids import new_id
from server.storage.sealed import FieldKeys
from server.storage.tables.identity import consent, t_user
from server.storage.tables.roster import patient_invite, patient_viewer, t_patient_info
from server.storage.transaction import Transaction

HEALTH_DATA = "health_data"
HEALTH_TEXT_VERSION = "2026-11"  # of the consent's wording in web/

_alive = t_patient_info.c.deleted_at.is_(None)


class IdNumberTaken(Exception):
    """The account has a patient with this ID number already."""


def id_number_hash(tx: Transaction, user_id: str, number: str | None) -> str | None:
    """The keyed hash that is unique in an account."""
    return None if number is None else tx.keys.lookup_hash(f"{user_id}\0{number}", "patient.id_number")


def name_hash(keys: FieldKeys, name: str) -> str:
    """By which administrators find a patient's name, exactly as it is written."""
    return keys.lookup_hash(name, "patient.name")


_WITHOUT_HASH = select(t_patient_info.c.patient_id, t_patient_info.c.name).where(t_patient_info.c.name_hash.is_(None))


async def has_name_without_hash(tx: Transaction) -> bool:
    return await tx.one(_WITHOUT_HASH.limit(1)) is not None


async def fill_name_hashes(tx: Transaction, *, limit: int) -> int:
    """Patients from before there were hashes get theirs; how many."""
    rows = await tx.all(_WITHOUT_HASH.limit(limit))
    for row in rows:
        here = t_patient_info.c.patient_id == row["patient_id"]
        await tx.run(update(t_patient_info).where(here).values(name_hash=name_hash(tx.keys, row["name"])))
    return len(rows)


async def lock_account(tx: Transaction, user_id: str) -> None:
    """Changes of one account's patients follow each other (SQLite has one writer anyway)."""
    await tx.value(select(t_user.c.user_id).where(t_user.c.user_id == user_id).with_for_update())


async def count_patients(tx: Transaction, user_id: str) -> int:
    here = (t_patient_info.c.user_id == user_id, _alive)
    return await tx.value(select(func.count()).select_from(t_patient_info).where(*here))


async def add_patient(tx: Transaction, row: dict[str, Any]) -> None:
    """Raises IdNumberTaken."""
    try:
        async with tx.savepoint():
            await tx.run(insert(t_patient_info).values(row | {"name_hash": name_hash(tx.keys, row["name"])}))
    except IntegrityError as error:
        raise IdNumberTaken from error


async def change_patient(tx: Transaction, patient_id: str, changes: dict[str, Any]) -> None:
    """Raises IdNumberTaken."""
    if "name" in changes:
        changes = changes | {"name_hash": name_hash(tx.keys, changes["name"])}
    try:
        async with tx.savepoint():
            await tx.run(update(t_patient_info).where(t_patient_info.c.patient_id == patient_id).values(changes))
    except IntegrityError as error:
        raise IdNumberTaken from error


async def own_patient(tx: Transaction, patient_id: str, *, user_id: str) -> RowMapping | None:
    here = (t_patient_info.c.patient_id == patient_id, t_patient_info.c.user_id == user_id, _alive)
    return await tx.one(select(t_patient_info).where(*here))


async def patients_of(tx: Transaction, user_id: str, *, after: str | None, limit: int) -> list[RowMapping]:
    """Oldest first; `after` is the id of the last one that was shown."""
    later = () if after is None else (t_patient_info.c.patient_id > after,)
    statement = select(t_patient_info).where(t_patient_info.c.user_id == user_id, _alive, *later)
    return await tx.all(statement.order_by(t_patient_info.c.patient_id).limit(limit))


async def lock_patient(tx: Transaction, patient_id: str) -> None:
    """Wait for bookings of this patient and keep new ones out until the commit."""
    version = t_patient_info.c.calendar_version
    here = t_patient_info.c.patient_id == patient_id
    await tx.run(update(t_patient_info).where(here).values(calendar_version=version + 1))


async def delete_patient(tx: Transaction, patient_id: str, *, at: datetime) -> bool:
    """Soft: past orders still name the patient, but the health data and the number go."""
    here = (t_patient_info.c.patient_id == patient_id, _alive)
    gone = {"deleted_at": at, "updated_at": at, "id_number": None, "id_number_hash": None, "condition": None}
    return await tx.run(update(t_patient_info).where(*here).values(gone)) == 1


async def give_consent(tx: Transaction, user_id: str, patient_id: str, *, at: datetime) -> None:
    await tx.run(
        insert(consent).values(
            consent_id=new_id(),
            user_id=user_id,
            purpose=HEALTH_DATA,
            text_version=HEALTH_TEXT_VERSION,
            subject_id=patient_id,
            given_at=at,
        )
    )


async def withdraw_consent(tx: Transaction, user_id: str, patient_id: str, *, at: datetime) -> None:
    here = (consent.c.user_id == user_id, consent.c.purpose == HEALTH_DATA, consent.c.subject_id == patient_id)
    await tx.run(update(consent).where(*here, consent.c.withdrawn_at.is_(None)).values(withdrawn_at=at))


async def add_invite(tx: Transaction, row: dict[str, Any]) -> None:
    await tx.run(insert(patient_invite).values(row))


async def find_invite(tx: Transaction, code_hash: str) -> RowMapping | None:
    """The invitation with its patient's owner, unless the patient is gone."""
    source = patient_invite.join(t_patient_info, t_patient_info.c.patient_id == patient_invite.c.patient_id)
    statement = select(patient_invite, t_patient_info.c.user_id.label("owner_id")).select_from(source)
    return await tx.one(statement.where(patient_invite.c.code_hash == code_hash, _alive))


async def use_invite(tx: Transaction, invite_id: str, *, user_id: str, at: datetime) -> bool:
    """Take an invitation that is unused and still runs; False when it is too late."""
    free = (patient_invite.c.used_at.is_(None), patient_invite.c.expires_at > at)
    taken = update(patient_invite).where(patient_invite.c.invite_id == invite_id, *free)
    return await tx.run(taken.values(used_at=at, used_by=user_id)) == 1


async def used_invite(tx: Transaction, invite_id: str) -> str | None:
    """Who has used it, read anew: another request may have been faster."""
    return await tx.value(select(patient_invite.c.used_by).where(patient_invite.c.invite_id == invite_id))


async def is_viewer(tx: Transaction, patient_id: str, user_id: str) -> bool:
    return await tx.value(select(patient_viewer.c.user_id).where(*_viewer(patient_id, user_id))) is not None


async def count_viewers(tx: Transaction, patient_id: str) -> int:
    here = patient_viewer.c.patient_id == patient_id
    return await tx.value(select(func.count()).select_from(patient_viewer).where(here))


async def add_viewer(tx: Transaction, patient_id: str, user_id: str, *, may_chat: bool, at: datetime) -> bool:
    """False when the account was family already; then only `may_chat` is renewed."""
    if await tx.run(update(patient_viewer).where(*_viewer(patient_id, user_id)).values(may_chat=may_chat)):
        return False
    row = {"patient_id": patient_id, "user_id": user_id, "may_chat": may_chat, "joined_at": at}
    await tx.run(insert(patient_viewer).values(row))
    return True


async def viewers_of(tx: Transaction, patient_id: str) -> list[RowMapping]:
    """In the order of joining, with the account's name and phone."""
    source = patient_viewer.join(t_user, t_user.c.user_id == patient_viewer.c.user_id)
    statement = select(patient_viewer, t_user.c.username, t_user.c.phone).select_from(source)
    order = (patient_viewer.c.joined_at, patient_viewer.c.user_id)
    return await tx.all(statement.where(patient_viewer.c.patient_id == patient_id).order_by(*order))


async def remove_viewer(tx: Transaction, patient_id: str, user_id: str) -> bool:
    return await tx.run(delete(patient_viewer).where(*_viewer(patient_id, user_id))) == 1


async def forget_invites(tx: Transaction, patient_id: str) -> None:
    """Invitations that were not used lead nowhere any more."""
    here = (patient_invite.c.patient_id == patient_id, patient_invite.c.used_at.is_(None))
    await tx.run(delete(patient_invite).where(*here))


async def prune_invites(tx: Transaction, *, before: datetime) -> int:
    """Delete invitations that ran out or were used long ago (retention)."""
    return await tx.run(
        delete(patient_invite).where(or_(patient_invite.c.expires_at < before, patient_invite.c.used_at < before))
    )


def _viewer(patient_id: str, user_id: str) -> tuple[Any, ...]:
    return patient_viewer.c.patient_id == patient_id, patient_viewer.c.user_id == user_id
