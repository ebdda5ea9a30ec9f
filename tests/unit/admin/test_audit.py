"""Who did what to whom, when and why."""
from datetime import timedelta

import pytest
from sqlalchemy import insert

from server.core.clock import server_now, shanghai_date
from server.core.ids import new_id
from server.core.operation import ADMIN, Operation
from server.oversight.wording import ACTION_TEXTS
from server.storage.tables.system import audit_log


async def _write(office, count, **values):
    """Rows of an audit, a minute apart, the last one now; their ids from new to old."""
    now, ids = server_now(), [new_id() for _ in range(count)]
    row = {
        "actor_id": office.admin.user_id, "actor_type": "admin", "remote_address": "203.0.113.7",
        "action": "admin.user.warn", "target": "user:x", "request_id": "r",
    }
    rows = [
        row | {"audit_id": audit_id, "at": now - timedelta(minutes=number)} | values
        for number, audit_id in enumerate(ids)
    ]
    await office.stage.database.write(lambda tx: tx.run(insert(audit_log), rows))
    return ids


async def test_pages_go_from_new_to_old_without_loss_also_within_one_instant(office):
    early = sorted(await _write(office, 5, at=server_now() - timedelta(days=1)), reverse=True)
    ids = await _write(office, 7) + early
    seen, cursor = [], {}
    while True:
        page = await office.must("audit.list", limit=3, **cursor)
        seen += [one["audit_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ids


async def test_each_filter_and_all_of_them_together(office):
    other = office.families[0].user_id
    await _write(office, 2)
    (wanted,) = await _write(office, 1, actor_id=other, actor_type="patient", action="order.detail", target="order:1")
    for filters in (
        {"actor_id": other}, {"actor_type": "patient"}, {"action": "order.detail"}, {"target": "order:1"},
        {"actor_id": other, "actor_type": "patient", "action": "order.detail", "target": "order:1"},
    ):
        page = await office.must("audit.list", **filters)
        assert [one["audit_id"] for one in page["items"]] == [wanted]
    today = shanghai_date(server_now())
    tomorrow = (today + timedelta(days=1)).isoformat()
    assert (await office.must("audit.list", **{"from": tomorrow}))["items"] == []
    assert (await office.must("audit.list", to=(today - timedelta(days=1)).isoformat()))["items"] == []
    assert (await office.ask("audit.list", **{"from": tomorrow, "to": today.isoformat()})).code == "invalid"


async def test_a_row_names_who_did_it_and_shows_what_was_before(office):
    user_id = office.families[0].user_id
    await office.must("user.ban", user_id=user_id, reason="误报")
    await office.must("user.unban", user_id=user_id, reason="核实无误")
    page = await office.must("audit.list", target=f"user:{user_id}")
    lifted, banned = page["items"]
    assert (banned["action"], banned["action_text"], banned["reason"]) == ("admin.user.ban", "停用账号", "误报")
    assert lifted["detail"]["before"]["ban_reason"] == "误报"
    assert lifted["actor_name"] == "管理员" and lifted["actor_type_text"] == "管理员"


def test_every_write_of_administrators_has_a_word_in_the_audit(stage):
    writes = [
        one.name for one in stage.product.operations
        if isinstance(one, Operation) and one.roles == ADMIN and one.method == "POST"
    ]
    assert len(writes) >= 5 and [name for name in writes if name not in ACTION_TEXTS] == []


def test_every_write_of_administrators_needs_a_reason(stage):
    for one in stage.product.operations:
        if isinstance(one, Operation) and one.roles == ADMIN and one.method == "POST":
            assert "reason" in one.command.model_json_schema()["required"], one.name


@pytest.mark.parametrize("cursor", ["x", "WyJ1c2VycyJd"])
async def test_a_cursor_of_another_list_is_refused(office, cursor):
    assert (await office.ask("audit.list", cursor=cursor)).code == "invalid"
