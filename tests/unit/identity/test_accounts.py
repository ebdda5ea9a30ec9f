"""Registration, the own account, new passwords."""
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select

from server.core.clock import server_now
from server.core.errors import Refused
from server.core.ids import new_id
from server.identity import store_codes
from server.identity.commands import CreateAdmin, LogIn, ReadMe, RegisterUser, ResetPassword
from server.identity.facts import LoginRevoked, UserRegistered
from server.storage.tables.identity import consent, t_user
from server.storage.tables.roster import t_caregiver_info
from tests.accounts import PASSWORD, a_call, other_than
from tests.services.stores import rows_of
from tests.stores import some_phone

PHONE = "13800138000"


def _register(**changes):
    fields = {
        "phone": PHONE,
        "sms_code": "123456",
        "username": "王小明",
        "password": PASSWORD,
        "user_type": "patient",
        "accept_terms": True,
    }
    return RegisterUser(**(fields | changes))


async def test_registration_stores_a_hash_a_sealed_phone_and_the_consent(identity, database):
    user_id = await identity.register(PHONE)
    async with database.read() as tx:
        user = await tx.one(select(t_user))
        agreed = await tx.one(select(consent))
    assert user["user_id"] == user_id and user["phone"] == PHONE and PHONE not in user["phone_hash"]
    assert user["password_hash"].startswith("$argon2id$") and PASSWORD not in user["password_hash"]
    assert (agreed["user_id"], agreed["purpose"]) == (user_id, "terms")
    assert identity.told.facts == [UserRegistered(user_id, "patient", user["registered_at"])]


async def test_the_database_file_holds_no_phone_in_clear(identity, database):
    await identity.register(PHONE)
    await database.close()
    assert PHONE.encode() not in _bytes_of(database)


def _bytes_of(database):
    if database.is_sqlite:
        return Path(database.url.database).read_bytes()
    return repr(rows_of(database.url)).encode()


async def test_a_taken_phone_is_told_only_to_who_holds_it(identity):
    await identity.register(PHONE)
    await _forget_resend(identity)
    code = await identity.send_code(PHONE, "register")
    with pytest.raises(Refused) as wrong:
        await identity.accounts.register(a_call(), _register(sms_code=other_than(code)))
    assert wrong.value.code == "sms_code_wrong"
    with pytest.raises(Refused) as taken:
        await identity.accounts.register(a_call(), _register(sms_code=code))
    assert taken.value.code == "phone_taken"


async def _forget_resend(identity):
    await identity.database.write(
        lambda tx: store_codes.forgive(tx, identity.rules.resends, f"{PHONE}/register")
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"user_type": "admin"},
        {"accept_terms": False},
        {"accept_terms": 1},
        {"password": "short12"},
        {"password": "x" * 129},
        {"password": "nul\0nul\0nul"},
        {"username": " "},
        {"username": "x" * 51},
        {"username": "平台客服"},
        {"username": "ＡＤＭＩＮ1"},
        {"username": "ad\u200bmin"},
        {"sms_code": "12345"},
        {"sms_code": "1234567"},
        {"sms_code": "12 456"},
        {"sms_code": "12a456"},
        {"sms_code": 123456},
        {"phone": "12345678901"},
        {"phone": 13800138000},
        {"role": "admin"},
    ],
)
def test_a_registration_that_breaks_a_rule_is_refused(changes):
    with pytest.raises(ValidationError):
        _register(**changes)


def test_spellings_of_phone_and_code_are_made_one():
    command = _register(phone="+86 138-0013-8000", sms_code="１２３４５６")
    assert (command.phone, command.sms_code) == (PHONE, "123456")


async def test_passwords_that_differ_after_72_bytes_are_different(identity):
    long = "x" * 72
    code = await identity.send_code(PHONE, "register")
    await identity.accounts.register(a_call(), _register(sms_code=code, password=long + "a"))
    with pytest.raises(Refused):
        await identity.log_in(PHONE, long + "b")
    assert (await identity.log_in(PHONE, long + "a"))["token"]


def test_a_username_may_be_one_character():
    assert _register(username="王").username == "王"


async def test_me_shows_the_account_and_never_the_whole_phone(identity):
    user_id = await identity.register(PHONE)
    call = await identity.call_with((await identity.log_in(PHONE))["token"])
    me = await identity.accounts.me(call, ReadMe())
    assert me["user_id"] == user_id and me["phone_masked"] == "138****8000"
    assert me["user"] == {name: me[name] for name in ("user_id", "username", "user_type", "user_type_text", "phone_masked")}
    assert me["verification_status"] == "unverified" and me["registered_at"].endswith("+08:00")
    assert "caregiver_id" not in me and PHONE not in str(me)


async def test_me_of_a_caregiver_tells_the_profile_and_its_state(identity, database):
    user_id = await identity.register(PHONE, user_type="caregiver")
    call = await identity.call_with((await identity.log_in(PHONE))["token"])
    before = await identity.accounts.me(call, ReadMe())
    assert (before["caregiver_id"], before["qualification_status"]) == (None, "unverified")
    now, caregiver_id = server_now(), new_id()
    profile = insert(t_caregiver_info).values(
        caregiver_id=caregiver_id,
        user_id=user_id,
        name="李梅",
        gender="female",
        birth_date=now.date().replace(year=1985, day=1),
        contact_phone=PHONE,
        experience_years=5,
        qualification_status="approved",
        created_at=now,
        updated_at=now,
    )
    await database.write(lambda tx: tx.run(profile))
    after = await identity.accounts.me(call, ReadMe())
    assert (after["caregiver_id"], after["qualification_status"]) == (caregiver_id, "approved")
    assert after["qualification_status_text"] == "已通过"


async def test_an_administrator_is_made_and_logs_in(identity):
    phone = some_phone()
    command = CreateAdmin(username="管理员一号", phone=phone, password=PASSWORD)
    user_id = await identity.accounts.create_admin(command)
    answer = await identity.log_in(phone)
    assert answer["user"]["user_id"] == user_id and answer["user"]["user_type"] == "admin"
    with pytest.raises(Refused) as taken:
        await identity.accounts.create_admin(command)
    assert taken.value.code == "phone_taken"


async def test_a_new_password_ends_all_logins_and_works_at_once(identity):
    user_id = await identity.register(PHONE)
    tokens = [(await identity.log_in(PHONE))["token"] for _ in range(2)]
    for _ in range(identity.rules.login_failures_a_phone):
        with pytest.raises(Refused):
            await identity.log_in(PHONE, "forgotten password")
    code = await identity.send_code(PHONE, "reset")
    await identity.accounts.reset_password(
        a_call(), ResetPassword(phone=PHONE, sms_code=code, password="another 密码 9")
    )
    for token in tokens:
        with pytest.raises(Refused) as refused:
            await identity.authenticator.authenticate(token)
        assert refused.value.code == "unauthorized"
    assert LoginRevoked(user_id, None, "password_reset") in identity.told.facts
    with pytest.raises(Refused):
        await identity.log_in(PHONE, PASSWORD)
    assert (await identity.log_in(PHONE, "another 密码 9"))["token"]


async def test_resetting_the_password_of_nobody_looks_like_a_wrong_code(identity):
    phone = some_phone()
    code = await identity.send_code(phone, "reset")
    with pytest.raises(Refused) as refused:
        await identity.accounts.reset_password(
            a_call(), ResetPassword(phone=phone, sms_code=code, password="another 密码 9")
        )
    assert refused.value.code == "sms_code_wrong"



def test_a_login_names_exactly_one_way():
    assert LogIn(phone=PHONE, password="x").way == "password"
    assert LogIn(phone=PHONE, sms_code="123456").way == "sms_code"
    assert LogIn(wechat_code="c", wechat_app="mini").way == "wechat"
    assert LogIn(phone=PHONE).way is None
    assert LogIn(phone=PHONE, password="x", sms_code="123456").way is None
    assert LogIn(wechat_code="c").way is None
    assert LogIn(phone=PHONE, password="x", wechat_code="c", wechat_app="oa").way is None
