"""Editions in SQL: added, never changed."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from server.storage.tables.identity import t_user
from server.storage.tables.system import rule_edition
from server.storage.transaction import Transaction

_edition = rule_edition.c
_NEWEST = select(func.max(_edition.number))


async def newest_number(tx: Transaction) -> int | None:
    return await tx.value(_NEWEST, {})


def _with_names() -> Any:
    source = rule_edition.outerjoin(t_user, t_user.c.user_id == _edition.made_by)
    return select(rule_edition, t_user.c.username.label("made_by_name")).select_from(source)


async def edition(tx: Transaction, number: int) -> RowMapping | None:
    """One with `made_by_name`; `document` and `changed` are texts."""
    return await tx.one(_with_names().where(_edition.number == number))


async def document_of(tx: Transaction, number: int) -> dict[str, Any] | None:
    """As it stands now, also where this transaction's view of the store is older."""
    wanted = select(_edition.document).where(_edition.number == number)
    text = await tx.value(wanted.with_for_update(read=True) if tx.has_rivals else wanted)
    return None if text is None else json.loads(text)


async def editions_before(tx: Transaction, number: int | None, *, limit: int) -> list[RowMapping]:
    """The newest first."""
    earlier = () if number is None else (_edition.number < number,)
    return await tx.all(_with_names().where(*earlier).order_by(_edition.number.desc()).limit(limit))


async def add_edition(
    tx: Transaction,
    number: int,
    document: dict[str, Any],
    *,
    changed: list[str],
    reason: str | None,
    by: str | None,
    at: datetime,
) -> bool:
    """False when there is an edition of this number already: somebody was faster."""
    row = {"number": number, "document": json.dumps(document, ensure_ascii=False), "changed": json.dumps(changed)}
    try:
        async with tx.savepoint():
            await tx.run(insert(rule_edition).values(**row, reason=reason, made_by=by, made_at=at))
    except IntegrityError:
        return False
    return True
