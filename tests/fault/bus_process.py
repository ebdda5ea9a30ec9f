"""An instance that does nothing but hear: prints what it is told, a JSON value a line."""

import asyncio
import json
import sys

from tests.buses import joined


async def main(url: str, channel: str) -> None:
    instance = joined(url)
    instance.bus.on_channel(lambda message: say(message.offset))
    instance.bus.on_gap(lambda: say("gap"))
    instance.bus.start()
    await instance.bus.follow(channel)
    state = None
    while True:
        if state != instance.bus.state:
            state = instance.bus.state
            say(state)
        await asyncio.sleep(0.02)


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
