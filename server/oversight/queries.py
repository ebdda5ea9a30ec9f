"""Reading the audit; each filter alone has an index."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.engine import RowMapping

from server.storage.tables.identity import t_user
from server.storage.tables.system import audit_log
from server.storage.transaction import Transaction

_row = audit_log.c


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What is wanted; None: whatever. `until` is exclusive."""

    actor_id: str | None = None
    actor_type: str | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def audit_page(
    tx: Transaction, wanted: AuditFilter, *, after: tuple[datetime, str] | None, limit: int
) -> list[RowMapping]:
    """Rows with `actor_name`, the latest first; `after` is the last one's (at, id)."""
    conditions = list(_conditions(wanted))
    if after is not None:
        at, audit_id = after
        conditions.append(or_(_row.at < at, and_(_row.at == at, _row.audit_id < audit_id)))
    source = audit_log.outerjoin(t_user, t_user.c.user_id == _row.actor_id)
    statement = select(audit_log, t_user.c.username.label("actor_name")).select_from(source).where(*conditions)
    return await tx.all(statement.order_by(_row.at.desc(), _row.audit_id.desc()).limit(limit))


def _conditions(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    for name in ("actor_id", "actor_type", "action", "target"):
        value = getattr(wanted, name)
        if value is not None:
            yield _row[name] == value
    if wanted.since is not None:
        yield _row.at >= wanted.since
    if wanted.until is not None:
        yield _row.at < wanted.until
