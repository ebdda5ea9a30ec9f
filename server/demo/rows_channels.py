"""The channels of the demo's orders, as rows.

As if everything had been told while it happened, and retention had run since: an order's events of the last 30 days,
and where its channel stands for 90. Positions are those of the changes and notes in order of time.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from server.booking.rules.states import ORDER_STATE_TEXTS, OrderState
from server.care.events import note_event
from server.core.channels import order_channel
from server.core.clock import shanghai_text
from server.core.strict_json import dumps
from server.demo.rows import Row, morning_of
from server.storage.tables import system

_EVENTS_FOR, _HEADS_FOR = timedelta(days=30), timedelta(days=90)
_EPOCH_CHARACTERS = 8

Happened = tuple[datetime, dict[str, Any]]  # when, and the event as the channel tells it


class ChannelRows:
    """Turns what happened to an order into its channel; `today`: the day that retention is counted from."""

    def __init__(self, *, world: str, today: date) -> None:
        self._world = world
        self._events_since = morning_of(today) - _EVENTS_FOR
        self._heads_since = morning_of(today) - _HEADS_FOR

    def rows(self, order_id: str, happened: Iterable[Happened]) -> Iterator[Row]:
        """`happened` in order of time, one for each position from 1 on."""
        channel, top, last_at = order_channel(order_id), 0, None
        for at, event in happened:
            top, last_at = top + 1, at
            if at >= self._events_since:
                yield system.channel_event, _row(channel, top, event, at)
        if last_at is not None and last_at >= self._heads_since:
            epoch = hashlib.sha256(f"{self._world}/{channel}".encode()).hexdigest()[:_EPOCH_CHARACTERS]
            yield system.channel_head, {"channel": channel, "epoch": epoch, "top": top, "moved_at": last_at}


def _row(channel: str, offset: int, event: dict[str, Any], at: datetime) -> dict[str, Any]:
    text = dumps(event)
    return {
        "channel": channel, "offset": offset, "event_key": event["id"], "data": text,
        "size_bytes": len(text.encode()), "at": at,
    }  # fmt: skip


def move_told(move: dict[str, Any], *, finished_at: datetime | None) -> Happened:
    """A row of `order_event` as `order.status`."""
    status, order_id = move["to_status"], move["order_id"]
    data = {
        "order_id": order_id,
        "status": status,
        "status_text": ORDER_STATE_TEXTS[OrderState(status)],
        "version": move["version"],
        "finished_at": shanghai_text(finished_at),
    }
    event_id = f"{order_id}.{move['version']}"
    return move["at"], {"type": "order.status", "id": event_id, "at": shanghai_text(move["at"]), "data": data}


def note_told(note: dict[str, Any]) -> Happened:
    """A row of `service_note` as `note.added`."""
    return note["received_at"], note_event({"vitals": None, "corrects": None, **note, "file_ids": []})
