"""Who did what to whom, when and why: one row a deed.

The row is written by the transaction that does the deed, so neither exists without the other; rows are
only ever added (requirement: administrators' writes are traceable; contract.md §10).
"""

import json
from typing import Any

from sqlalchemy import insert

from server.core.call import Call
from server.core.clock import server_now
from server.core.ids import new_id
from server.storage.tables.system import audit_log
from server.storage.transaction import Transaction

_ADDRESS_LENGTH = 64  # the column's; a longer one is no address


async def write_audit(
    tx: Transaction,
    call: Call,
    *,
    action: str,
    target: str,
    reason: str | None = None,
    detail: dict[str, Any] | None = None,
) -> str:
    """Add the row and return its id.

    `action`: the operation's name ("admin.user.ban"); `target`: "<kind>:<id>"; `detail`: JSON-able,
    what was before and after. A call without a login is written as done by "system".
    """
    audit_id = new_id()
    row = insert(audit_log).values(
        audit_id=audit_id,
        actor_id=call.actor.user_id if call.actor else None,
        actor_type=call.actor.user_type if call.actor else "system",
        remote_address=call.remote_address[:_ADDRESS_LENGTH],
        action=action,
        target=target,
        reason=reason,
        detail=None if detail is None else json.dumps(detail, ensure_ascii=False, separators=(",", ":")),
        request_id=call.request_id,
        at=server_now(),
    )
    await tx.run(row)
    return audit_id
