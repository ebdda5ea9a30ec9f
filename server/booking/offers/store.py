"""Offers in the database; one statement takes one.

`OfferClaims` is a class of its own because it is the guard that the race tests remove.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, insert, select, update
from sqlalchemy.engine import RowMapping

from server.booking.facts import Offered, OffersClosed, OffersOpened
from server.core.facts import Facts
from server.core.ids import new_id
from server.storage.tables.booking import offer, t_order
from server.storage.tables.roster import t_caregiver_info
from server.storage.transaction import Transaction

_ADD = insert(offer)
_WAITING = exists().where(t_order.c.order_id == offer.c.order_id, t_order.c.status == "paid")
_CLAIM = (
    update(offer)
    .where(offer.c.offer_id == bindparam("claimed_offer"), offer.c.state == "open")
    .where(offer.c.expires_at > bindparam("at"), _WAITING)
    .values(state="accepted", live_key=None, closed_at=bindparam("at"))
)
_OWN = (
    select(offer)
    .join(t_caregiver_info, offer.c.caregiver_id == t_caregiver_info.c.caregiver_id)
    .where(offer.c.offer_id == bindparam("wanted_offer"), t_caregiver_info.c.user_id == bindparam("account"))
)
_TO_CLOSE = select(offer, t_caregiver_info.c.user_id.label("caregiver_user_id")).join(
    t_caregiver_info, offer.c.caregiver_id == t_caregiver_info.c.caregiver_id
)


class _OneHasEnded(Exception):
    """Of offers that were open a moment ago."""


class OfferClaims:
    """The one statement that decides who gets an order."""

    async def claim(self, tx: Transaction, offer_row: RowMapping, *, at: datetime) -> bool:
        """Mark an open, unexpired offer of a still waiting order accepted; False: somebody or time was faster."""
        return await tx.run(_CLAIM, {"claimed_offer": offer_row["offer_id"], "at": at}) == 1


class OfferStore:
    """Opens and closes offers inside a transaction and tells the facts."""

    def __init__(self, *, facts: Facts) -> None:
        self._facts = facts

    async def open(
        self,
        tx: Transaction,
        order: RowMapping,
        chosen: Sequence[Any],
        *,
        wave: int,
        expires_at: datetime,
        at: datetime,
    ) -> tuple[Offered, ...]:
        """Open an offer for each of these caregivers (`caregiver_id`, `user_id`, `ranking`), told together."""
        if not chosen:
            return ()
        order_id = order["order_id"]
        offers = tuple(Offered(new_id(), order_id, one.caregiver_id, one.user_id) for one in chosen)
        alike = {"order_id": order_id, "wave": wave, "state": "open", "opened_at": at, "expires_at": expires_at}
        rows = [
            alike | {
                "offer_id": one.offer_id, "caregiver_id": one.caregiver_id, "income_fen": order["income_fen"],
                "live_key": f"{order_id}/{one.caregiver_id}",
                "ranking": json.dumps(candidate.ranking, ensure_ascii=False),
            }
            for one, candidate in zip(offers, chosen, strict=True)
        ]  # fmt: skip
        await tx.run(_ADD, rows)
        await self._facts.record(tx, OffersOpened(offers, wave=wave, expires_at=expires_at, at=at))
        return offers

    async def get_own(self, tx: Transaction, offer_id: str, *, user_id: str) -> RowMapping | None:
        """An offer made to this account; another's does not exist for him."""
        return await tx.one(_OWN, {"wanted_offer": offer_id, "account": user_id})

    async def close(
        self, tx: Transaction, state: str, condition: ColumnElement[bool], *, at: datetime, reason: str | None = None
    ) -> list[RowMapping]:
        """End every open offer that meets the condition, each told once; returns the rows that ended."""
        change = {"state": state, "live_key": None, "closed_at": at, "reason": reason}
        found = await tx.all(_TO_CLOSE.where(offer.c.state == "open", condition).order_by(offer.c.offer_id))
        ended = await self._end_all(tx, found, change) if len(found) > 1 else await self._end_each(tx, found, change)
        await self._tell_closed(tx, ended, state, at=at)
        return ended

    async def _end_all(self, tx: Transaction, rows: list[RowMapping], change: dict[str, Any]) -> list[RowMapping]:
        """By one statement, unless one of them has ended since it was read: which one, only each by itself tells."""
        here = offer.c.offer_id.in_([row["offer_id"] for row in rows])
        try:
            async with tx.savepoint():
                if await tx.run(update(offer).where(here, offer.c.state == "open").values(**change)) != len(rows):
                    raise _OneHasEnded
        except _OneHasEnded:
            return await self._end_each(tx, rows, change)
        return rows

    async def _end_each(self, tx: Transaction, rows: list[RowMapping], change: dict[str, Any]) -> list[RowMapping]:
        ended = []
        for row in rows:
            here = (offer.c.offer_id == row["offer_id"], offer.c.state == "open")
            if await tx.run(update(offer).where(*here).values(**change)) == 1:
                ended.append(row)
        return ended

    async def tell_accepted(self, tx: Transaction, offer_row: RowMapping, *, user_id: str, at: datetime) -> None:
        """The fact of an offer that `OfferClaims.claim` has marked."""
        await self._tell_closed(tx, [{**offer_row, "caregiver_user_id": user_id}], "accepted", at=at)

    async def _tell_closed(self, tx: Transaction, rows: Sequence[Any], reason: str, *, at: datetime) -> None:
        names = ("offer_id", "order_id", "caregiver_id", "caregiver_user_id")
        offers = tuple(Offered(**{name: row[name] for name in names}) for row in rows)
        if offers:
            await self._facts.record(tx, OffersClosed(offers, reason=reason, at=at))

    async def withdraw_accepted(self, tx: Transaction, order_id: str, caregiver_id: str) -> None:
        """The caregiver gave the order back: his accepted offer no longer answers for it."""
        mine = (offer.c.order_id == order_id, offer.c.caregiver_id == caregiver_id, offer.c.state == "accepted")
        await tx.run(update(offer).where(*mine).values(state="withdrawn"))

    async def asked_already(self, tx: Transaction, order_id: str) -> set[str]:
        """Caregivers who are not asked (again): an open offer, or one that they refused, missed or gave back."""
        out = offer.c.state.in_(("open", "rejected", "expired", "withdrawn"))
        rows = await tx.all(select(offer.c.caregiver_id).where(offer.c.order_id == order_id, out))
        return {row["caregiver_id"] for row in rows}

    async def due(self, tx: Transaction, *, at: datetime, limit: int = 200) -> list[RowMapping]:
        """Open offers whose time is over."""
        return await tx.all(select(offer).where(*are_over(at)).order_by(offer.c.expires_at).limit(limit))


def are_over(at: Any) -> tuple[ColumnElement[bool], ...]:
    """Open offers whose time is over at an instant, or at a parameter for one."""
    return offer.c.state == "open", offer.c.expires_at <= at


def of_order(order_id: str) -> ColumnElement[bool]:
    """All offers of an order."""
    return offer.c.order_id == order_id


def of_caregiver(caregiver_id: str) -> ColumnElement[bool]:
    """All offers to a caregiver."""
    return offer.c.caregiver_id == caregiver_id


def only(offer_id: str) -> ColumnElement[bool]:
    """This one offer."""
    return offer.c.offer_id == offer_id


def over(offer_id: str, *, at: datetime) -> ColumnElement[bool]:
    """This one offer, if its time is over."""
    return and_(offer.c.offer_id == offer_id, offer.c.expires_at <= at)
