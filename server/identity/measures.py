"""What administrators say about accounts: warned, verified."""

from typing import Any

from server.core.call import Call
from server.core.clock import server_now
from server.core.errors import Refused
from server.core.facts import Facts
from server.core.ids import new_id
from server.identity import store
from server.identity.commands_desk import VerifyUser, WarnUser
from server.identity.facts import UserVerified, UserWarned
from server.identity.words import VERIFICATION_STATUS_TEXT
from server.storage.audit import write_audit
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_STATUS_OF = {"approve": "verified", "reject": "rejected"}


class Measures:
    """Each with a reason, an audit row and word to the person (contract.md §10)."""

    def __init__(self, *, units: UnitOfWork, facts: Facts) -> None:
        self._units = units
        self._facts = facts

    async def warn(self, call: Call, command: WarnUser) -> dict[str, Any]:
        """Tell somebody off: {"user_id", "warning_id", "warning_count"}.

        Raises Refused `not_found`, `wrong_state` (an administrator).
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            user, now, warning_id = await self._user(tx, command.user_id), server_now(), new_id()
            if user["user_type"] == "admin":
                raise Refused("wrong_state", "不能警告管理员账号")
            await store.add_warning(
                tx, warning_id, user_id=command.user_id, reason=command.reason, by=call.user.user_id, at=now
            )
            await self._facts.record(tx, UserWarned(warning_id, command.user_id, command.reason, now))
            await write_audit(
                tx,
                call,
                action="admin.user.warn",
                target=f"user:{command.user_id}",
                reason=command.reason,
                detail={"warning_id": warning_id},
            )
            count = await store.count_warnings(tx, command.user_id)
            return {"user_id": command.user_id, "warning_id": warning_id, "warning_count": count}

        return await self._units.run(call, body)

    async def verify(self, call: Call, command: VerifyUser) -> dict[str, Any]:
        """Decide whether somebody is who they say: {"user_id", "verification_status", …}.

        Raises Refused `not_found`, `wrong_state` (decided so already).
        """
        status = _STATUS_OF[command.decision]

        async def body(tx: Transaction) -> dict[str, Any]:
            user, now = await self._user(tx, command.user_id), server_now()
            if not await store.set_verification(tx, command.user_id, status):
                raise Refused("wrong_state", f"该账号的认证状态已是“{VERIFICATION_STATUS_TEXT[status]}”")
            fact = UserVerified(command.user_id, verified=status == "verified", reason=command.reason, at=now)
            await self._facts.record(tx, fact)
            await write_audit(
                tx,
                call,
                action="admin.user.verify",
                target=f"user:{command.user_id}",
                reason=command.reason,
                detail={"before": user["verification_status"], "after": status},
            )
            return {
                "user_id": command.user_id,
                "verification_status": status,
                "verification_status_text": VERIFICATION_STATUS_TEXT[status],
            }

        return await self._units.run(call, body)

    async def _user(self, tx: Transaction, user_id: str) -> Any:
        user = await store.lock_user(tx, user_id)
        if user is None:
            raise Refused("not_found")
        return user
