"""Text-message codes and counted attempts in SQL.

Both hold under races on every database: a try is spent and a code used by one conditional statement each,
whose row count says who was first; attempts are counted one after another under their subject's lock row.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from sqlalchemy import Insert, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.core.errors import Refused
from server.core.ids import new_id
from server.identity.rules import Allowance
from server.identity.store import phone_hash
from server.storage.sealed import FieldKeys
from server.storage.tables.identity import attempt, sms_code
from server.storage.transaction import Transaction

_LOCK = 0  # the slot that is no attempt but the subject's lock; attempts are counted from 1


def _code_hash(keys: FieldKeys, phone: str, purpose: str, code: str) -> str:
    return keys.lookup_hash(f"{phone}/{purpose}/{code}", "sms_code")


async def add_code(
    tx: Transaction, phone: str, *, purpose: str, code: str, now: datetime, expires_at: datetime
) -> str:
    """Store a code; it replaces an earlier one of the same purpose. Returns its `code_id`."""
    code_id = new_id()
    row = insert(sms_code).values(
        code_id=code_id,
        phone_hash=phone_hash(tx.keys, phone),
        purpose=purpose,
        code_hash=_code_hash(tx.keys, phone, purpose, code),
        created_at=now,
        expires_at=expires_at,
    )
    await tx.run(row)
    return code_id


async def spend_try(
    tx: Transaction, phone: str, *, purpose: str, code: str, tries: int, now: datetime
) -> str | None:
    """The newest code's `code_id` if `code` is right; the try counts either way, the last one burns it."""
    mine = (sms_code.c.phone_hash == phone_hash(tx.keys, phone), sms_code.c.purpose == purpose)
    newest = select(sms_code).where(*mine).order_by(sms_code.c.created_at.desc(), sms_code.c.code_id.desc())
    row = await tx.one(newest.limit(1))
    if row is None:
        return None
    usable = (
        sms_code.c.code_id == row["code_id"],
        sms_code.c.used_at.is_(None),
        sms_code.c.expires_at > now,
        sms_code.c.tries < tries,
    )
    if await tx.run(update(sms_code).where(*usable).values(tries=sms_code.c.tries + 1)) != 1:
        return None
    return row["code_id"] if row["code_hash"] == _code_hash(tx.keys, phone, purpose, code) else None


async def use_code(tx: Transaction, code_id: str, *, now: datetime) -> bool:
    """Use it up; False when another request was first."""
    unused = (sms_code.c.code_id == code_id, sms_code.c.used_at.is_(None))
    return await tx.run(update(sms_code).where(*unused).values(used_at=now)) == 1


@dataclass(frozen=True, slots=True)
class Slot:
    """One counted attempt; `give_back` makes as if it had not been."""

    kind: str
    subject_hash: str
    number: int
    at: datetime


def _subject_hash(keys: FieldKeys, allowance: Allowance, subject: str) -> str:
    return keys.lookup_hash(subject, f"attempt.{allowance.kind}")


async def take(tx: Transaction, allowance: Allowance, subject: str, *, now: datetime) -> Slot:
    """Count one attempt. Raises Refused (the allowance's code) with the time until one is free again."""
    subject_hash = _subject_hash(tx.keys, allowance, subject)
    await _hold(tx, Slot(allowance.kind, subject_hash, _LOCK, now))
    mine = (attempt.c.kind == allowance.kind, attempt.c.subject_hash == subject_hash, attempt.c.slot != _LOCK)
    rows = await tx.all(select(attempt).where(*mine))
    live = {row["slot"]: row["at"] for row in rows if row["at"] > now - allowance.window}
    if len(live) >= allowance.limit:
        frees_at = sorted(live.values())[-allowance.limit] + allowance.window
        raise Refused(allowance.refusal, retry_after_s=max(1, ceil((frees_at - now).total_seconds())))
    number = next(number for number in range(1, allowance.limit + 1) if number not in live)
    slot = Slot(allowance.kind, subject_hash, number, now)
    await tx.run(delete(attempt).where(*_same(slot)))  # its window is over
    await tx.run(_insertion(slot))
    return slot


async def _hold(tx: Transaction, lock: Slot) -> None:
    """Take turns until the end of the transaction; who comes first for a subject makes its lock row.

    Without it the loser of an INSERT keeps a shared lock on MySQL, and two losers are a deadlock.
    """
    touch = update(attempt).where(*_same(lock)).values(at=lock.at)
    if await tx.run(touch) == 1:
        return
    try:
        async with tx.savepoint():
            await tx.run(_insertion(lock))
    except IntegrityError:
        await tx.run(touch)


def _insertion(slot: Slot) -> Insert:
    return insert(attempt).values(
        kind=slot.kind, subject_hash=slot.subject_hash, slot=slot.number, at=slot.at
    )


def _same(slot: Slot) -> tuple:
    return (
        attempt.c.kind == slot.kind,
        attempt.c.subject_hash == slot.subject_hash,
        attempt.c.slot == slot.number,
    )


async def give_back(tx: Transaction, slots: list[Slot]) -> None:
    """Uncount attempts that turned out well."""
    for slot in slots:
        await tx.run(delete(attempt).where(*_same(slot), attempt.c.at == slot.at))


async def forgive(tx: Transaction, allowance: Allowance, subject: str) -> None:
    """Uncount everything that was held against a subject."""
    subject_hash = _subject_hash(tx.keys, allowance, subject)
    await tx.run(delete(attempt).where(attempt.c.kind == allowance.kind, attempt.c.subject_hash == subject_hash))
