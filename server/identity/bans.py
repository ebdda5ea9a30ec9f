"""Accounts closed and opened again by administrators."""

from typing import Any

from server.core.call import Call
from server.core.clock import server_now, shanghai_text
from server.core.errors import Refused
from server.core.facts import Facts
from server.identity import store
from server.identity.commands_desk import BanUser, UnbanUser
from server.identity.facts import UserBanned, UserUnbanned
from server.identity.logins import Logins
from server.storage.audit import write_audit
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork


class Bans:
    """Each with a reason and an audit row (contract.md §10)."""

    def __init__(self, *, units: UnitOfWork, facts: Facts, logins: Logins) -> None:
        self._units = units
        self._facts = facts
        self._logins = logins

    async def ban(self, call: Call, command: BanUser) -> dict[str, Any]:
        """Close an account: every login ends. Raises Refused `not_found`, `wrong_state` (closed already)."""

        async def body(tx: Transaction) -> dict[str, Any]:
            user, now = await self._user(tx, command.user_id), server_now()
            if command.user_id == call.user.user_id:
                raise Refused("wrong_state", "不能停用自己的账号")
            if not await store.set_ban(tx, command.user_id, at=now, reason=command.reason):
                raise Refused("wrong_state", "该账号已被停用")
            await self._logins.end_all(tx, command.user_id, reason="banned")
            await self._facts.record(tx, UserBanned(command.user_id, user["user_type"], command.reason, now))
            await write_audit(
                tx, call, action="admin.user.ban", target=f"user:{command.user_id}", reason=command.reason
            )
            return {"user_id": command.user_id, "banned_at": shanghai_text(now)}

        return await self._units.run(call, body)

    async def unban(self, call: Call, command: UnbanUser) -> dict[str, Any]:
        """Open it again; logins that ended stay ended. Raises Refused `not_found`, `wrong_state`."""

        async def body(tx: Transaction) -> dict[str, Any]:
            user, now = await self._user(tx, command.user_id), server_now()
            if not await store.lift_ban(tx, command.user_id):
                raise Refused("wrong_state", "该账号未被停用")
            await self._facts.record(tx, UserUnbanned(command.user_id, user["user_type"], command.reason, now))
            before = {"banned_at": shanghai_text(user["banned_at"]), "ban_reason": user["ban_reason"]}
            await write_audit(
                tx,
                call,
                action="admin.user.unban",
                target=f"user:{command.user_id}",
                reason=command.reason,
                detail={"before": before},
            )
            return {"user_id": command.user_id, "banned_at": None}

        return await self._units.run(call, body)

    async def _user(self, tx: Transaction, user_id: str) -> Any:
        user = await store.lock_user(tx, user_id)
        if user is None:
            raise Refused("not_found")
        return user
