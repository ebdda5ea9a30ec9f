"""How connections are refused, prolonged and ended."""

import asyncio
from dataclasses import replace

from tests.unit.ws.place import place, until


async def test_ended_access_unsubscribes_on_the_open_connection(database, outbox):
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        await client.ask(subscribe={"channel": "order:1"})
        await here.order("access_ended", user_id="alice", channel="order:1")
        assert (await client.push())["unsubscribe"] == {"code": 2000, "reason": "access ended"}
        await here.publish("order:1", "not for alice")
        assert "ping" in await client.ask(ping={})


async def test_a_revoked_login_is_closed_and_other_logins_stay(database, outbox):
    async with place(database, outbox) as here:
        alice, _ = await here.connected("alice")
        bob, _ = await here.connected("bob")
        await here.order("revoke", user_id=None, login_id="login-of-alice", code=3503, reason="logged out")
        assert await alice.code() == (3503, "logged out")
        assert "ping" in await bob.ask(ping={})
        await here.order("revoke", user_id="bob", login_id=None, code=None, reason=None)
        assert await bob.code() == (3503, "force disconnect")


async def test_a_login_revoked_while_it_is_being_checked_does_not_get_in(database, outbox):
    async with place(database, outbox) as here:
        here.checking.clear()
        client = await here.raw()
        await client.say({"id": 1, "connect": {"token": "alice"}})
        await until(lambda: here.being_checked)
        await here.order("revoke", user_id="alice", login_id=None, code=3503, reason="banned")
        here.checking.set()
        assert await client.code() == (3503, "banned")


async def test_tokens_that_expired_or_are_none_are_told_apart(database, outbox):
    async with place(database, outbox, authenticate_within_s=0.3) as here:
        client = await here.raw()
        assert (await client.ask(connect={"token": "expired"}))["error"] == {"code": 109, "message": "token expired"}
        await client.say({"id": 2, "ping": {}})
        code, _ = await client.code()
        assert code == 3000
        client = await here.raw()
        await client.say({"id": 1, "connect": {"token": "nonsense"}})
        assert await client.code() == (3500, "invalid token")


async def test_a_refresh_prolongs_and_its_refusals_close(database, outbox):
    async with place(database, outbox) as here:
        client, connect = await here.connected()
        refresh = (await client.ask(refresh={"token": "alice"}))["refresh"]
        assert refresh["client"] == connect["client"] and refresh["expires"] and refresh["ttl"] > 800
        await client.say({"id": 3, "refresh": {"token": "expired"}})
        assert await client.code() == (3005, "connection expired")
        for token in ("bob", "nonsense"):
            client, _ = await here.connected()
            await client.say({"id": 3, "refresh": {"token": token}})
            assert await client.code() == (3500, "invalid token")


async def test_a_login_revoked_while_its_newer_token_is_checked_ends_the_connection(database, outbox):
    """The connection is not of that login yet, so the revocation itself passes it by."""
    async with place(database, outbox) as here:
        here.tokens["again"] = replace(here.identity("alice"), login_id="the next login")
        client, _ = await here.connected()
        here.checking.clear()
        await client.say({"id": 2, "refresh": {"token": "again"}})
        await until(lambda: here.being_checked)
        await here.order("revoke", user_id=None, login_id="the next login", code=3503, reason="logged out")
        here.checking.set()
        assert await client.code() == (3503, "logged out")


async def test_an_expired_connection_is_closed_after_its_grace(database, outbox):
    async with place(database, outbox, expiry_grace_s=0.1) as here:
        here.tokens["short"] = here.identity("alice", ttl_s=0.1)
        client, connect = await here.connected("short")
        assert connect["ttl"] == 1, "0 would be left out, and clients read it without default"
        assert await client.code() == (3005, "connection expired")


async def test_pings_are_objects_without_members_and_a_silent_client_is_closed(database, outbox):
    async with place(database, outbox, ping_interval_s=1, pong_timeout_s=0.5) as here:
        client, _ = await here.connected()
        assert await client.next() == {}
        await client.say({})
        assert await client.next() == {}
        assert await client.code() == (3012, "no pong")


async def test_who_never_connects_is_closed_as_stale(database, outbox):
    async with place(database, outbox, authenticate_within_s=0.2) as here:
        client = await here.raw()
        assert await client.code() == (3502, "stale")


async def test_a_user_holds_a_bounded_number_of_connections(database, outbox):
    async with place(database, outbox, connections_per_user=2) as here:
        first, _ = await here.connected()
        await here.connected()
        third = await here.raw()
        await third.say({"id": 1, "connect": {"token": "alice"}})
        assert await third.code() == (3504, "connection limit")
        first.connection.close()
        await until(lambda: len(here.live.connections) == 1)
        await here.connected()


async def test_a_drain_lets_the_running_call_answer_and_closes_all_with_3001(database, outbox):
    async with place(database, outbox) as here:
        gate = asyncio.Event()

        async def slow(_identity, data):
            await gate.wait()
            return data

        here.methods = {"slow": slow}
        client, _ = await here.connected()
        await client.say({"id": 7, "rpc": {"method": "slow", "data": 1}})
        await until(lambda: next(iter(here.live.connections)).is_busy)
        draining = asyncio.ensure_future(here.live.drain(within_s=4.0))
        gate.set()
        assert (await client.next())["rpc"] == {"data": 1}
        assert await client.code() == (3001, "shutdown")
        await draining


async def test_nonsense_closes_and_the_reason_is_never_empty(database, outbox):
    async with place(database, outbox) as here:
        for nonsense in ("", "{", "[]", '{"id":1,"ping":{}}', b"{}", '{"rpc":{}}'):
            client = await here.raw()
            await client.connection.write_message(nonsense, binary=isinstance(nonsense, bytes))
            assert await client.code() == (3501, "bad request")
        client, _ = await here.connected()
        await client.say(*({"id": n, "rpc": 5} for n in range(100, 120)))
        assert await client.code() == (3501, "bad request")
