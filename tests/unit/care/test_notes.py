"""Service notes: the right person, once, in time."""
import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from server.care.commands import AppendNote, ListNotes
from server.core.channels import order_channel
from server.core.clock import shanghai_text
from server.core.errors import Refused
from server.storage.tables.booking import t_order_detail
from server.storage.tables.care import service_note
from tests.unit.care.visits import call_of, make_file, make_visit


def note(visit, clock, msg_id="n1", **more):
    given = {"kind": "measure", "text": "已协助服药", "recorded_at": shanghai_text(clock.now())}
    return AppendNote(order_id=visit.order_id, msg_id=msg_id, **given | more)


async def refusal(work):
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


async def count(database, table):
    async with database.read() as tx:
        return await tx.value(select(func.count()).select_from(table))


async def test_a_note_is_stored_with_its_event_at_one_position(notes, clock, log, visit):
    vitals = {"temperature_c": 36.8, "pulse_bpm": 72, "systolic_mmhg": 121, "diastolic_mmhg": 79}
    command = note(visit, clock, kind="vital", text=None, vitals=vitals)
    noted = await notes.append_note(call_of(visit.caregiver), command)
    found = await log.since(order_channel(visit.order_id), 0, limit=10, max_bytes=10**6)
    (event,) = [json.loads(event.data) for event in found.events]
    assert found.events[0].offset == noted["offset"] == 1
    assert (event["type"], event["id"]) == ("note.added", noted["note_id"])
    assert event["data"] == {
        "note_id": noted["note_id"], "msg_id": "n1", "order_id": visit.order_id, "caregiver_id": visit.caregiver_id,
        "kind": "vital", "text": None, "vitals": vitals, "file_ids": [], "corrects": None,
        "recorded_at": shanghai_text(command.recorded_at), "received_at": noted["received_at"],
    }


async def test_the_list_shows_the_notes_as_their_events_in_order(notes, clock, log, visit):
    for n in range(3):
        await notes.append_note(call_of(visit.caregiver), note(visit, clock, msg_id=f"n{n}"))
    found = await log.since(order_channel(visit.order_id), 0, limit=10, max_bytes=10**6)
    told = [json.loads(event.data)["data"] | {"offset": event.offset} for event in found.events]
    for reader in (visit.booker, visit.silent_viewer, visit.caregiver, visit.admin):
        shown = await notes.list_notes(call_of(reader), ListNotes(order_id=visit.order_id))
        assert [{k: v for k, v in item.items() if k != "kind_text"} for item in shown["items"]] == told
        assert {item["kind_text"] for item in shown["items"]} == {"护理措施"}
    first = await notes.list_notes(call_of(visit.booker), ListNotes(order_id=visit.order_id, limit="2"))
    rest = ListNotes(order_id=visit.order_id, limit="2", cursor=first["next_cursor"])
    assert [item["offset"] for item in (await notes.list_notes(call_of(visit.booker), rest))["items"]] == [3]


async def test_the_same_msg_id_is_one_note_even_when_twenty_arrive_at_once(notes, clock, database, visit):
    command = note(visit, clock)
    answers = await asyncio.gather(*(notes.append_note(call_of(visit.caregiver), command) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert await count(database, service_note) == 1
    refused = await refusal(notes.append_note(call_of(visit.caregiver), note(visit, clock, text="别的")))
    assert refused.code == "idempotency_mismatch"


async def test_a_lost_answer_is_given_again_after_the_end(notes, clock, visit):
    command = note(visit, clock)
    noted = await notes.append_note(call_of(visit.caregiver), command)
    await visit.change(finished_at=clock.now())
    assert await notes.append_note(call_of(visit.caregiver), command) == noted


@pytest.mark.expects_warnings
async def test_a_crash_before_the_commit_leaves_no_note(notes, clock, database, visit):
    commit = database._commit

    async def die(connection):
        raise ConnectionError("the process is gone")

    database._commit = die
    with pytest.raises(ConnectionError):
        await notes.append_note(call_of(visit.caregiver), note(visit, clock))
    database._commit = commit
    assert await count(database, service_note) == 0
    assert (await notes.append_note(call_of(visit.caregiver), note(visit, clock)))["offset"] == 1


async def test_only_the_assigned_caregiver_writes_notes(notes, clock, visit):
    for actor, code in (
        (visit.booker, "forbidden"),
        (visit.viewer, "forbidden"),
        (visit.admin, "forbidden"),
        (visit.other_caregiver, "not_found"),
        (visit.stranger, "not_found"),
    ):
        assert (await refusal(notes.append_note(call_of(actor), note(visit, clock)))).code == code


@pytest.mark.parametrize("status", ["paid", "awaiting_service", "completed", "cancelled"])
async def test_notes_are_refused_outside_the_service(notes, clock, visit, status):
    await visit.change(status=status, completed_at=clock.now() if status == "completed" else None)
    assert (await refusal(notes.append_note(call_of(visit.caregiver), note(visit, clock)))).code == "wrong_state"


async def test_notes_are_refused_after_the_service_has_been_finished(notes, clock, database, visit):
    await visit.change(finished_at=clock.now())
    refused = await refusal(notes.append_note(call_of(visit.caregiver), note(visit, clock)))
    assert (refused.code, await count(database, service_note)) == ("already_finished", 0)


async def test_many_notes_share_the_orders_one_detail_row(notes, clock, database, visit):
    for n in range(3):
        await notes.append_note(call_of(visit.caregiver), note(visit, clock, msg_id=f"n{n}"))
    assert await count(database, t_order_detail) == 1


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"kind": "measure", "text": None}, "text"),
        ({"kind": "condition", "text": None, "vitals": {"pulse_bpm": 70}}, "text"),
        ({"kind": "milestone", "text": None}, "text"),
        ({"kind": "vital"}, "vitals"),
        ({"kind": "vital", "vitals": {}}, "vitals"),
        ({"kind": "vital", "vitals": {"systolic_mmhg": 80, "diastolic_mmhg": 80}}, "vitals.diastolic_mmhg"),
        ({"file_ids": ["f", "f"]}, "file_ids"),
        ({"file_ids": ["f"]}, "file_ids.0"),
        ({"corrects": "0" * 26}, "corrects"),
    ],
)
async def test_a_note_without_what_its_kind_needs_is_refused(notes, clock, visit, content, field):
    refused = await refusal(notes.append_note(call_of(visit.caregiver), note(visit, clock, **content)))
    assert (refused.code, refused.errors[0].field) == ("invalid", field)


@pytest.mark.parametrize("off", [timedelta(hours=23), -timedelta(days=365)])
async def test_a_phone_with_a_wrong_clock_still_takes_notes(notes, clock, visit, off):
    recorded_at = shanghai_text(clock.now() + off)
    noted = await notes.append_note(call_of(visit.caregiver), note(visit, clock, recorded_at=recorded_at))
    assert noted["received_at"] != recorded_at


@pytest.mark.parametrize("off", [timedelta(hours=25), -timedelta(days=367)])
async def test_a_recording_time_that_makes_no_sense_is_refused(notes, clock, visit, off):
    command = note(visit, clock, recorded_at=shanghai_text(clock.now() + off))
    assert (await refusal(notes.append_note(call_of(visit.caregiver), command))).errors[0].field == "recorded_at"


async def test_a_correction_is_a_new_note_that_names_one_of_the_same_order(notes, clock, database, visit):
    wrong = await notes.append_note(call_of(visit.caregiver), note(visit, clock))
    right = note(visit, clock, msg_id="n2", corrects=wrong["note_id"])
    await notes.append_note(call_of(visit.caregiver), right)
    shown = (await notes.list_notes(call_of(visit.booker), ListNotes(order_id=visit.order_id)))["items"]
    assert [item["corrects"] for item in shown] == [None, wrong["note_id"]]
    other = await make_visit(database, clock)
    foreign = note(other, clock, corrects=wrong["note_id"])
    assert (await refusal(notes.append_note(call_of(other.caregiver), foreign))).errors[0].field == "corrects"


async def test_pictures_of_a_note_are_own_uploads_for_notes(notes, clock, database, visit):
    mine = [await make_file(database, visit.caregiver, clock.now(), purpose="note") for _ in range(2)]
    for_chat = await make_file(database, visit.caregiver, clock.now(), purpose="chat")
    refused = await refusal(
        notes.append_note(call_of(visit.caregiver), note(visit, clock, file_ids=[mine[0], for_chat]))
    )
    assert refused.errors[0].field == "file_ids.1"
    await notes.append_note(call_of(visit.caregiver), note(visit, clock, file_ids=mine))
    shown = await notes.list_notes(call_of(visit.booker), ListNotes(order_id=visit.order_id))
    assert shown["items"][0]["file_ids"] == mine
