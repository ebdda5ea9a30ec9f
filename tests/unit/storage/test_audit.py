"""Audit rows stand and fall with the deed."""
import json

import pytest
from sqlalchemy import select

from server.core.call import Actor, Call
from server.core.errors import Refused
from server.storage.audit import write_audit
from server.storage.tables.system import audit_log
from tests.stores import make_user


def _call(user_id):
    return Call(actor=Actor(user_id, "admin", "l"), request_id="r1", remote_address="10.0.0.9")


async def test_a_deed_leaves_who_what_whom_why_and_from_where(database):
    user_id = await make_user(database, "admin")

    async def body(tx):
        return await write_audit(
            tx, _call(user_id), action="admin.user.ban", target="user:u1", reason="刷单", detail={"before": None}
        )

    audit_id = await database.write(body)
    async with database.read() as tx:
        row = await tx.one(select(audit_log))
    assert row["audit_id"] == audit_id
    assert (row["actor_id"], row["actor_type"], row["remote_address"]) == (user_id, "admin", "10.0.0.9")
    assert (row["action"], row["target"], row["reason"]) == ("admin.user.ban", "user:u1", "刷单")
    assert json.loads(row["detail"]) == {"before": None}


async def test_a_deed_that_is_undone_leaves_no_row(database):
    async def body(tx):
        await write_audit(tx, _call("u0"), action="admin.user.ban", target="user:u1")
        raise Refused("wrong_state")

    with pytest.raises(Refused):
        await database.write(body)
    async with database.read() as tx:
        assert await tx.all(select(audit_log)) == []
