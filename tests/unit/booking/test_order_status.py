"""How an order stands, for whoever asks again and again."""

import pytest

from server.booking.commands import OrderById
from server.booking.orders.viewing import Viewing
from server.core.call import Actor, Call
from server.core.errors import Refused
from server.core.ids import new_id
from tests.statements import CountingDatabase
from tests.unit.booking.visits import Visit


@pytest.fixture
def counting(stage):
    return CountingDatabase(stage.database)


@pytest.fixture
def ask(stage, counting):
    """`await ask(person, order_id)`: the answer, its statements counted."""
    core = stage.product.booking.core
    viewing = Viewing(
        database=counting, standings=core.standings, refund_of=None, sign_photo=None,
        catalog=stage.product.base.catalog, clock=stage.clock,
    )  # fmt: skip

    async def asking(person, order_id):
        counting.statements.clear()
        call = Call(Actor(person.user_id, person.user_type, person.login_id), new_id())
        return await viewing.order_status(call, OrderById(order_id=order_id))

    return asking


async def test_the_status_costs_no_more_than_asking_whether_one_may_know_it(stage, ask, counting):
    visit = await Visit.in_state(stage, "awaiting_service")
    for person, statements in ((visit.booker, 1), (stage.admin, 1), (visit.caregiver, 2)):
        told = await ask(person, visit.order_id)
        assert (told["status"], told["status_text"], told["version"]) == ("awaiting_service", "待服务", 3)
        assert len(counting.statements) == statements, counting.statements
    with pytest.raises(Refused, match="not_found"):
        await ask(visit.stranger, visit.order_id)
    assert len(counting.statements) == 2


async def test_who_was_replaced_learns_nothing_any_more_and_the_others_see_it_at_once(stage, ask):
    visit = await Visit.in_state(stage, "awaiting_service")
    assert (await ask(visit.caregiver, visit.order_id))["version"] == 3
    await stage.must(visit.caregiver, "order.cancel", order_id=visit.order_id, reason="临时有事")
    with pytest.raises(Refused, match="not_found"):
        await ask(visit.caregiver, visit.order_id)
    told = await ask(visit.booker, visit.order_id)
    assert (told["status"], told["version"]) == ("paid", 4)
