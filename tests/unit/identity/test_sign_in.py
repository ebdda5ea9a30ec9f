"""Logging in: the ways, the limits, what an attacker learns."""
import asyncio
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from server.core.errors import Refused, Unavailable
from server.identity.commands import BindWeChat, LogIn
from server.identity.facts import LoggedIn
from server.identity.passwords import Passwords
from server.identity.rules import IdentityRules
from server.identity.wechat import SandboxWeChat
from server.storage.tables.identity import attempt, login, t_user
from tests.accounts import PASSWORD, Identity, a_call
from tests.stores import make_user, some_phone

PHONE = "13800138000"


async def _failing(identity, phone=PHONE, *, address="203.0.113.7"):
    with pytest.raises(Refused) as refused:
        await identity.log_in(phone, "not the password", address=address)
    return refused.value


async def _by_wechat(identity, code, app="mini"):
    return await identity.sign_in.log_in(a_call(), LogIn(wechat_code=code, wechat_app=app))


async def test_a_login_answers_user_token_and_refresh_token(identity):
    user_id = await identity.register(PHONE, user_type="caregiver", username="李梅")
    answer = await identity.log_in(PHONE)
    assert answer["user"] == {
        "user_id": user_id,
        "username": "李梅",
        "user_type": "caregiver",
        "user_type_text": "陪护人员",
        "phone_masked": "138****8000",
    }
    assert answer["expires_in"] == 900 and answer["refresh_token"]
    actor = await identity.authenticator.authenticate(answer["token"])
    assert (actor.user_id, actor.user_type) == (user_id, "caregiver")
    assert [type(fact) for fact in identity.told.facts].count(LoggedIn) == 1


async def test_no_way_and_two_ways_are_invalid(identity):
    for command in (LogIn(), LogIn(phone=PHONE), LogIn(phone=PHONE, password="x", sms_code="123456")):
        with pytest.raises(Refused) as refused:
            await identity.sign_in.log_in(a_call(), command)
        assert refused.value.code == "invalid" and refused.value.errors


async def test_a_wrong_password_and_an_unknown_phone_are_told_alike(identity):
    await identity.register(PHONE)
    wrong, unknown = await _failing(identity), await _failing(identity, some_phone())
    assert (wrong.code, wrong.message, wrong.data) == (unknown.code, unknown.message, unknown.data)
    assert wrong.code == "login_failed"


async def test_a_phone_that_nobody_has_costs_the_same_hash():
    passwords = Passwords(memory_kib=19_456, rounds=2)
    stored = await passwords.hash(PASSWORD)

    async def cost_s(encoded):
        started = time.process_time()
        assert not await passwords.verify(encoded, "not the password")
        return time.process_time() - started

    known = unknown = float("inf")
    for turn in range(60):  # by turns: load falls on both, and sooner or later each has its turn without any
        known, unknown = min(known, await cost_s(stored)), min(unknown, await cost_s(None))
        if turn >= 8 and abs(known - unknown) < 0.010:
            break
    passwords.close()
    assert abs(known - unknown) < 0.010


async def test_five_failures_of_a_phone_lock_it_even_for_the_right_password(identity):
    await identity.register(PHONE)
    for number in range(5):
        assert (await _failing(identity, address=f"198.51.100.{number}")).code == "login_failed"
    for password in ("not the password", PASSWORD):
        with pytest.raises(Refused) as refused:
            await identity.log_in(PHONE, password, address="192.0.2.1")
        assert refused.value.code == "too_many_attempts"
        assert 590 <= refused.value.retry_after_s <= 600


async def test_an_unknown_phone_is_locked_like_a_known_one(identity):
    phone = some_phone()
    codes = [(await _failing(identity, phone)).code for _ in range(6)]
    assert codes == ["login_failed"] * 5 + ["too_many_attempts"]


async def test_twenty_failures_of_an_address_lock_it_for_all_phones(identity):
    for _ in range(20):
        assert (await _failing(identity, some_phone())).code == "login_failed"
    assert (await _failing(identity, some_phone())).code == "too_many_attempts"
    assert (await _failing(identity, some_phone(), address="198.51.100.9")).code == "login_failed"


async def test_right_logins_are_not_counted(identity):
    await identity.register(PHONE)
    for _ in range(25):
        await identity.log_in(PHONE)
    async with identity.database.read() as tx:
        counted = attempt.c.kind.in_(["login_phone", "login_address"]) & (attempt.c.slot > 0)
        kept = await tx.all(select(attempt).where(counted))
    assert kept == []


async def test_parallel_guesses_cannot_outrun_the_limit(identity):
    await identity.register(PHONE)
    outcomes = await asyncio.gather(*(_failing(identity) for _ in range(20)))
    codes = [refused.code for refused in outcomes]
    assert codes.count("login_failed") == 5 and codes.count("too_many_attempts") == 15


async def test_our_own_failure_is_nobodys_wrong_guess(identity, monkeypatch):
    await identity.register(PHONE)
    monkeypatch.setattr("server.identity.passwords._WAITING_LIMIT", 0)
    for _ in range(6):
        with pytest.raises(Unavailable):
            await identity.log_in(PHONE)
    monkeypatch.undo()
    assert (await identity.log_in(PHONE))["token"]


async def test_a_hash_of_an_older_cost_is_renewed_at_login(identity, database):
    user_id = await identity.register(PHONE)
    older = Passwords(memory_kib=16, rounds=1)
    stale = await older.hash(PASSWORD)
    older.close()
    change = update(t_user).where(t_user.c.user_id == user_id).values(password_hash=stale)
    await database.write(lambda tx: tx.run(change))
    await identity.log_in(PHONE)
    async with database.read() as tx:
        renewed = await tx.value(select(t_user.c.password_hash))
    assert renewed != stale and "m=8," in renewed
    assert (await identity.log_in(PHONE))["token"]


async def test_a_hash_that_is_none_fits_no_password(identity, database):
    phone = some_phone()
    await make_user(database, phone=phone)
    assert (await _failing(identity, phone)).code == "login_failed"


async def test_an_unbound_wechat_gets_a_token_with_which_it_is_bound(identity):
    user_id = await identity.register(PHONE)
    with pytest.raises(Refused) as unbound:
        await _by_wechat(identity, "w1")
    assert unbound.value.code == "wechat_unbound" and unbound.value.status == 401
    bind_token = unbound.value.data["bind_token"]
    code = await identity.send_code(PHONE, "bind")
    command = BindWeChat(bind_token=bind_token, phone=PHONE, sms_code=code)
    assert (await identity.wechat.bind(a_call(), command))["user"]["user_id"] == user_id
    assert (await _by_wechat(identity, "w1"))["user"]["user_id"] == user_id
    with pytest.raises(Refused):
        await _by_wechat(identity, "w1", app="oa")  # another app is another identity


async def test_wechats_own_phone_proof_binds_too(identity):
    user_id = await identity.register(PHONE)
    command = BindWeChat(bind_token=await _bind_token(identity, "w2"), phone_code=PHONE)
    assert (await identity.wechat.bind(a_call(), command))["user"]["user_id"] == user_id


async def _bind_token(identity, code):
    with pytest.raises(Refused) as unbound:
        await _by_wechat(identity, code)
    return unbound.value.data["bind_token"]


async def test_binding_needs_a_genuine_token_a_right_code_and_an_account(identity):
    await identity.register(PHONE)
    token, stranger = await _bind_token(identity, "w3"), some_phone()
    code = await identity.send_code(stranger, "bind")
    refusals = {
        "unauthorized": BindWeChat(bind_token=token[:-4] + "AAAA", phone_code=PHONE),
        "sms_code_wrong": BindWeChat(bind_token=token, phone=PHONE, sms_code="000000"),
        "login_failed": BindWeChat(bind_token=token, phone=stranger, sms_code=code),
        "invalid": BindWeChat(bind_token=token, phone=PHONE),
    }
    for expected, command in refusals.items():
        with pytest.raises(Refused) as refused:
            await identity.wechat.bind(a_call(), command)
        assert refused.value.code == expected


@pytest.mark.parametrize("token", ["", "x", "abc.def", "é", "a" * 4000, "{}", "00000000.AAAA"])
async def test_garbage_is_no_bind_token(identity, token):
    with pytest.raises(Refused) as refused:
        identity.wechat._opened(token)
    assert refused.value.code == "unauthorized"


async def test_a_bind_token_ends(database):
    identity = Identity(database, rules=IdentityRules(bind_token_lifetime=timedelta(0)))
    command = BindWeChat(bind_token=await _bind_token(identity, "w4"), phone_code=PHONE)
    with pytest.raises(Refused) as refused:
        await identity.wechat.bind(a_call(), command)
    assert refused.value.code == "token_expired"


async def test_a_wechat_of_one_account_is_not_taken_by_another(identity):
    first, second = some_phone(), some_phone()
    await identity.register(first)
    await identity.register(second)
    token = await _bind_token(identity, "w5")
    await identity.wechat.bind(a_call(), BindWeChat(bind_token=token, phone_code=first))
    await identity.wechat.bind(a_call(), BindWeChat(bind_token=token, phone_code=first))
    with pytest.raises(Refused) as refused:
        await identity.wechat.bind(a_call(), BindWeChat(bind_token=token, phone_code=second))
    assert refused.value.code == "wrong_state"


async def test_a_code_that_wechat_does_not_know_is_a_counted_failure(identity):
    codes = []
    for _ in range(21):
        with pytest.raises(Refused) as refused:
            await _by_wechat(identity, "x" * 1024)
        codes.append(refused.value.code)
    assert codes == ["login_failed"] * 20 + ["too_many_attempts"]


class _SilentWeChat(SandboxWeChat):
    async def exchange(self, code, app):
        raise Unavailable()


async def test_a_silent_wechat_locks_nobody_out(database):
    identity = Identity(database, wechat=_SilentWeChat())
    for _ in range(21):
        with pytest.raises(Unavailable):
            await _by_wechat(identity, "w6")


async def test_logins_hold_no_refresh_token_in_clear(identity, database):
    await identity.register(PHONE)
    answer = await identity.log_in(PHONE)
    async with database.read() as tx:
        assert answer["refresh_token"] not in str(dict(await tx.one(select(login))))
