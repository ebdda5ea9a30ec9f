"""Behaviour events and their consent in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from server.storage.tables.identity import consent
from server.storage.tables.system import behaviour_event
from server.storage.transaction import Transaction

_PURPOSE = "behaviour"
KINDS = ("view", "login", "search")


async def has_agreed(tx: Transaction, user_id: str) -> bool:
    c = consent.c
    given = (c.user_id == user_id, c.purpose == _PURPOSE, c.withdrawn_at.is_(None))
    return await tx.value(select(c.consent_id).where(*given).limit(1)) is not None


async def add_events(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    await tx.run(insert(behaviour_event), rows)


async def event_ids_before(tx: Transaction, instant: datetime, limit: int) -> list[str]:
    c = behaviour_event.c
    old = (c.kind.in_(KINDS), c.entered_at < instant)  # every kind is named, so that the index is used
    return [row["event_id"] for row in await tx.all(select(c.event_id).where(*old).limit(limit))]


async def delete_events(tx: Transaction, event_ids: list[str]) -> int:
    return await tx.run(delete(behaviour_event).where(behaviour_event.c.event_id.in_(event_ids)))
