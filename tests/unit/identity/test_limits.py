"""How fast one account and one address may ask."""
import pytest

from server.core.call import Actor
from server.core.errors import Refused
from server.identity.addresses import address_group
from server.identity.limits import RequestLimits
from server.storage.pacing.in_process import InProcessPace
from server.storage.pacing.port import Rate
from tests.accounts import a_call


class _Seconds:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def _limits(seconds, **changes):
    given = {"per_user": Rate(10, 5), "per_address": Rate(10, 20)} | changes
    return RequestLimits(pace=InProcessPace(now_s=seconds), **given)


async def _passes(limits, call) -> bool:
    try:
        await limits.limit("order.accept", call)
    except Refused as refused:
        assert refused.code == "too_many_requests" and refused.retry_after_s >= 1
        return False
    return True


async def test_a_burst_passes_then_the_pace_rules():
    seconds = _Seconds()
    limits = _limits(seconds)
    call = a_call(actor=Actor("u1", "patient", "l1"))
    assert [await _passes(limits, call) for _ in range(6)] == [True] * 5 + [False]
    seconds.now += 0.1
    assert [await _passes(limits, call) for _ in range(2)] == [True, False]
    seconds.now += 60
    assert [await _passes(limits, call) for _ in range(6)] == [True] * 5 + [False]


async def test_accounts_do_not_slow_each_other_but_share_their_address():
    limits = _limits(_Seconds())
    passed = 0
    for number in range(6):
        call = a_call(actor=Actor(f"u{number}", "patient", "l"))
        passed += sum([await _passes(limits, call) for _ in range(5)])
    assert passed == 20


async def test_a_service_is_held_by_its_address_and_not_like_one_person():
    limits = _limits(_Seconds())
    call = a_call(actor=Actor("service", "service", ""))
    assert sum([await _passes(limits, call) for _ in range(30)]) == 20


async def test_callers_without_a_login_are_held_by_their_address():
    limits = _limits(_Seconds())
    assert sum([await _passes(limits, a_call("198.51.100.1")) for _ in range(30)]) == 20
    assert await _passes(limits, a_call("198.51.100.2"))


async def test_loopback_is_exempt_from_the_address_limit_only_where_said():
    here = a_call("127.0.0.1")
    assert sum([await _passes(_limits(_Seconds(), loopback_is_exempt=True), here) for _ in range(30)]) == 30
    limits = _limits(_Seconds())
    assert sum([await _passes(limits, here) for _ in range(30)]) == 20


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_an_address_is_counted_with_its_household(address, group):
    assert address_group(address) == group
