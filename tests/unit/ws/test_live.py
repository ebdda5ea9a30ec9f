"""Live channels from the socket to the log and back."""

import asyncio

import pytest

from server.core.errors import Refused, Unavailable, invalid
from tests.unit.ws.place import place, until


async def test_connect_and_subscribes_may_come_in_one_frame(database, outbox):
    async with place(database, outbox) as here:
        await here.publish("order:1", 1)
        client = await here.raw()
        await client.say(
            {"id": 1, "connect": {"token": "alice"}},
            {"id": 2, "subscribe": {"channel": "order:1", "flag": 1}},
            {"id": 3, "subscribe": {"channel": "order:foreign"}},
        )
        first, second, third = [await client.next() for _ in range(3)]
        assert first["connect"]["ping"] == 25
        assert first["connect"]["subs"] == {"user:alice": {"recoverable": True, "positioned": True}}
        assert second["subscribe"]["offset"] == 1
        assert third["error"] == {"code": 103, "message": "permission denied"}


async def test_an_event_reaches_all_who_subscribed_once_with_its_position(database, outbox):
    async with place(database, outbox) as here:
        clients = [(await here.connected(token))[0] for token in ("alice", "bob")]
        for client in clients:
            await client.ask(subscribe={"channel": "order:1"})
        for number in range(1, 4):
            await here.publish("order:1", {"n": number})
        for client in clients:
            pubs = [(await client.push())["pub"] for _ in range(3)]
            assert [pub["offset"] for pub in pubs] == [1, 2, 3]
            assert [pub["data"]["data"]["n"] for pub in pubs] == [1, 2, 3]


async def test_what_was_missed_comes_in_the_reply_once_and_in_order(database, outbox):
    async with place(database, outbox) as here:
        client, connect = await here.connected()
        position = (await client.ask(subscribe={"channel": "order:1"}))["subscribe"]
        client.connection.close()
        for number in range(5):
            await here.publish("order:1", number)
        again, _ = await here.connected()
        wish = {"channel": "order:1", "recover": True, "offset": position.get("offset", 0), "epoch": ""}
        result = (await again.ask(subscribe=wish))["subscribe"]
        assert result["was_recovering"] and result["recovered"]
        assert [pub["offset"] for pub in result["publications"]] == [1, 2, 3, 4, 5]
        await here.publish("order:1", "live")
        assert (await again.push())["pub"]["offset"] == 6


async def test_the_users_own_channel_is_recovered_within_connect(database, outbox):
    async with place(database, outbox) as here:
        position = await here.publish("user:alice", 1)
        await here.publish("user:alice", 2)
        resume = {"recover": True, "offset": position.offset, "epoch": position.epoch}
        _, connect = await here.connected(subs={"user:alice": resume, "user:bob": resume})
        sub = connect["subs"]["user:alice"]
        assert sub["recovered"] and [pub["offset"] for pub in sub["publications"]] == [2]
        assert list(connect["subs"]) == ["user:alice"]


@pytest.mark.parametrize(
    ("offset", "epoch"), [(99, None), (0, "other"), (0, "_"), (2, "other")], ids=["future", "epoch", "lost", "both"]
)
async def test_a_position_that_cannot_be_recovered_is_said_so_without_publications(database, outbox, offset, epoch):
    async with place(database, outbox) as here:
        for number in range(3):
            top = await here.publish("order:1", number)
        client, _ = await here.connected()
        wish = {"channel": "order:1", "recover": True, "offset": offset, "epoch": epoch or top.epoch}
        result = (await client.ask(subscribe=wish))["subscribe"]
        assert result["was_recovering"] is True
        assert "recovered" not in result and "publications" not in result
        assert result["offset"] == 3
        await client.ask(unsubscribe={"channel": "order:1"})
        assert (await client.ask(subscribe={**wish, "flag": 3}))["error"]["code"] == 112


async def test_more_than_the_cap_is_not_recovered(database, outbox):
    async with place(database, outbox, recovery_entries=10) as here:
        for number in range(11):
            top = await here.publish("order:1", number)
        client, _ = await here.connected()
        wish = {"channel": "order:1", "recover": True, "epoch": top.epoch}
        assert "recovered" not in (await client.ask(subscribe=wish))["subscribe"]
        await client.ask(unsubscribe={"channel": "order:1"})
        result = (await client.ask(subscribe={**wish, "offset": 1}))["subscribe"]
        assert len(result["publications"]) == 10


async def test_nothing_is_lost_or_doubled_between_the_reply_and_the_first_push(database, outbox):
    async with place(database, outbox) as here:
        top = await here.publish("order:1", 0)
        publishing = asyncio.ensure_future(_publish_many(here, 60))
        clients = []
        while not publishing.done() and len(clients) < 25:
            client, _ = await here.connected()
            wish = {"channel": "order:1", "recover": True, "offset": 1, "epoch": top.epoch}
            await client.say({"id": 2, "subscribe": wish})
            clients.append(client)
        assert len(clients) > 1
        await publishing
        for client in clients:
            assert await _offsets(client, upto=61) == list(range(2, 62))


async def _publish_many(here, count):
    for number in range(count):
        await here.publish("order:1", number)


async def _offsets(client, *, upto):
    offsets = []
    while not offsets or offsets[-1] < upto:
        message = await client.next()
        if "push" in message:
            offsets.append(message["push"]["pub"]["offset"])
        elif "subscribe" in message:
            assert not offsets, "the reply comes before any push"
            offsets += [pub["offset"] for pub in message["subscribe"].get("publications", [])]
    return offsets


async def test_typing_has_no_offset_and_moves_no_position(database, outbox):
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        await client.ask(subscribe={"channel": "order:1"})
        await here.ephemeral("order:1", {"type": "chat.typing"})
        assert (await client.push())["pub"] == {"data": {"type": "chat.typing"}}
        await here.publish("order:1", 1)
        assert (await client.push())["pub"]["offset"] == 1


async def test_joins_and_leaves_reach_those_who_asked_and_presence_tells_who_is_there(database, outbox):
    async with place(database, outbox) as here:
        alice, me = await here.connected("alice")
        await alice.ask(subscribe={"channel": "order:1", "join_leave": True})
        assert (await alice.push())["join"]["info"]["client"] == me["client"]
        bob, him = await here.connected("bob")
        await bob.ask(subscribe={"channel": "order:1"})
        join = await alice.push()
        assert join["join"]["info"] == {"user": "bob", "client": him["client"], "conn_info": {"name": "bob"}}
        members = (await bob.ask(presence={"channel": "order:1"}))["presence"]["presence"]
        assert set(members) == {me["client"], him["client"]}
        stats = (await bob.ask(presence_stats={"channel": "order:1"}))["presence_stats"]
        assert stats == {"num_clients": 2, "num_users": 2}
        bob.connection.close()
        assert (await alice.push())["leave"]["info"]["client"] == him["client"]
        assert (await alice.ask(presence={"channel": "user:alice"}))["error"]["code"] == 108
        assert (await alice.ask(presence={"channel": "order:foreign"}))["error"]["code"] == 103


async def test_history_goes_both_ways_from_a_position(database, outbox):
    async with place(database, outbox) as here:
        for number in range(1, 6):
            top = await here.publish("order:1", number)
        client, _ = await here.connected()

        async def history(**wish):
            return (await client.ask(history={"channel": "order:1", **wish}))["history"]

        def offsets(result):
            return [pub["offset"] for pub in result["publications"]]

        assert await history() == {"publications": [], "epoch": top.epoch, "offset": 5}
        assert offsets(await history(limit=-1)) == [1, 2, 3, 4, 5]
        assert offsets(await history(limit=2, since={"offset": 3, "epoch": top.epoch})) == [4, 5]
        assert offsets(await history(limit=10, since={"offset": 3, "epoch": top.epoch}, reverse=True)) == [2, 1]
        assert offsets(await history(limit=2, reverse=True)) == [5, 4]
        wrong = await client.ask(history={"channel": "order:1", "limit": 1, "since": {"offset": 3, "epoch": "x"}})
        assert wrong["error"]["code"] == 112
        assert (await client.ask(history={"channel": "order:foreign"}))["error"]["code"] == 103


async def test_an_rpc_answers_with_the_use_cases_result_or_refusal(database, outbox):
    async with place(database, outbox) as here:

        async def accept(identity, data):
            return {"by": identity.user_id, **data}

        def raising(error):
            async def method(_identity, _data):
                raise error

            return method

        here.methods = {
            "order.accept": accept,
            "taken": raising(Refused("offer_taken")),
            "invalid": raising(invalid("patient.name", "姓名不能为空")),
            "hurried": raising(Refused("too_many_requests", retry_after_s=3)),
            "away": raising(Unavailable()),
        }
        client, _ = await here.connected()
        reply = await client.ask(rpc={"method": "order.accept", "data": {"order_id": "o"}})
        assert reply["rpc"] == {"data": {"by": "alice", "order_id": "o"}}
        for method, error in {
            "taken": {"code": 409, "message": "offer_taken"},
            "invalid": {"code": 422, "message": "invalid:patient.name"},
            "hurried": {"code": 429, "message": "too_many_requests", "temporary": True},
            "away": {"code": 503, "message": "unavailable", "temporary": True},
            "nothing": {"code": 104, "message": "method not found"},
        }.items():
            assert (await client.ask(rpc={"method": method}))["error"] == error


@pytest.mark.expects_warnings
async def test_a_bug_in_a_call_is_answered_as_temporary_and_logged_once(database, outbox, caplog):
    async with place(database, outbox) as here:

        async def broken(_identity, _data):
            raise KeyError("a bug")

        async def unspeakable(_identity, _data):
            return {"a": object()}

        here.methods = {"broken": broken, "unspeakable": unspeakable}
        client, _ = await here.connected()
        internal = {"code": 100, "message": "internal server error", "temporary": True}
        assert (await client.ask(rpc={"method": "broken"}))["error"] == internal
        assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
        assert (await client.ask(rpc={"method": "unspeakable"}))["error"] == internal
        assert here.live.counts["bugs"] == 2


async def test_rpcs_keep_their_order_and_hold_up_nothing_else(database, outbox):
    async with place(database, outbox, calls_in_flight=4) as here:
        gate, seen = asyncio.Event(), []

        async def slow(_identity, data):
            await gate.wait()
            seen.append(data)
            return data

        here.methods = {"slow": slow}
        client, _ = await here.connected()
        await client.say(*({"id": 10 + n, "rpc": {"method": "slow", "data": n}} for n in range(4)))
        await client.say({"id": 20, "rpc": {"method": "slow"}}, {"id": 10, "rpc": {"method": "slow"}})
        assert (await client.next())["error"]["code"] == 111
        assert (await client.next())["error"]["code"] == 107, "an id in flight names one command"
        assert "subscribe" in await client.ask(subscribe={"channel": "order:1"})
        await client.say({})
        gate.set()
        replies = [await client.next() for _ in range(4)]
        assert [reply["rpc"]["data"] for reply in replies] == seen == [0, 1, 2, 3]


async def test_a_call_that_runs_goes_on_when_its_client_leaves(database, outbox):
    async with place(database, outbox) as here:
        gate, started, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def committing(_identity, _data):
            started.set()
            await gate.wait()
            done.set()

        here.methods = {"committing": committing}
        client, _ = await here.connected()
        await client.say({"id": 5, "rpc": {"method": "committing"}})
        await asyncio.wait_for(started.wait(), 5)
        client.connection.close()
        await until(lambda: not here.live.connections)
        gate.set()
        await asyncio.wait_for(done.wait(), 5)


async def test_more_calls_a_second_than_allowed_are_told_to_come_later(database, outbox):
    async with place(database, outbox, rpc_per_s=5.0) as here:
        client, _ = await here.connected()
        answers = [(await client.ask(rpc={"method": "x"}))["error"]["code"] for _ in range(8)]
        assert answers[:5] == [104] * 5
        assert answers[-1] == 111


async def test_foreign_and_missing_channels_and_publishing_are_denied_alike(database, outbox):
    async with place(database, outbox) as here:
        client, _ = await here.connected()
        denied = {"code": 103, "message": "permission denied"}
        for channel in ("order:foreign", "no-channel-of-ours", "order:"):
            assert (await client.ask(subscribe={"channel": channel}))["error"] == denied
        assert (await client.ask(publish={"channel": "order:1", "data": {}}))["error"] == denied


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


async def test_events_of_a_log_that_is_ahead_of_the_bus_are_fetched(database, outbox):
    async with place(database, outbox, position_check_s=0.05) as here:
        client, _ = await here.connected()
        await client.ask(subscribe={"channel": "order:1"})
        here.bus.on_channel(lambda message: None)  # the bus is deaf from here on
        await here.publish("order:1", 1)
        await here.publish("order:1", 2)
        assert [(await client.push())["pub"]["offset"] for _ in range(2)] == [1, 2]


async def test_a_channel_is_let_go_after_its_last_subscriber(database, outbox):
    async with place(database, outbox, unfollow_after_s=0.0) as here:
        client, _ = await here.connected()
        await client.ask(subscribe={"channel": "order:1"})
        assert set(here.live.hub.channels) == {"user:alice", "order:1"}
        client.connection.close()
        await until(lambda: not here.live.hub.channels)
        reads = here.live.counts["log_reads"]
        await here.publish("order:1", 1)
        again, _ = await here.connected()
        assert (await again.ask(subscribe={"channel": "order:1"}))["subscribe"]["offset"] == 1
        assert here.live.counts["log_reads"] == reads + 2, "who follows anew reads where the channel stands"
