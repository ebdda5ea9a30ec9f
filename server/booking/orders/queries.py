"""Reading orders with the people in them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, literal_column, or_, select, union_all
from sqlalchemy.engine import RowMapping

from server.booking.facts import OrderMoved
from server.core.call import Actor
from server.core.errors import invalid
from server.core.ids import looks_like_id
from server.storage.tables.booking import offer, t_order, t_order_detail
from server.storage.tables.roster import patient_viewer, t_caregiver_info, t_patient_info
from server.storage.transaction import Transaction

# What permissions are answered from, at every request; made once.
ORDER_AT_A_GLANCE = select(
    t_order.c.order_id,
    t_order.c.user_id,
    t_order.c.patient_id,
    t_order.c.caregiver_id,
    t_order.c.status,
    t_order.c.version,
    t_order.c.accepted_at,
    t_order.c.started_at,
    t_order.c.finished_at,
    t_order.c.completed_at,
    t_order.c.policy_version,
).where(t_order.c.order_id == bindparam("wanted_order"))
# The same in a transaction that does something about it: the order stays so until the commit.
ORDER_HELD = ORDER_AT_A_GLANCE.with_for_update(read=True)
ASSIGNED = select(t_caregiver_info.c.caregiver_id).where(
    t_caregiver_info.c.user_id == bindparam("account"), t_caregiver_info.c.caregiver_id == bindparam("assigned")
)
_PARTY = union_all(
    select(patient_viewer.c.user_id, literal_column("0").label("is_caregiver")).where(
        patient_viewer.c.patient_id == bindparam("patient")
    ),
    select(t_caregiver_info.c.user_id, literal_column("1").label("is_caregiver")).where(
        t_caregiver_info.c.caregiver_id == bindparam("assigned")
    ),
)
VIEWER = select(patient_viewer.c.may_chat).where(
    patient_viewer.c.patient_id == bindparam("patient"), patient_viewer.c.user_id == bindparam("account")
)


def _order_columns() -> Select[Any]:
    patient, caregiver, detail = t_patient_info, t_caregiver_info, t_order_detail
    return (
        select(
            t_order,
            patient.c.name.label("patient_name"),
            patient.c.birth_date.label("patient_birth_date"),
            patient.c.gender.label("patient_gender"),
            patient.c.condition.label("patient_condition"),
            caregiver.c.name.label("caregiver_name"),
            caregiver.c.photo_file_id.label("caregiver_photo_file_id"),
            caregiver.c.contact_phone.label("caregiver_phone"),
            detail.c.service_record,
            detail.c.review_score,
            detail.c.review_content,
            detail.c.review_tags,
            detail.c.reviewed_at,
        )
        .join(patient, patient.c.patient_id == t_order.c.patient_id)
        .join(detail, detail.c.order_id == t_order.c.order_id)
        .outerjoin(caregiver, caregiver.c.caregiver_id == t_order.c.caregiver_id)
    )


_WITH_PEOPLE = _order_columns().where(t_order.c.order_id == bindparam("wanted_order"))


async def order_with_people(tx: Transaction, order_id: str) -> RowMapping | None:
    return await tx.one(_WITH_PEOPLE, {"wanted_order": order_id})


async def orders_page(
    tx: Transaction, actor: Actor, *, status: str | None, limit: int, cursor: str | None
) -> tuple[list[RowMapping], str | None]:
    """The actor's orders by id (so: by creation), newest first, and the cursor of the next page."""
    wanted = _order_columns().where(*_visible_to(actor))
    if status is not None:
        wanted = wanted.where(t_order.c.status == status)
    if cursor is not None:
        wanted = wanted.where(t_order.c.order_id < _known(cursor))
    rows = await tx.all(wanted.order_by(t_order.c.order_id.desc()).limit(limit + 1))
    more = len(rows) > limit
    return rows[:limit], rows[limit - 1]["order_id"] if more else None


def _known(cursor: str) -> str:
    if not looks_like_id(cursor):
        raise invalid("cursor", "不是有效的游标")
    return cursor


def _visible_to(actor: Actor) -> tuple[Any, ...]:
    if actor.user_type == "admin":
        return ()
    if actor.user_type == "caregiver":
        own = select(t_caregiver_info.c.caregiver_id).where(t_caregiver_info.c.user_id == actor.user_id)
        return (t_order.c.caregiver_id.in_(own),)
    joined = select(patient_viewer.c.patient_id).where(patient_viewer.c.user_id == actor.user_id)
    return (or_(t_order.c.user_id == actor.user_id, t_order.c.patient_id.in_(joined)),)


async def open_offers_page(
    tx: Transaction, actor: Actor, *, at: datetime, limit: int, cursor: str | None
) -> tuple[list[str], str | None]:
    """The ids of a caregiver's open, unexpired offers, the oldest first, and the cursor of the next page."""
    mine = offer.c.caregiver_id == t_caregiver_info.c.caregiver_id
    live = (offer.c.state == "open", offer.c.expires_at > at, t_caregiver_info.c.user_id == actor.user_id)
    wanted = select(offer.c.offer_id).join(t_caregiver_info, mine).where(*live)
    if cursor is not None:
        wanted = wanted.where(offer.c.offer_id > _known(cursor))
    rows = await tx.all(wanted.order_by(offer.c.offer_id).limit(limit + 1))
    offer_ids = [row["offer_id"] for row in rows]
    return offer_ids[:limit], offer_ids[limit - 1] if len(offer_ids) > limit else None


async def offers_with_orders(tx: Transaction, offer_ids: Sequence[str]) -> dict[str, RowMapping]:
    """Offers by id, each with its order and what may be told of the patient before acceptance."""
    patient = t_patient_info.c
    columns = (
        offer.c.offer_id,
        offer.c.expires_at,
        t_order.c.order_id,
        t_order.c.service_type,
        t_order.c.start_at,
        t_order.c.end_at,
        t_order.c.is_urgent,
        offer.c.income_fen,
        t_order.c.district,
        t_order.c.hospital_id,
        t_order.c.requirements,
        patient.birth_date,
        patient.gender,
        patient.condition,
    )
    joined = select(*columns).join(t_order, t_order.c.order_id == offer.c.order_id)
    with_patients = joined.join(t_patient_info, patient.patient_id == t_order.c.patient_id)
    rows = await tx.all(with_patients.where(offer.c.offer_id.in_(offer_ids)))
    return {row["offer_id"]: row for row in rows}


async def has_live_orders(tx: Transaction, patient_id: str) -> bool:
    """Whether a patient has an order that is not over."""
    live = t_order.c.status.in_(("pending_payment", "paid", "awaiting_service", "in_service"))
    found = select(t_order.c.order_id).where(t_order.c.patient_id == patient_id, live).limit(1)
    return await tx.value(found) is not None


async def order_ids_of_patient(tx: Transaction, patient_id: str) -> list[str]:
    """Every order of a patient whose channel somebody may still follow."""
    return [
        row["order_id"] for row in await tx.all(select(t_order.c.order_id).where(t_order.c.patient_id == patient_id))
    ]


async def user_of_caregiver(tx: Transaction, caregiver_id: str) -> str:
    return await tx.value(select(t_caregiver_info.c.user_id).where(t_caregiver_info.c.caregiver_id == caregiver_id))


@dataclass(frozen=True, slots=True)
class Party:
    """The accounts of an order: who booked, who joined the patient, the assigned caregiver's."""

    booker_id: str
    viewer_ids: tuple[str, ...]
    caregiver_user_id: str | None

    @property
    def family_ids(self) -> tuple[str, ...]:
        return (self.booker_id, *self.viewer_ids)

    @property
    def all_ids(self) -> tuple[str, ...]:
        return self.family_ids if self.caregiver_user_id is None else (*self.family_ids, self.caregiver_user_id)


async def party_of(tx: Transaction, moved: OrderMoved) -> Party:
    """The party of an order after a move; read once for all who are told of it."""
    key = (party_of, moved.order_id, moved.version)
    party: Party | None = tx.known(key)
    if party is None:
        people = {"patient": moved.patient_id, "assigned": moved.caregiver_id}
        rows = await tx.all(_PARTY, people)
        viewers = sorted(row["user_id"] for row in rows if not row["is_caregiver"])
        caregiver = next((row["user_id"] for row in rows if row["is_caregiver"]), None)
        party = Party(moved.user_id, tuple(viewers), caregiver)
        tx.learn(key, party)
    return party


async def assigned_orders(tx: Transaction, caregiver_id: str) -> list[RowMapping]:
    """Accepted visits of a caregiver that have not begun; nobody else moves them before the commit."""
    accepted = (t_order.c.caregiver_id == caregiver_id, t_order.c.status == "awaiting_service")
    return await tx.all(select(t_order).where(*accepted).order_by(t_order.c.order_id).with_for_update())


async def caregiver_of_user(tx: Transaction, user_id: str) -> str | None:
    return await tx.value(select(t_caregiver_info.c.caregiver_id).where(t_caregiver_info.c.user_id == user_id))


async def parties_of(tx: Transaction, order_ids: Collection[str]) -> dict[str, set[str]]:
    """The accounts of the parties of many orders in two reads; an order that does not exist has none."""
    caregiver, viewer = t_caregiver_info.c, patient_viewer.c
    orders = (
        select(t_order.c.order_id, t_order.c.user_id, caregiver.user_id.label("caregiver_user_id"))
        .outerjoin(t_caregiver_info, caregiver.caregiver_id == t_order.c.caregiver_id)
        .where(t_order.c.order_id.in_(order_ids))
    )
    joined = select(t_order.c.order_id, viewer.user_id).join(t_order, t_order.c.patient_id == viewer.patient_id)
    parties = {row["order_id"]: {row["user_id"], row["caregiver_user_id"]} for row in await tx.all(orders)}
    for row in await tx.all(joined.where(t_order.c.order_id.in_(order_ids))):
        parties[row["order_id"]].add(row["user_id"])
    return {order_id: party - {None} for order_id, party in parties.items()}
