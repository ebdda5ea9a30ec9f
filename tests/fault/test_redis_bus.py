"""F9 to F13, F37: what befalls Redis under the bus, seen from two instances that use nothing else."""

import asyncio
import json
import subprocess
import sys
import time

import pytest

from server.storage.pubsub.envelope import MOST_BYTES
from server.storage.pubsub.port import AWAY, DEAF, ControlMessage
from tests.buses import event, heard, joined, started
from tests.fault.bus_talk import Talk, at_once
from tests.fault.proxy import Proxy
from tests.fault.server_process import pass_by, until
from tests.services.redis import Redis
from tests.standstill import evenly_s

pytestmark = [pytest.mark.services, pytest.mark.slow]

_DEAF_WITHIN_S = 8.0
_BACK_WITHIN_S = 10.0


@pytest.fixture
def open_bus(io_loop):
    """`await open_bus(url)`: an instance that is joined and hears; closed at the end."""
    opened = []

    async def opening(url):
        opened.append(joined(url))
        await started(opened[-1])
        return opened[-1]

    yield opening
    for instance in opened:
        io_loop.asyncio_loop.run_until_complete(instance.close())


@pytest.fixture
def own_redis(redis):
    """The Redis of these tests, well again afterwards."""
    yield redis
    redis.resume()


def at(proxy):
    return f"redis://127.0.0.1:{proxy.port}/0"


async def talking(open_bus, speaker_url, listener_url):
    talk = Talk(await open_bus(speaker_url), await open_bus(listener_url))
    await talk.begin()
    return talk


async def is_ok(*instances):
    await until(lambda: {one.bus.state for one in instances} == {"ok"}, within_s=_BACK_WITHIN_S, what="the bus")


async def test_after_a_restart_of_redis_everybody_hears_again_and_knows_that_something_was_missed(open_bus, own_redis):
    talk = await talking(open_bus, own_redis.server.url, own_redis.server.url)
    await talk.keep_talking(0.5)
    await own_redis.kill()
    await talk.keep_talking(1.0)
    assert {talk.speaker.bus.state, talk.listener.bus.state} == {AWAY}
    await own_redis.start()
    back_s = await talk.check(within_s=5.0)
    assert talk.lost > 0 and talk.speaker.bus.counts["lost"] > 0
    print(f"F9: {talk.lost} lost, delivered {back_s:.2f} s after the start")


async def test_a_redis_that_hangs_is_noticed_and_nobody_waits_for_it(open_bus, own_redis):
    talk = await talking(open_bus, own_redis.server.url, own_redis.server.url)
    here = talk.speaker
    await talk.keep_talking(0.5)
    tasks = len(asyncio.all_tasks())
    own_redis.pause()
    began_s = time.monotonic()
    await until(lambda: here.bus.state == AWAY, within_s=4.0, what="the silence is noticed")
    await talk.keep_talking(_DEAF_WITHIN_S)
    longest_s = 0.0
    for number in range(300):
        asked_s = evenly_s()
        await here.bus.follow(f"user:{number}")
        at_once(here.bus.broadcast(ControlMessage("revoke", {"user_id": "u"})))
        longest_s = max(longest_s, evenly_s() - asked_s)
    assert longest_s < 1.0  # the first of a connection waits half a second for the confirmation, nobody else
    assert time.monotonic() - began_s < 30.0
    assert here.bus.waiting < 10_000
    assert len(asyncio.all_tasks()) <= tasks + 2  # one subscribes, one reads
    own_redis.resume()
    await talk.check(within_s=5.0)
    await is_ok(talk.speaker, talk.listener)


async def test_who_speaks_and_hears_nothing_notices_that_it_is_deaf_and_begins_anew(open_bus, own_redis):
    async with Proxy(own_redis.server.port) as proxy:
        talk = await talking(open_bus, own_redis.server.url, at(proxy))
        deaf = talk.listener
        await talk.keep_talking(0.5)
        proxy.lose(of=b"SUBSCRIBE")
        began_s = time.monotonic()
        await until(lambda: deaf.bus.state == DEAF, within_s=_DEAF_WITHIN_S, what="the deafness is noticed")
        noticed_s = time.monotonic() - began_s
        await talk.keep_talking(1.0)
        assert deaf.bus.counts["reconnects"] >= 1 and talk.speaker.bus.state == "ok"
        proxy.heal()
        await is_ok(deaf)
        await talk.check(within_s=5.0)
        print(f"F10: deaf for {noticed_s:.1f} s before it was noticed")


async def test_who_hears_and_cannot_speak_makes_the_others_compare_as_soon_as_it_can_again(open_bus, own_redis):
    async with Proxy(own_redis.server.port) as proxy:
        talk = await talking(open_bus, at(proxy), own_redis.server.url)
        await talk.keep_talking(0.3)
        proxy.cut()
        await talk.keep_talking(1.0)
        assert talk.listener.bus.state == "ok" and talk.lost > 0
        told = len(talk.missed_at_s)
        proxy.heal()
        await until(lambda: len(talk.missed_at_s) > told, within_s=5.0, what="the listener is told")
        await talk.check(within_s=5.0)


async def test_a_network_that_breaks_again_and_again_doubles_and_reorders_nothing(open_bus, own_redis):
    async with Proxy(own_redis.server.port) as far, Proxy(own_redis.server.port) as near:
        talk = await talking(open_bus, at(near), at(far))
        for turn in range(8):
            await talk.keep_talking(0.4)
            (near, far)[turn % 2].reset()
        await is_ok(talk.speaker, talk.listener)
        await talk.check(within_s=5.0)
        print(f"{talk.lost} lost of {sum(map(len, talk.said.values()))} over 8 breaks")


async def test_a_redis_that_forgets_everything_forgets_nothing_of_the_bus(open_bus, own_redis):
    talk = await talking(open_bus, own_redis.server.url, own_redis.server.url)
    for _ in range(5):
        await talk.keep_talking(0.1)
        assert own_redis.server.ask("FLUSHALL") == "OK"
    await talk.check(within_s=5.0)
    assert talk.lost == 0 and talk.listener.bus.counts["reconnects"] == 0


async def test_a_redis_without_room_still_carries_messages(open_bus, own_redis):
    talk = await talking(open_bus, own_redis.server.url, own_redis.server.url)
    for setting in ("maxmemory-policy noeviction", "maxmemory 1"):
        assert own_redis.server.ask("CONFIG", "SET", setting) == "OK"
    try:
        assert own_redis.server.ask("SET", "a", "b").startswith("OOM")
        await talk.keep_talking(0.5)
        await talk.check(within_s=5.0)
    finally:
        own_redis.server.ask("CONFIG", "SET", "maxmemory 0")
    assert talk.lost == 0


async def test_a_server_that_may_not_write_counts_as_away(open_bus, own_redis):
    here = await open_bus(own_redis.server.url)
    assert own_redis.server.ask("REPLICAOF", "127.0.0.1", "1") == "OK"
    try:
        await until(lambda: here.bus.state == AWAY, within_s=5.0, what="it is noticed")
    finally:
        assert own_redis.server.ask("REPLICAOF", "NO", "ONE") == "OK"
    await is_ok(here)


async def test_who_still_holds_on_to_a_server_that_lost_its_lead_finds_the_new_one(open_bus):
    """Without Sentinels: the address leads to another server, and old connections are left as they are."""
    old, new = Redis(), Redis()
    try:
        for server in (old, new):
            server.start()
        assert new.ask("REPLICAOF", "127.0.0.1", str(old.port)) == "OK"
        async with Proxy(old.port) as near, Proxy(old.port) as far:
            talk = await talking(open_bus, at(near), at(far))
            await talk.keep_talking(0.3)
            near.far_port = far.far_port = new.port
            assert new.ask("REPLICAOF", "NO", "ONE") == "OK"
            assert old.ask("REPLICAOF", "127.0.0.1", str(new.port)) == "OK"
            far.reset()  # the listener is at the new one, the speaker still at the old
            await talk.check(within_s=_BACK_WITHIN_S)
    finally:
        for server in (old, new):
            server.remove()


_POISON = [
    b"",
    b"{}",
    b"\xff" * 100,
    b"\x91" * 5_000,
    b"\x95\x01\xa1a\x00\xa7order:1",
    b"\x96\x02\xa1a\x00\xa7order:1\xa1e\x01",
    b"x" * (MOST_BYTES + 1),
]


async def test_poison_is_dropped_and_counted_and_the_next_message_delivered(open_bus, own_redis):
    here, there = await open_bus(own_redis.server.url), await open_bus(own_redis.server.url)
    await there.bus.follow("order:1")
    for topic in (b"peihu:0:channel:order:1", b"peihu:0:all"):
        for poison in _POISON:
            await there.link.desk("poisoner", within_s=5.0).ask(lambda redis, t=topic, p=poison: redis.publish(t, p))
    await here.bus.publish(event())
    await heard(here, there)
    assert there.messages == [event()] and there.orders == []
    assert there.bus.counts["poison"] == 2 * len(_POISON)
    assert there.bus.state == "ok" and there.bus.counts["reconnects"] == 0


async def test_who_reads_too_slowly_is_cut_off_by_redis_and_compares_with_the_log(open_bus, own_redis):
    here, there = await open_bus(own_redis.server.url), await open_bus(own_redis.server.url)
    await there.bus.follow("order:1")
    assert own_redis.server.ask("CONFIG", "SET", 'client-output-buffer-limit "pubsub 65536 0 0"') == "OK"
    try:
        gaps = there.gaps
        large = event(data=b"x" * 1_000_000)
        for _ in range(20):
            await here.bus.publish(large)
        await until(lambda: there.gaps > gaps, within_s=10, what="it compares with the log")
        await is_ok(there)
    finally:
        own_redis.server.ask("CONFIG", "SET", 'client-output-buffer-limit "pubsub 33554432 8388608 60"')


async def test_an_instance_that_stood_still_compares_with_the_log_when_it_wakes_up(open_bus, own_redis):
    here = await open_bus(own_redis.server.url)
    sleeper = subprocess.Popen(
        [sys.executable, "-m", "tests.fault.bus_process", own_redis.server.url, "order:1"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = []
    reading = asyncio.ensure_future(asyncio.to_thread(lambda: said.extend(map(json.loads, sleeper.stdout))))
    try:
        await until(lambda: "ok" in said, within_s=20, what="the instance is up")
        await here.bus.publish(event(1))
        await until(lambda: 1 in said, within_s=10, what="it hears")
        sleeper.send_signal(19)  # SIGSTOP
        await here.bus.publish(event(2))
        await pass_by(9.0)
        before = said.count("gap")
        sleeper.send_signal(18)  # SIGCONT
        await until(lambda: said.count("gap") > before, within_s=5.0, what="it compares with the log")
        await until(lambda: said[-1] == "ok", within_s=5.0, what="it is well again")
    finally:
        sleeper.kill()
        sleeper.wait()
        await reading
        sleeper.stdout.close()
