"""Logins: begun, renewed by rotation, ended.

A refresh token is used once. The one just rotated gets the same successor for ten seconds, because two
tabs or a lost answer are no theft; anything older is, and ends the family (RFC 9700 §4.14.2).
"""

import secrets
from collections.abc import Collection, Mapping
from typing import Any

from server.core.call import Call
from server.core.clock import server_now
from server.core.errors import CommittedRefusal, Refused
from server.core.facts import Facts
from server.identity import store_logins
from server.identity.commands import LogOut, RefreshLogin
from server.identity.facts import LoggedIn, LoginRevoked
from server.identity.rules import IdentityRules
from server.identity.tokens import AccessTokens
from server.identity.words import user_answer
from server.storage.retention import repeat
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_REFRESH_TOKEN_BYTES = 32
_ASKED_AT_ONCE = 500  # ids in one statement


class Logins:
    """Answers are those of contract.md §3: `token`, `refresh_token`, `expires_in`, at login also `user`."""

    def __init__(
        self, *, database: Database, units: UnitOfWork, facts: Facts, tokens: AccessTokens, rules: IdentityRules
    ) -> None:
        self._database = database
        self._units = units
        self._facts = facts
        self._tokens = tokens
        self._rules = rules

    async def begin(self, tx: Transaction, user: Mapping[str, Any]) -> dict[str, Any]:
        """A new login of an account that has proven itself; `user` is its row, locked."""
        now, refresh_token = server_now(), secrets.token_urlsafe(_REFRESH_TOKEN_BYTES)
        login_id = await store_logins.add_login(
            tx, user["user_id"], refresh_token=refresh_token, now=now, expires_at=now + self._rules.login_lifetime
        )
        await self._facts.record(tx, LoggedIn(user["user_id"], now))
        tokens = self._pair(user["user_id"], user["user_type"], login_id, refresh_token=refresh_token)
        return {"user": user_answer(user), **tokens}

    def _pair(self, user_id: str, user_type: str, login_id: str, *, refresh_token: str) -> dict[str, Any]:
        token = self._tokens.issue(user_id=user_id, user_type=user_type, login_id=login_id, now=server_now())
        return {"token": token, "refresh_token": refresh_token, "expires_in": self._tokens.lifetime_s}

    async def refresh(self, call: Call, command: RefreshLogin) -> dict[str, Any]:
        """Rotate. Raises Refused `unauthorized` (unknown or ended), `refresh_reused` (the family ends)."""
        presented_hash = store_logins.token_hash(self._database.keys, command.refresh_token)
        async with self._database.read() as tx:  # garbage never waits for the writer
            seen = await store_logins.find_by_refresh(tx, presented_hash)
        if seen is None:
            raise Refused("unauthorized")
        successor = secrets.token_urlsafe(_REFRESH_TOKEN_BYTES)

        async def body(tx: Transaction) -> dict[str, Any]:
            now = server_now()
            rotated = await store_logins.rotate(
                tx, seen, presented_hash=presented_hash, successor=successor, now=now
            )
            login = await store_logins.login_with_user(tx, seen["login_id"])
            if login is None or login["banned_at"] is not None:
                raise Refused("unauthorized")
            following = successor if rotated else await self._known_successor(tx, login, presented_hash)
            return self._pair(
                login["user_id"], login["user_type"], login["login_id"], refresh_token=following
            )

        return await self._units.run(call, body)

    async def _known_successor(self, tx: Transaction, login: Mapping[str, Any], presented_hash: str) -> str:
        now = server_now()
        is_over = login["revoked_at"] is not None or login["expires_at"] <= now
        if login["previous_hash"] == presented_hash and now - login["rotated_at"] <= self._rules.refresh_grace:
            if is_over:
                raise Refused("unauthorized")
            return login["successor"]
        if login["refresh_hash"] == presented_hash:
            raise Refused("unauthorized")
        if await store_logins.revoke(tx, login["login_id"], reason="refresh_reused", now=now):
            await self._facts.record(tx, LoginRevoked(login["user_id"], login["login_id"], "refresh_reused"))
        raise CommittedRefusal("refresh_reused")

    async def log_out(self, call: Call, command: LogOut) -> dict[str, Any]:
        """End the caller's own login everywhere; again changes nothing."""
        actor = call.user

        async def body(tx: Transaction) -> dict[str, Any]:
            if await store_logins.revoke(tx, actor.login_id, reason="logout", now=server_now()):
                await self._facts.record(tx, LoginRevoked(actor.user_id, actor.login_id, "logout"))
            return {}

        return await self._units.run(call, body)

    async def end_all(self, tx: Transaction, user_id: str, *, reason: str) -> None:
        """End every login of an account, whatever device it is on."""
        await store_logins.revoke_all(tx, user_id, reason=reason, now=server_now())
        await self._facts.record(tx, LoginRevoked(user_id, None, reason))

    async def ended_logins(self, login_ids: Collection[str]) -> set[str]:
        """Those of the logins that are over: logged out, run out, of a banned account, or forgotten."""
        asked, ended = list(login_ids), set(login_ids)
        for start in range(0, len(asked), _ASKED_AT_ONCE):
            async with self._database.read() as tx:
                ended -= await store_logins.living_logins(tx, asked[start : start + _ASKED_AT_ONCE], now=server_now())
        return ended

    async def forget_ended(self) -> int:
        """A round of the job: delete ended logins, old codes and attempts; how many rows."""
        now = server_now()
        return await repeat(self._database, lambda tx: store_logins.forget_some(tx, now=now))
