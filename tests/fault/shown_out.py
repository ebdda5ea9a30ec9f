"""People who lose their login, their account or their right while another instance holds their socket (F24)."""

import asyncio
import time

from tests.fault.server_process import until
from tests.live import Socket

_FORCED = 3503


class Guests:
    """Who may be shown out without harm to the market: logins, sockets and a relative of their own.

    Everything is asked at the instance `here`, every socket is open at the instance `there`.
    """

    def __init__(self, crowd, *, here, there):
        self._site, self._here, self._there = crowd.market.site, here, there
        self._family, _, self._order_id = crowd.visits[0]
        self._relative = crowd.visits[1][0].person
        self._sockets = []

    async def show_out(self, *, within_s):
        """Somebody logs out, somebody is banned, a relative is removed; the seconds until the last socket knew it."""
        accounts = await self._site.data("GET", "/sandbox/accounts")
        patient = next(one for one in accounts if one["user_id"] == self._family.person.user_id)
        banned = [one for one in accounts if one["user_type"] == "caregiver"][-1]
        admin = next(one for one in accounts if one["user_type"] == "admin")
        tokens = {one["user_id"]: await self._log_in(one) for one in (patient, banned, admin)}
        gone = [await self._socket(tokens[one["user_id"]]) for one in (patient, banned)]
        reads = await self._let_in()
        ban = {"user_id": banned["user_id"], "reason": "test"}
        began_at = time.monotonic()
        await asyncio.gather(
            self._ask("/api/user/logout", {}, tokens[patient["user_id"]]),
            self._ask("/api/admin/user/ban", ban, tokens[admin["user_id"]]),
            self._ask("/api/patient/viewer_remove", self._viewer, self._family.person.token),
        )
        await until(lambda: _all_know(gone, reads), within_s=within_s, what="everybody was shown out")
        took_s = time.monotonic() - began_at
        assert [one._connection.close_code for one in gone] == [_FORCED, _FORCED]
        await self._no_longer_let_in(tokens[patient["user_id"]], tokens[banned["user_id"]])
        await self._ask("/api/admin/user/unban", ban, tokens[admin["user_id"]])
        return took_s

    @property
    def _viewer(self):
        return {"patient_id": self._family.patient_id, "user_id": self._relative.user_id}

    async def _log_in(self, account):
        body = {"phone": account["phone"], "password": account["password"]}
        return (await self._site.data("POST", "/api/user/login", body=body))["token"]

    async def _socket(self, token):
        url = self._there.replace("http", "ws", 1) + "/connection/websocket"
        self._sockets.append(await Socket.open(url, token=token))
        return self._sockets[-1]

    async def _let_in(self):
        """A relative's socket that follows the family's visit."""
        invited = await self._family.person.post("/api/patient/invite", {"patient_id": self._family.patient_id})
        await self._relative.post("/api/patient/join", {"invite_code": invited["invite_code"]})
        socket = await self._socket(self._relative.token)
        assert await socket.subscribe(f"order:{self._order_id}") == 0
        return socket

    async def _ask(self, path, body, token):
        """Asked again after a 503, as everything is."""
        await self._site.data("POST", path, body=body, token=token, at=self._here)

    async def _no_longer_let_in(self, *tokens):
        """What was revoked stays revoked at every instance."""
        for url in (self._here, self._there):
            for token in tokens:
                answer = await self._site.call("GET", "/api/user/me", token=token, at=url)
                assert answer.status in (401, 403), answer

    async def close(self):
        for socket in self._sockets:
            await socket.close()


def _all_know(gone, reads):
    told = any("unsubscribe" in push for push in reads.pushes)
    return told and all(one.reading.done() for one in gone)
