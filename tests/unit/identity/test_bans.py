"""Accounts closed and opened by administrators."""
import json

import pytest
from sqlalchemy import select

from server.core.errors import Refused
from server.identity.commands import CreateAdmin, RefreshLogin
from server.identity.commands_desk import BanUser, UnbanUser
from server.identity.facts import LoginRevoked, UserBanned, UserUnbanned
from server.storage.tables.identity import t_user
from server.storage.tables.system import audit_log
from tests.accounts import PASSWORD, a_call
from tests.stores import some_phone

PHONE = "13800138000"


@pytest.fixture
def an_admin(identity):
    async def make():
        phone = some_phone()
        await identity.accounts.create_admin(CreateAdmin(username="值班", phone=phone, password=PASSWORD))
        return await identity.call_with((await identity.log_in(phone))["token"])

    return make


async def _refused(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value


async def test_a_ban_ends_everything_and_is_told_to_the_banned_only_after_the_right_password(identity, an_admin):
    admin, user_id = await an_admin(), await identity.register(PHONE)
    answer = await identity.log_in(PHONE)
    banned = await identity.bans.ban(admin, BanUser(user_id=user_id, reason="多次爽约"))
    assert banned["user_id"] == user_id and banned["banned_at"].endswith("+08:00")
    assert (await _refused(identity.authenticator.authenticate(answer["token"]))).code == "unauthorized"
    again = RefreshLogin(refresh_token=answer["refresh_token"])
    assert (await _refused(identity.logins.refresh(a_call(), again))).code == "unauthorized"
    assert (await _refused(identity.log_in(PHONE, "not the password"))).code == "login_failed"
    forbidden = await _refused(identity.log_in(PHONE))
    assert forbidden.code == "forbidden" and "停用" in forbidden.message


async def test_a_banned_accounts_right_password_is_no_failure(identity, an_admin):
    admin, user_id = await an_admin(), await identity.register(PHONE)
    await identity.bans.ban(admin, BanUser(user_id=user_id, reason="多次爽约"))
    assert [(await _refused(identity.log_in(PHONE))).code for _ in range(7)] == ["forbidden"] * 7


async def test_a_ban_is_told_as_facts_and_written_down(identity, an_admin, database):
    admin, user_id = await an_admin(), await identity.register(PHONE, user_type="caregiver")
    await identity.bans.ban(admin, BanUser(user_id=user_id, reason="多次爽约"))
    revoked, banned = identity.told.facts[-2:]
    assert revoked == LoginRevoked(user_id, None, "banned")
    assert isinstance(banned, UserBanned)
    assert (banned.user_id, banned.user_type, banned.reason) == (user_id, "caregiver", "多次爽约")
    async with database.read() as tx:
        row = await tx.one(select(audit_log))
    assert (row["action"], row["target"], row["reason"]) == ("admin.user.ban", f"user:{user_id}", "多次爽约")
    assert row["actor_id"] == admin.user.user_id


async def test_an_account_opened_again_logs_in_anew(identity, an_admin, database):
    admin, user_id = await an_admin(), await identity.register(PHONE)
    answer = await identity.log_in(PHONE)
    await identity.bans.ban(admin, BanUser(user_id=user_id, reason="误报"))
    await identity.bans.unban(admin, UnbanUser(user_id=user_id, reason="核实无误"))
    assert isinstance(identity.told.facts[-1], UserUnbanned)
    assert (await _refused(identity.authenticator.authenticate(answer["token"]))).code == "unauthorized"
    assert (await identity.log_in(PHONE))["token"]
    async with database.read() as tx:
        row = await tx.one(select(audit_log).where(audit_log.c.action == "admin.user.unban"))
        user = await tx.one(select(t_user).where(t_user.c.user_id == user_id))
    assert json.loads(row["detail"])["before"]["ban_reason"] == "误报"
    assert (user["banned_at"], user["ban_reason"]) == (None, None)


async def test_what_cannot_be_banned_is_refused_without_a_trace(identity, an_admin, database):
    admin, user_id = await an_admin(), await identity.register(PHONE)
    own = BanUser(user_id=admin.user.user_id, reason="手滑")
    assert (await _refused(identity.bans.ban(admin, own))).code == "wrong_state"
    assert (await _refused(identity.bans.ban(admin, BanUser(user_id="nobody", reason="x")))).code == "not_found"
    unban = UnbanUser(user_id=user_id, reason="x")
    assert (await _refused(identity.bans.unban(admin, unban))).code == "wrong_state"
    async with database.read() as tx:
        assert await tx.all(select(audit_log)) == []
    await identity.bans.ban(admin, BanUser(user_id=user_id, reason="x"))
    assert (await _refused(identity.bans.ban(admin, BanUser(user_id=user_id, reason="x")))).code == "wrong_state"
