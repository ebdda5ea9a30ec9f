"""A reader who read before a change never puts an old page in the new one's place."""

import asyncio

import pytest

from server.core.call import Actor, Call
from server.core.ids import new_id
from server.roster.caregivers.commands import SaveService
from server.roster.catalog import DEFAULT_CATALOG
from server.roster.showcase.commands import ReadCaregiver
from server.roster.showcase.page import CaregiverPage
from server.storage.cache.in_process import InProcessCache
from server.storage.cache.reads import CachedReads

_PRICE = {"service_type": "errand", "band": "day", "price_fen": 7_100}
_SETTINGS = {
    "prices": [_PRICE],
    "weekly_hours": [{"weekday": day, "start": "08:00", "end": "20:00"} for day in range(1, 8)],
    "accepts_urgent": True,
    "accepts_night": False,
}


class SlowPage(CaregiverPage):
    """Reads, and is held up before it keeps what it read."""

    def __init__(self, **given):
        super().__init__(**given)
        self.has_read, self.goes_on = asyncio.Event(), asyncio.Event()

    async def _read_rest(self, caregiver_id):
        rest = await super()._read_rest(caregiver_id)
        self.has_read.set()
        await self.goes_on.wait()
        return rest


class UnmarkedNames:
    """The usual way: one name a page, dropped after the commit."""

    @staticmethod
    def _name_of(row):
        return f"caregiver/{row['caregiver_id']}"


class UnmarkedPage(UnmarkedNames, CaregiverPage):
    pass


class SlowUnmarkedPage(UnmarkedNames, SlowPage):
    pass


class LateMarkPage(CaregiverPage):
    """Reads the mark after what it marks."""

    def __init__(self, **given):
        super().__init__(**given)
        self.has_read, self.goes_on = asyncio.Event(), asyncio.Event()

    async def read_caregiver(self, call, command):
        rest = await self._read_rest(command.caregiver_id)
        self.has_read.set()
        await self.goes_on.wait()
        self._read_rest = lambda _id: _already(rest)
        return await super().read_caregiver(call, command)


async def _already(rest):
    return rest


async def _race(world, slow_kind, quick_kind):
    """One reads, the price changes, another reads, the first comes to its end, a third reads: its price."""
    base, caregiver = world.product.base, world.caregivers[0]
    cache = InProcessCache(lifetime_s=300.0, most_bytes=1_000_000)  # as Redis is for two instances
    given = {"database": base.database, "clock": base.clock, "catalog": DEFAULT_CATALOG, "links": base.links}
    slow, quick = (kind(**given, reads=CachedReads(cache=cache)) for kind in (slow_kind, quick_kind))
    family = world.families[0]
    call = Call(Actor(family.user_id, "patient", family.login_id), new_id())
    asked = ReadCaregiver(caregiver_id=caregiver.caregiver_id)
    reading = asyncio.ensure_future(slow.read_caregiver(call, asked))
    await slow.has_read.wait()
    saved = Call(Actor(caregiver.user_id, "caregiver", caregiver.login_id), new_id())
    await world.product.roster.service.save_service(saved, SaveService.model_validate(_SETTINGS))
    for name in list(cache._kept):  # the usual way drops what it knows of; it does no harm to the other
        cache._drop(name)
    slow.goes_on.set()
    await reading
    prices = (await quick.read_caregiver(call, asked))["prices"]
    return [one["price_fen"] for one in prices]


async def test_a_page_read_before_a_change_is_never_shown_after_it(peihu):
    assert await _race(peihu, SlowPage, CaregiverPage) == [7_100]


async def test_the_race_is_real_with_one_name_a_page_the_old_one_comes_back_and_stays(peihu):
    with pytest.raises(AssertionError):
        assert await _race(peihu, SlowUnmarkedPage, UnmarkedPage) == [7_100]


async def test_the_order_matters_too_a_mark_read_after_the_page_names_the_wrong_one(peihu):
    with pytest.raises(AssertionError):
        assert await _race(peihu, LateMarkPage, CaregiverPage) == [7_100]
