"""Questions about orders: who has them, when, and their moves."""

from typing import Any

from sqlalchemy import Select, and_, case, func, not_, or_, select

from server.booking.rules.states import ASSIGNED_STATES, FINAL_STATES, ORDER_MOVES, OrderState
from server.storage.tables.booking import engagement, offer, order_event, t_order

_VISIT = [state for state in OrderState if state not in FINAL_STATES]
_UNASSIGNED = [OrderState.PENDING_PAYMENT, OrderState.PAID]
_ORDER = t_order.c.order_id
_OF_CAREGIVER, _OF_PATIENT = engagement.c.person_kind == "caregiver", engagement.c.person_kind == "patient"


def two_winners() -> Select[Any]:
    accepted = select(offer.c.order_id).where(offer.c.state == "accepted")
    return accepted.group_by(offer.c.order_id).having(func.count() > 1)


def caregiver_without_right() -> Select[Any]:
    """Assigned to nobody, or to somebody too early."""
    nobody = and_(t_order.c.status.in_(ASSIGNED_STATES), t_order.c.caregiver_id.is_(None))
    early = and_(t_order.c.status.in_(_UNASSIGNED), t_order.c.caregiver_id.is_not(None))
    return select(_ORDER).where(or_(nobody, early))


def winner_is_another() -> Select[Any]:
    other = or_(t_order.c.caregiver_id.is_(None), t_order.c.caregiver_id != offer.c.caregiver_id)
    both = offer.join(t_order, offer.c.order_id == _ORDER)
    return select(_ORDER).select_from(both).where(offer.c.state == "accepted", other)


def open_offer_of_another_state() -> Select[Any]:
    both = offer.join(t_order, offer.c.order_id == _ORDER)
    without_key = (offer.c.state == "open") != offer.c.live_key.is_not(None)
    early_or_late = and_(offer.c.state == "open", t_order.c.status != OrderState.PAID)
    return select(offer.c.offer_id).select_from(both).where(or_(early_or_late, without_key))


def in_two_places() -> Select[Any]:
    columns = engagement.c
    person = {"partition_by": (columns.person_kind, columns.person_id), "order_by": columns.start_at}
    before = func.lag(columns.end_at).over(**person).label("before")
    taken = select(columns.order_id, columns.start_at, before).subquery()
    return select(taken.c.order_id).where(taken.c.before > taken.c.start_at)


def time_not_taken() -> Select[Any]:
    """A living order without its patient's time, or an assigned one without its caregiver's."""
    columns, orders = engagement.c, t_order.c
    of_patient = columns.person_id == orders.patient_id
    patients = select(columns.order_id).where(_OF_PATIENT, of_patient, columns.order_id == _ORDER)
    visits = select(columns.order_id).where(
        _OF_CAREGIVER, columns.person_id == orders.caregiver_id, columns.order_id == _ORDER, columns.kind == "visit"
    )
    alone = and_(orders.status.in_(_VISIT), not_(patients.exists()))
    unkept = and_(orders.status.in_(ASSIGNED_STATES), not_(visits.exists()))
    return select(_ORDER).where(or_(alone, unkept))


def time_of_nobody() -> Select[Any]:
    """Time of an order that is over, or of somebody who has nothing to do with it."""
    columns, orders = engagement.c, t_order.c
    both = engagement.join(t_order, columns.order_id == _ORDER)
    whose = case(
        (_OF_PATIENT, orders.patient_id),
        (orders.status.in_(ASSIGNED_STATES), orders.caregiver_id),
        else_=orders.named_caregiver_id,
    )
    strange = or_(whose.is_(None), whose != columns.person_id)
    return select(_ORDER).select_from(both).where(or_(orders.status.in_(FINAL_STATES), strange))


def strange_move() -> Select[Any]:
    columns = order_event.c
    allowed = [
        and_(
            columns.from_status.is_(None) if move.source is None else columns.from_status == move.source,
            columns.event == move.event,
            columns.to_status == move.target,
        )
        for move in ORDER_MOVES
    ]
    known = func.coalesce(or_(*allowed), False)  # a null source compared with a name is neither true nor false
    return select(columns.order_id).where(not_(known))


def broken_chain() -> Select[Any]:
    """A move from another state than the one before led to."""
    columns = order_event.c
    before = func.lag(columns.to_status).over(partition_by=columns.order_id, order_by=columns.version).label("before")
    moves = select(columns.order_id, columns.version, columns.from_status, before).subquery()
    differs = or_(
        and_(moves.c.version == 1, moves.c.from_status.is_not(None)),
        and_(moves.c.version > 1, func.coalesce(moves.c.from_status, "") != func.coalesce(moves.c.before, "")),
    )
    return select(moves.c.order_id).where(differs)


def versions_do_not_add_up() -> Select[Any]:
    """One row a version from 1 on, and the last one leads to where the order is."""
    columns = order_event.c
    told = (
        select(
            columns.order_id,
            func.count().label("moves"),
            func.min(columns.version).label("first"),
            func.max(columns.version).label("last"),
        )
        .group_by(columns.order_id)
        .subquery()
    )
    last = order_event.alias("last_move")
    joined = t_order.outerjoin(told, told.c.order_id == _ORDER).outerjoin(
        last, and_(last.c.order_id == _ORDER, last.c.version == t_order.c.version)
    )
    whole = and_(
        told.c.moves == t_order.c.version,
        told.c.first == 1,
        told.c.last == t_order.c.version,
        last.c.to_status == t_order.c.status,
    )
    return select(_ORDER).select_from(joined).where(not_(func.coalesce(whole, False)))
