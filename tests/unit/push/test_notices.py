"""A notice exists once, is told live and stays in the inbox."""
import asyncio
import json

import pytest
from sqlalchemy.exc import IntegrityError

from server.core.call import Actor, Call
from server.core.channels import user_channel
from server.core.errors import Refused
from server.core.ids import new_id
from server.push.commands import ListNotices, ReadNotices
from server.push.templates import MissingVariable
from tests.stores import make_user


def call_of(user_id):
    return Call(actor=Actor(user_id, "patient", new_id()), request_id=new_id())


def completed(clock, user_id, once_key="o1/completed", **more):
    about = {
        "user_id": user_id, "type": "order", "template": "order_completed", "order_id": new_id(),
        "params": {"service_name": "小时陪诊", "start_text": "11月22日 09:00"}, "once_key": once_key, "at": clock.now(),
    }
    return about | more


async def add(notices, database, about):
    return await database.write(lambda tx: notices.add(tx, **about))


async def told(log, user_id):
    found = await log.since(user_channel(user_id), 0, limit=1000, max_bytes=10**9)
    return [json.loads(event.data) for event in found.events]


async def test_the_event_is_the_item_of_the_list(notices, inbox, database, clock, log, user_id):
    about = completed(clock, user_id)
    message_id = await add(notices, database, about)
    (event,) = await told(log, user_id)
    answer = await inbox.list_notices(call_of(user_id), ListNotices())
    assert (event["type"], event["id"]) == ("notice", message_id)
    assert answer == {"items": [event["data"]], "next_cursor": None, "unread_count": 1}
    item = answer["items"][0]
    assert item["content"] == "小时陪诊订单已完成。服务时间：11月22日 09:00。感谢您的信任。"
    assert (item["type_text"], item["title"], item["order_id"]) == ("订单通知", "订单已完成", about["order_id"])
    assert item["read_at"] is None and item["sent_at"].endswith("+08:00")


async def test_one_transition_is_one_notice_even_when_it_is_told_twenty_times_at_once(
    notices, database, clock, log, user_id
):
    about = completed(clock, user_id)
    ids = await asyncio.gather(*(add(notices, database, about) for _ in range(20)))
    assert len([message_id for message_id in ids if message_id]) == 1
    assert len(await told(log, user_id)) == 1


async def test_a_notice_is_undone_with_the_transaction_it_tells_of(notices, database, clock, log, user_id):
    async def body(tx):
        await notices.add(tx, **completed(clock, user_id))
        raise Refused("wrong_state")

    with pytest.raises(Refused):
        await database.write(body)
    assert await told(log, user_id) == []


@pytest.mark.expects_warnings  # bugs are logged
async def test_a_notice_to_nobody_is_a_bug_and_not_a_repetition(notices, database, clock):
    with pytest.raises(IntegrityError):
        await add(notices, database, completed(clock, new_id()))


@pytest.mark.expects_warnings  # bugs are logged
async def test_a_notice_with_a_missing_variable_is_a_bug(notices, database, clock, user_id):
    with pytest.raises(MissingVariable):
        await add(notices, database, completed(clock, user_id, params={"service_name": "陪诊"}))


async def test_the_list_pages_from_new_to_old_without_loss(notices, inbox, database, clock, user_id):
    ids = [await add(notices, database, completed(clock, user_id, f"k{n}")) for n in range(7)]
    seen, cursor = [], None
    while True:
        command = ListNotices(limit="3", **({"cursor": cursor} if cursor else {}))
        page = await inbox.list_notices(call_of(user_id), command)
        seen += [item["message_id"] for item in page["items"]]
        assert page["unread_count"] == 7
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(ids, reverse=True)


async def test_a_made_up_cursor_is_refused(inbox, user_id):
    with pytest.raises(Refused) as caught:
        await inbox.list_notices(call_of(user_id), ListNotices(cursor="消息"))
    assert caught.value.errors[0].field == "cursor"


async def test_reading_some_then_all(notices, inbox, database, clock, user_id):
    ids = [await add(notices, database, completed(clock, user_id, f"k{n}")) for n in range(3)]
    some = ReadNotices(message_ids=[ids[0], ids[0]])
    assert await inbox.read_notices(call_of(user_id), some) == {"read_count": 1, "unread_count": 2}
    assert await inbox.read_notices(call_of(user_id), some) == {"read_count": 0, "unread_count": 2}
    everything = ReadNotices(all=True)
    assert await inbox.read_notices(call_of(user_id), everything) == {"read_count": 2, "unread_count": 0}
    items = (await inbox.list_notices(call_of(user_id), ListNotices()))["items"]
    assert all(item["read_at"] for item in items)


async def test_nobody_reads_or_marks_anothers_notices(notices, inbox, database, clock, user_id):
    stranger = await make_user(database)
    mine = await add(notices, database, completed(clock, user_id))
    for message_ids in ([mine], [new_id()], ["不存在"]):
        with pytest.raises(Refused) as caught:
            await inbox.read_notices(call_of(stranger), ReadNotices(message_ids=message_ids))
        assert caught.value.code == "not_found"
    await inbox.read_notices(call_of(stranger), ReadNotices(all=True))
    assert (await inbox.list_notices(call_of(stranger), ListNotices()))["items"] == []
    assert (await inbox.list_notices(call_of(user_id), ListNotices()))["unread_count"] == 1


@pytest.mark.parametrize("given", [{}, {"message_ids": ["a"], "all": True}])
async def test_one_says_either_which_or_all(inbox, user_id, given):
    with pytest.raises(Refused) as caught:
        await inbox.read_notices(call_of(user_id), ReadNotices(**given))
    assert caught.value.code == "invalid"
