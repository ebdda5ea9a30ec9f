"""Messages and subscriptions that the server begins, as the official JavaScript client shows them.

No use case of ours orders them yet, so the live channels stand here without the rest of the program.
"""
import asyncio
import json

import pytest

from server.ws.errands import Whom
from tests.e2e.node import JAVASCRIPT
from tests.unit.ws.place import place, until

_SAYS_WITHIN_S = 20.0


async def line_of(process):
    line = await asyncio.wait_for(process.stdout.readline(), _SAYS_WITHIN_S)
    assert line, (await process.stderr.read()).decode()[-2_000:]
    return json.loads(line)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("encoding", ["json", "protobuf"])
async def test_it_shows_messages_and_subscriptions_that_the_server_begins(database, outbox, node, encoding):
    async with place(database, outbox) as here:
        asked = {"encoding": encoding, "url": here.url, "token": "alice", "until": "order:1"}
        process = await asyncio.create_subprocess_exec(
            node, "pushes.mjs", json.dumps(asked), cwd=JAVASCRIPT, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert await line_of(process) == "connected"
            top = await here.publish("order:1", "before")
            errands, alice = here.live.errands, Whom("alice")
            await errands.message(alice, {"text": "您好"})
            await errands.subscribe(alice, "order:1")
            channels = here.live.hub.channels
            await until(lambda: "order:1" in channels and channels["order:1"].entered_seats())
            await here.publish("order:1", "after")
            await errands.unsubscribe(alice, "order:1")
            seen = await line_of(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()
        assert [one for one in seen if one.get("subscribed") != "user:alice"] == [
            {"message": {"text": "您好"}},
            {"subscribed": "order:1", "recoverable": True, "offset": 1, "epoch": top.epoch},
            {"publication": "order:1", "offset": 2, "data": "after"},
            {"unsubscribed": "order:1"},
        ]
