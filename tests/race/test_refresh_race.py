"""Two instances, one refresh token, many requests at once."""
import asyncio

import pytest
from sqlalchemy import func, select, update

from server.core.errors import Refused
from server.identity import store_codes, store_logins
from server.identity.commands import LogIn, RefreshLogin, RegisterUser
from server.storage.sql import Database
from server.storage.tables.identity import login, t_user
from tests.accounts import PASSWORD, Identity, a_call
from tests.stores import some_phone


@pytest.fixture
def instances(io_loop, database, keys):
    """The area twice on one store, as two processes have it."""
    url = database.url.render_as_string(hide_password=False)
    second = Database(url, keys=keys, readers=2, acquire_timeout_s=10.0)
    both = [Identity(database), Identity(second)]
    yield both
    for identity in both:
        identity.passwords.close()
    io_loop.asyncio_loop.run_until_complete(second.close())


async def _race(instances, work, *, times=20) -> list:
    """`work(identity)` so many times at once, by turns on both; results, and the codes of refusals."""

    async def outcome(identity):
        try:
            return await work(identity)
        except Refused as refused:
            return refused.code

    return await asyncio.gather(*(outcome(instances[number % 2]) for number in range(times)))


async def _refresh_at_once(instances) -> list:
    phone = some_phone()
    await instances[0].register(phone)
    token = (await instances[0].log_in(phone))["refresh_token"]
    return await _race(instances, lambda one: one.logins.refresh(a_call(), RefreshLogin(refresh_token=token)))


async def test_twenty_refreshes_at_once_have_one_successor(instances):
    answers = await _refresh_at_once(instances)
    successors = {answer["refresh_token"] for answer in answers}
    assert len(successors) == 1
    again = RefreshLogin(refresh_token=successors.pop())
    assert (await instances[1].logins.refresh(a_call(), again))["token"]


async def test_the_race_is_real_without_the_condition_it_has_several(instances, monkeypatch):
    """The twin: a rotation that does not ask whether the presented token is still the current one."""

    async def rotate_blindly(tx, seen, *, presented_hash, successor, now):
        change = update(login).where(login.c.login_id == seen["login_id"])
        new_hash = store_logins.token_hash(tx.keys, successor)
        values = {"refresh_hash": new_hash, "previous_hash": presented_hash, "successor": successor}
        await tx.run(change.values(rotated_at=now, **values))
        return True

    monkeypatch.setattr(store_logins, "rotate", rotate_blindly)
    answers = await _refresh_at_once(instances)
    assert len({answer["refresh_token"] for answer in answers}) > 1


async def test_one_code_at_once_twenty_times_logs_in_once(instances):
    phone = some_phone()
    await instances[0].register(phone)
    code = await instances[0].send_code(phone, "login")
    outcomes = await _race(instances, lambda one: one.sign_in.log_in(a_call(), LogIn(phone=phone, sms_code=code)))
    assert sum(isinstance(outcome, dict) for outcome in outcomes) == 1
    assert {outcome for outcome in outcomes if isinstance(outcome, str)} <= {"login_failed", "too_many_attempts"}


async def test_the_race_is_real_without_the_condition_a_code_works_more_than_once(instances, monkeypatch):
    """The twin: a code is used without asking whether it was used."""

    async def use_blindly(tx, code_id, *, now):
        return True

    monkeypatch.setattr(store_codes, "use_code", use_blindly)
    phone = some_phone()
    await instances[0].register(phone)
    code = await instances[0].send_code(phone, "login")
    outcomes = await _race(instances, lambda one: one.sign_in.log_in(a_call(), LogIn(phone=phone, sms_code=code)))
    assert sum(isinstance(outcome, dict) for outcome in outcomes) > 1


async def test_one_phone_registered_at_once_becomes_one_account(instances):
    phone = some_phone()
    code = await instances[0].send_code(phone, "register")
    command = RegisterUser(
        phone=phone, sms_code=code, username="王小明", password=PASSWORD, user_type="patient", accept_terms=True
    )
    outcomes = await _race(instances, lambda one: one.accounts.register(a_call(), command), times=5)
    assert sum(isinstance(outcome, dict) for outcome in outcomes) == 1
    async with instances[1].database.read() as tx:
        assert await tx.value(select(func.count()).select_from(t_user)) == 1


async def test_two_holders_of_two_right_codes_cannot_both_take_the_phone(instances):
    phone = some_phone()
    hashes = [await identity.passwords.hash(PASSWORD) for identity in instances]

    async def insert(identity):
        async def body(tx):
            return await identity.accounts._add(
                tx, username="王小明", phone=phone, password_hash=hashes[0], user_type="patient"
            )

        return await identity.database.write(body)

    outcomes = await _race(instances, insert, times=6)
    assert sorted(outcome == "phone_taken" for outcome in outcomes) == [False] + [True] * 5
