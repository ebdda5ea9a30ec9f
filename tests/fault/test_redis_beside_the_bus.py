"""Two instances on one Redis that hangs, dies and forgets: pages, paces and presence, and whoever asks meanwhile."""

import shutil
import time

import pytest

from server.app import Parts
from tests.cast import find_cast
from tests.fault.server_process import until
from tests.standstill import evenly_s
from tests.world import Bookings, Instance, World, settings_for

pytestmark = [pytest.mark.services, pytest.mark.slow]

_SETTINGS = {
    "prices": [{"service_type": "errand", "band": "day", "price_fen": 7_100}],
    "weekly_hours": [{"weekday": day, "start": "08:00", "end": "20:00"} for day in range(1, 8)],
    "accepts_urgent": True,
    "accepts_night": False,
}
_BACK_WITHIN_S = 15.0


@pytest.fixture
def two(io_loop, tmp_path, peopled_file, redis):
    """Two instances on one store and one Redis, each as a world of its own."""
    run = io_loop.asyncio_loop.run_until_complete
    directory = tmp_path / "world"
    directory.mkdir()
    shutil.copyfile(peopled_file, directory / "peihu.db")
    settings = settings_for(directory).model_copy(update={"redis_url": redis.server.url})
    worlds = run(_open(settings))
    yield worlds
    redis.resume()
    for world in worlds:
        run(world.close())
    run(redis.stop())
    run(redis.start())  # empty, also for whoever comes after a test that failed


async def _open(settings):
    instances = [Instance(settings, Parts()) for _ in range(2)]
    for instance in instances:
        await instance.start()
    cast = await find_cast(instances[0].product.base.database)
    worlds = [World([instance], cast) for instance in instances]
    await until(lambda: {_bus(world) for world in worlds} == {"ok"}, within_s=_BACK_WITHIN_S, what="the bus")
    return worlds


def _bus(world):
    return world.product.base.bus.state


def _desks(world):
    return {desk.name: desk for desk in world.product.base.redis.desks}


async def _prices(world, caregiver):
    page = await world.get(world.families[0], "/api/caregiver/detail", caregiver_id=caregiver.caregiver_id)
    assert page.is_ok, page
    return [one["price_fen"] for one in page.data["prices"]]


async def _save(world, caregiver, price_fen):
    prices = [_SETTINGS["prices"][0] | {"price_fen": price_fen}]
    saved = await world.post(caregiver, "/api/caregiver/service", _SETTINGS | {"prices": prices})
    assert saved.is_ok, saved


async def test_a_page_kept_by_one_instance_serves_the_other_and_no_change_is_ever_missed(two, redis):
    """Through a Redis that hangs, one that died and one that comes back as empty as it began."""
    here, there = two
    caregiver = here.caregivers[0]
    await _prices(here, caregiver)
    await _prices(there, caregiver)
    far = there.product.base.cache._far
    assert far.counts["found"] == 1 and far.counts["missed"] == 0
    price_fen = 7_000
    for fault in (lambda: None, redis.pause, redis.resume):
        fault()
        for _ in range(5):
            price_fen += 10
            await _save(here, caregiver, price_fen)
            assert await _prices(there, caregiver) == await _prices(here, caregiver) == [price_fen]
    await redis.stop()
    await _save(there, caregiver, 6_900)
    assert await _prices(here, caregiver) == await _prices(there, caregiver) == [6_900]
    await redis.start()
    await _save(there, caregiver, 6_800)
    assert await _prices(here, caregiver) == await _prices(there, caregiver) == [6_800]


async def test_a_redis_that_hangs_holds_a_request_up_once_in_a_while_and_stops_none(two, redis):
    here, _ = two
    families, caregivers = here.families, here.caregivers
    await here.get(families[0], "/api/user/me")
    redis.pause()
    pace, cache = _desks(here)["pace"], _desks(here)["cache"]
    failed, longest_s, began_s = pace.counts["failed"] + cache.counts["failed"], 0.0, time.monotonic()
    asked = 0
    while time.monotonic() - began_s < 4.0:
        asked_s = evenly_s()
        caregiver = caregivers[asked % len(caregivers)]
        family = families[asked % len(families)]
        page = await here.get(family, "/api/caregiver/detail", caregiver_id=caregiver.caregiver_id)
        assert page.is_ok
        longest_s, asked = max(longest_s, evenly_s() - asked_s), asked + 1
    failed = pace.counts["failed"] + cache.counts["failed"] - failed
    assert asked > 10 and longest_s < 2.0
    assert 2 <= failed <= 12, f"{failed} waits in 4 s: two desks ask once a second"
    redis.resume()

    async def is_asked_again():
        await here.get(families[0], "/api/user/me")
        return not pace.is_away

    await until(is_asked_again, within_s=_BACK_WITHIN_S, what="the pace's desk")


async def _join(world, person, channel):
    socket = await world.socket(person)
    reply = await socket.send("subscribe", {"channel": channel, "join_leave": True})
    assert "subscribe" in reply, reply
    return socket


def _told(socket, kind):
    return [push[kind]["info"]["user"] for push in socket.pushes if kind in push]


async def _present(socket, channel):
    reply = await socket.send("presence", {"channel": channel})
    if "error" in reply:
        assert (reply["error"]["code"], reply["error"].get("temporary")) == (100, True)
        return None
    return {info["user"] for info in reply["presence"]["presence"].values()}


async def test_people_on_one_instance_see_who_comes_and_goes_on_the_other(two):
    here, there = two
    family, admin = here.families[0], here.admin
    made = await Bookings(here).book(family, Bookings(here).slot())
    channel = f"order:{made['order_id']}"
    at_home = await _join(here, family, channel)
    await until(lambda: _told(at_home, "join") == [family.user_id], within_s=10, what="the own join")
    tabs = [await _join(there, admin, channel), await _join(here, admin, channel)]
    await until(lambda: admin.user_id in _told(at_home, "join"), within_s=10, what="the join from the other side")
    for socket in (at_home, *tabs):
        assert await _present(socket, channel) == {family.user_id, admin.user_id}
    await tabs[0].close()
    await tabs[1].close()
    await until(lambda: _told(at_home, "leave"), within_s=15, what="the leave")
    assert _told(at_home, "join") == [family.user_id, admin.user_id], "two tabs on two instances are one join"
    assert _told(at_home, "leave") == [admin.user_id]
    assert await _present(at_home, channel) == {family.user_id}


async def test_presence_says_that_it_is_away_and_is_whole_again_soon_after_redis_is_back(two, redis):
    here, there = two
    family, admin = here.families[0], here.admin
    made = await Bookings(here).book(family, Bookings(here).slot())
    channel = f"order:{made['order_id']}"
    at_home, elsewhere = await _join(here, family, channel), await _join(there, admin, channel)
    everybody = {family.user_id, admin.user_id}
    await until(lambda: set(_told(at_home, "join")) == everybody, within_s=10, what="both")
    await redis.stop()

    async def says_so():
        return await _present(at_home, channel) is None

    await until(says_so, within_s=10, what="an answer without Redis")
    await _join(here, here.families[0], channel)
    assert (await here.get(family, "/api/order/status", order_id=made["order_id"])).is_ok
    await redis.start()  # with nothing in it

    async def is_whole():
        return await _present(elsewhere, channel) == await _present(at_home, channel) == everybody

    await until(is_whole, within_s=_BACK_WITHIN_S, what="everybody in the store again")


async def test_a_redis_that_forgot_everything_changes_no_answer(two, redis):
    """F11: who was logged out stays out, pages are what they are, people are there again after a round of keeping."""
    here, there = two
    family, leaver, admin, caregiver = *here.families[:2], here.admin, here.caregivers[0]
    made = await Bookings(here).book(family, Bookings(here).slot())
    channel = f"order:{made['order_id']}"
    at_home = await _join(here, family, channel)
    await _join(there, admin, channel)
    await _save(here, caregiver, 7_500)
    assert await _prices(there, caregiver) == [7_500]
    assert (await here.post(leaver, "/api/user/logout", {})).is_ok
    assert redis.server.ask("FLUSHALL") == "OK"
    for world in two:
        assert (await world.get(leaver, "/api/user/me")).status == 401
        assert await _prices(world, caregiver) == [7_500]
        assert (await world.get(family, "/api/order/status", order_id=made["order_id"])).data["version"] == 1
        await world.product.live._roll.keep()
    assert await _present(at_home, channel) == {family.user_id, admin.user_id}


def _full(server):
    server.ask("CONFIG SET maxmemory-policy noeviction")
    server.ask("CONFIG SET maxmemory 1")


def _with_room(server):
    server.ask("CONFIG SET maxmemory 0")


def _read_only(server):
    server.ask("REPLICAOF 127.0.0.1 1")


def _a_primary(server):
    server.ask("REPLICAOF NO ONE")


@pytest.mark.parametrize(("spoil", "mend"), [(_full, _with_room), (_read_only, _a_primary)], ids=["full", "read-only"])
async def test_a_redis_that_takes_no_writes_counts_as_one_that_is_away(two, redis, spoil, mend):
    """F12: pages, paces and bookings go on; who comes meanwhile is told when there is room again."""
    here, there = two
    family, admin, caregiver = here.families[0], here.admin, here.caregivers[0]
    made = await Bookings(here).book(family, Bookings(here).slot())
    channel = f"order:{made['order_id']}"
    at_home = await _join(here, family, channel)
    await until(lambda: _told(at_home, "join") == [family.user_id], within_s=10, what="the own join")
    spoil(redis.server)
    late = await _join(there, admin, channel)
    longest_s = 0.0
    for price_fen in range(7_510, 7_600, 10):
        began_s = evenly_s()
        await _save(here, caregiver, price_fen)
        assert await _prices(there, caregiver) == [price_fen]
        longest_s = max(longest_s, evenly_s() - began_s)
    assert longest_s < 2.0
    assert (await Bookings(here).book(family, Bookings(here).slot(1)))["status"] == "pending_payment"
    mend(redis.server)

    async def is_told():
        there.product.live._roll.keep_soon()
        return admin.user_id in _told(at_home, "join")

    await until(is_told, within_s=_BACK_WITHIN_S, what="the join that came when there was no room")
    assert await _present(late, channel) == {family.user_id, admin.user_id}
