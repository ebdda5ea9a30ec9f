"""A rival's row that appears between looking and storing."""
import pytest

from server.care import store_notes
from server.care.commands import AppendNote, SendMessage
from server.core.channels import order_channel
from server.core.clock import shanghai_text
from server.core.errors import Refused
from tests.unit.care.visits import call_of


class BlindOnce:
    """Looks for a row and misses it the first time, as one does a moment before a rival commits."""

    def __init__(self, look):
        self._look = look
        self.looked = 0

    async def __call__(self, *where):
        self.looked += 1
        return None if self.looked == 1 else await self._look(*where)


async def offsets(log, visit):
    found = await log.since(order_channel(visit.order_id), 0, limit=100, max_bytes=10**6)
    return [event.offset for event in found.events], found.top.offset


async def test_a_rivals_message_is_the_answer_and_leaves_no_gap(chat, log, visit):
    """A text is stored without looking first: its unique key finds a rival's, whenever that was stored."""
    command = SendMessage(order_id=visit.order_id, msg_id="m1", kind="text", text="您好")
    first = await chat.send_message(call_of(visit.booker), command)
    assert await chat.send_message(call_of(visit.booker), command) == first
    assert await offsets(log, visit) == ([1], 1)


async def test_a_rivals_message_with_another_body_is_told(chat, log, visit):
    message = {"order_id": visit.order_id, "msg_id": "m1", "kind": "text"}
    await chat.send_message(call_of(visit.booker), SendMessage(**message, text="您好"))
    with pytest.raises(Refused) as caught:
        await chat.send_message(call_of(visit.booker), SendMessage(**message, text="别的"))
    assert caught.value.code == "idempotency_mismatch"
    assert await offsets(log, visit) == ([1], 1)


async def test_a_rivals_note_is_the_answer_and_leaves_no_gap(notes, clock, log, visit, monkeypatch):
    note = {"order_id": visit.order_id, "msg_id": "n1", "kind": "measure", "text": "已服药"}
    command = AppendNote(**note, recorded_at=shanghai_text(clock.now()))
    first = await notes.append_note(call_of(visit.caregiver), command)
    monkeypatch.setattr(store_notes, "find_note", BlindOnce(store_notes.find_note))
    assert await notes.append_note(call_of(visit.caregiver), command) == first
    assert await offsets(log, visit) == ([1], 1)


async def test_a_service_that_ends_while_a_note_is_stored_gets_no_note_behind_its_end(
    notes, clock, log, orders, visit, monkeypatch
):
    """On MySQL the finish may commit after the first look; the second look is taken under the channel's lock."""
    looks = []
    ask = orders.standing

    async def finished_meanwhile(tx, *who):
        looks.append(await ask(tx, *who))
        return looks[-1] if len(looks) == 1 else _finished(looks[-1])

    monkeypatch.setattr(orders, "standing", finished_meanwhile)
    note = {"order_id": visit.order_id, "msg_id": "n1", "kind": "measure", "text": "已服药"}
    with pytest.raises(Refused) as caught:
        await notes.append_note(
            call_of(visit.caregiver), AppendNote(**note, recorded_at=shanghai_text(clock.now()))
        )
    assert caught.value.code == "already_finished"
    assert await offsets(log, visit) == ([], 0)


def _finished(standing):
    fields = {name: getattr(standing, name) for name in type(standing).__dataclass_fields__}
    return type(standing)(**{**fields, "finished": True})
