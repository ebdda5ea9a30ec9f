"""No list of administrators reads a whole table, however many orders there are."""
import sqlite3
from datetime import timedelta

import pytest

from tests.property.test_query import Statements
from tests.unit.booking.visits import Visit

ORDER_FILTERS = [
    {},
    {"status": "completed"},
    {"hospital_id": "bj-renmin", "service_type": "errand", "district": "xicheng", "status": "cancelled"},
    {"start_from": "2026-11-01", "start_to": "2026-11-30", "created_from": "2026-10-01", "created_to": "2026-11-30"},
    {"caregiver_id": "0" * 26},
    {"keyword": "13800138000"},
    {"keyword": "0" * 26},
    {"stuck": "true"},
]


async def _plans(office, verb, **body):
    """(statement, steps) of everything that a list asks."""
    with Statements() as statements:
        await office.must(verb, **body)
    connection = sqlite3.connect(office.stage.database.url.database)
    try:
        return [
            (statement, [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)])
            for statement, parameters in statements.seen
        ]
    finally:
        connection.close()


def _whole(steps, *tables):
    """Steps that look through a whole table without any index."""
    return [step for step in steps if any(step.startswith(f"SCAN {table}") for table in tables) and "INDEX" not in step]


@pytest.mark.parametrize("filters", ORDER_FILTERS, ids=lambda filters: ",".join(filters) or "all")
async def test_orders_are_found_by_an_index(office, filters):
    await Visit.in_state(office.stage, "paid", lead=timedelta(hours=5))
    for statement, steps in await _plans(office, "order.list", **filters):
        if "FROM t_order" in statement:
            assert not _whole(steps, "t_order"), (filters, steps)


async def test_a_page_of_orders_is_found_in_one_index_alone_and_without_sorting(office):
    for filters in ORDER_FILTERS[:4]:
        plans = await _plans(office, "order.list", **filters)
        found = plans[0][1]
        assert len(found) == 1 and "USING COVERING INDEX ix_t_order_desk" in found[0], (filters, found)


async def test_a_page_takes_as_many_statements_as_the_next_however_long_it_is(office):
    for number in range(5):
        slot = office.stage.slot(lead=timedelta(hours=30))
        await office.stage.create(office.families[number], slot)
    assert len(await _plans(office, "order.list", limit=1)) == len(await _plans(office, "order.list", limit=100))
    assert len(await _plans(office, "user.list", limit=1)) == len(await _plans(office, "user.list", limit=100))


@pytest.mark.parametrize(
    ("verb", "filters"),
    [
        ("user.list", {}),
        ("user.list", {"user_type": "caregiver"}),
        ("user.list", {"registered_from": "2026-01-01"}),
        ("user.list", {"keyword": "13800138000"}),
        ("audit.list", {}),
        ("audit.list", {"actor_id": "0" * 26}),
        ("audit.list", {"action": "admin.user.ban"}),
        ("audit.list", {"target": "user:x"}),
        ("audit.list", {"from": "2026-01-01"}),
        ("alarm.list", {}),
        ("alarm.list", {"state": "open"}),
        ("alarm.list", {"order_id": "0" * 26}),
    ],
)
async def test_the_other_lists_go_along_an_index_and_sort_nothing_whole(office, verb, filters):
    for statement, steps in await _plans(office, verb, **filters):
        assert not _whole(steps, "t_user", "audit_log", "ops_alarm"), (statement, steps)
        if "order_id" not in filters:  # an order has few
            assert "USE TEMP B-TREE FOR ORDER BY" not in steps, (verb, filters, steps)
