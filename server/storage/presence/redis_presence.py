"""Who is in which channel, for all instances, in Redis.

A channel is one hash, so it is there or it is gone, whatever Redis evicts or loses, and instances that keep their
entries fill it again. Beside it an index says when the next channel is to be looked at for what expired; an instance
takes a channel out of it before it looks, so each end is told once. All times are Redis's own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from server.core.strict_json import BadJson, dumps, parse
from server.storage.presence.port import ClientInfo, Entry
from server.storage.redis.desk import RedisDesk
from server.storage.sealed import FieldKeys, SealBroken

_LOOKED_AT_ONCE = 200  # channels in one round
_LIVES_TIMES = 4  # keys outlive their last entry by so many of its lives, so that its end can still be told
_COLUMN = "presence"  # the seal's associated data

# A channel's hash: "c:<client>" is the lines <until, in ms>, <user>, <what others may see, sealed>; "u:<user>" their number.
_WORDS = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function user_of(value) return string.match(value, '^%d+\\n([^\\n]*)') end
local function until_of(value) return tonumber(string.match(value, '^%d+')) end
local function leaves(user)
  local left = redis.call('HINCRBY', KEYS[1], 'u:' .. user, -1)
  if left <= 0 then redis.call('HDEL', KEYS[1], 'u:' .. user) end
  return left <= 0
end
"""
# Clients and values in turns; for each: 0 when its user has others, 1 when it is alone, 2 when it was missing besides.
_PUT = (
    _WORDS
    + """
local till, told = string.format('%.0f', now + ARGV[1]), {}
for i = 3, #ARGV, 2 do
  local client, value = 'c:' .. ARGV[i], till .. '\\n' .. ARGV[i + 1]
  local known = redis.call('HGET', KEYS[1], client)
  if known then leaves(user_of(known)) end
  redis.call('HSET', KEYS[1], client, value)
  local entries = redis.call('HINCRBY', KEYS[1], 'u:' .. user_of(value), 1)
  table.insert(told, entries > 1 and 0 or known and 1 or 2)
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return told
"""
)
_REMOVE = (
    _WORDS
    + """
local known = redis.call('HGET', KEYS[1], 'c:' .. ARGV[1])
if not known then return 0 end
redis.call('HDEL', KEYS[1], 'c:' .. ARGV[1])
return leaves(user_of(known)) and 1 or 0
"""
)
_MEMBERS = (
    _WORDS
    + """
local all, there = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'c:' and until_of(all[i + 1]) > now then
    table.insert(there, string.sub(all[i], 3))
    table.insert(there, all[i + 1])
  end
end
return there
"""
)
# The time of the channel's next end (0: nobody is left), then clients and values of those that were their user's last.
_TAKE = (
    _WORDS
    + """
local all, told, next_end = redis.call('HGETALL', KEYS[1]), {''}, 0
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'c:' then
    local till = until_of(all[i + 1])
    if till > now then
      if next_end == 0 or till < next_end then next_end = till end
    else
      redis.call('HDEL', KEYS[1], all[i])
      if leaves(user_of(all[i + 1])) then
        table.insert(told, string.sub(all[i], 3))
        table.insert(told, all[i + 1])
      end
    end
  end
end
told[1] = string.format('%.0f', next_end)
return told
"""
)
# An earlier time stays: what is looked at too early is put back.
_NOTE = """
local t = redis.call('TIME')
local till = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[1])
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], 'NX', till, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_DUE = """
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
if #due > 0 then redis.call('ZREM', KEYS[1], unpack(due)) end
return due
"""


class RedisPresence:
    """Implements `Presence`. Keys: `<prefix>presence:<channel>`, and `<prefix>presences` for the index."""

    def __init__(self, *, desk: RedisDesk, keys: FieldKeys, ttl_s: float, prefix: str = "peihu:") -> None:
        self._desk = desk
        self._keys = keys
        self._lives_ms = (int(ttl_s * 1000), int(ttl_s * 1000) * _LIVES_TIMES)
        self._prefix = prefix
        self._index = f"{prefix}presences"

    async def add(self, channel: str, info: ClientInfo) -> bool:
        put = (*self._lives_ms, info.client, self._value(info))

        async def work(redis: Any) -> list[Any]:
            pipeline = redis.pipeline(transaction=False)
            pipeline.eval(_PUT, 1, self._key(channel), *put)
            pipeline.eval(_NOTE, 1, self._index, *self._lives_ms, channel)
            return await pipeline.execute()

        return (await self._desk.ask(work))[0][0] > 0

    async def remove(self, channel: str, client: str) -> bool:
        return await self._desk.ask(lambda redis: redis.eval(_REMOVE, 1, self._key(channel), client)) == 1

    async def keep(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        by_channel: dict[str, list[ClientInfo]] = defaultdict(list)
        for channel, info in entries:
            by_channel[channel].append(info)
        if not by_channel:
            return ()

        async def work(redis: Any) -> list[Any]:
            pipeline = redis.pipeline(transaction=False)
            for channel, infos in by_channel.items():
                put = chain.from_iterable((info.client, self._value(info)) for info in infos)
                pipeline.eval(_PUT, 1, self._key(channel), *self._lives_ms, *put)
            pipeline.eval(_NOTE, 1, self._index, *self._lives_ms, *by_channel)
            return await pipeline.execute()

        told = await self._desk.ask(work)
        return [
            (channel, info)
            for (channel, infos), news in zip(by_channel.items(), told, strict=False)  # the index's answer is last
            for info, what in zip(infos, news, strict=True)
            if what == 2
        ]

    async def take_expired(self) -> Sequence[Entry]:
        async def work(redis: Any) -> Sequence[Entry]:
            due = [channel.decode() for channel in await redis.eval(_DUE, 1, self._index, _LOOKED_AT_ONCE)]
            return await self._taken(redis, due) if due else ()

        return await self._desk.ask(work)

    async def _taken(self, redis: Any, channels: list[str]) -> Sequence[Entry]:
        """What expired in these; a channel that is not empty goes back into the index."""
        looking = redis.pipeline(transaction=False)
        for channel in channels:
            looking.eval(_TAKE, 1, self._key(channel))
        found = dict(zip(channels, await looking.execute(), strict=True))
        again = {channel: int(told[0]) for channel, told in found.items() if int(told[0])}
        if again:
            await redis.zadd(self._index, again, nx=True)
        return [(channel, info) for channel, told in found.items() for info in self._infos(told[1:])]

    async def members(self, channel: str) -> Mapping[str, ClientInfo]:
        told = await self._desk.ask(lambda redis: redis.eval(_MEMBERS, 1, self._key(channel)))
        return {info.client: info for info in self._infos(told)}

    def _key(self, channel: str) -> str:
        return f"{self._prefix}presence:{channel}"

    def _value(self, info: ClientInfo) -> str:
        seen = "" if info.conn_info is None else self._keys.seal(dumps(info.conn_info), _COLUMN)
        return f"{info.user}\n{seen}"

    def _infos(self, told: Sequence[bytes]) -> Iterable[ClientInfo]:
        """Of clients and values in turns."""
        for client, value in zip(told[::2], told[1::2], strict=True):
            _, user, seen = value.decode().split("\n")
            yield ClientInfo(user, client.decode(), self._opened(seen) if seen else None)

    def _opened(self, seen: str) -> Mapping[str, Any] | None:
        try:
            return parse(self._keys.open(seen, _COLUMN))
        except (SealBroken, BadJson):
            return None
