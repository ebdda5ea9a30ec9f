"""Eight people around two orders, one awaiting its service and one in it.

What the authorization matrix asks about: every actor that the contract knows, and the ids of everything that
belongs to the orders.
"""
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.people import People, Person, Visits, picture, register

STATES = ("awaiting_service", "in_service")
ACTORS = ("anonymous", "stranger", "viewer", "booker", "named", "assigned", "other", "admin")


@dataclass
class Place:
    """One order and what belongs to it; `actors` without the anonymous one."""

    state: str
    order: dict[str, Any]
    actors: dict[str, Person]
    offer_id: str
    payment_id: str
    file_id: str = ""
    offset: int = 0

    @property
    def order_id(self) -> str:
        return self.order["order_id"]


@dataclass
class WardRound:
    """The two places, and a third order that is paid and only offered to whom the family named."""

    visits: Visits
    places: dict[str, Place]
    offered: Place
    spare: Person  # banned and unbanned by the matrix
    bodies: dict[str, Any] = field(default_factory=dict)

    def message(self, place: Place, **more: Any) -> dict[str, Any]:
        return {"order_id": place.order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": "您好"} | more


def gather(people: People) -> WardRound:
    """Books, names, rejects, accepts, starts: everything through the public contract."""
    booker, stranger, viewer = (people.one_of("patient", number) for number in range(3))
    visits = Visits(people, booker)
    patient_id = booker.get("/api/patient/list")["items"][0]["patient_id"]
    code = booker.post("/api/patient/invite", {"patient_id": patient_id})["invite_code"]
    viewer.post("/api/patient/join", {"invite_code": code})
    family = {"booker": booker, "stranger": stranger, "viewer": viewer, "admin": people.one_of("admin", 0)}
    soon = _accepted(people, visits, family, hours_ahead=3, state="in_service")
    later = _accepted(people, visits, family, hours_ahead=30, state="awaiting_service")
    visits.start(soon.order, soon.actors["assigned"])
    offered = _named(people, visits, family, hours_ahead=54)
    for place in (soon, later):
        _talk(place)
    spare = register(people.caller, "13970001234")
    return WardRound(visits, {later.state: later, soon.state: soon}, offered, spare)


def _named(people: People, visits: Visits, family: dict[str, Person], *, hours_ahead: float) -> Place:
    """A paid order that waits for the caregiver whom the family named."""
    named = people.one_of("caregiver", 0)
    order = visits.book(
        hours_ahead=hours_ahead, caregiver_id=named.caregiver_id, requirements="请带轮椅", bed_no="12 床"
    )
    payment_id = visits.pay(order)
    _, offer_id = visits.await_offer(order["order_id"], [named])
    return Place("paid", order, family | {"named": named}, offer_id, payment_id)


def _accepted(people: People, visits: Visits, family: dict[str, Person], *, hours_ahead: float, state: str) -> Place:
    """The named caregiver declines, another accepts; a third has nothing to do with it."""
    place = _named(people, visits, family, hours_ahead=hours_ahead)
    named = place.actors["named"]
    named.post("/api/order/reject", {"offer_id": place.offer_id, "reason": "当天有事"})
    others = [person for person in people.all_of("caregiver") if person is not named]
    assigned, offer_id = visits.await_offer(place.order_id, others)
    assigned.post("/api/order/accept", {"offer_id": offer_id})
    other = next(person for person in others if person is not assigned)
    place.actors |= {"assigned": assigned, "other": other}
    place.state, place.offer_id = state, offer_id
    return place


def _talk(place: Place) -> None:
    """A picture in the chat, so that there is a file and a position."""
    booker = place.actors["booker"]
    place.file_id = booker.upload("/api/file/upload", {"purpose": "chat"}, file=picture()).data["file_id"]
    sent = {"order_id": place.order_id, "msg_id": uuid.uuid4().hex, "kind": "image", "file_id": place.file_id}
    place.offset = booker.post("/api/chat/send", sent)["offset"]
