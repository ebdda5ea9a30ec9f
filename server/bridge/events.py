"""Facts become events of the live channels (contract.md §8).

Written in the transaction of the fact. An event's id is made of the fact, so that one fact has one id on
all its channels and enters each once. Channels are appended in order of their names, because each append
locks the channel's head row.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from server.billing.facts import PaymentAlarm, PaymentStatusChanged
from server.billing.records import PAYMENT_STATUS_TEXTS
from server.booking.facts import OfferClosed, OfferOpened, OrderMoved, OrderStuck
from server.booking.queries import party_of
from server.booking.states import ORDER_STATE_TEXTS, OrderState
from server.booking.viewing import Viewing
from server.core.channels import OPS, order_channel, user_channel
from server.core.clock import BusinessClock, shanghai_text
from server.core.facts import Facts
from server.storage.alarms import raise_alarm
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.transaction import Transaction


class ChannelEvents:
    """Appends the events of booking and billing to the channel log."""

    def __init__(self, *, log: SqlChannelLog, viewing: Viewing, clock: BusinessClock) -> None:
        self._log = log
        self._viewing = viewing
        self._clock = clock

    def listen(self, facts: Facts) -> None:
        facts.on(OrderMoved, self._order_moved)
        facts.on(OfferOpened, self._offer_opened)
        facts.on(OfferClosed, self._offer_closed)
        facts.on(PaymentStatusChanged, self._payment_changed)
        facts.on(OrderStuck, self._order_stuck)
        facts.on(PaymentAlarm, self._payment_alarm)

    async def _order_moved(self, tx: Transaction, fact: OrderMoved) -> None:
        party = await party_of(tx, user_id=fact.user_id, patient_id=fact.patient_id, caregiver_id=fact.caregiver_id)
        data = {
            "order_id": fact.order_id,
            "status": fact.to_status,
            "status_text": ORDER_STATE_TEXTS[OrderState(fact.to_status)],
            "version": fact.version,
            "finished_at": shanghai_text(fact.finished_at),
        }
        channels = [order_channel(fact.order_id), *map(user_channel, party.all_ids)]
        await self._append(tx, channels, "order.status", f"{fact.order_id}.{fact.version}", data, at=fact.at)

    async def _offer_opened(self, tx: Transaction, fact: OfferOpened) -> None:
        card = await self._viewing.offer_card(tx, fact.offer_id)
        channels = [user_channel(fact.caregiver_user_id)]
        await self._append(tx, channels, "offer.opened", f"{fact.offer_id}.opened", card, at=fact.at)

    async def _offer_closed(self, tx: Transaction, fact: OfferClosed) -> None:
        data = {"offer_id": fact.offer_id, "order_id": fact.order_id, "reason": fact.reason}
        channels = [user_channel(fact.caregiver_user_id)]
        await self._append(tx, channels, "offer.closed", f"{fact.offer_id}.closed", data, at=fact.at)

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

    async def _order_stuck(self, tx: Transaction, fact: OrderStuck) -> None:
        await self._alarm(tx, fact.kind, fact.order_id, fact.text, once_key=f"{fact.kind}/{fact.order_id}")

    async def _payment_alarm(self, tx: Transaction, fact: PaymentAlarm) -> None:
        await self._alarm(tx, fact.kind, fact.order_id, fact.text, once_key=fact.once_key)

    async def _alarm(self, tx: Transaction, kind: str, order_id: str | None, text: str, *, once_key: str) -> None:
        now = self._clock.now()
        alarm_id = await raise_alarm(tx, kind=kind, order_id=order_id, text=text, once_key=once_key, at=now)
        if alarm_id is not None:
            data = {"alarm_id": alarm_id, "kind": kind, "order_id": order_id, "text": text}
            await self._append(tx, [OPS], "ops.alarm", alarm_id, data, at=now)

    async def _append(
        self,
        tx: Transaction,
        channels: Iterable[str],
        event_type: str,
        event_id: str,
        data: dict[str, Any],
        *,
        at: datetime,
    ) -> None:
        event = {"type": event_type, "id": event_id, "at": shanghai_text(at), "data": data}
        for channel in sorted(set(channels)):
            await self._log.append(tx, channel, event, at=at)
