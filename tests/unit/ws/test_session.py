"""The protocol's rules, without a socket or a loop."""

import pytest

from server.storage.channel_log.port import Position
from server.ws.effects import Answer, Authenticate, Close, Join, Leave, Reauthenticate, Run, SendPing, Tell
from server.ws.limits import Limits
from server.ws.ports import Identity
from server.ws.recovery import Joined
from server.ws.rules import ChannelRules
from server.ws.session import Session, State
from server.ws.wire import commands
from server.ws.wire.answers import Publication, Reply, Result, UnsubscribePush
from server.ws.wire.codes import Disconnects, Errors, Unsubscriptions
from server.ws.wire.commands import Malformed, Resume

ALICE = Identity("alice", "patient", "login-1", 2_000.0)
TOP = Position("E", 5)


def new_session(**limits):
    return Session("client-1", limits=Limits(**limits), rules=ChannelRules(), now=100.0)


def connected_session(**limits):
    session = new_session(**limits)
    command = commands.Connect(1, "token", {})
    session.receive(command)
    [channel] = session.identified(ALICE)
    session.connected(command, {channel: Joined(TOP)}, now=100.0, ttl_s=900.0, chance=0.0)
    return session


def subscribe(channel="order:1", command_id=2, **fields):
    defaults = {"resume": None, "join_leave": False, "flag": 0, "kind": 0}
    return commands.Subscribe(command_id, channel, **{**defaults, **fields})


def error(session, command):
    [effect] = session.receive(command)
    return effect.reply.answer


def test_connect_first_asks_who_it_is_and_then_tells_the_server_side_channels():
    session = new_session()
    command = commands.Connect(1, "token", {})
    assert session.receive(command) == (Authenticate(command),)
    assert session.state is State.AUTHENTICATING
    assert session.identified(ALICE) == ("user:alice",)
    reply = session.connected(command, {"user:alice": Joined(TOP)}, now=100.0, ttl_s=540.9, chance=0.5)
    assert session.state is State.CONNECTED
    assert reply.id == 1
    assert reply.answer.members == {
        "client": "client-1", "version": "peihu/1", "expires": True, "ttl": 540, "ping": 25, "pong": True,
    }  # fmt: skip
    assert reply.answer.subs["user:alice"].members == {
        "recoverable": True, "positioned": True, "epoch": "E", "offset": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    "command", [commands.Pong(), commands.Send(), subscribe(), commands.Rpc(1, "a", None), Malformed(1)], ids=repr
)
def test_anything_before_connect_closes_with_3501(command):
    session = new_session()
    assert session.receive(command) == (Close(Disconnects.BAD_REQUEST),)
    assert session.state is State.CLOSED


def test_a_second_connect_never_switches_the_user():
    session = connected_session()
    assert session.receive(commands.Connect(2, "other", {})) == (Close(Disconnects.BAD_REQUEST),)


def test_after_a_refused_connect_everything_is_dropped_and_the_socket_closed_later():
    session = new_session()
    command = commands.Connect(1, "token", {})
    session.receive(command)
    assert session.refused(command, Errors.TOKEN_EXPIRED, now=101.0) == (Answer(Reply(1, Errors.TOKEN_EXPIRED)),)
    assert session.receive(subscribe()) == ()
    assert session.tick(105.9) == ()
    [close] = session.tick(106.0)
    assert close.disconnect.reconnects


def test_who_does_not_say_who_it_is_within_five_seconds_is_stale():
    session = new_session()
    assert session.lifeline.next_at() == 105.0
    assert session.tick(104.9) == ()
    assert session.tick(105.0) == (Close(Disconnects.STALE),)


def test_our_own_slowness_in_authentication_is_not_held_against_the_client():
    session = new_session()
    session.receive(commands.Connect(1, "token", {}))
    assert session.lifeline.next_at() is None
    assert session.tick(1_000.0) == ()


def test_the_first_ping_comes_in_the_second_half_of_the_interval_and_a_missing_pong_ends_it():
    session = connected_session()
    assert session.lifeline.next_at() == 112.5
    assert session.tick(112.5) == (SendPing(),)
    assert session.lifeline.next_at() == 120.5
    assert session.tick(120.5) == (Close(Disconnects.NO_PONG),)


def test_a_pong_keeps_the_connection_and_an_unasked_one_is_ignored():
    session = connected_session()
    assert session.receive(commands.Pong()) == ()
    session.tick(112.5)
    session.receive(commands.Pong())
    assert session.tick(120.5) == ()
    assert session.lifeline.next_at() == 137.5


def test_an_expired_token_has_25_seconds_to_be_refreshed():
    session = connected_session()
    for second in range(100, 1_025):
        assert all(isinstance(effect, SendPing) for effect in session.tick(float(second)))
        session.receive(commands.Pong())
    assert session.tick(1_025.0) == (Close(Disconnects.EXPIRED),)


def test_a_refresh_prolongs_the_connection_and_keeps_the_client_id():
    session = connected_session()
    command = commands.Refresh(9, "newer")
    assert session.receive(command) == (Reauthenticate(command),)
    [answer] = session.refreshed(command, ALICE, now=1_000.0, ttl_s=900.0)
    assert answer.reply.answer.members["client"] == "client-1"
    assert answer.reply.answer.members["ttl"] == 900
    session.lifeline.pong()
    assert Close(Disconnects.EXPIRED) not in session.tick(1_900.0)


def test_a_refresh_with_another_users_token_ends_the_connection():
    session = connected_session()
    bob = Identity("bob", "patient", "login-2", 2_000.0)
    assert session.refreshed(commands.Refresh(9, "t"), bob, now=1.0, ttl_s=9.0) == (Close(Disconnects.INVALID_TOKEN),)


def test_a_channel_is_subscribed_once_whoever_subscribed_it():
    session = connected_session()
    assert session.receive(subscribe()) == (Join(subscribe()),)
    assert error(session, subscribe()) == Errors.ALREADY_SUBSCRIBED
    assert error(session, subscribe("user:alice")) == Errors.ALREADY_SUBSCRIBED


def test_unsubscribe_is_always_a_success_and_frees_the_channel_before_its_reply():
    session = connected_session()
    session.receive(subscribe())
    done = Answer(Reply(3, Result("unsubscribe")))
    assert session.receive(commands.Unsubscribe(3, "order:1")) == (Leave("order:1"), done)
    assert session.receive(commands.Unsubscribe(3, "order:1")) == (done,)
    assert session.receive(subscribe()) == (Join(subscribe()),)


def test_what_is_not_offered_is_refused_with_its_own_code():
    session = connected_session()
    assert error(session, subscribe(kind=1)) == Errors.NOT_AVAILABLE
    assert error(session, subscribe("nobody's")) == Errors.PERMISSION_DENIED
    assert error(session, commands.Publish(4)) == Errors.PERMISSION_DENIED
    assert error(session, commands.SubRefresh(5, "order:9")) == Errors.PERMISSION_DENIED
    assert error(session, commands.SubRefresh(6, "user:alice")) == Errors.NOT_AVAILABLE
    assert session.receive(commands.Send()) == ()
    assert error(session, commands.Ping(7)) == Result("ping")


def test_a_connection_holds_a_bounded_number_of_channels():
    session = connected_session(channels_per_connection=3)
    assert isinstance(session.receive(subscribe("order:1"))[0], Join)
    assert isinstance(session.receive(subscribe("order:2"))[0], Join)
    assert error(session, subscribe("order:3")) == Errors.LIMIT_EXCEEDED


def test_slow_commands_are_left_to_the_background():
    session = connected_session()
    for command in (
        commands.Rpc(1, "order.accept", {}),
        commands.History(2, "ops", 1, None, reverse=False),
        commands.Presence(3, "ops"),
        commands.PresenceStats(4, "ops"),
    ):
        assert session.receive(command) == (Run(command),)


def test_a_recovered_subscription_is_told_the_position_it_asked_for():
    session = connected_session()
    command = subscribe(resume=Resume(3, "E"))
    session.receive(command)
    missed = (Publication(4, b"1"), Publication(5, b"2"))
    result = session.subscriptions.joined(command, Joined(TOP, resume=command.resume, missed=missed)).answer
    assert result.members["offset"] == 3
    assert result.members["recovered"] is True
    assert result.publications == missed


def test_an_unrecovered_subscription_is_told_the_top_and_never_a_publication():
    session = connected_session()
    command = subscribe(resume=Resume(3, "old"))
    session.receive(command)
    result = session.subscriptions.joined(command, Joined(TOP, resume=command.resume)).answer
    assert result.members == {
        "recoverable": True, "positioned": True, "epoch": "E", "offset": 5, "was_recovering": True,
    }  # fmt: skip
    assert result.publications is None


def test_flag_2_asks_for_an_error_instead_and_leaves_the_channel_free():
    session = connected_session()
    command = subscribe(resume=Resume(3, "old"), flag=3)
    session.receive(command)
    assert session.subscriptions.joined(command, Joined(TOP, resume=command.resume)).answer == Errors.UNRECOVERABLE
    assert session.receive(command) == (Join(command),)


def test_ended_access_ends_the_subscription_for_good():
    session = connected_session()
    session.receive(subscribe())
    session.subscriptions.joined(subscribe(), Joined(TOP))
    push = Tell(UnsubscribePush("order:1", Unsubscriptions.ACCESS_ENDED))
    assert session.subscriptions.unsubscribe("order:1", Unsubscriptions.ACCESS_ENDED) == (Leave("order:1"), push)
    assert session.subscriptions.unsubscribe("order:1", Unsubscriptions.ACCESS_ENDED) == ()


def test_access_that_ends_while_the_subscribe_is_under_way_refuses_it():
    session = connected_session()
    session.receive(subscribe())
    assert session.subscriptions.unsubscribe("order:1", Unsubscriptions.ACCESS_ENDED) == ()
    assert session.subscriptions.joined(subscribe(), Joined(TOP)).answer == Errors.PERMISSION_DENIED
    assert "order:1" not in session.subscriptions


def test_a_lost_track_lets_a_client_resubscribe_and_a_server_side_one_reconnect():
    session = connected_session()
    session.receive(subscribe())
    session.subscriptions.joined(subscribe(), Joined(TOP))
    push = Tell(UnsubscribePush("order:1", Unsubscriptions.INSUFFICIENT_STATE))
    assert session.lost_track("order:1") == (Leave("order:1"), push)
    assert session.lost_track("user:alice") == (Close(Disconnects.INSUFFICIENT_STATE),)


def test_twenty_pieces_of_nonsense_in_a_row_are_enough():
    session = connected_session()
    nonsense, sense = Reply(1, Errors.BAD_REQUEST), Reply(2, Errors.PERMISSION_DENIED)
    assert not any(session.is_fed_up(nonsense) for _ in range(19))
    assert not session.is_fed_up(sense)
    assert [session.is_fed_up(nonsense) for _ in range(20)] == [False] * 19 + [True]


def test_a_closed_session_wants_nothing_more():
    session = connected_session()
    assert session.end(Disconnects.SHUTDOWN) == (Close(Disconnects.SHUTDOWN),)
    assert session.end(Disconnects.SLOW) == ()
    assert session.receive(subscribe()) == ()
    assert session.receive(commands.Connect(1, "t", {})) == ()
