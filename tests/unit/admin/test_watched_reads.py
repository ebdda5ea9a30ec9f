"""Whoever of the house looks at health data leaves a row; those whom it concerns do not."""
import pytest
from sqlalchemy import select

from server.oversight.reading import WATCHED
from server.storage.tables.system import audit_log
from tests.unit.booking.visits import Visit


async def _rows(office):
    return [(row["action"], row["target"]) for row in await office.stage.rows(select(audit_log))]


@pytest.mark.parametrize("verb", sorted(WATCHED))
async def test_an_administrators_look_is_written_down_and_nobody_elses(office, verb):
    visit = await Visit.in_state(office.stage, "in_service")
    body = {} if verb == "order.list" else {"order_id": visit.order_id}
    for person in (visit.booker, visit.caregiver):
        assert (await office.stage.do(person, verb, **body)).is_ok
    assert await _rows(office) == []
    assert (await office.stage.do(office.admin, verb, **body)).is_ok
    assert await _rows(office) == [(verb, f"order:{visit.order_id}" if body else "orders")]


async def test_a_look_at_nothing_leaves_no_row(office):
    assert (await office.stage.do(office.admin, "order.detail", order_id="nobody")).code == "not_found"
    assert await _rows(office) == []
