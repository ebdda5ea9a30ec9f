"""A key and its answer are one commit with the change."""
import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, text, update

from server.core.call import Actor, Call, KeyedRequest
from server.core.clock import server_now
from server.core.errors import CommittedRefusal, Refused, Unavailable, invalid
from server.core.ids import new_id
from server.storage.tables.system import idempotency_key, lease
from server.storage.unit_of_work import KEPT_FOR


def _call(key="k", *, user_id="u", route="order.create", body="b", status=201):
    keyed = None if key is None else KeyedRequest(route, key, body_hash=body)
    return Call(actor=Actor(user_id, "patient", "l"), request_id=new_id(), success_status=status, keyed=keyed)


def _writing(result, *, then=None):
    """A body that leaves one trace and counts its runs."""
    runs = []

    async def body(tx):
        runs.append(1)
        row = {"name": new_id(), "holder": "h", "fence": 1, "until": server_now()}
        await tx.run(insert(lease).values(**row))
        if then is not None:
            raise then
        return {"n": len(runs), "text": result}

    body.runs = runs
    return body


async def _traces(database):
    async with database.read() as tx:
        return await tx.value(select(func.count()).select_from(lease))


async def _keys(database):
    async with database.read() as tx:
        return await tx.value(select(func.count()).select_from(idempotency_key))


async def test_without_a_key_every_request_is_done(units, database):
    body = _writing("您好")
    answers = [await units.run(_call(None), body) for _ in "12"]
    assert [answer["n"] for answer in answers] == [1, 2]
    assert (await _traces(database), await _keys(database)) == (2, 0)


async def test_with_a_key_it_is_done_once_and_answered_whole(units, database):
    body, first, again = _writing("您好"), _call(), _call()
    assert await units.run(first, body) == await units.run(again, body) == {"n": 1, "text": "您好"}
    assert first.answer == again.answer
    assert (again.answer.status, again.answer.request_id) == (201, first.request_id)
    assert await _traces(database) == 1


async def test_another_body_is_a_mismatch_and_changes_nothing(units, database):
    await units.run(_call(), _writing("a"))
    other = _writing("b")
    with pytest.raises(Refused) as refusal:
        await units.run(_call(body="other"), other)
    assert (refusal.value.code, refusal.value.status) == ("idempotency_mismatch", 422)
    assert other.runs == []
    assert (await units.run(_call(), other))["text"] == "a"


@pytest.mark.parametrize("other", [{"user_id": "v"}, {"route": "order.pay"}, {"key": "K"}, {"key": "k "}])
async def test_a_key_is_one_users_one_routes_and_exact(units, database, other):
    await units.run(_call(), _writing("a"))
    assert (await units.run(_call(**{"key": "k", **other}), _writing("b")))["text"] == "b"
    assert await _keys(database) == 2


@pytest.mark.parametrize(
    "refusal", [Refused("wrong_state"), invalid("start_at", "不对"), Refused("not_offered", "不提供")]
)
async def test_a_refusal_undoes_the_change_and_is_kept(units, database, refusal):
    heard = []
    body = _writing("a", then=refusal)
    for call in (_call(), _call()):
        with pytest.raises(Refused) as raised:
            await units.run(call, body)
        heard.append((raised.value.code, raised.value.message, raised.value.errors, call.answer))
    assert heard[0] == heard[1]
    assert heard[0][:3] == (refusal.code, refusal.message, refusal.errors)
    assert heard[0][3].status == refusal.status
    assert body.runs == [1]
    assert (await _traces(database), await _keys(database)) == (0, 1)


@pytest.mark.parametrize("code", ["not_found", "forbidden", "malformed", "unauthorized", "too_many_requests"])
async def test_what_is_not_the_use_cases_409_or_422_is_not_kept(units, database, code):
    with pytest.raises(Refused):
        await units.run(_call(), _writing("a", then=Refused(code)))
    assert (await _traces(database), await _keys(database)) == (0, 0)
    assert (await units.run(_call(), _writing("b")))["text"] == "b"


@pytest.mark.parametrize("problem", [Unavailable(), ZeroDivisionError()])
async def test_what_is_our_own_fault_is_not_kept(units, database, problem):
    call = _call()
    with pytest.raises(type(problem)):
        await units.run(call, _writing("a", then=problem))
    assert call.answer is None
    assert (await _traces(database), await _keys(database)) == (0, 0)
    assert (await units.run(_call(), _writing("b")))["text"] == "b"


async def test_a_refusal_that_counts_leaves_its_traces_once(units, database):
    body = _writing("a", then=CommittedRefusal("start_code_wrong"))
    for call in (_call(), _call()):
        with pytest.raises(Refused, match="start_code_wrong"):
            await units.run(call, body)
    assert (await _traces(database), await _keys(database), body.runs) == (1, 1, [1])


async def test_a_refusal_that_counts_does_so_every_time_without_a_key(units, database):
    for _ in "12":
        with pytest.raises(CommittedRefusal):
            await units.run(_call(None), _writing("a", then=CommittedRefusal("start_code_wrong")))
    assert await _traces(database) == 2


async def test_while_it_runs_the_same_key_is_in_progress_and_other_keys_are_not(units):
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(tx):
        begun.set()
        await may_end.wait()
        return "slow"

    first = asyncio.create_task(units.run(_call(), slow))
    await begun.wait()
    with pytest.raises(Refused, match="idempotency_in_progress"):
        await units.run(_call(), slow)
    other = asyncio.create_task(units.run(_call("other"), _writing("b")))
    may_end.set()
    assert await first == "slow"
    assert (await other)["text"] == "b"
    assert await units.run(_call(), slow) == "slow"


async def test_a_failure_gives_the_key_back(units):
    with pytest.raises(ZeroDivisionError):
        await units.run(_call(), _writing("a", then=ZeroDivisionError()))
    assert (await units.run(_call(), _writing("b")))["text"] == "b"


async def test_a_key_lives_seven_days(units, database):
    await units.run(_call(), _writing("a"))

    async def age(by):
        created_at = server_now() - by
        await database.write(lambda tx: tx.run(update(idempotency_key).values(created_at=created_at)))

    await age(KEPT_FOR - timedelta(minutes=1))
    assert (await units.run(_call(), _writing("b")))["text"] == "a"
    await age(timedelta(days=7, minutes=1))
    assert (await units.run(_call(body="other"), _writing("c")))["text"] == "c"
    assert await _keys(database) == 1


async def test_an_answer_can_be_recalled_before_any_work(units):
    call = _call()
    assert not await units.recall(call)
    assert not await units.recall(_call(None))
    await units.run(_call(), _writing("a"))
    assert await units.recall(call)
    assert call.answer.data == {"n": 1, "text": "a"}
    with pytest.raises(Refused, match="idempotency_mismatch"):
        await units.recall(_call(body="other"))


async def test_neither_keys_nor_answers_are_readable_at_rest(units, database):
    await units.run(_call("my-secret-key"), _writing("高血压"))
    async with database.read() as tx:
        row = await tx.one(text("SELECT key_hash, answer FROM idempotency_key"))
    stored = row["key_hash"] + row["answer"]
    assert "my-secret-key" not in stored
    assert "高血压" not in stored
