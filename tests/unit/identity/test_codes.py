"""Codes by text message: how many, how long, how often."""
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from server.core.clock import server_now
from server.core.errors import Refused
from server.identity import store_codes
from server.identity.commands import LogIn, RequestSmsCode
from server.identity.rules import Allowance, IdentityRules
from server.storage.tables.identity import sms_code
from tests.accounts import Identity, a_call, other_than
from tests.stores import some_phone

PHONE = "13800138000"


async def _request(identity, phone=PHONE, purpose="login", address="203.0.113.7"):
    return await identity.codes.request(a_call(address), RequestSmsCode(phone=phone, purpose=purpose))


async def _try(identity, code, *, phone=PHONE, purpose="login"):
    return await identity.database.write(
        lambda tx: identity.codes.spend_try(tx, phone, purpose=purpose, code=code)
    )


async def test_known_and_unknown_phones_get_the_same_answer_and_the_same_message(identity):
    await identity.register(PHONE)
    stranger = some_phone()
    assert await _request(identity) == await _request(identity, stranger) == {"resend_after_s": 60}
    mine, theirs = identity.told.messages[-2:]
    assert mine["template"] == theirs["template"] == "sms_code_login"
    assert mine["text"].replace(mine["code"], "") == theirs["text"].replace(theirs["code"], "")


async def test_only_a_keyed_hash_of_the_code_is_stored(identity, database):
    await _request(identity)
    code = identity.told.code_for(PHONE)
    async with database.read() as tx:
        row = await tx.one(select(sms_code))
    assert len(code) == 6 and code not in str(dict(row)) and PHONE not in str(dict(row))
    assert row["expires_at"] - row["created_at"] == timedelta(minutes=5)


async def test_a_second_code_within_a_minute_is_refused_with_the_time_to_wait(identity):
    await _request(identity)
    with pytest.raises(Refused) as refused:
        await _request(identity)
    assert refused.value.code == "too_many_requests"
    assert 55 <= refused.value.retry_after_s <= 60
    await _request(identity, purpose="reset")  # another purpose is another code


async def test_a_refused_request_sends_nothing(identity):
    await _request(identity)
    with pytest.raises(Refused):
        await _request(identity)
    assert len(identity.told.messages) == 1


async def test_a_number_gets_ten_codes_a_day(database):
    identity = Identity(database, rules=IdentityRules(resend_after=timedelta(0)))
    for _ in range(10):
        await _request(identity)
    with pytest.raises(Refused) as refused:
        await _request(identity, address="198.51.100.2")
    assert refused.value.code == "too_many_requests" and refused.value.retry_after_s > 23 * 3600
    await _request(identity, some_phone())


async def test_an_address_gets_so_many_codes_a_day(database):
    identity = Identity(database, rules=IdentityRules(codes_a_day_an_address=3))
    for _ in range(3):
        await _request(identity, some_phone(), address="2001:db8::1")
    with pytest.raises(Refused):
        await _request(identity, some_phone(), address="2001:db8::ffff")  # the same household
    await _request(identity, some_phone(), address="2001:db8:0:1::1")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_limits_a_day_and_an_address_do_not_count_loopback_in_the_sandbox(database, address):
    rules = IdentityRules(
        resend_after=timedelta(0), codes_a_day_a_number=1, codes_a_day_an_address=1, loopback_is_exempt=True
    )
    identity = Identity(database, rules=rules)
    for _ in range(4):
        await _request(identity, address=address)


async def test_a_code_works_once_for_its_phone_and_purpose_only(identity):
    await _request(identity)
    code = identity.told.code_for(PHONE)
    assert await _try(identity, code, phone=some_phone()) is None
    assert await _try(identity, code, purpose="reset") is None
    code_id = await _try(identity, code)
    assert await identity.database.write(lambda tx: identity.codes.use(tx, code_id))
    assert not await identity.database.write(lambda tx: identity.codes.use(tx, code_id))
    assert await _try(identity, code) is None


async def test_the_fifth_try_may_be_right(identity):
    await _request(identity)
    code = identity.told.code_for(PHONE)
    for _ in range(4):
        assert await _try(identity, other_than(code)) is None
    assert await _try(identity, code)


async def test_five_wrong_tries_burn_the_code(identity):
    await _request(identity)
    code = identity.told.code_for(PHONE)
    for _ in range(5):
        assert await _try(identity, other_than(code)) is None
    assert await _try(identity, code) is None


async def test_a_code_ends_with_its_lifetime(identity, database):
    await _request(identity)
    past = update(sms_code).values(expires_at=server_now() - timedelta(seconds=1))
    await database.write(lambda tx: tx.run(past))
    assert await _try(identity, identity.told.code_for(PHONE)) is None


async def test_a_newer_code_replaces_the_older(database):
    identity = Identity(database, rules=IdentityRules(resend_after=timedelta(0)))
    first = await identity.send_code(PHONE, "login")
    second = await identity.send_code(PHONE, "login")
    if first != second:
        assert await _try(identity, first) is None
    assert await _try(identity, second)


async def test_logging_in_by_code_works_once(identity):
    user_id = await identity.register(PHONE)
    code = await identity.send_code(PHONE, "login")
    answer = await identity.sign_in.log_in(a_call(), LogIn(phone=PHONE, sms_code=code))
    assert answer["user"]["user_id"] == user_id
    with pytest.raises(Refused) as again:
        await identity.sign_in.log_in(a_call(), LogIn(phone=PHONE, sms_code=code))
    assert again.value.code == "login_failed"


async def test_a_right_code_for_a_phone_without_account_is_a_failed_login(identity):
    phone = some_phone()
    code = await identity.send_code(phone, "login")
    with pytest.raises(Refused) as refused:
        await identity.sign_in.log_in(a_call(), LogIn(phone=phone, sms_code=code))
    assert refused.value.code == "login_failed" and refused.value.status == 401


def _slots(limit=2):
    return Allowance(kind="test", limit=limit, window=timedelta(seconds=10), refusal="too_many_attempts")


async def test_an_allowance_is_a_sliding_window(database):
    start = server_now()

    def take(after_s):
        now = start + timedelta(seconds=after_s)
        return database.write(lambda tx: store_codes.take(tx, _slots(), "somebody", now=now))

    await take(0)
    await take(4)
    with pytest.raises(Refused) as refused:
        await take(9)
    assert refused.value.retry_after_s == 1
    await take(10)
    with pytest.raises(Refused) as refused:
        await take(11)
    assert refused.value.retry_after_s == 3
    await take(14)


async def test_a_slot_given_back_is_free_again(database):
    now = server_now()

    async def take_and_give_back(tx):
        await store_codes.give_back(tx, [await store_codes.take(tx, _slots(1), "somebody", now=now)])

    for _ in range(3):
        await database.write(take_and_give_back)
    await database.write(lambda tx: store_codes.take(tx, _slots(1), "somebody", now=now))
    await database.write(lambda tx: store_codes.take(tx, _slots(1), "another", now=now))
    with pytest.raises(Refused):
        await database.write(lambda tx: store_codes.take(tx, _slots(1), "somebody", now=now))
