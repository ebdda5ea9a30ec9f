"""Accounts, consents and WeChat identities in SQL."""

from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from server.core.errors import Refused
from server.core.ids import new_id
from server.storage.sealed import FieldKeys
from server.storage.tables.identity import consent, t_user, user_warning, wechat_identity
from server.storage.tables.roster import t_caregiver_info
from server.storage.transaction import Transaction


def phone_hash(keys: FieldKeys, phone: str) -> str:
    """What `t_user.phone_hash` holds for a mobile number of 11 digits."""
    return keys.lookup_hash(phone, "phone")


def _openid_hash(keys: FieldKeys, app: str, openid: str) -> str:
    return keys.lookup_hash(openid, f"wechat_identity.{app}")


async def add_user(
    tx: Transaction, *, username: str, password_hash: str, phone: str, user_type: str, now: datetime
) -> str:
    """Insert the account, return its `user_id`. Raises Refused `phone_taken`, also in a race."""
    user_id = new_id()
    row = insert(t_user).values(
        user_id=user_id,
        username=username,
        password_hash=password_hash,
        phone=phone,
        phone_hash=phone_hash(tx.keys, phone),
        user_type=user_type,
        registered_at=now,
        terms_accepted_at=now,
    )
    try:
        async with tx.savepoint():
            await tx.run(row)
    except IntegrityError:
        raise Refused("phone_taken") from None
    return user_id


async def add_consent(tx: Transaction, user_id: str, *, purpose: str, text_version: str, now: datetime) -> None:
    row = insert(consent).values(
        consent_id=new_id(), user_id=user_id, purpose=purpose, text_version=text_version, given_at=now
    )
    await tx.run(row)


async def has_consented(tx: Transaction, user_id: str, *, purpose: str) -> bool:
    """Whether the account's consent to this stands."""
    return await tx.value(select(consent.c.consent_id).where(*_standing(user_id, purpose)).limit(1)) is not None


async def withdraw_consent(tx: Transaction, user_id: str, *, purpose: str, now: datetime) -> None:
    await tx.run(update(consent).where(*_standing(user_id, purpose)).values(withdrawn_at=now))


def _standing(user_id: str, purpose: str) -> tuple[ColumnElement[bool], ...]:
    return consent.c.user_id == user_id, consent.c.purpose == purpose, consent.c.withdrawn_at.is_(None)


async def nobody_registered(tx: Transaction) -> bool:
    """True for a store that nobody has used yet."""
    return await tx.value(select(t_user.c.user_id).limit(1)) is None


async def find_by_phone(tx: Transaction, phone: str) -> RowMapping | None:
    return await tx.one(_by_phone(tx, phone))


async def lock_by_phone(tx: Transaction, phone: str) -> RowMapping | None:
    """As `find_by_phone`; a ban or a new password waits until this transaction has ended."""
    return await tx.one(_by_phone(tx, phone).with_for_update())


def _by_phone(tx: Transaction, phone: str) -> Select:
    return select(t_user).where(t_user.c.phone_hash == phone_hash(tx.keys, phone))


async def lock_user(tx: Transaction, user_id: str) -> RowMapping | None:
    return await tx.one(select(t_user).where(t_user.c.user_id == user_id).with_for_update())


async def user_with_career(tx: Transaction, user_id: str) -> RowMapping | None:
    """The account and, for a caregiver with a profile, `caregiver_id` and `qualification_status`."""
    joined = t_user.outerjoin(t_caregiver_info, t_caregiver_info.c.user_id == t_user.c.user_id)
    columns = (t_user, t_caregiver_info.c.caregiver_id, t_caregiver_info.c.qualification_status)
    return await tx.one(select(*columns).select_from(joined).where(t_user.c.user_id == user_id))


async def set_password(tx: Transaction, user_id: str, password_hash: str) -> None:
    await tx.run(update(t_user).where(t_user.c.user_id == user_id).values(password_hash=password_hash))


async def set_ban(tx: Transaction, user_id: str, *, at: datetime, reason: str) -> bool:
    """False when the account was banned already."""
    free = (t_user.c.user_id == user_id, t_user.c.banned_at.is_(None))
    return await tx.run(update(t_user).where(*free).values(banned_at=at, ban_reason=reason)) == 1


async def lift_ban(tx: Transaction, user_id: str) -> bool:
    """False when the account was not banned."""
    banned = (t_user.c.user_id == user_id, t_user.c.banned_at.is_not(None))
    return await tx.run(update(t_user).where(*banned).values(banned_at=None, ban_reason=None)) == 1


async def set_verification(tx: Transaction, user_id: str, status: str) -> bool:
    """False when it stood so already."""
    other = (t_user.c.user_id == user_id, t_user.c.verification_status != status)
    return await tx.run(update(t_user).where(*other).values(verification_status=status)) == 1


async def add_warning(
    tx: Transaction, warning_id: str, *, user_id: str, reason: str, by: str, at: datetime
) -> None:
    row = {"warning_id": warning_id, "user_id": user_id, "reason": reason, "warned_by": by, "at": at}
    await tx.run(insert(user_warning).values(**row))


async def count_warnings(tx: Transaction, user_id: str) -> int:
    return await tx.value(select(func.count()).where(user_warning.c.user_id == user_id))


async def user_of_openid(tx: Transaction, app: str, openid: str) -> str | None:
    """The account to which a WeChat identity is bound."""
    mine = (wechat_identity.c.app == app, wechat_identity.c.openid_hash == _openid_hash(tx.keys, app, openid))
    return await tx.value(select(wechat_identity.c.user_id).where(*mine))


async def bind_openid(tx: Transaction, user_id: str, *, app: str, openid: str, now: datetime) -> None:
    """Bind once; again for the same account changes nothing. Raises Refused `wrong_state`: another's."""
    row = insert(wechat_identity).values(
        identity_id=new_id(),
        user_id=user_id,
        app=app,
        openid_hash=_openid_hash(tx.keys, app, openid),
        openid=openid,
        bound_at=now,
    )
    try:
        async with tx.savepoint():
            await tx.run(row)
    except IntegrityError:
        if await user_of_openid(tx, app, openid) != user_id:
            raise Refused("wrong_state", "该微信已绑定其他账号") from None
