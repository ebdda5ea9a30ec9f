"""Who was shown out is cut off, also while the bus is away."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from server.app import Parts
from server.core.clock import server_now
from server.core.errors import Unavailable
from server.identity.commands import LogOut
from server.jobs.revocations import AccessPoll, RevocationPoll
from server.storage.pubsub.in_process import InProcessBus
from server.storage.tables.identity import login, t_user
from server.ws.ports import Identity as Connected
from tests.accounts import Identity, a_call
from tests.stores import some_phone
from tests.unit.ws.place import place
from tests.world import Bookings, until


class DeafBus(InProcessBus):
    """Cannot tell any instance anything for a while."""

    is_away = True

    async def broadcast(self, message):
        if self.is_away:
            raise Unavailable
        await super().broadcast(message)


@pytest.fixture
def identity(database):
    made = Identity(database)
    yield made
    made.passwords.close()


async def people(identity, here, names):
    """Logged in and connected; login ids and sockets by name."""
    logins, sockets = {}, {}
    for name in names:
        phone = some_phone()
        await identity.register(phone)
        actor = await identity.authenticator.authenticate((await identity.log_in(phone))["token"])
        logins[name] = actor
        plain = here.identity(name)
        here.tokens[name] = Connected(actor.user_id, "patient", actor.login_id, plain.expires_at)
        sockets[name], _ = await here.connected(name)
    return logins, sockets


def poll(identity, here):
    return RevocationPoll(
        login_ids=here.live.login_ids, ended_logins=identity.logins.ended_logins,
        revoke_login=lambda login_id: here.live.revoke(user_id=None, login_id=login_id),
    )  # fmt: skip


async def test_logged_out_expired_banned_and_forgotten_logins_are_closed_by_the_poll(identity, database, outbox):
    async with place(database, outbox) as here:
        names = ("out", "run out", "banned", "forgotten", "stays")
        logins, sockets = await people(identity, here, names)
        watch = poll(identity, here)
        assert await watch.run_once() == 0
        past = server_now() - timedelta(seconds=1)
        await identity.logins.log_out(a_call(actor=logins["out"]), LogOut())
        changes = [
            update(login).where(login.c.login_id == logins["run out"].login_id).values(expires_at=past),
            update(t_user).where(t_user.c.user_id == logins["banned"].user_id).values(banned_at=past),
            login.delete().where(login.c.login_id == logins["forgotten"].login_id),
        ]
        for change in changes:
            await database.write(lambda tx, change=change: tx.run(change))
        assert await watch.run_once() == 4
        for name in names[:-1]:
            assert await sockets[name].code() == (3503, "force disconnect"), name
        assert "ping" in await sockets["stays"].ask(ping={})
        assert await watch.run_once() == 0


async def test_a_poll_without_connections_asks_nobody(database, outbox):
    async def ended_logins(_ids):
        raise AssertionError("nobody is connected")

    async with place(database, outbox) as here:
        watch = RevocationPoll(login_ids=here.live.login_ids, ended_logins=ended_logins, revoke_login=lambda _: 1)
        assert await watch.run_once() == 0


async def test_more_logins_than_fit_in_one_statement_are_asked_in_parts(identity):
    ids = {f"nobody-{number}" for number in range(1_201)}
    assert await identity.logins.ended_logins(ids) == ids
    assert await identity.logins.ended_logins(set()) == set()


async def test_the_product_closes_the_socket_of_a_logout_without_its_bus(open_world):
    bus = DeafBus()
    world = await open_world(Parts(bus=bus))
    family, other = world.families[0], world.families[1]
    socket, stays = await world.socket(family), await world.socket(other)
    assert (await world.post(family, "/api/user/logout", {})).is_ok
    world.product.jobs.hurry()
    async with asyncio.timeout(10):
        await asyncio.gather(socket.reading, return_exceptions=True)
    assert "ping" in await stays.send("ping", {})
    bus.is_away = False


async def test_followers_outside_the_party_lose_the_channel_in_the_poll(database, outbox):
    ended, parties = [], {"1": {"alice"}, "2": {"bob"}}

    async def asked(order_ids):
        return {one: parties[one] for one in order_ids if one in parties}

    watch = AccessPoll(
        followers=lambda: {
            "order:1": {"alice": "patient", "bob": "caregiver", "root": "admin"},
            "order:2": {"bob": "patient"},
            "order:gone": {"alice": "patient"},
            "user:alice": {"alice": "patient"},
            "ops": {"root": "admin"},
        },
        parties=asked,
        access_ended=lambda user_id, channel: ended.append((user_id, channel)),
    )
    assert await watch.run_once() == 2
    assert sorted(ended) == [("alice", "order:gone"), ("bob", "order:1")]


async def test_a_removed_relative_and_a_replaced_caregiver_lose_the_channel_without_the_bus(open_world):
    bus = DeafBus()
    world = await open_world(Parts(bus=bus))
    family, relative, caregiver = world.families[0], world.families[1], world.caregivers[0]
    order_id = await Bookings(world).book_paid(family, Bookings(world).slot(), named=caregiver)
    [offered] = await world.offers(order_id)
    assert (await world.post(caregiver, "/api/order/accept", {"offer_id": offered["offer_id"]})).is_ok
    patient_id = (await world.order(order_id))["patient_id"]
    invited = await world.post(family, "/api/patient/invite", {"patient_id": patient_id})
    code = {"invite_code": invited.data["invite_code"]}
    assert (await world.post(relative, "/api/patient/join", code)).is_ok
    sockets = [await world.socket(who) for who in (family, relative, caregiver)]
    channel = f"order:{order_id}"
    for socket in sockets:
        assert await socket.subscribe(channel) == 0
    removed = {"patient_id": patient_id, "user_id": relative.user_id}
    assert (await world.post(family, "/api/patient/viewer_remove", removed)).is_ok
    assert (await world.post(caregiver, "/api/order/cancel", {"order_id": order_id, "reason": "生病"})).is_ok
    world.product.jobs.hurry()
    for socket in sockets[1:]:
        await until(lambda socket=socket: _told_to_leave(socket, channel))
    assert await sockets[0].subscribe(channel) == 105, "the family follows on"
    bus.is_away = False


async def _told_to_leave(socket, channel):
    return any(push.get("channel") == channel and "unsubscribe" in push for push in socket.pushes)
