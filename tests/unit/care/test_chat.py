"""Chat: each message once, among the right people."""
import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from server.care.commands import MarkRead, ReadHistory, SendMessage
from server.core.channels import order_channel
from server.core.errors import Refused
from server.storage.tables.care import chat_message
from server.storage.tables.identity import t_user
from server.storage.tables.roster import t_caregiver_info
from tests.unit.care.visits import call_of, make_file, make_visit


def text(visit, msg_id="m1", words="您好", **more):
    return SendMessage(order_id=visit.order_id, msg_id=msg_id, kind="text", text=words, **more)


def picture(visit, file_id, kind="image", msg_id="p1"):
    return SendMessage(order_id=visit.order_id, msg_id=msg_id, kind=kind, file_id=file_id)


async def refusal(work):
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


async def events(log, visit):
    found = await log.since(order_channel(visit.order_id), 0, limit=1000, max_bytes=10**9)
    return [json.loads(event.data) | {"offset": event.offset} for event in found.events]


async def count_messages(database):
    async with database.read() as tx:
        return await tx.value(select(func.count()).select_from(chat_message))


async def test_a_message_is_stored_with_its_event_at_one_position(chat, log, visit):
    sent = await chat.send_message(call_of(visit.booker), text(visit))
    (event,) = await events(log, visit)
    assert event["type"] == "chat.message"
    assert (event["id"], event["offset"]) == (sent["message_id"], sent["offset"])
    assert event["data"] == {
        "message_id": sent["message_id"], "msg_id": "m1", "order_id": visit.order_id,
        "sender_id": visit.booker.user_id, "sender_type": "patient", "kind": "text", "text": "您好",
        "file_id": None, "sent_at": event["at"],
    }
    assert event["at"].endswith("+08:00")


async def test_sending_again_gives_the_same_answer_and_no_second_message(chat, database, log, visit):
    first = await chat.send_message(call_of(visit.booker), text(visit))
    again = await chat.send_message(call_of(visit.booker), text(visit))
    assert again == first
    assert await count_messages(database) == 1
    assert len(await events(log, visit)) == 1


async def test_the_same_msg_id_with_another_body_is_refused(chat, database, visit):
    await chat.send_message(call_of(visit.booker), text(visit))
    refused = await refusal(chat.send_message(call_of(visit.booker), text(visit, words="别的")))
    assert (refused.code, refused.status) == ("idempotency_mismatch", 422)
    assert await count_messages(database) == 1


async def test_msg_ids_of_different_senders_do_not_meet(chat, visit):
    mine = await chat.send_message(call_of(visit.booker), text(visit))
    theirs = await chat.send_message(call_of(visit.caregiver), text(visit, words="我到了"))
    assert mine["message_id"] != theirs["message_id"]
    assert theirs["offset"] == mine["offset"] + 1


async def test_twenty_parallel_sendings_of_one_msg_id_are_one_message(chat, database, log, visit):
    calls = [chat.send_message(call_of(visit.booker), text(visit)) for _ in range(20)]
    answers = await asyncio.gather(*calls)
    assert all(answer == answers[0] for answer in answers)
    assert await count_messages(database) == 1
    assert [event["offset"] for event in await events(log, visit)] == [1]


async def test_of_twenty_bodies_racing_for_one_msg_id_one_wins_and_the_rest_are_told(chat, database, visit):
    calls = [chat.send_message(call_of(visit.booker), text(visit, words=f"第{n}句")) for n in range(20)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert [outcome.code for outcome in refused] == ["idempotency_mismatch"] * 19
    assert await count_messages(database) == 1


async def test_parallel_messages_get_positions_without_a_gap(chat, visit):
    calls = [chat.send_message(call_of(visit.booker), text(visit, msg_id=f"m{n}")) for n in range(30)]
    answers = await asyncio.gather(*calls)
    assert sorted(answer["offset"] for answer in answers) == list(range(1, 31))


@pytest.mark.expects_warnings  # the task that died says so
async def test_a_crash_before_the_commit_leaves_nothing_and_sending_again_works(chat, database, log, visit):
    commit = database._commit

    async def die(connection):
        raise ConnectionError("the process is gone")

    database._commit = die
    with pytest.raises(ConnectionError):
        await chat.send_message(call_of(visit.booker), text(visit))
    database._commit = commit
    assert await count_messages(database) == 0
    sent = await chat.send_message(call_of(visit.booker), text(visit))
    assert sent["offset"] == 1


@pytest.mark.expects_warnings
async def test_a_crash_after_the_commit_is_answered_by_sending_again(chat, database, visit):
    commit = database._commit

    async def commit_and_die(connection):
        await commit(connection)
        raise ConnectionError("the answer is lost")

    database._commit = commit_and_die
    with pytest.raises(ConnectionError):
        await chat.send_message(call_of(visit.booker), text(visit))
    database._commit = commit
    assert (await chat.send_message(call_of(visit.booker), text(visit)))["offset"] == 1
    assert await count_messages(database) == 1


async def test_the_whole_party_that_may_chat_sends_and_nobody_else(chat, visit):
    for n, actor in enumerate((visit.booker, visit.viewer, visit.caregiver)):
        await chat.send_message(call_of(actor), text(visit, msg_id=f"m{n}"))
    for actor, code in (
        (visit.silent_viewer, "forbidden"),
        (visit.admin, "forbidden"),
        (visit.other_caregiver, "not_found"),
        (visit.stranger, "not_found"),
    ):
        assert (await refusal(chat.send_message(call_of(actor), text(visit)))).code == code


@pytest.mark.parametrize("status", ["pending_payment", "paid", "cancelled"])
async def test_the_chat_is_closed_outside_an_accepted_order(chat, visit, status):
    await visit.change(status=status)
    assert (await refusal(chat.send_message(call_of(visit.booker), text(visit)))).code == "chat_closed"


async def test_the_chat_stays_open_seven_days_after_completion(chat, clock, visit):
    await visit.change(status="completed", completed_at=clock.now() - timedelta(days=6, hours=23))
    await chat.send_message(call_of(visit.booker), text(visit))
    await visit.change(completed_at=clock.now() - timedelta(days=7, seconds=1))
    assert (await refusal(chat.send_message(call_of(visit.booker), text(visit, msg_id="m2")))).code == "chat_closed"


async def test_a_lost_answer_is_given_again_after_the_chat_has_closed(chat, visit):
    sent = await chat.send_message(call_of(visit.booker), text(visit))
    await visit.change(status="cancelled")
    assert await chat.send_message(call_of(visit.booker), text(visit)) == sent


async def test_a_replaced_caregiver_is_a_stranger_at_once(chat, visit):
    await chat.send_message(call_of(visit.caregiver), text(visit))
    await visit.change(caregiver_id=None, status="paid")
    work = chat.read_history(call_of(visit.caregiver), ReadHistory(order_id=visit.order_id))
    assert (await refusal(work)).code == "not_found"


@pytest.mark.parametrize("order_id", ["", "nothing", "0" * 26, "订单", "' or 1=1 --"])
async def test_an_order_that_is_not_there_is_not_found(chat, visit, order_id):
    command = SendMessage(order_id=order_id, msg_id="m1", kind="text", text="您好")
    assert (await refusal(chat.send_message(call_of(visit.booker), command))).code == "not_found"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"kind": "text"}, "text"),
        ({"kind": "text", "text": "您好", "file_id": "f"}, "file_id"),
        ({"kind": "image"}, "file_id"),
        ({"kind": "audio", "file_id": "f", "text": "您好"}, "text"),
    ],
)
async def test_a_message_has_text_or_a_file_as_its_kind_says(chat, visit, content, field):
    command = SendMessage(order_id=visit.order_id, msg_id="m1", **content)
    refused = await refusal(chat.send_message(call_of(visit.booker), command))
    assert (refused.code, refused.errors[0].field) == ("invalid", field)


async def test_a_picture_of_ones_own_is_sent_and_then_belongs_to_the_order(chat, clock, database, visit):
    file_id = await make_file(database, visit.booker, clock.now(), purpose="chat")
    sent = await chat.send_message(call_of(visit.booker), picture(visit, file_id))
    assert await chat.send_message(call_of(visit.booker), picture(visit, file_id)) == sent
    history = await chat.read_history(call_of(visit.caregiver), ReadHistory(order_id=visit.order_id))
    assert history["items"][0]["file_id"] == file_id


async def test_files_that_do_not_fit_are_refused(chat, clock, database, visit):
    now, other = clock.now(), await make_visit(database, clock)
    foreign = await make_file(database, visit.caregiver, now, purpose="chat")
    for_a_note = await make_file(database, visit.booker, now, purpose="note")
    voice = await make_file(database, visit.booker, now, purpose="chat", media_type="audio/mpeg")
    elsewhere = await make_file(database, visit.booker, now, purpose="chat", order_id=other.order_id)
    for file_id in (foreign, for_a_note, voice, elsewhere, "0" * 26, "无"):
        refused = await refusal(chat.send_message(call_of(visit.booker), picture(visit, file_id)))
        assert (refused.code, refused.errors[0].field) == ("invalid", "file_id")
    await chat.send_message(call_of(visit.booker), picture(visit, voice, kind="audio"))


async def test_history_is_newest_first_and_pages_without_loss(chat, visit):
    for n in range(7):
        await chat.send_message(call_of(visit.booker), text(visit, msg_id=f"m{n}"))
    seen, before = [], None
    while True:
        command = ReadHistory(order_id=visit.order_id, limit="3", **({"cursor": before} if before else {}))
        page = await chat.read_history(call_of(visit.silent_viewer), command)
        seen += [item["offset"] for item in page["items"]]
        before = page["next_cursor"]
        if before is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    command = ReadHistory(order_id=visit.order_id, before="3")
    page = await chat.read_history(call_of(visit.admin), command)
    assert [item["offset"] for item in page["items"]] == [2, 1]
    assert (page["items"][0]["kind_text"], page["items"][0]["sender_type_text"]) == ("文字", "患者家属")


async def test_history_says_who_wrote_and_hides_the_familys_names_from_the_caregiver(chat, database, visit):
    async def rename(table, actor, **name):
        await database.write(lambda tx: tx.run(update(table).where(table.c.user_id == actor.user_id).values(**name)))

    await rename(t_user, visit.booker, username="李秀兰")
    await rename(t_user, visit.viewer, username="阿明")
    await rename(t_caregiver_info, visit.caregiver, name="王芳")
    for n, actor in enumerate((visit.booker, visit.viewer, visit.caregiver)):
        await chat.send_message(call_of(actor), text(visit, msg_id=f"m{n}"))

    async def told(actor):
        page = await chat.read_history(call_of(actor), ReadHistory(order_id=visit.order_id))
        return {one["user_id"]: (one["name"], one["relation"], one["relation_text"]) for one in page["people"]}

    family = {
        visit.booker.user_id: ("李秀兰", "booker", "预约人"),
        visit.viewer.user_id: ("阿明", "viewer", "家属"),
        visit.caregiver.user_id: ("王芳", "caregiver", "陪护人员"),
    }
    for actor in (visit.booker, visit.silent_viewer, visit.admin):
        assert await told(actor) == family
    hidden = {visit.booker.user_id: ("李**", "booker", "预约人"), visit.viewer.user_id: ("阿**", "viewer", "家属")}
    assert await told(visit.caregiver) == family | hidden


async def test_only_who_wrote_what_is_shown_is_named(chat, visit):
    for n, actor in enumerate((visit.booker, visit.caregiver)):
        await chat.send_message(call_of(actor), text(visit, msg_id=f"m{n}"))
    page = await chat.read_history(call_of(visit.booker), ReadHistory(order_id=visit.order_id, limit="1"))
    assert [one["user_id"] for one in page["people"]] == [visit.caregiver.user_id]
    nothing = await chat.read_history(call_of(visit.booker), ReadHistory(order_id=visit.order_id, before="1"))
    assert (nothing["items"], nothing["people"]) == ([], [])


async def test_strangers_do_not_read_the_history(chat, visit):
    for actor in (visit.stranger, visit.other_caregiver):
        work = chat.read_history(call_of(actor), ReadHistory(order_id=visit.order_id))
        assert (await refusal(work)).code == "not_found"


async def test_a_read_position_moves_forward_only_and_is_told_once_an_advance(chat, log, visit):
    for n in range(3):
        await chat.send_message(call_of(visit.booker), text(visit, msg_id=f"m{n}"))
    for offset, stands in ((0, 0), (2, 2), (2, 2), (1, 2), (3, 3)):
        command = MarkRead(order_id=visit.order_id, offset=offset)
        assert await chat.mark_read(call_of(visit.caregiver), command) == {"offset": stands}
    told = [event["data"] for event in await events(log, visit) if event["type"] == "chat.read"]
    assert told == [{"user_id": visit.caregiver.user_id, "offset": offset} for offset in (2, 3)]


async def test_parallel_marks_of_one_reader_tell_every_advance_once(chat, log, visit):
    for n in range(10):
        await chat.send_message(call_of(visit.booker), text(visit, msg_id=f"m{n}"))
    marks = [MarkRead(order_id=visit.order_id, offset=offset) for offset in (3, 10, 7, 10, 1, 10)]
    await asyncio.gather(*(chat.mark_read(call_of(visit.caregiver), mark) for mark in marks))
    told = [event["data"]["offset"] for event in await events(log, visit) if event["type"] == "chat.read"]
    assert told == sorted(set(told)) and told[-1] == 10


async def test_one_cannot_have_read_what_was_never_said(chat, visit):
    await chat.send_message(call_of(visit.booker), text(visit))
    work = chat.mark_read(call_of(visit.caregiver), MarkRead(order_id=visit.order_id, offset=2))
    assert (await refusal(work)).errors[0].field == "offset"


async def test_an_administrator_leaves_no_read_mark(chat, visit):
    work = chat.mark_read(call_of(visit.admin), MarkRead(order_id=visit.order_id, offset=0))
    assert (await refusal(work)).code == "forbidden"
