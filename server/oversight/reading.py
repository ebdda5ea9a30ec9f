"""An administrator's look at health data leaves a row first."""

from dataclasses import replace
from typing import Any

from server.core.call import Call
from server.core.operation import Operation
from server.storage.audit import write_audit
from server.storage.sql import Database

# What answers conditions, notes or talk to administrators too; files write their own row (care/files.py).
WATCHED = frozenset({"order.detail", "order.list", "chat.history", "note.list"})


class WatchedReads:
    """Wraps operations that read health data; for everybody else they stay as they are."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def watched(self, operation: Operation) -> Operation:
        """The same operation; an administrator is answered only when the row is committed."""
        if operation.name not in WATCHED:
            return operation

        async def run(call: Call, command: Any) -> Any:
            data = await operation.run(call, command)
            if call.user.user_type == "admin":
                order_id = getattr(command, "order_id", None)
                target = "orders" if order_id is None else f"order:{order_id}"
                await self._database.write(lambda tx: write_audit(tx, call, action=operation.name, target=target))
            return data

        return replace(operation, run=run)
