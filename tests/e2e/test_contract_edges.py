"""What a client who only has the contract stumbled over.

Each was met by a program written against contract.md alone, without knowing this code.
"""
from datetime import datetime, timedelta

from server.core.clock import shanghai_text
from server.core.ids import new_id


async def test_asking_the_sandboxs_clock_does_not_move_it(peihu):
    moved = await peihu.post(None, "/sandbox/clock", {"advance_s": 60})
    asked = await peihu.post(None, "/sandbox/clock", {"advance_s": 0})
    passed = datetime.fromisoformat(asked.data["now"]) - datetime.fromisoformat(moved.data["now"])
    assert timedelta() <= passed < timedelta(seconds=30)
    assert (await peihu.post(None, "/sandbox/clock", {"advance_s": -1})).code == "invalid"


async def test_a_named_caregivers_id_stands_in_the_order_until_others_are_asked(peihu, bookings):
    family, named = peihu.families[0], peihu.caregivers[0]
    order = await bookings.book(family, bookings.slot(), named=named)
    assert (order["caregiver_id"], order["caregiver"]) == (named.caregiver_id, None)
    order_id = await bookings.book_paid(family, bookings.slot(3), named=named)
    assert (await _detail(peihu, family, order_id))["caregiver_id"] == named.caregiver_id
    offers = (await peihu.get(named, "/api/order/offers")).data["items"]
    refusal = {"offer_id": offers[0]["offer_id"], "reason": "那天休息"}
    assert (await peihu.post(named, "/api/order/reject", refusal)).is_ok
    shown = await _detail(peihu, family, order_id)
    assert (shown["status"], shown["caregiver_id"], shown["caregiver"]) == ("paid", None, None)


async def test_open_offers_come_in_pages(peihu, bookings):
    caregiver = peihu.caregivers[0]
    booked = [await bookings.book_paid(peihu.families[0], bookings.slot(3 * n), named=caregiver) for n in range(3)]
    first = (await peihu.get(caregiver, "/api/order/offers", limit=2)).data
    rest = (await peihu.get(caregiver, "/api/order/offers", limit=2, cursor=first["next_cursor"])).data
    assert [item["order_id"] for item in first["items"] + rest["items"]] == booked
    assert (len(first["items"]), rest["next_cursor"]) == (2, None)
    assert (await peihu.get(caregiver, "/api/order/offers", limit=101)).code == "invalid"
    assert (await peihu.get(caregiver, "/api/order/offers", cursor="x")).code == "invalid"


async def test_a_quote_is_honoured_when_a_wish_is_added_while_booking(peihu, bookings):
    family = peihu.families[0]
    wish = bookings.wish(family, bookings.slot())
    quoted = (await peihu.post(family, "/api/order/quote", wish)).data
    added = {"quote_id": quoted["quote_id"], "requirements": "请带轮椅", "bed_no": "3床", "department": "orthopedics"}
    made = await peihu.post(family, "/api/order/create", wish | added, key=new_id())
    assert (made.status, made.data["amount_fen"]) == (201, quoted["amount_fen"])
    elsewhen = bookings.wish(family, bookings.slot(3)) | {"quote_id": quoted["quote_id"]}
    assert (await peihu.post(family, "/api/order/create", elsewhen, key=new_id())).code == "quote_expired"


async def test_codes_that_people_see_have_their_words(peihu, bookings):
    family, caregiver = peihu.families[0], peihu.caregivers[0]
    order_id = await bookings.book_paid(family, bookings.slot(), named=caregiver)
    [offer] = (await peihu.get(caregiver, "/api/order/offers")).data["items"]
    assert offer["patient"]["gender_text"] in ("男", "女")
    accepted = await peihu.post(caregiver, "/api/order/accept", {"offer_id": offer["offer_id"]})
    assert accepted.data == {"order_id": order_id, "status": "awaiting_service", "status_text": "待服务"}
    shown = await _detail(peihu, family, order_id)
    assert shown["patient"]["gender_text"] == offer["patient"]["gender_text"]
    assert "department_text" in shown


async def test_behaviour_is_stored_of_whoever_agrees_until_it_is_taken_back(peihu):
    family = peihu.families[0]

    async def stored():
        view = {"page": "order", "entered_at": shanghai_text(peihu.clock.now()), "duration_ms": 5}
        return (await peihu.post(family, "/api/event/report", {"events": [view]})).data["stored"]

    async def answer(agree):
        answered = await peihu.post(family, "/api/user/consent", {"purpose": "behaviour", "agree": agree})
        assert (answered.status, answered.data) == (200, {"purpose": "behaviour", "agree": agree})

    assert await stored() == 0
    await answer(True)
    await answer(True)
    assert await stored() == 1
    await answer(False)
    assert await stored() == 0


async def _detail(peihu, who, order_id):
    return (await peihu.get(who, "/api/order/detail", order_id=order_id)).data
