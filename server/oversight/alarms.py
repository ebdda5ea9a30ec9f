"""Alarms: raised once, closed when solved or seen to."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_text
from server.core.cursor import Pages
from server.core.errors import Refused, invalid
from server.core.facts import Facts
from server.core.ids import looks_like_id
from server.oversight import store_alarms as store
from server.oversight.commands import CloseAlarm, ListAlarms
from server.oversight.facts import AlarmClosed, AlarmRaised
from server.oversight.wording import ALARM_TEXTS, SOLVED
from server.storage.audit import write_audit
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_PAGES = Pages("alarms", raised_at=datetime, alarm_id=str)
_TEXT_LENGTH = 500
_LATEST_AT_MOST = 10


class Alarms:
    """Use cases of administrators, and what raises and solves alarms inside others' transactions."""

    def __init__(self, *, database: Database, units: UnitOfWork, facts: Facts, clock: BusinessClock) -> None:
        self._database = database
        self._units = units
        self._facts = facts
        self._clock = clock

    async def raise_alarm(
        self, tx: Transaction, *, kind: str, order_id: str | None, text: str, once_key: str
    ) -> None:
        """Nothing happens while the same `once_key` ("<kind>/<what it is about>") stands."""
        now = self._clock.now()
        text = text[:_TEXT_LENGTH]
        alarm_id = await store.add_alarm(tx, kind=kind, order_id=order_id, text=text, once_key=once_key, at=now)
        if alarm_id is not None:
            await self._facts.record(tx, AlarmRaised(alarm_id, kind, order_id, text, now))

    async def solve(self, tx: Transaction, once_keys: Collection[str]) -> None:
        """The causes are gone: what is still open closes, and the same may be raised again one day."""
        now = self._clock.now()
        for row in await store.by_keys(tx, once_keys):
            await store.give_key_back(tx, row["alarm_id"])
            if await store.close_alarm(tx, row["alarm_id"], by=None, reason=SOLVED, at=now):
                await self._facts.record(tx, AlarmClosed(row["alarm_id"], row["kind"], row["order_id"], now))

    async def close(self, call: Call, command: CloseAlarm) -> dict[str, Any]:
        """An administrator has seen to it: {"alarm_id", "closed_at"}. Raises Refused `not_found`, `wrong_state`."""

        async def body(tx: Transaction) -> dict[str, Any]:
            now = self._clock.now()
            alarm = await store.alarm_by_id(tx, command.alarm_id)
            if alarm is None:
                raise Refused("not_found")
            by, reason = call.user.user_id, command.reason
            if not await store.close_alarm(tx, command.alarm_id, by=by, reason=reason, at=now):
                raise Refused("wrong_state", "该告警已关闭")
            await write_audit(
                tx,
                call,
                action="admin.alarm.close",
                target=f"alarm:{command.alarm_id}",
                reason=command.reason,
                detail={"kind": alarm["kind"], "order_id": alarm["order_id"]},
            )
            await self._facts.record(tx, AlarmClosed(command.alarm_id, alarm["kind"], alarm["order_id"], now))
            return {"alarm_id": command.alarm_id, "closed_at": shanghai_text(now)}

        return await self._units.run(call, body)

    async def list_alarms(self, call: Call, query: ListAlarms) -> dict[str, Any]:
        """{"items", "next_cursor"}, the latest first. Raises Refused `invalid`."""
        if query.order_id is not None and not looks_like_id(query.order_id):
            raise invalid("order_id", "不是有效的订单编号")
        after = _PAGES.after(query.cursor)
        is_open = None if query.state is None else query.state == "open"
        async with self._database.read() as tx:
            rows = await store.alarms_page(
                tx, is_open=is_open, kind=query.kind, order_id=query.order_id, after=after, limit=query.limit + 1
            )
        shown, cursor = _PAGES.cut(rows, query.limit)
        return {"items": [alarm_answer(row) for row in shown], "next_cursor": cursor}

    async def open_now(self, tx: Transaction) -> dict[str, Any]:
        """{"open": how many, "latest": some of them, the latest first}."""
        rows = await store.alarms_page(
            tx, is_open=True, kind=None, order_id=None, after=None, limit=_LATEST_AT_MOST
        )
        return {"open": await store.count_open(tx), "latest": [alarm_answer(row) for row in rows]}

    async def of_order(self, tx: Transaction, order_id: str, *, limit: int) -> list[dict[str, Any]]:
        """The latest alarms about an order, as the list shows them."""
        rows = await store.alarms_page(tx, is_open=None, kind=None, order_id=order_id, after=None, limit=limit)
        return [alarm_answer(row) for row in rows]


def alarm_answer(row: Any) -> dict[str, Any]:
    return {
        "alarm_id": row["alarm_id"],
        "kind": row["kind"],
        "kind_text": ALARM_TEXTS.get(row["kind"], row["kind"]),
        "order_id": row["order_id"],
        "text": row["text"],
        "raised_at": shanghai_text(row["raised_at"]),
        "closed_at": shanghai_text(row["closed_at"]),
        "closed_by": row["closed_by"],
        "closed_by_name": row["closed_by_name"],
        "close_reason": row["close_reason"],
    }
