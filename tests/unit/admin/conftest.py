"""The composed product, asked by its administrator."""
import json

import pytest
from sqlalchemy import select

from server.storage.tables.notices import t_message_notification
from server.storage.tables.system import audit_log
from tests.documented import assert_documented
from tests.stage import Stage


class Office:
    """A stage with the words of an administrator; every good answer is held against its documentation."""

    def __init__(self, stage):
        self.stage = stage
        self.admin = stage.admin
        self.families, self.caregivers = stage.families, stage.caregivers

    async def ask(self, verb, *, by=None, **body):
        """The reply to `admin.<verb>`; what it tells is documented."""
        operation = self.stage._operations[f"admin.{verb}"]
        if operation.method == "GET":
            body = {name: value if isinstance(value, list) else str(value) for name, value in body.items()}
        reply = await self.stage.do(by or self.admin, f"admin.{verb}", **body)
        if reply.is_ok:
            assert_documented(operation, reply.data)
        return reply

    async def must(self, verb, **body):
        reply = await self.ask(verb, **body)
        assert reply.is_ok, reply
        return reply.data

    async def audit(self, action):
        """The rows of an action, oldest first, with their detail read."""
        rows = await self.stage.rows(
            select(audit_log).where(audit_log.c.action == f"admin.{action}").order_by(audit_log.c.audit_id)
        )
        return [dict(row) | {"detail": json.loads(row["detail"]) if row["detail"] else None} for row in rows]

    async def notices(self, user_id, template=None):
        """What somebody was told, oldest first."""
        table = t_message_notification
        rows = await self.stage.rows(select(table).where(table.c.user_id == user_id).order_by(table.c.message_id))
        return [row for row in rows if template in (None, row["template"])]


@pytest.fixture
def stage(io_loop, peopled, tmp_path):
    stage = io_loop.asyncio_loop.run_until_complete(Stage.open(peopled(tmp_path / "stage")))
    yield stage
    io_loop.asyncio_loop.run_until_complete(stage.close())


@pytest.fixture
def office(stage):
    return Office(stage)
