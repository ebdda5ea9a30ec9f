"""An order's history and offers with the names of who acted."""

from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from server.storage.tables.booking import offer, order_event, t_order
from server.storage.tables.identity import t_user
from server.storage.tables.roster import t_caregiver_info
from server.storage.transaction import Transaction

_AT_MOST = 300  # a search that goes on for a day asks that many


async def history_of(tx: Transaction, order_id: str) -> list[RowMapping]:
    """Every change, the first one first, with `actor_name`."""
    events = select(order_event, t_user.c.username.label("actor_name"))
    events = events.outerjoin(t_user, t_user.c.user_id == order_event.c.actor_id)
    return await tx.all(events.where(order_event.c.order_id == order_id).order_by(order_event.c.version))


async def offers_of(tx: Transaction, order_id: str) -> list[RowMapping]:
    """Who was asked, the first one first, with `caregiver_name`."""
    caregiver = t_caregiver_info.c
    offers = select(offer, caregiver.name.label("caregiver_name"))
    offers = offers.join(t_caregiver_info, caregiver.caregiver_id == offer.c.caregiver_id)
    return await tx.all(
        offers.where(offer.c.order_id == order_id).order_by(offer.c.opened_at, offer.c.offer_id).limit(_AT_MOST)
    )


async def latest_offers(tx: Transaction, order_id: str) -> dict[str, str]:
    """How the latest offer to each caregiver stands."""
    states = select(offer.c.caregiver_id, offer.c.state).where(offer.c.order_id == order_id)
    return {row["caregiver_id"]: row["state"] for row in await tx.all(states.order_by(offer.c.opened_at))}


async def booker_of(tx: Transaction, order_id: str) -> RowMapping:
    row = await tx.one(
        select(t_user.c.user_id, t_user.c.username, t_user.c.phone)
        .join(t_order, t_order.c.user_id == t_user.c.user_id)
        .where(t_order.c.order_id == order_id)
    )
    assert row is not None
    return row
