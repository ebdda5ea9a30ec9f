"""Terminal and temporary closes and refusals, as both official clients take them in both encodings.

The live channels stand here without the rest of the program, so that every one of them can be provoked.
"""
import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from centrifuge import Client, ClientEventHandler

from server.core.errors import Refused, Unavailable
from server.ws.wire.codes import Disconnects
from tests.e2e.node import JAVASCRIPT
from tests.unit.ws.place import place, until

pytestmark = pytest.mark.timeout(90)
_SAYS_WITHIN_S = 20.0


class Told(ClientEventHandler):
    """Puts the events of the Python client into a queue, as closes.mjs prints those of the other."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def on_connected(self, _: Any) -> None:
        self.events.put_nowait({"connected": True})

    async def on_connecting(self, context: Any) -> None:
        if context.code:
            self.events.put_nowait({"connecting": context.code})

    async def on_disconnected(self, context: Any) -> None:
        self.events.put_nowait({"disconnected": context.code, "reason": context.reason})


@asynccontextmanager
async def python(here, token, next_tokens, *, encoding, node):
    async def get_token():
        return next_tokens.pop(0) if next_tokens else ""

    told = Told()
    client = Client(
        here.url, events=told, token=token, get_token=get_token if next_tokens else None, min_reconnect_delay=0.05,
        max_reconnect_delay=0.1, use_protobuf=encoding == "protobuf", proxy=None,
    )  # fmt: skip
    await client.connect()
    try:
        yield told.events.get
    finally:
        await client.disconnect()
        if closing := list(client._background_tasks):
            await asyncio.wait(closing, timeout=_SAYS_WITHIN_S)


@asynccontextmanager
async def javascript(here, token, next_tokens, *, encoding, node):
    asked = {"encoding": encoding, "url": here.url, "token": token, "next": next_tokens}
    process = await asyncio.create_subprocess_exec(
        node, "closes.mjs", json.dumps(asked), cwd=JAVASCRIPT, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip

    async def next_event():
        line = await process.stdout.readline()
        assert line, (await process.stderr.read()).decode()[-2_000:]
        return json.loads(line)

    try:
        yield next_event
    finally:
        process.kill()
        await process.communicate()


class BusyAtFirst:
    """A bucket that is empty for two connects."""

    def __init__(self) -> None:
        self._answers = [0.5, 0.5]

    def take(self, _now: float) -> float:
        return self._answers.pop() if self._answers else 0.0


@dataclass
class Seen:
    """What one client was told, until it stands still: all up to an event that a test waits for."""

    next_event: Any
    events: list[dict[str, Any]] = field(default_factory=list)

    async def up_to(self, kind: str, code: Any = None) -> dict[str, Any]:
        async with asyncio.timeout(_SAYS_WITHIN_S):
            while True:
                event = await self.next_event()
                self.events.append(event)
                if kind in event and code in (None, event[kind]):
                    return event


@pytest.fixture(params=[(python, "json"), (python, "protobuf"), (javascript, "json"), (javascript, "protobuf")],
                ids=lambda pair: f"{pair[0].__name__} in {pair[1]}")  # fmt: skip
def official(request, node):
    """Opens one official client in one encoding, on a place of live channels."""
    speaks, encoding = request.param

    @asynccontextmanager
    async def opened(here, token="alice", next_tokens=()):
        async with speaks(here, token, list(next_tokens), encoding=encoding, node=node) as next_event:
            yield Seen(next_event)

    return opened


@pytest.mark.parametrize("disconnect", [Disconnects.SHUTDOWN, Disconnects.SLOW, Disconnects.INSUFFICIENT_STATE,
                                        Disconnects.NO_PONG, Disconnects.TOO_MANY_REQUESTS, Disconnects.INTERNAL],
                         ids=lambda one: one.reason)  # fmt: skip
async def test_after_a_temporary_close_it_is_back_by_itself(database, outbox, official, disconnect):
    async with place(database, outbox) as here, official(here) as seen:
        await seen.up_to("connected")
        [connection] = here.live.connections
        connection.close(disconnect)
        assert (await seen.up_to("connecting"))["connecting"] == disconnect.code
        await seen.up_to("connected")


@pytest.mark.parametrize("disconnect", [Disconnects.FORCED, Disconnects.CONNECTION_LIMIT, Disconnects.STALE,
                                        Disconnects.BAD_REQUEST, Disconnects.INVALID_TOKEN],
                         ids=lambda one: one.reason)  # fmt: skip
async def test_after_a_terminal_close_it_stays_away(database, outbox, official, disconnect):
    async with place(database, outbox) as here, official(here) as seen:
        await seen.up_to("connected")
        [connection] = here.live.connections
        connection.close(disconnect)
        assert await seen.up_to("disconnected") == {"disconnected": disconnect.code, "reason": disconnect.reason}
        await until(lambda: not here.live.connections)
        assert here.live.counts["opened"] == 1


async def test_a_connection_that_is_not_renewed_is_closed_and_then_refused(database, outbox, official):
    async with place(database, outbox, expiry_grace_s=0.3) as here:
        here.tokens["short"] = here.identity("alice", ttl_s=0.3)

        async def once(token):
            if here.live.counts["closed_3005"]:
                raise Refused("token_expired")
            return await here.authenticate(token)

        here.live._room.entrance._authenticate = once
        async with official(here, "short") as seen:
            await seen.up_to("connected")
            await seen.up_to("connecting", 3005)
            await seen.up_to("disconnected")
        assert here.live.counts["error_109"] == 1


async def test_an_expired_token_at_connect_is_renewed_by_get_token(database, outbox, official):
    async with place(database, outbox) as here, official(here, "expired", ["alice"]) as seen:
        await seen.up_to("connected")
        assert here.live.counts["error_109"] == 1 and "disconnected" not in str(seen.events)


@pytest.mark.parametrize("busy", ["unavailable", "too many connects"])
async def test_a_temporary_refusal_at_connect_is_tried_again(database, outbox, official, busy):
    async with place(database, outbox) as here:
        entrance, authenticate = here.live._room.entrance, here.authenticate
        asked = []

        async def away_at_first(token):
            asked.append(token)
            if len(asked) < 3:
                raise Unavailable()
            return await authenticate(token)

        if busy == "unavailable":
            entrance._authenticate = away_at_first
        else:
            entrance._connects = BusyAtFirst()
        async with official(here) as seen:
            await seen.up_to("connected")
            assert here.live.counts["error_100" if busy == "unavailable" else "error_111"] >= 1
            assert not any("disconnected" in event for event in seen.events)
