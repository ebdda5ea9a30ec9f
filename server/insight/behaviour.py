"""What people do, recorded of those who agreed to it.

Without the account's separate consent nothing is stored, whatever a client sends; what is stored goes after
180 days (domain.md §13: minimum, purpose, retention).
"""

import json
from datetime import datetime, timedelta
from typing import Any

from server.core.call import Call
from server.core.clock import BusinessClock, server_now
from server.core.errors import invalid
from server.core.ids import new_id
from server.insight import store
from server.insight.commands import PageView, ReportEvents
from server.storage.behaviour.port import BehaviourLog
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(days=180)
# Clients report in bundles and after time without a network; beyond that a clock is wrong.
_AHEAD_AT_MOST = timedelta(days=1)
_BEHIND_AT_MOST = timedelta(days=31)


class Behaviour:
    """Records behaviour events; a person's own events are never shown to others one by one."""

    def __init__(self, *, units: UnitOfWork, log: BehaviourLog, clock: BusinessClock) -> None:
        self._units = units
        self._log = log
        self._clock = clock

    async def report_events(self, call: Call, command: ReportEvents) -> dict[str, Any]:
        """{"stored": how many}: 0 without consent. Raises `invalid` for an impossible time."""
        self._require_plausible(command.events)
        user_id = call.user.user_id

        async def body(tx: Transaction) -> dict[str, Any]:
            if not await store.has_agreed(tx, user_id):
                return {"stored": 0}
            views = [view.model_dump() | {"detail": None} for view in command.events]
            await self._log.add(tx, [_row(user_id, "view", **view) for view in views])
            return {"stored": len(views)}

        return await self._units.run(call, body)

    def _require_plausible(self, events: list[PageView]) -> None:
        # A client's clock follows the server's time or, in the sandbox, the business time shown to it.
        earliest, latest = server_now() - _BEHIND_AT_MOST, self._clock.now() + _AHEAD_AT_MOST
        for position, view in enumerate(events):
            if not earliest <= view.entered_at <= latest:
                raise invalid(f"events.{position}.entered_at", "时间超出允许范围", code="out_of_range")

    async def record_login(self, tx: Transaction, user_id: str, at: datetime) -> None:
        """A login on some device, if the person agreed."""
        await self._record(tx, user_id, "login", at=at, detail=None)

    async def record_search(self, tx: Transaction, user_id: str, at: datetime, filters: dict[str, Any]) -> None:
        """What was looked for, if the person agreed; `filters` is JSON-able."""
        detail = json.dumps(filters, ensure_ascii=False, separators=(",", ":"))
        await self._record(tx, user_id, "search", at=at, detail=detail)

    async def _record(self, tx: Transaction, user_id: str, kind: str, *, at: datetime, detail: str | None) -> None:
        if await store.has_agreed(tx, user_id):
            row = _row(user_id, kind, page=None, detail=detail, entered_at=at, duration_ms=None)
            await self._log.add(tx, [row])

    async def prune(self) -> int:
        """Delete what is older than 180 days; how much that was. May run anywhere, at any time."""
        return await self._log.forget_before(server_now() - KEPT_FOR)


def _row(user_id: str, kind: str, **values: Any) -> dict[str, Any]:
    return {"event_id": new_id(), "user_id": user_id, "kind": kind, **values}
