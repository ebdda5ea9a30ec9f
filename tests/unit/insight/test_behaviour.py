"""Behaviour: of those who agreed, and not for ever."""
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from config.reading import read_model
from server.core.call import Actor, Call
from server.core.clock import server_now, shanghai_text
from server.core.errors import Refused
from server.core.ids import new_id
from server.insight.behaviour import Behaviour
from server.insight.commands import ReportEvents
from server.storage.behaviour.sql import SqlBehaviourLog
from server.storage.tables.identity import consent
from server.storage.tables.system import behaviour_event
from tests.stores import make_user


@pytest.fixture
def behaviour(units, database, clock):
    return Behaviour(units=units, log=SqlBehaviourLog(database=database), clock=clock)


@pytest.fixture
def user_id(io_loop, database):
    return io_loop.asyncio_loop.run_until_complete(make_user(database))


def call_of(user_id):
    return Call(actor=Actor(user_id, "patient", new_id()), request_id=new_id())


def view(*, entered_at=None, **more):
    given = {"page": "首页", "entered_at": shanghai_text(entered_at or server_now()), "duration_ms": 1200}
    return given | more


def report(*views):
    return read_model(ReportEvents, {"events": list(views)})


async def agree(database, user_id, **values):
    row = {"consent_id": new_id(), "user_id": user_id, "purpose": "behaviour", "text_version": "1"}
    row |= {"given_at": server_now()} | values
    await database.write(lambda tx: tx.run(insert(consent).values(**row)))


async def rows(database):
    async with database.read() as tx:
        found = await tx.all(select(behaviour_event).order_by(behaviour_event.c.event_id))
    return [dict(row) for row in found]


async def test_nothing_is_stored_of_who_did_not_agree(behaviour, database, user_id):
    await agree(database, user_id, purpose="terms")
    await agree(database, user_id, withdrawn_at=server_now())
    assert await behaviour.report_events(call_of(user_id), report(view())) == {"stored": 0}
    await database.write(lambda tx: behaviour.record_login(tx, user_id, server_now()))
    await database.write(lambda tx: behaviour.record_search(tx, user_id, server_now(), {"gender": "female"}))
    assert await rows(database) == []


async def test_views_logins_and_searches_are_stored_of_who_agreed(behaviour, database, user_id):
    await agree(database, user_id)
    assert await behaviour.report_events(call_of(user_id), report(view(), view(page="订单"))) == {"stored": 2}
    await database.write(lambda tx: behaviour.record_login(tx, user_id, server_now()))
    await database.write(lambda tx: behaviour.record_search(tx, user_id, server_now(), {"keyword": "心内"}))
    stored = await rows(database)
    assert sorted(row["kind"] for row in stored) == ["login", "search", "view", "view"]
    assert {row["page"] for row in stored if row["kind"] == "view"} == {"首页", "订单"}
    assert [row["detail"] for row in stored if row["kind"] == "search"] == ['{"keyword":"心内"}']


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"page": ""}, "events.0.page"),
        ({"page": "x" * 101}, "events.0.page"),
        ({"duration_ms": -1}, "events.0.duration_ms"),
        ({"duration_ms": 86_400_001}, "events.0.duration_ms"),
        ({"duration_ms": True}, "events.0.duration_ms"),
        ({"entered_at": "2026-01-01 08:00"}, "events.0.entered_at"),
        ({"more": 1}, "events.0.more"),
    ],
)
def test_a_view_out_of_bounds_is_refused(change, field):
    with pytest.raises(Refused) as caught:
        report(view() | change)
    assert caught.value.errors[0].field == field


def test_a_report_has_one_to_fifty_views():
    assert len(report(*[view()] * 50).events) == 50
    for count in (0, 51):
        with pytest.raises(Refused):
            report(*[view()] * count)


@pytest.mark.parametrize("off", [timedelta(days=2), -timedelta(days=32)])
async def test_a_view_at_an_impossible_time_is_refused(behaviour, user_id, off):
    with pytest.raises(Refused) as caught:
        await behaviour.report_events(call_of(user_id), report(view(), view(entered_at=server_now() + off)))
    assert caught.value.errors[0].field == "events.1.entered_at"


async def test_pruning_takes_what_is_older_than_180_days_and_nothing_else(behaviour, database, user_id):
    await agree(database, user_id)
    await behaviour.report_events(call_of(user_id), report(view(page="旧"), view(page="新")))
    for page, days in (("旧", 181), ("新", 179)):
        aged = update(behaviour_event).where(behaviour_event.c.page == page)
        instant = server_now() - timedelta(days=days)
        await database.write(lambda tx, aged=aged, at=instant: tx.run(aged.values(entered_at=at)))
    assert await behaviour.prune() == 1
    assert [row["page"] for row in await rows(database)] == ["新"]
    assert await behaviour.prune() == 0
