"""Whether a person agreed to the recording of behaviour."""

from sqlalchemy import select

from server.storage.tables.identity import consent
from server.storage.transaction import Transaction

_PURPOSE = "behaviour"


async def has_agreed(tx: Transaction, user_id: str) -> bool:
    c = consent.c
    given = (c.user_id == user_id, c.purpose == _PURPOSE, c.withdrawn_at.is_(None))
    return await tx.value(select(c.consent_id).where(*given).limit(1)) is not None
