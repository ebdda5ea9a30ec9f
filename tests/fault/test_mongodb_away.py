"""F19: MongoDB is killed, hangs and is stopped under two instances that go on.

All three in every build; for longer in the long form. Only long history and files are answered
503; afterwards everything settles, and nothing is lost or doubled.
"""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from tests.fault.archive import AS_MANY_AS_STAY, Archive
from tests.fault.business import Callers, business, hindered, one_of_each
from tests.fault.history import read_history
from tests.fault.listeners import Listeners
from tests.fault.market import business_now
from tests.fault.resources import all_held, let_go
from tests.fault.server_process import until
from tests.fault.test_histories import IS_LONG

pytestmark = [pytest.mark.slow, pytest.mark.services]

_AWAY_S = 30.0 if IS_LONG else 2.0
# The promises are held to by the long form; a build shares its processors with other tests (test_bus_faults.py).
_ANSWERED_WITHIN_S = 2.0 if IS_LONG else 9.0
_AS_BEFORE = 3.0  # or so many times what it took in peace
_DELIVERED_WITHIN_S = 5.0 if IS_LONG else 10.0
_NOTICED_WITHIN_S = 20.0 if IS_LONG else 60.0
_SETTLES_WITHIN_S = 90.0
_AWAY = {"code": 503, "message": "unavailable", "temporary": True}


@asynccontextmanager
async def _killed(mongo):
    """As by a power cut."""
    await mongo.kill()
    try:
        yield
    finally:
        await mongo.start()


@asynccontextmanager
async def _hung(mongo):
    """It takes connections and says nothing."""
    mongo.pause()
    try:
        yield
    finally:
        mongo.resume()


@asynccontextmanager
async def _stopped(mongo):
    """In good order."""
    await mongo.stop()
    try:
        yield
    finally:
        await mongo.start()


FAULTS = (_killed, _hung, _stopped)


class Scene:
    """Two instances, people who use what lies in MongoDB, and when that was away."""

    def __init__(self, cluster, crowd):
        self.cluster, self.crowd = cluster, crowd
        self.archive = Archive(crowd, cluster)
        self.listeners = Listeners(crowd, [one.url for one in cluster.instances])
        self.spans = []

    async def open(self):
        await self.listeners.open()
        await self.archive.open()
        for _ in self.cluster.instances:
            assert (await self.archive.send_photo()).is_ok
        await self.archive.look_at_a_page()

        async def reaches_there():
            await business_now(self.crowd.market.site)  # time jumps, so events settle now
            return await self.archive.has_settled_some()

        await until(reaches_there, within_s=_SETTLES_WITHIN_S, what="the visit has history in MongoDB")

    async def send_photos(self, until_s):
        """At every instance in turn; statuses."""
        statuses = []
        while time.monotonic() < until_s:
            statuses.append((await self.archive.send_photo()).status)
            await asyncio.sleep(0.1)
        return statuses

    async def says(self, *, is_away):
        """Wait until every instance says so in `/readyz`; they serve all the while."""

        async def told():
            site, urls = self.crowd.market.site, [one.url for one in self.cluster.instances]
            answers = [await site.call("GET", "/readyz", at=url) for url in urls]
            assert {answer.status for answer in answers} == {200}, answers
            return all(("mongo" in answer.data["degraded"]) == is_away for answer in answers)

        await until(told, within_s=_NOTICED_WITHIN_S, what=f"/readyz says that MongoDB {is_away=}")


async def _befall(scene, fault, answered_within_s):
    archive, began_at = scene.archive, time.time()
    async with fault(scene.cluster.stores["mongo"]):
        photos = asyncio.create_task(scene.send_photos(time.monotonic() + _AWAY_S))
        answers = await Callers(scene.crowd, count=4).during(_AWAY_S)
        await one_of_each(scene.crowd)
        crossed_s = await scene.listeners.cross(within_s=_DELIVERED_WITHIN_S)
        await archive.look_at_a_page()
        statuses = await photos
        assert await archive.are_photos_away()
        assert await archive.long_history() == _AWAY
        assert await archive.recent_history() == AS_MANY_AS_STAY
        assert await archive.is_read_back()
        await scene.says(is_away=True)
    scene.spans.append((began_at, time.time()))
    back_at = time.monotonic()
    await until(archive.is_back, within_s=_NOTICED_WITHIN_S, what="photos and long history are there again")
    back_s = time.monotonic() - back_at
    await scene.says(is_away=False)
    for _ in scene.cluster.instances:  # a connection that hung may cost one more of them its answer
        await until(archive.takes_a_photo, within_s=_NOTICED_WITHIN_S, what="a photo is taken again")
    told = f"{dict(answers.counts)}, {answers.longest_s:.2f} s at most, delivered within {crossed_s:.2f} s"
    print(f"F19 {fault.__name__}: {told}, {len(statuses)} photos refused, back after {back_s:.2f} s")
    assert set(answers.counts) == {200}, fault
    assert answers.longest_s < answered_within_s, fault
    assert set(statuses) == {503}, fault


@pytest.mark.timeout(600 if IS_LONG else 300)
async def test_without_mongodb_only_long_history_and_files_wait(clustered, history, tmp_path):
    cluster, _ = clustered
    async with business(cluster, history, tmp_path, seed=19, gives_up=0.0) as crowd:
        await crowd.end()  # without a pause they keep two processors busy, and how fast they are served says nothing
        scene = Scene(cluster, crowd)
        calm = await Callers(crowd, count=4).during(1.0)
        await scene.open()
        answered_within_s = max(_ANSWERED_WITHIN_S, _AS_BEFORE * calm.longest_s)
        print(f"F19 with MongoDB: answered after {calm.longest_s:.2f} s")
        before = await all_held(cluster.instances)
        for fault in FAULTS:
            await _befall(scene, fault, answered_within_s)
        held = await let_go(cluster.instances, before)
        await crowd.end()
        await scene.archive.everything_settles(within_s=_SETTLES_WITHIN_S)
        assert await scene.archive.photos_are_as_they_were()
        await scene.archive.close()
        print(f"F19 {len(scene.archive.photos)} photos, held {held}")
    records = read_history(tmp_path / "history.jsonl")
    assert hindered(records, scene.spans, within_s=answered_within_s) == []
