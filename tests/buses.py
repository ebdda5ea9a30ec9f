"""Buses for tests, and what their receivers were given."""

from server.core.ids import new_id
from server.storage.pubsub.port import ChannelMessage, ControlMessage
from server.storage.pubsub.redis_bus import RedisBus
from server.storage.redis.address import parse_address
from server.storage.redis.link import RedisLink
from tests.fault.server_process import until

LAST = ControlMessage("last", {})
LAST_CHANNEL = "order:88"  # in a Cluster the neighbour of order:1, so that what is said in one says something of the other


def event(offset=1, channel="order:1", data=b'{"type":"chat.message"}'):
    return ChannelMessage(channel, "epoch", offset, data)


class Instance:
    """A bus and what its receivers were given; `gaps` counts the calls to compare with the log."""

    def __init__(self, bus, *, link=None):
        self.bus = bus
        self.link = link
        self.received = []
        self.gaps = 0
        bus.on_channel(self.received.append)
        bus.on_control(self.received.append)
        bus.on_gap(self._miss)

    def _miss(self):
        self.gaps += 1

    async def close(self):
        await self.bus.close()
        if self.link is not None:
            await self.link.close()

    @property
    def messages(self):
        return [one for one in self.received if isinstance(one, ChannelMessage) and one.channel != LAST_CHANNEL]

    @property
    def orders(self):
        return [one for one in self.received if isinstance(one, ControlMessage) and one != LAST]


def joined(url, **more):
    """An instance of its own, with a link of its own, as each process has."""
    link = RedisLink(parse_address(url), **more)
    return Instance(RedisBus(link=link, instance_id=new_id()), link=link)


async def started(*instances):
    for one in instances:
        one.bus.start()
    await until(lambda: {one.bus.state for one in instances} == {"ok"}, within_s=20, what="the bus")


async def heard(*instances):
    """Everything that was said before has arrived wherever it should: each hears what each says last."""
    last = event(channel=LAST_CHANNEL)
    before = [(one.received.count(LAST), one.received.count(last)) for one in instances]
    for one in instances:
        await one.bus.follow(LAST_CHANNEL)
    for one in instances:
        await one.bus.publish(last)
        await one.bus.broadcast(LAST)

    def all_heard():
        enough = len(instances)
        return all(
            one.received.count(LAST) >= orders + enough and one.received.count(last) >= events + enough
            for one, (orders, events) in zip(instances, before, strict=True)
        )

    await until(all_heard, within_s=10, what="the last")
