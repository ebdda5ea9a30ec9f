"""Refresh rotation, logout, and the database's last word."""
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update

from server.core.clock import server_now
from server.core.errors import Refused
from server.identity import store_logins
from server.identity.commands import LogOut, RefreshLogin
from server.identity.facts import LoginRevoked
from server.storage.tables.identity import login, spent_refresh_token, t_user
from tests.accounts import Identity, a_call
from tests.stores import some_phone

PHONE = "13800138000"


async def _logged_in(identity, phone=None):
    phone = phone or some_phone()
    await identity.register(phone)
    return await identity.log_in(phone)


async def _refresh(identity, refresh_token):
    return await identity.logins.refresh(a_call(), RefreshLogin(refresh_token=refresh_token))


async def _refused(work) -> str:
    with pytest.raises(Refused) as refused:
        await work
    return refused.value.code


async def _let_time_pass(database, seconds):
    """The grace of every rotation is as if it had begun earlier."""
    back = update(login).values(rotated_at=server_now() - timedelta(seconds=seconds))
    await database.write(lambda tx: tx.run(back))


async def test_a_refresh_gives_a_new_pair_of_the_same_login(identity):
    first = await _logged_in(identity)
    second = await _refresh(identity, first["refresh_token"])
    assert second.keys() == {"token", "refresh_token", "expires_in"} and second["expires_in"] == 900
    assert second["refresh_token"] != first["refresh_token"]
    before = await identity.authenticator.authenticate(first["token"])
    assert await identity.authenticator.authenticate(second["token"]) == before


async def test_the_token_just_rotated_gets_the_same_successor_also_after_a_restart(identity, database):
    first = await _logged_in(identity)
    second = await _refresh(identity, first["refresh_token"])
    assert (await _refresh(identity, first["refresh_token"]))["refresh_token"] == second["refresh_token"]
    restarted = Identity(database)
    assert (await _refresh(restarted, first["refresh_token"]))["refresh_token"] == second["refresh_token"]
    await _refresh(identity, second["refresh_token"])


async def test_after_the_grace_a_second_use_ends_the_family(identity, database):
    first = await _logged_in(identity)
    second = await _refresh(identity, first["refresh_token"])
    await _let_time_pass(database, 11)
    assert await _refused(_refresh(identity, first["refresh_token"])) == "refresh_reused"
    assert await _refused(_refresh(identity, second["refresh_token"])) == "unauthorized"
    for token in (first["token"], second["token"]):
        assert await _refused(identity.authenticator.authenticate(token)) == "unauthorized"


async def test_within_the_grace_nothing_ends(identity, database):
    first = await _logged_in(identity)
    second = await _refresh(identity, first["refresh_token"])
    await _let_time_pass(database, 9)
    assert (await _refresh(identity, first["refresh_token"]))["refresh_token"] == second["refresh_token"]


async def test_a_token_older_than_the_last_is_theft_at_once(identity):
    first = await _logged_in(identity)
    second = await _refresh(identity, first["refresh_token"])
    third = await _refresh(identity, second["refresh_token"])
    assert await _refused(_refresh(identity, first["refresh_token"])) == "refresh_reused"
    assert await _refused(_refresh(identity, third["refresh_token"])) == "unauthorized"


async def test_the_end_of_a_family_is_told_once_and_touches_no_other(identity):
    await identity.register(PHONE)
    stolen, other = await identity.log_in(PHONE), await identity.log_in(PHONE)
    actor = await identity.authenticator.authenticate(stolen["token"])
    second = await _refresh(identity, stolen["refresh_token"])
    await _refresh(identity, second["refresh_token"])
    for _ in range(2):
        assert await _refused(_refresh(identity, stolen["refresh_token"])) == "refresh_reused"
    told = [fact for fact in identity.told.facts if isinstance(fact, LoginRevoked)]
    assert told == [LoginRevoked(actor.user_id, actor.login_id, "refresh_reused")]
    assert (await _refresh(identity, other["refresh_token"]))["token"]


async def test_tokens_that_never_were_are_refused(identity):
    answer = await _logged_in(identity)
    for token in ("x", answer["token"], answer["refresh_token"] + "x", "' or 1=1--", "é"):
        assert await _refused(_refresh(identity, token)) == "unauthorized"
    assert (await _refresh(identity, answer["refresh_token"]))["token"]


async def test_a_refresh_token_is_no_access_token(identity):
    answer = await _logged_in(identity)
    assert await _refused(identity.authenticator.authenticate(answer["refresh_token"])) == "unauthorized"


async def test_a_family_ends_after_its_lifetime(identity, database):
    answer = await _logged_in(identity)
    past = update(login).values(expires_at=server_now() - timedelta(seconds=1))
    await database.write(lambda tx: tx.run(past))
    assert await _refused(_refresh(identity, answer["refresh_token"])) == "unauthorized"
    assert await _refused(identity.authenticator.authenticate(answer["token"])) == "unauthorized"


async def test_a_logout_ends_this_login_only_and_is_told(identity):
    await identity.register(PHONE)
    here, there = await identity.log_in(PHONE), await identity.log_in(PHONE)
    call = await identity.call_with(here["token"])
    for _ in range(2):
        assert await identity.logins.log_out(call, LogOut()) == {}
    assert await _refused(identity.authenticator.authenticate(here["token"])) == "unauthorized"
    assert await _refused(_refresh(identity, here["refresh_token"])) == "unauthorized"
    assert await identity.authenticator.authenticate(there["token"])
    told = [fact for fact in identity.told.facts if isinstance(fact, LoginRevoked)]
    assert told == [LoginRevoked(call.user.user_id, call.user.login_id, "logout")]


async def test_after_a_logout_not_even_the_grace_answers(identity):
    first = await _logged_in(identity)
    second = await _refresh(identity, first["refresh_token"])
    await identity.logins.log_out(await identity.call_with(second["token"]), LogOut())
    assert await _refused(_refresh(identity, first["refresh_token"])) == "unauthorized"


async def test_the_database_decides_what_an_account_may_be(identity, database):
    answer = await _logged_in(identity)
    change = update(t_user).values(user_type="caregiver")
    await database.write(lambda tx: tx.run(change))
    assert (await identity.authenticator.authenticate(answer["token"])).user_type == "caregiver"


async def test_a_token_of_a_login_that_is_gone_is_refused(identity, database):
    answer = await _logged_in(identity)
    await database.write(lambda tx: tx.run(delete(login)))
    assert await _refused(identity.authenticator.authenticate(answer["token"])) == "unauthorized"


async def test_a_token_that_names_another_accounts_login_is_refused(identity):
    mine, theirs = await _logged_in(identity), await _logged_in(identity)
    now = server_now()
    victim = identity.tokens.read(theirs["token"], now=now)
    me = identity.tokens.read(mine["token"], now=now)
    mixed = identity.tokens.issue(user_id=me.user_id, user_type="admin", login_id=victim.login_id, now=now)
    assert await _refused(identity.authenticator.authenticate(mixed)) == "unauthorized"


async def test_a_socket_learns_when_its_token_ends(identity):
    answer = await _logged_in(identity)
    who = await identity.authenticator.authenticate_socket(answer["token"])
    actor = await identity.authenticator.authenticate(answer["token"])
    assert (who.user_id, who.user_type, who.login_id) == (actor.user_id, actor.user_type, actor.login_id)
    assert 890 < who.expires_at - server_now().timestamp() <= 900


@pytest.mark.parametrize("at_once", [500, 1])
async def test_what_ended_long_ago_is_forgotten_and_the_rest_kept(identity, database, monkeypatch, at_once):
    """However few rows a transaction takes: a login never goes before the tokens it has spent."""
    monkeypatch.setattr(store_logins, "ROWS_AT_ONCE", at_once)
    old, current = await _logged_in(identity), await _logged_in(identity)
    for _ in range(3):
        old = await _refresh(identity, old["refresh_token"])
    old_id = identity.tokens.read(old["token"], now=server_now()).login_id
    past = update(login).where(login.c.login_id == old_id).values(revoked_at=server_now() - timedelta(days=8))
    await database.write(lambda tx: tx.run(past))
    assert await identity.logins.forget_ended() == 3
    async with database.read() as tx:
        assert await tx.value(select(func.count()).select_from(spent_refresh_token)) == 0
        assert await tx.value(select(func.count()).select_from(login)) == 1
    assert await identity.authenticator.authenticate(current["token"])
