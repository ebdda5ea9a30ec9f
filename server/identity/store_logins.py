"""Logins in SQL: families of rotating refresh tokens.

Only hashes of tokens are stored, except the successor of the last rotation, which is sealed so that the
same answer can be given again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from server.core.ids import new_id
from server.storage.retention import ROWS_AT_ONCE, forget_oldest
from server.storage.sealed import FieldKeys
from server.storage.tables.identity import attempt, login, sms_code, spent_refresh_token, t_user
from server.storage.transaction import Transaction

_WHO_IT_SPEAKS_FOR = (
    select(
        login.c.login_id, login.c.user_id, login.c.revoked_at, login.c.expires_at, t_user.c.user_type,
        t_user.c.banned_at,
    )
    .select_from(login.join(t_user, t_user.c.user_id == login.c.user_id))
    .where(login.c.login_id == bindparam("wanted_login"))
)  # fmt: skip
_KEPT_AFTER_THE_END = timedelta(days=7)  # a stolen token of an ended login is still told apart


def token_hash(keys: FieldKeys, refresh_token: str) -> str:
    return keys.lookup_hash(refresh_token, "login.refresh")


async def add_login(
    tx: Transaction, user_id: str, *, refresh_token: str, now: datetime, expires_at: datetime
) -> str:
    """Begin a family and return its `login_id`."""
    login_id = new_id()
    row = insert(login).values(
        login_id=login_id,
        user_id=user_id,
        refresh_hash=token_hash(tx.keys, refresh_token),
        created_at=now,
        expires_at=expires_at,
    )
    await tx.run(row)
    return login_id


async def login_with_user(tx: Transaction, login_id: str) -> RowMapping | None:
    """The login and the account's `user_type` and `banned_at`."""
    joined = login.join(t_user, t_user.c.user_id == login.c.user_id)
    columns = (login, t_user.c.user_type, t_user.c.banned_at)
    return await tx.one(select(*columns).select_from(joined).where(login.c.login_id == login_id))


async def speaks_for(tx: Transaction, login_id: str) -> RowMapping | None:
    """As much of `login_with_user` as every request asks for; nothing sealed is among it."""
    return await tx.one(_WHO_IT_SPEAKS_FOR, {"wanted_login": login_id})


async def living_logins(tx: Transaction, login_ids: Sequence[str], *, now: datetime) -> set[str]:
    """Those of the logins that a request would be let in with."""
    lives = (login.c.revoked_at.is_(None), login.c.expires_at > now, t_user.c.banned_at.is_(None))
    joined = login.join(t_user, t_user.c.user_id == login.c.user_id)
    found = await tx.all(select(login.c.login_id).select_from(joined).where(login.c.login_id.in_(login_ids), *lives))
    return {row["login_id"] for row in found}


async def find_by_refresh(tx: Transaction, presented_hash: str) -> RowMapping | None:
    """The login that a refresh token belongs to or ever belonged to."""
    now_or_just = or_(login.c.refresh_hash == presented_hash, login.c.previous_hash == presented_hash)
    found = await tx.one(select(login).where(now_or_just))
    if found is not None:
        return found
    spent = select(spent_refresh_token.c.login_id).where(spent_refresh_token.c.token_hash == presented_hash)
    return await tx.one(select(login).where(login.c.login_id.in_(spent)))


async def rotate(tx: Transaction, seen: RowMapping, *, presented_hash: str, successor: str, now: datetime) -> bool:
    """Replace the presented token by `successor`; False when it is not (any more) the current one.

    `seen` is the login as it was read when the presented token was current: its previous token is spent.
    """
    current = (
        login.c.login_id == seen["login_id"],
        login.c.refresh_hash == presented_hash,
        login.c.revoked_at.is_(None),
        login.c.expires_at > now,
    )
    change = update(login).where(*current).values(
        refresh_hash=token_hash(tx.keys, successor),
        previous_hash=presented_hash,
        successor=successor,
        rotated_at=now,
    )
    if await tx.run(change) != 1:
        return False
    if seen["previous_hash"] is not None:
        spent = {"token_hash": seen["previous_hash"], "login_id": seen["login_id"], "spent_at": now}
        await tx.run(insert(spent_refresh_token).values(**spent))
    return True


async def revoke(tx: Transaction, login_id: str, *, reason: str, now: datetime) -> bool:
    """End one login; False when it had ended already."""
    alive = (login.c.login_id == login_id, login.c.revoked_at.is_(None))
    return await tx.run(update(login).where(*alive).values(revoked_at=now, revoke_reason=reason)) == 1


async def revoke_all(tx: Transaction, user_id: str, *, reason: str, now: datetime) -> None:
    alive = (login.c.user_id == user_id, login.c.revoked_at.is_(None))
    await tx.run(update(login).where(*alive).values(revoked_at=now, revoke_reason=reason))


async def forget_some(tx: Transaction, *, now: datetime) -> int:
    """Delete some of what nobody asks for any more: ended logins, old codes, old attempts; how many rows, 0: none left.

    A login goes after the tokens it has spent, of which it may have thousands.
    """
    long_ago = now - _KEPT_AFTER_THE_END
    ended = or_(login.c.expires_at < long_ago, login.c.revoked_at < long_ago)
    token, family, code = spent_refresh_token.c.token_hash, login.c.login_id, sms_code.c.code_id
    over = (
        (token, select(token).join(login, family == spent_refresh_token.c.login_id).where(ended)),
        (family, select(family).where(ended)),
        (code, select(code).where(sms_code.c.expires_at < long_ago)),
    )
    for key, which in over:
        rows = await tx.all(which.limit(ROWS_AT_ONCE))
        if rows:
            return await tx.run(delete(key.table).where(key.in_([row[key.name] for row in rows])))
    return await forget_oldest(tx, attempt.c.at, before=long_ago)
