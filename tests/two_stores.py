"""Channels whose events lie in SQL and in MongoDB."""

import json
from datetime import timedelta

from sqlalchemy import func, select

from server.core.clock import server_now
from server.core.ids import new_id
from server.storage.channel_log.mongo import MongoChannelLog
from server.storage.channel_log.settled import SettledEvents
from server.storage.channel_log.settled_retention import SettledRetention
from server.storage.channel_log.settling import Settling
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.documents.layout import SETTLED_EVENTS
from server.storage.outbox import Outbox
from server.storage.pubsub.in_process import InProcessBus
from server.storage.tables.system import channel_event, channel_head


class TwoStores:
    """A log, its reader, and what moves its events; nothing runs by itself."""

    def __init__(self, database, mongo):
        self.database = database
        self.mongo = mongo
        outbox = Outbox(database=database, instance_id="test", claim_s=3.0, sweep_every_s=60.0)
        self.log = SqlChannelLog(database=database, outbox=outbox, bus=InProcessBus())
        self.settled = SettledEvents(mongo=mongo, keys=database.keys)
        self.reader = MongoChannelLog(recent=self.log, settled=self.settled)
        self.retention = SettledRetention(database=database, settled=self.settled)

    def settling(self, *, after=timedelta(0), beyond=0, database=None):
        return Settling(database=database or self.database, settled=self.settled, after=after, beyond=beyond)

    async def append(self, channel, *numbers, age=timedelta(hours=1)):
        """Events that were an hour ago; their text is their number."""

        async def body(tx):
            for number in numbers:
                event = {"type": "chat.message", "id": new_id(), "at": "x", "data": {"n": number, "text": "您好 😀"}}
                await self.log.append(tx, channel, event, at=server_now() - age)

        await self.database.write(body)

    async def in_sql(self, channel):
        """Offsets of the rows, in order."""
        of = select(channel_event.c.offset).where(channel_event.c.channel == channel).order_by(channel_event.c.offset)
        async with self.database.read() as tx:
            return [row["offset"] for row in await tx.all(of)]

    async def in_mongo(self, channel):
        """Offsets of the documents, in order."""
        which = {"channel": channel}
        found = await self.mongo.ask(lambda db: db[SETTLED_EVENTS].find(which).sort("offset", 1).to_list(None))
        return [one["offset"] for one in found]

    async def border(self, channel):
        async with self.database.read() as tx:
            return await tx.value(select(channel_head.c.settled).where(channel_head.c.channel == channel))

    async def count(self, table):
        async with self.database.read() as tx:
            return await tx.value(select(func.count()).select_from(table))


def numbers(slice_):
    """What was appended, as it comes back."""
    return [json.loads(event.data)["data"]["n"] for event in slice_.events]
