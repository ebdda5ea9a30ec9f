"""People who listen to one visit whatever happens, at each instance one."""

import time
import uuid

from tests.fault.server_process import until

_JOINED_WITHIN_S = 10.0


class Listeners:
    """`open` them once; `urls` are the instances."""

    def __init__(self, crowd, urls):
        self._crowd, self._urls = crowd, urls
        family, self._caregiver, self.order_id = crowd.visits[0]
        self._channel = f"order:{self.order_id}"
        self._people = [
            family.person.listener(at=url, name=f"a listener at {number}") for number, url in enumerate(urls)
        ]

    async def open(self):
        await self._crowd.market.connect(*self._people)
        for one in self._people:
            one.follow(self._channel)
        await until(
            lambda: all(self._channel in one.places.known for one in self._people), within_s=_JOINED_WITHIN_S,
            what="all of them listen",
        )  # fmt: skip

    async def cross(self, *, within_s):
        """Say something at each instance; the seconds until the listener at another has heard it."""
        began_at = time.monotonic()
        for url, listener in zip(self._urls, reversed(self._people), strict=True):
            body = {"order_id": self.order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": "在门诊大厅等您"}
            said = await self._caregiver.person.do("chat.send", body, at=url)
            assert said.is_ok
            await until(
                lambda listener=listener, said=said: listener.places.known[self._channel][1] >= said.data["offset"],
                within_s=within_s, what="another instance's people hear it",
            )  # fmt: skip
        return time.monotonic() - began_at
