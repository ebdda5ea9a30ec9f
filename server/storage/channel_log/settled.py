"""Settled events as documents of MongoDB, sealed as they were.

A document's id is its channel and offset, so writing it again changes nothing. The epoch stands in it: what another
life of a channel has left behind is never read as this one's.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from server.core.channels import parse_channel
from server.storage.channel_log.port import LoggedEvent
from server.storage.documents.copies import Document, keep_copies
from server.storage.documents.layout import SETTLED_EVENTS
from server.storage.documents.mongo import Mongo
from server.storage.sealed import FieldKeys
from server.storage.tables.system import channel_event

ORDERS, OTHERS = "order", "other"
_SEAL: str = channel_event.c.data.type.column  # type: ignore[attr-defined]  # what the rows' texts are sealed for
_BULK_WITHIN_S = 15.0  # nobody waits for it but a job
_PAGE = 100  # the bound in bytes is looked at between


def document_of(row: Any, *, epoch: str) -> Document:
    """`row`: one of `channel_event` whose data is sealed still."""
    channel, offset = row["channel"], row["offset"]
    return {
        "_id": f"{channel}/{offset}", "channel": channel, "epoch": epoch, "offset": offset, "key": row["event_key"],
        "data": row["data"], "size_bytes": row["size_bytes"], "at": row["at"],
        "family": ORDERS if parse_channel(channel)[0] == "order" else OTHERS,
    }  # fmt: skip


class SettledEvents:
    """All calls raise Unavailable; all of them may be repeated."""

    def __init__(self, *, mongo: Mongo, keys: FieldKeys) -> None:
        self._mongo = mongo
        self._keys = keys

    async def keep(self, documents: Sequence[Document]) -> None:
        """Write them, and see that they are there."""
        await keep_copies(self._mongo, SETTLED_EVENTS, documents)

    async def since(
        self, channel: str, epoch: str, offset: int, *, upto: int, limit: int, max_bytes: int
    ) -> list[LoggedEvent]:
        """Those with greater offsets, oldest first, without a gap; what retention has left of them."""
        events: list[LoggedEvent] = []
        size, is_last = 0, False
        while not is_last and len(events) < limit and size < max_bytes:
            page = min(_PAGE, limit - len(events))
            found = await self._page(channel, epoch, {"$gt": offset, "$lte": upto}, newest_first=False, limit=page)
            is_last = len(found) < page
            for one in found:
                if one["offset"] != offset + 1:
                    events, size = [], 0  # it begins behind the gap
                offset, size = one["offset"], size + one["size_bytes"]
                if size > max_bytes:
                    return events
                events.append(self._event(one))
        return events

    async def before(self, channel: str, epoch: str, *, upto: int, limit: int) -> list[LoggedEvent]:
        """Those up to an offset, newest first, without a gap."""
        events: list[LoggedEvent] = []
        found = await self._page(channel, epoch, {"$lte": upto}, newest_first=True, limit=limit)
        for one, expected in zip(found, range(upto, 0, -1), strict=False):
            if one["offset"] != expected:
                break
            events.append(self._event(one))
        return events

    async def _page(
        self, channel: str, epoch: str, offsets: dict[str, int], *, newest_first: bool, limit: int
    ) -> list[Document]:
        which = {"channel": channel, "offset": offsets, "epoch": epoch}
        order = -1 if newest_first else 1
        return await self._mongo.ask(
            lambda db: db[SETTLED_EVENTS].find(which).sort("offset", order).limit(limit).to_list(None)
        )

    def _event(self, one: Document) -> LoggedEvent:
        return LoggedEvent(one["channel"], one["epoch"], one["offset"], self._keys.open(one["data"], _SEAL).encode())

    async def aged(self, family: str, *, before: datetime, besides: Sequence[str], limit: int) -> dict[str, int]:
        """Channels with events that are older, and the greatest offset of such an event, of some of them."""
        which = {"family": family, "at": {"$lt": before}, "channel": {"$nin": list(besides)}}
        found = await self._in_bulk(
            lambda events: events.find(which, {"channel": 1, "offset": 1}).sort("at", 1).limit(limit).to_list(None)
        )
        last: dict[str, int] = {}
        for one in found:
            last[one["channel"]] = max(one["offset"], last.get(one["channel"], 0))
        return last

    async def forget(self, upto: dict[str, int]) -> int:
        """Events of these channels up to an offset each; how many there were."""
        gone = 0
        for channel, offset in upto.items():
            which = {"channel": channel, "offset": {"$lte": offset}}
            gone += (await self._in_bulk(lambda events, which=which: events.delete_many(which))).deleted_count
        return gone

    async def all_of(self, borders: dict[str, tuple[str, int]]) -> list[Document]:
        """All events of some channels: {channel: (epoch, border)}; of each what has no gap before its border."""
        found = await self._in_bulk(lambda events: events.find({"channel": {"$in": list(borders)}}).to_list(None))
        whole: list[Document] = []
        expected = {channel: border for channel, (_, border) in borders.items()}
        for one in sorted(found, key=lambda one: -one["offset"]):
            channel = one["channel"]
            if one["epoch"] == borders[channel][0] and one["offset"] == expected[channel]:
                whole.append(one)
                expected[channel] -= 1
        return whole

    async def channels_among(self, channels: Iterable[str]) -> set[str]:
        """Those of which there is any event."""
        which = {"channel": {"$in": list(channels)}}
        return set(await self._in_bulk(lambda events: events.distinct("channel", which)))

    async def _in_bulk(self, question: Any) -> Any:
        return await self._mongo.ask(lambda db: question(db[SETTLED_EVENTS]), within_s=_BULK_WITHIN_S)
