"""Refunds that administrators asked for."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from server.storage.tables.billing import refund_request
from server.storage.tables.identity import t_user
from server.storage.transaction import Transaction

_request = refund_request.c


async def add_request(tx: Transaction, row: dict[str, Any]) -> bool:
    """False when another request of the order waits already."""
    try:
        async with tx.savepoint():
            await tx.run(insert(refund_request).values(**row))
    except IntegrityError:
        return False
    return True


async def approved_fen(tx: Transaction, order_id: str) -> int:
    """What administrators have given back of an order so far."""
    here = (_request.order_id == order_id, _request.state == "approved")
    return int(await tx.value(select(func.coalesce(func.sum(_request.amount_fen), 0)).where(*here)))


async def decide_request(tx: Transaction, request_id: str, values: dict[str, Any]) -> bool:
    """Move a request out of `waiting`; False when somebody was faster."""
    waiting = (_request.request_id == request_id, _request.state == "waiting")
    return await tx.run(update(refund_request).where(*waiting).values(live_key=None, **values)) == 1


async def note_refund(tx: Transaction, request_id: str, refund_id: str) -> None:
    await tx.run(update(refund_request).where(_request.request_id == request_id).values(refund_id=refund_id))


def _with_names() -> Any:
    asked, decided = t_user.alias("asked"), t_user.alias("decided")
    names = (asked.c.username.label("requested_by_name"), decided.c.username.label("decided_by_name"))
    source = refund_request.outerjoin(asked, asked.c.user_id == _request.requested_by)
    source = source.outerjoin(decided, decided.c.user_id == _request.decided_by)
    return select(refund_request, *names).select_from(source)


async def request_by_id(tx: Transaction, request_id: str) -> RowMapping | None:
    return await tx.one(_with_names().where(_request.request_id == request_id))


async def requests_of(tx: Transaction, order_id: str) -> list[RowMapping]:
    """The first one first."""
    return await tx.all(_with_names().where(_request.order_id == order_id).order_by(_request.request_id))


async def requests_page(
    tx: Transaction, *, state: str | None, after: tuple[datetime, str] | None, limit: int
) -> list[RowMapping]:
    """The latest first; `after` is the last one's (requested_at, id)."""
    wanted = [] if state is None else [_request.state == state]
    if after is not None:
        at, request_id = after
        same = and_(_request.requested_at == at, _request.request_id < request_id)
        wanted.append(or_(_request.requested_at < at, same))
    latest_first = (_request.requested_at.desc(), _request.request_id.desc())
    return await tx.all(_with_names().where(*wanted).order_by(*latest_first).limit(limit))
