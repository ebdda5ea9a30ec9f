"""Each state, event and actor, exactly as the table says."""
from itertools import product

import pytest
from sqlalchemy import func, select, update

from server.booking.orders.store import Mover, OrderStore
from server.booking.rules.states import ADMIN, CAREGIVER, ORDER_MOVES, PATIENT, SYSTEM, OrderState, find_move
from server.core.errors import Refused
from server.core.facts import Facts
from server.storage.tables.booking import order_event, t_order
from tests.unit.booking.visits import STATES, Visit

_EVENTS = sorted({move.event for move in ORDER_MOVES if move.source is not None})
_ACTORS = (PATIENT, CAREGIVER, ADMIN, SYSTEM)


class _Undone(Exception):
    """Ends a transaction that was only tried."""


async def _try(stage, order_id, event, actor):
    """(outcome, status, version, history rows) of a move, which is undone."""
    seen = []

    async def body(tx):
        orders = OrderStore(facts=Facts())
        order = await orders.get(tx, order_id)
        try:
            await orders.move(tx, order, event, actor=Mover(actor), at=stage.clock.now())
            outcome = "moved"
        except Refused as refused:
            outcome = refused.code
        after = await orders.get(tx, order_id)
        rows = await tx.value(select(func.count()).select_from(order_event))
        seen.append((outcome, after["status"], after["version"] - order["version"], rows))
        raise _Undone

    with pytest.raises(_Undone):
        await stage.database.write(body)
    return seen[-1]


@pytest.mark.parametrize("state", list(OrderState))
async def test_from_each_state_exactly_the_moves_of_the_table_can_be_made(stage, state):
    visit = await Visit.book(stage)
    await stage.database.write(lambda tx: tx.run(update(t_order).values(status=state.value)))
    before = len(await stage.rows(select(order_event)))
    for event, actor in product(_EVENTS, _ACTORS):
        allowed = find_move(state, event, actor=actor)
        expected = (
            ("moved", allowed.target.value, 1, before + 1) if allowed else ("wrong_state", state.value, 0, before)
        )
        assert await _try(stage, visit.order_id, event, actor) == expected, (state, event, actor)
    await stage.database.write(lambda tx: tx.run(update(t_order).values(status="pending_payment")))


# Who may do what when: the code of the answer in each state, in the order of STATES. "ok" in brackets of a
# repetition is told by the comment.
_BOOKER = {
    "order.pay": ("ok", "wrong_state", "wrong_state", "wrong_state", "wrong_state", "wrong_state"),
    "order.cancel": ("ok", "ok", "ok", "wrong_state", "wrong_state", "ok"),  # the last: said again
    "order.confirm": ("wrong_state", "wrong_state", "wrong_state", "wrong_state", "ok", "wrong_state"),  # said again
    "order.review": ("wrong_state", "wrong_state", "wrong_state", "wrong_state", "ok", "wrong_state"),
    "order.cancel_quote": ("ok", "ok", "ok", "wrong_state", "wrong_state", "wrong_state"),
    "order.detail": ("ok",) * 6,
}
_CAREGIVER = {
    "order.start": ("not_found", "not_found", "outside_start_window", "ok", "wrong_state", "not_found"),
    "order.finish": ("not_found", "not_found", "wrong_state", "ok", "ok", "not_found"),  # completed: said again
    "order.cancel": ("not_found", "not_found", "ok", "wrong_state", "wrong_state", "not_found"),
    "order.cancel_quote": ("not_found", "not_found", "ok", "wrong_state", "wrong_state", "not_found"),
    "order.detail": ("not_found", "not_found", "ok", "ok", "ok", "not_found"),
}
_NOT_FOR_A_RELATIVE = ("order.pay", "order.cancel", "order.confirm", "order.review", "order.cancel_quote")


async def _code(visit, who, verb):
    order = await visit.row()
    more = {
        "order.pay": {"method": "wechat", "amount_fen": order["amount_fen"]},
        "order.cancel": {"reason": "改期"},
        "order.start": {"start_code": order["start_code"] or "000000"},
        "order.finish": {"summary": "已完成"},
        "order.review": {"score": 5, "content": "很好"},
    }
    reply = await visit.stage.do(who, verb, order_id=visit.order_id, **more.get(verb, {}))
    return reply.code


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", _BOOKER)
async def test_who_booked_may_do_what_the_state_allows(stage, state, verb):
    visit = await Visit.in_state(stage, state)
    assert await _code(visit, visit.booker, verb) == _BOOKER[verb][STATES.index(state)]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", _CAREGIVER)
async def test_the_assigned_caregiver_may_do_what_the_state_allows(stage, state, verb):
    visit = await Visit.in_state(stage, state)
    assert await _code(visit, visit.caregiver, verb) == _CAREGIVER[verb][STATES.index(state)]


@pytest.mark.parametrize("state", STATES)
async def test_strangers_learn_nothing_in_any_state(stage, state):
    visit = await Visit.in_state(stage, state)
    before = await visit.row()
    for verb in _BOOKER:
        assert await _code(visit, visit.stranger, verb) == "not_found", verb
    for verb in _CAREGIVER:
        assert await _code(visit, visit.other_caregiver, verb) == "not_found", verb
    for verb in ("order.confirm", "order.review", "order.pay"):
        assert await _code(visit, visit.caregiver, verb) == "forbidden", verb
    for verb in ("order.start", "order.finish"):
        assert await _code(visit, visit.booker, verb) == "forbidden", verb
    assert await visit.row() == before


@pytest.mark.parametrize("state", STATES)
async def test_a_relative_reads_without_money_and_changes_nothing_in_any_state(stage, state):
    visit = await Visit.in_state(stage, state)
    relative = await visit.join_relative()
    before = await visit.row()
    for verb in _NOT_FOR_A_RELATIVE:
        assert await _code(visit, relative, verb) == "forbidden", verb
    assert await visit.row() == before
    shown = await stage.must(relative, "order.detail", order_id=visit.order_id)
    assert shown["status"] == state
    assert not {"amount_fen", "lines", "refund", "pay_method", "paid_at", "start_code"} & shown.keys()


@pytest.mark.parametrize("state", STATES)
async def test_the_start_code_is_told_only_to_who_booked_and_only_while_it_is_needed(stage, state):
    visit = await Visit.in_state(stage, state)
    people = [visit.booker, visit.caregiver, await visit.join_relative(), stage.admin]
    for who in people:
        reply = await stage.do(who, "order.detail", order_id=visit.order_id)
        told = reply.is_ok and "start_code" in reply.data
        assert told == (who is visit.booker and state == "awaiting_service")
