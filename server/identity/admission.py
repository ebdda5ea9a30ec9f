"""The door of every way to log in.

Invariant: a failure is counted before it is known to be one (a slot is taken, and given back on success),
so parallel guesses cannot outrun the limit.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from server.core.call import Call
from server.core.clock import server_now
from server.core.errors import CommittedRefusal, Refused, Unavailable
from server.identity import store, store_codes
from server.identity.addresses import address_group, is_loopback
from server.identity.logins import Logins
from server.identity.rules import IdentityRules
from server.identity.store_codes import Slot
from server.storage.sql import Database
from server.storage.transaction import Transaction

_BANNED = "该账号已被停用，如有疑问请联系客服"
_NOT_REGISTERED = "该手机号尚未注册，请先注册"


class Admission:
    """Limits: failures of a phone and of an address in a sliding window (contract.md §3)."""

    def __init__(self, *, database: Database, logins: Logins, rules: IdentityRules) -> None:
        self._database = database
        self._logins = logins
        self._rules = rules

    async def count(self, tx: Transaction, call: Call, *, phone: str | None) -> list[Slot]:
        """Take a slot of the phone and one of the address. Raises Refused `too_many_attempts`."""
        now, slots = server_now(), []
        if phone is not None:
            slots.append(await store_codes.take(tx, self._rules.failures_of_phone, phone, now=now))
        if not (self._rules.loopback_is_exempt and is_loopback(call.remote_address)):
            group = address_group(call.remote_address)
            slots.append(await store_codes.take(tx, self._rules.failures_of_address, group, now=now))
        return slots

    @asynccontextmanager
    async def uncounted_when_unavailable(self, slots: list[Slot]) -> AsyncIterator[None]:
        """What failed on our side is nobody's wrong guess."""
        try:
            yield
        except Unavailable:
            await self._database.write(lambda tx: store_codes.give_back(tx, slots))
            raise

    async def registered(self, tx: Transaction, phone: str) -> Mapping[str, Any]:
        """The account of a phone whose holder has proven to hold it, locked. Raises `login_failed`."""
        user = await store.lock_by_phone(tx, phone)
        if user is None:
            raise Refused("login_failed", _NOT_REGISTERED)
        return user

    async def admit(self, tx: Transaction, user: Mapping[str, Any], *, slots: list[Slot]) -> dict[str, Any]:
        """Begin a login of who has proven to be `user` (a locked row). Raises `forbidden`: banned."""
        await store_codes.give_back(tx, slots)
        if user["banned_at"] is not None:
            raise CommittedRefusal("forbidden", _BANNED)
        return await self._logins.begin(tx, user)
