"""Facts become events of the live channels (contract.md §8).

Written in the transaction of the fact. An event's id is made of the fact, so that one fact has one id on
all its channels and enters each once. Appending locks the channels' head rows, in order of their names.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from server.billing.facts import PaymentStatusChanged
from server.billing.records import PAYMENT_STATUS_TEXTS
from server.booking.facts import Offered, OffersClosed, OffersOpened, OrderMoved
from server.booking.orders.queries import party_of
from server.booking.orders.viewing import Viewing
from server.booking.rules.states import ORDER_STATE_TEXTS, OrderState
from server.core.channels import OPS, order_channel, user_channel
from server.core.clock import BusinessClock, shanghai_text
from server.core.facts import Facts
from server.oversight.facts import AlarmClosed, AlarmRaised
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.transaction import Transaction


class ChannelEvents:
    """Appends the events of orders, money and alarms to the channel log."""

    def __init__(self, *, log: SqlChannelLog, viewing: Viewing, clock: BusinessClock) -> None:
        self._log = log
        self._viewing = viewing
        self._clock = clock

    def listen(self, facts: Facts) -> None:
        facts.on(OrderMoved, self._order_moved)
        facts.on(OffersOpened, self._offers_opened)
        facts.on(OffersClosed, self._offers_closed)
        facts.on(PaymentStatusChanged, self._payment_changed)
        facts.on(AlarmRaised, self._alarm_raised)
        facts.on(AlarmClosed, self._alarm_closed)

    async def _order_moved(self, tx: Transaction, fact: OrderMoved) -> None:
        party = await party_of(tx, fact)
        data = {
            "order_id": fact.order_id,
            "status": fact.to_status,
            "status_text": ORDER_STATE_TEXTS[OrderState(fact.to_status)],
            "version": fact.version,
            "finished_at": shanghai_text(fact.finished_at),
        }
        channels = [order_channel(fact.order_id), *map(user_channel, party.all_ids)]
        event_id = f"{fact.order_id}.{fact.version}"
        await self._append(tx, channels, "order.status", event_id, data, at=fact.at, is_new=True)

    async def _offers_opened(self, tx: Transaction, fact: OffersOpened) -> None:
        """A wave has one order and one time to answer, so what its offers tell differs by their ids alone."""
        (card,) = await self._viewing.offer_cards(tx, [fact.offers[0].offer_id])
        cards = {one: card | {"offer_id": one.offer_id} for one in fact.offers}
        await self._tell_each(tx, cards, "opened", at=fact.at, is_new=True)

    async def _offers_closed(self, tx: Transaction, fact: OffersClosed) -> None:
        told = {
            one: {"offer_id": one.offer_id, "order_id": one.order_id, "reason": fact.reason} for one in fact.offers
        }
        await self._tell_each(tx, told, "closed", at=fact.at, is_new=False)

    async def _tell_each(
        self, tx: Transaction, told: dict[Offered, dict[str, Any]], what: str, *, at: datetime, is_new: bool
    ) -> None:
        """Each caregiver of the own offer."""
        when = shanghai_text(at)
        events = [
            (
                user_channel(one.caregiver_user_id),
                {"type": f"offer.{what}", "id": f"{one.offer_id}.{what}", "at": when, "data": data},
            )
            for one, data in told.items()
        ]
        await self._log.append_each(tx, events, at=at, is_new=is_new)

    async def _payment_changed(self, tx: Transaction, fact: PaymentStatusChanged) -> None:
        data = {
            "payment_id": fact.payment_id,
            "order_id": fact.order_id,
            "status": fact.status,
            "status_text": PAYMENT_STATUS_TEXTS[fact.status],
        }
        event_id = f"{fact.payment_id}.{fact.status}"
        channels = [user_channel(fact.user_id)]
        await self._append(tx, channels, "payment.status", event_id, data, at=self._clock.now())

    async def _alarm_raised(self, tx: Transaction, fact: AlarmRaised) -> None:
        data = {"alarm_id": fact.alarm_id, "kind": fact.kind, "order_id": fact.order_id, "text": fact.text}
        await self._append(tx, [OPS], "ops.alarm", fact.alarm_id, data, at=fact.at)

    async def _alarm_closed(self, tx: Transaction, fact: AlarmClosed) -> None:
        data = {"alarm_id": fact.alarm_id, "kind": fact.kind, "order_id": fact.order_id}
        await self._append(tx, [OPS], "ops.alarm_closed", f"{fact.alarm_id}.closed", data, at=fact.at)

    async def _append(
        self,
        tx: Transaction,
        channels: Iterable[str],
        event_type: str,
        event_id: str,
        data: dict[str, Any],
        *,
        at: datetime,
        is_new: bool = False,
    ) -> None:
        """`is_new` where the change that is told can be made only once: no event of this id can be there."""
        event = {"type": event_type, "id": event_id, "at": shanghai_text(at), "data": data}
        await self._log.append_to_all(tx, sorted(set(channels)), event, at=at, is_new=is_new)
