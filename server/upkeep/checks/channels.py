"""Questions about channels and what is counted of people."""

from typing import Any

from sqlalchemy import Select, and_, case, func, not_, or_, select, union_all

from server.booking.rules.states import OrderState
from server.core.channels import order_channel
from server.storage.tables.booking import t_order, t_order_detail
from server.storage.tables.care import chat_message, service_note
from server.storage.tables.roster import t_caregiver_info
from server.storage.tables.system import channel_event, channel_head

_OF_ORDERS = order_channel("")


def gap_in_a_channel() -> Select[Any]:
    """What retention has left of a channel reaches without a gap to where its head stands."""
    columns = channel_event.c
    kept = (
        select(
            columns.channel,
            func.count().label("events"),
            func.min(columns.offset).label("first"),
            func.max(columns.offset).label("last"),
        )
        .group_by(columns.channel)
        .subquery()
    )
    joined = kept.outerjoin(channel_head, channel_head.c.channel == kept.c.channel)
    whole = and_(kept.c.last == channel_head.c.top, kept.c.events == kept.c.last - kept.c.first + 1, kept.c.first >= 1)
    return select(kept.c.channel).select_from(joined).where(not_(func.coalesce(whole, False)))


def _written() -> Any:
    chat = select(chat_message.c.order_id, chat_message.c.offset)
    return union_all(chat, select(service_note.c.order_id, service_note.c.offset)).subquery()


def two_in_one_place() -> Select[Any]:
    """A message or a note has a position in its order's channel, alone."""
    written = _written()
    return select(written.c.order_id).group_by(written.c.order_id, written.c.offset).having(func.count() > 1)


def written_beyond_the_top() -> Select[Any]:
    written = _written()
    farthest = func.max(written.c.offset).label("offset")
    last = select(written.c.order_id, farthest).group_by(written.c.order_id).subquery()
    order_id = func.substr(channel_head.c.channel, len(_OF_ORDERS) + 1)
    heads = select(order_id.label("order_id"), channel_head.c.top).where(channel_head.c.channel.like(f"{_OF_ORDERS}%"))
    head = heads.subquery()
    joined = last.join(head, head.c.order_id == last.c.order_id)
    return select(last.c.order_id).select_from(joined).where(last.c.offset > head.c.top)


def miscounted_caregiver() -> Select[Any]:
    """Ratings and visits on a caregiver's row are those of the reviews and orders."""
    details, orders, people = t_order_detail.c, t_order.c, t_caregiver_info.c
    reviews = (
        select(
            details.caregiver_id,
            func.count().label("reviews"),
            func.sum(details.review_score).label("stars"),
            func.sum(case((details.review_score >= 4, 1), else_=0)).label("good"),
        )
        .where(details.review_score.is_not(None))
        .group_by(details.caregiver_id)
        .subquery()
    )
    visits = (
        select(orders.caregiver_id, func.count().label("visits"))
        .where(orders.status == OrderState.COMPLETED)
        .group_by(orders.caregiver_id)
        .subquery()
    )
    joined = t_caregiver_info.outerjoin(reviews, reviews.c.caregiver_id == people.caregiver_id)
    joined = joined.outerjoin(visits, visits.c.caregiver_id == people.caregiver_id)
    differs = or_(
        people.review_count != func.coalesce(reviews.c.reviews, 0),
        people.rating_sum != func.coalesce(reviews.c.stars, 0),
        people.good_count != func.coalesce(reviews.c.good, 0),
        people.completed_count != func.coalesce(visits.c.visits, 0),
        (people.rating_milli.is_(None)) != (func.coalesce(reviews.c.reviews, 0) == 0),
    )
    return select(people.caregiver_id).select_from(joined).where(differs)
