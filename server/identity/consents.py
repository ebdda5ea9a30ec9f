"""Consents that an account gives and takes back."""

from typing import Any

from server.core.call import Call
from server.core.clock import server_now
from server.identity import store
from server.identity.commands import AnswerConsent
from server.identity.rules import IdentityRules
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork


class Consents:
    """What goes beyond the service itself is done only to who agreed to it (domain.md §13)."""

    def __init__(self, *, units: UnitOfWork, rules: IdentityRules) -> None:
        self._units = units
        self._rules = rules

    async def answer(self, call: Call, command: AnswerConsent) -> dict[str, Any]:
        """{"purpose", "agree"}: how it stands now; the same answer again changes nothing."""
        user_id, purpose = call.user.user_id, command.purpose

        async def body(tx: Transaction) -> dict[str, Any]:
            now = server_now()
            await store.lock_user(tx, user_id)
            if not command.agree:
                await store.withdraw_consent(tx, user_id, purpose=purpose, now=now)
            elif not await store.has_consented(tx, user_id, purpose=purpose):
                version = self._rules.terms_version
                await store.add_consent(tx, user_id, purpose=purpose, text_version=version, now=now)
            return {"purpose": purpose, "agree": command.agree}

        return await self._units.run(call, body)
