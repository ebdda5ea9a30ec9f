"""What of a crowd lies in MongoDB: the long history of a visit, photos, what people looked at."""

import asyncio
import hashlib
import uuid
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import urlencode

from pymongo import MongoClient
from tornado.httpclient import AsyncHTTPClient

from server.storage.documents.layout import BEHAVIOUR
from tests.fault.market import business_now
from tests.fault.server_process import until
from tests.fault.store import open_store
from tests.fault.uploads import upload
from tests.live import Socket

AS_MANY_AS_STAY = 2  # of each channel in SQL, as the fixture sets it
FIRST_EVENTS = 5
_ASKED_WITHIN_MS = 30_000
_ANSWER_WITHIN_S = 15.0
_ASKED_AT_MOST = 10  # for a photo that was acknowledged


class Archive:
    """`open` it once and `close` it; a family is asked for, at every instance in turn."""

    def __init__(self, crowd, cluster):
        self._site, self._cluster = crowd.market.site, cluster
        family, _, self._order_id = crowd.visits[0]
        self._person = family.person
        self._http = AsyncHTTPClient(force_instance=True)
        self._views = []
        self.photos = {}  # by id the hash of its bytes

    async def open(self):
        url = self._cluster.instances[0].url.replace("http", "ws", 1) + "/connection/websocket"
        self._socket = await Socket.open(url, token=self._person.token)
        await self._person.post("/api/user/consent", {"purpose": "behaviour", "agree": True})

    async def close(self):
        await self._socket.close()
        self._http.close()

    async def send_photo(self):
        """The outcome; whatever was acknowledged must be there from now on."""
        sent = await upload(self._site, self._person.token)
        if sent.is_ok:
            self.photos[sent.data["file_id"]] = hashlib.sha256(await self._content(sent.data["file_id"])).hexdigest()
        return sent

    async def takes_a_photo(self):
        return (await self.send_photo()).is_ok

    async def _content(self, file_id):
        """A connection that hung may cost the first who ask their answer."""
        for _ in range(_ASKED_AT_MOST):
            status, content = await self._photo(file_id)
            if status == 200:
                return content
            assert status == 503
            await asyncio.sleep(1.0)
        raise AssertionError(f"photo {file_id} was acknowledged and is not to be had")

    async def _photo(self, file_id):
        headers = {"Authorization": f"Bearer {self._person.token}"}
        answer = await self._http.fetch(
            f"{self._site.next()}/api/file/{file_id}", headers=headers, raise_error=False,
            request_timeout=_ANSWER_WITHIN_S,
        )  # fmt: skip
        assert (answer.code == 503) == ("Retry-After" in answer.headers)
        return answer.code, answer.body

    async def photos_are_as_they_were(self):
        """False as long as one of them is answered 503."""
        for file_id, known in self.photos.items():
            status, content = await self._photo(file_id)
            if status == 503:
                return False
            assert (status, hashlib.sha256(content).hexdigest()) == (200, known)
        return True

    async def are_photos_away(self):
        return {(await self._photo(file_id))[0] for file_id in self.photos} == {503}

    async def is_back(self):
        return await self.photos_are_as_they_were() and await self.long_history() == FIRST_EVENTS

    async def long_history(self):
        """How many of the first events of the visit are told, or the error."""
        asked = {"channel": f"order:{self._order_id}", "since": {"offset": 0, "epoch": ""}, "limit": FIRST_EVENTS}
        return _told(await self._socket.send("history", asked))

    async def recent_history(self):
        """How many of the newest events are told, or the error."""
        asked = {"channel": f"order:{self._order_id}", "reverse": True, "limit": AS_MANY_AS_STAY}
        return _told(await self._socket.send("history", asked))

    async def has_settled_some(self):
        """Whether the visit's first events are in MongoDB, and some newer ones are not."""
        told = await self._ask_store("SELECT settled FROM channel_head WHERE channel = ?", f"order:{self._order_id}")
        return told >= FIRST_EVENTS

    async def look_at_a_page(self):
        """As a page reports it; it must be counted once, whatever MongoDB does."""
        page = f"page-{uuid.uuid4().hex}"
        view = {"page": page, "entered_at": datetime.now(UTC).isoformat(), "duration_ms": 1}
        assert (await self._person.post("/api/event/report", {"events": [view]}))["stored"] == 1
        self._views.append(page)

    async def is_read_back(self):
        """The whole chat, which is asked of SQL alone."""
        query = urlencode({"order_id": self._order_id, "limit": 100})
        said = await self._site.call("GET", f"/api/chat/history?{query}", token=self._person.token)
        return said.is_ok and bool(said.data["items"])

    async def everything_settles(self, *, within_s):
        """Nobody does anything any more: but for the newest of each channel all is in MongoDB, and all that people
        looked at is there once."""
        await until(self._has_settled, within_s=within_s, what="everything is in MongoDB")
        looked_at = await asyncio.to_thread(_looked_at, self._cluster.mongo_url)
        assert {page: looked_at[page] for page in self._views} == dict.fromkeys(self._views, 1)

    async def _has_settled(self):
        await business_now(self._site)  # time jumps, so every job looks
        more = "(SELECT channel FROM channel_event GROUP BY channel HAVING count(*) > ?)"
        waiting = await self._ask_store("SELECT count(*) FROM behaviour_event")
        return waiting + await self._ask_store(f"SELECT count(*) FROM {more} AS behind", AS_MANY_AS_STAY) == 0

    async def _ask_store(self, sql, *values):
        """Without the product, and without holding up the loop."""

        def ask():
            store = open_store(self._cluster.where)
            try:
                return store.value(sql, *values)
            finally:
                store.close()

        return await asyncio.to_thread(ask)


def _told(reply):
    return reply["error"] if "error" in reply else len(reply["history"]["publications"])


def _looked_at(mongo_url):
    """How often each page was, as MongoDB has it."""
    with MongoClient(mongo_url, timeoutMS=_ASKED_WITHIN_MS) as client:
        return Counter(one["page"] for one in client.get_default_database()[BEHAVIOUR].find({"kind": "view"}))
