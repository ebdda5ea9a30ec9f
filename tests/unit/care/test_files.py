"""Files: harmless inside, shown to the right people."""
import asyncio
import io
import struct
from dataclasses import dataclass
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import select, update

from server.care.commands import AppendNote, OpenFile, SendMessage, UploadFile
from server.core.clock import server_now, shanghai_text
from server.core.errors import Refused
from server.storage.tables.roster import stored_file
from server.storage.tables.system import audit_log
from tests.unit.care.visits import call_of, make_file


@dataclass(frozen=True)
class Part:
    content: bytes


def png(*, size=(8, 8)):
    written = io.BytesIO()
    Image.new("RGB", size, "teal").save(written, "PNG")
    return written.getvalue()


def wav(*, seconds=1):
    data = b"\0" * (8_000 * seconds)
    head = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVEfmt ", 16, 1, 1, 8_000, 8_000, 1, 8, b"data",
                       len(data))
    return head + data


async def upload(uploads, actor, content, purpose="chat"):
    answer = await uploads.upload_file(call_of(actor), UploadFile(purpose=purpose), {"file": Part(content)})
    return answer["file_id"]


async def code_of(work):
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.code


async def seen_by(files, actor, command):
    """"ok" or the code of the refusal."""
    try:
        await files.open_file(call_of(actor), command)
    except Refused as refused:
        return refused.code
    return "ok"


async def audits(database):
    async with database.read() as tx:
        rows = await tx.all(select(audit_log).where(audit_log.c.action == "file.open"))
    return [(row["actor_id"], row["target"]) for row in rows]


async def test_a_picture_is_kept_as_our_own_jpeg(uploads, files, visit):
    file_id = await upload(uploads, visit.booker, png() + b"<?php evil ?>")
    opened = await files.open_file(call_of(visit.booker), OpenFile(file_id=file_id))
    assert opened.media_type == "image/jpeg"
    assert b"php" not in opened.content


async def test_a_recording_is_taken_for_the_chat_only(uploads, files, visit):
    file_id = await upload(uploads, visit.booker, wav())
    assert (await files.open_file(call_of(visit.booker), OpenFile(file_id=file_id))).media_type == "audio/wav"
    for purpose in ("photo", "note"):
        assert await code_of(upload(uploads, visit.booker, wav(), purpose)) == "unsupported_type"


@pytest.mark.parametrize("content", [b"<svg onload='x'/>", b"MZ\x90\0", b"%PDF-1.7", b"GIF89a;", b"\x7fELF"])
async def test_what_is_neither_picture_nor_sound_is_refused(uploads, visit, content):
    assert await code_of(upload(uploads, visit.booker, content)) == "unsupported_type"


async def test_of_twenty_uploads_at_once_exactly_the_days_share_is_kept(uploads, database, visit, files_directory):
    work = [upload(uploads, visit.booker, png()) for _ in range(20)]
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 5
    assert {outcome.code for outcome in outcomes if not isinstance(outcome, str)} == {"too_many_requests"}
    kept = [path for path in files_directory.rglob("*") if path.is_file()]
    assert len(kept) == 5
    await upload(uploads, visit.caregiver, png())


async def test_the_days_share_counts_bytes_and_a_day_ends(uploads, database, visit):
    await upload(uploads, visit.booker, wav(seconds=5))
    assert await code_of(upload(uploads, visit.booker, wav(seconds=5))) == "too_many_requests"
    yesterday = update(stored_file).values(created_at=server_now() - timedelta(hours=25))
    await database.write(lambda tx: tx.run(yesterday))
    await upload(uploads, visit.booker, wav(seconds=5))


async def test_who_sees_a_file(uploads, files, chat, notes, clock, database, visit):
    """The access matrix of reliability.md §3 rows 1, 2 and 15; each cell was decided by hand."""
    sent = await upload(uploads, visit.booker, png())
    await chat.send_message(
        call_of(visit.booker), SendMessage(order_id=visit.order_id, msg_id="p", kind="image", file_id=sent)
    )
    noted = await upload(uploads, visit.caregiver, png(), "note")
    note = {"order_id": visit.order_id, "msg_id": "n", "kind": "measure", "text": "如图", "file_ids": [noted]}
    await notes.append_note(call_of(visit.caregiver), AppendNote(**note, recorded_at=shanghai_text(clock.now())))
    unsent = await upload(uploads, visit.booker, png())
    photo = await upload(uploads, visit.caregiver, png(), "photo")
    paper = await upload(uploads, visit.caregiver, png(), "note")
    rename = update(stored_file).where(stored_file.c.file_id == paper).values(purpose="qualification")
    await database.write(lambda tx: tx.run(rename))
    people = ("booker", "viewer", "silent_viewer", "caregiver", "other_caregiver", "stranger", "admin")
    expected = {
        sent: {"booker", "viewer", "silent_viewer", "caregiver", "admin"},
        noted: {"booker", "viewer", "silent_viewer", "caregiver", "admin"},
        unsent: {"booker", "admin"},
        photo: {"caregiver"},
        paper: {"caregiver", "admin"},
    }
    for file_id, allowed in expected.items():
        for person in people:
            outcome = await seen_by(files, getattr(visit, person), OpenFile(file_id=file_id))
            assert outcome == ("ok" if person in allowed else "not_found"), (file_id, person)
        assert await seen_by(files, None, OpenFile(file_id=file_id)) == "unauthorized"
    looked_into = [(visit.admin.user_id, f"file:{file_id}") for file_id in (sent, noted, unsent, paper)]
    assert sorted(await audits(database)) == sorted(looked_into)


async def test_access_to_an_orders_file_ends_with_the_place_in_the_order(uploads, files, chat, visit):
    sent = await upload(uploads, visit.booker, png())
    message = SendMessage(order_id=visit.order_id, msg_id="p", kind="image", file_id=sent)
    await chat.send_message(call_of(visit.booker), message)
    await visit.change(caregiver_id=None, status="paid")
    assert await seen_by(files, visit.caregiver, OpenFile(file_id=sent)) == "not_found"


async def test_a_signed_address_opens_one_file_for_five_minutes(uploads, files, links, visit):
    photo = await upload(uploads, visit.caregiver, png(), "photo")
    other = await upload(uploads, visit.caregiver, png(), "photo")

    def signed(file_id, now=None):
        address = links.sign(photo, now=now)
        return OpenFile(file_id=file_id, **dict(pair.split("=", 1) for pair in address.partition("?")[2].split("&")))

    for actor in (None, visit.stranger, visit.admin):
        assert await seen_by(files, actor, signed(photo)) == "ok"
        assert await seen_by(files, actor, signed(other)) == "not_found"
        assert await seen_by(files, actor, signed(photo, server_now() - timedelta(minutes=6))) == "not_found"
    genuine = signed(photo)
    forged = OpenFile(file_id=photo, expires=genuine.expires + "0", signature=genuine.signature)
    assert await seen_by(files, None, forged) == "not_found"
    assert await seen_by(files, None, OpenFile(file_id=photo, expires=genuine.expires)) == "unauthorized"


async def test_files_that_are_not_there_look_like_files_of_others(files, visit):
    for file_id in ("", "nothing", "0" * 26, "文件", "../../etc/passwd"):
        assert await seen_by(files, visit.booker, OpenFile(file_id=file_id)) == "not_found"


@pytest.mark.expects_warnings
async def test_a_row_without_bytes_is_logged_and_not_found(files, clock, database, visit):
    file_id = await make_file(database, visit.booker, clock.now(), purpose="chat")
    assert await seen_by(files, visit.booker, OpenFile(file_id=file_id)) == "not_found"
