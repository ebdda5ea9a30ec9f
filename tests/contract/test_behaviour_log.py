"""What every log of behaviour promises, wherever its events lie."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from server.core.clock import server_now
from server.core.errors import Refused, Unavailable
from server.core.ids import new_id
from server.storage.behaviour import documents as behaviour_documents
from server.storage.behaviour import mongo as behaviour_mongo
from server.storage.behaviour.documents import BehaviourDocuments
from server.storage.behaviour.mongo import MongoBehaviourLog
from server.storage.behaviour.sql import SqlBehaviourLog
from server.storage.tables.system import behaviour_event

_DAY = timedelta(days=1)


def event(*, age=timedelta(0), kind="search", detail='{"condition":"术后"}'):
    values = {"page": None, "detail": detail, "entered_at": server_now() - age, "duration_ms": None}
    return {"event_id": new_id(), "user_id": "u", "kind": kind, **values}


def by_id(rows):
    return sorted(rows, key=lambda one: one["event_id"])


class InSql:
    """Events where they were added."""

    def __init__(self, database):
        self.database = database
        self.log = SqlBehaviourLog(database=database)

    async def move(self):
        """They stay."""

    async def add(self, *rows):
        await self.database.write(lambda tx: self.log.add(tx, rows))

    async def in_sql(self):
        async with self.database.read() as tx:
            return by_id([dict(row) for row in await tx.all(select(behaviour_event))])

    async def all(self):
        """As they were added, each as often as it is there."""
        return await self.in_sql()

    async def at_rest(self):
        """As a thief of the stores would see it."""
        async with self.database.read() as tx:
            return repr(await tx.all(text("SELECT * FROM behaviour_event")))


class InMongo(InSql):
    """Events move on."""

    def __init__(self, database, mongo):
        super().__init__(database)
        self.documents = BehaviourDocuments(mongo=mongo)
        self.log = MongoBehaviourLog(database=database, documents=self.documents)

    async def move(self):
        await self.log.move()
        assert await self.in_sql() == []

    async def in_mongo(self):
        return [one async for some in self.documents.pages() for one in some]

    async def all(self):
        keys = self.database.keys
        moved = [one | {"event_id": one.pop("_id")} for one in await self.in_mongo()]
        for one in moved:
            one["detail"] = keys.open(one["detail"], "behaviour_event.detail") if one["detail"] else None
            one["entered_at"] = one["entered_at"].astimezone(UTC)
        return by_id([*await self.in_sql(), *moved])

    async def at_rest(self):
        return await super().at_rest() + repr(await self.in_mongo())


def in_sql(request):
    return InSql(request.getfixturevalue("database"))


def in_mongodb(request):
    return InMongo(request.getfixturevalue("database"), request.getfixturevalue("mongo"))


@pytest.fixture(params=[in_sql, pytest.param(in_mongodb, marks=pytest.mark.services)])
def stores(request, database):
    return request.param(request)


@pytest.fixture
def moving(database, mongo):
    return InMongo(database, mongo)


async def test_what_is_added_is_there_once_and_as_it_was(stores):
    rows = [event(), event(kind="login", detail=None), event(kind="view", detail=None) | {"page": "首页", "duration_ms": 7}]
    await stores.add(*rows[:2])
    await stores.move()
    await stores.add(rows[2])
    assert await stores.all() == by_id(rows)
    await stores.move()
    assert await stores.all() == by_id(rows)


async def test_what_was_undone_is_not_there(stores):
    async def refused(tx):
        await stores.log.add(tx, [event()])
        raise Refused("wrong_state")

    with pytest.raises(Refused):
        await stores.database.write(refused)
    await stores.move()
    assert await stores.all() == []


async def test_details_are_sealed_at_rest(stores):
    await stores.add(event())
    await stores.move()
    await stores.add(event())
    seen = await stores.at_rest()
    assert "search" in seen and "术后" not in seen and "condition" not in seen


async def test_what_is_old_is_forgotten_wherever_it_is(stores):
    await stores.add(event(age=3 * _DAY), event(age=2 * _DAY), event(age=_DAY))
    await stores.move()
    await stores.add(event(age=3 * _DAY, kind="login"), event())
    assert await stores.log.forget_before(datetime.now(UTC) - 1.5 * _DAY) == 3
    assert [one["entered_at"] > server_now() - 1.5 * _DAY for one in await stores.all()] == [True, True]
    assert await stores.log.forget_before(datetime.now(UTC) - 1.5 * _DAY) == 0


@pytest.mark.services
async def test_many_move_and_go_in_bounded_steps(moving, monkeypatch):
    for module in (behaviour_mongo, behaviour_documents):
        monkeypatch.setattr(module, "_AT_ONCE", 3)
    await moving.add(*[event(age=_DAY) for _ in range(10)])
    assert await moving.log.move() == 10
    assert (moving.log.moved, moving.log.waiting) == (10, 10)
    assert len(await moving.in_mongo()) == 10
    assert await moving.log.forget_before(server_now()) == 10


@pytest.mark.services
@pytest.mark.parametrize("step", ["copy", "delete"])
async def test_wherever_a_move_dies_nothing_is_lost_or_doubled(moving, step, monkeypatch):
    rows = [event() for _ in range(5)]
    await moving.add(*rows)

    async def dies(*_):
        raise Unavailable()

    with monkeypatch.context() as broken:
        if step == "copy":
            broken.setattr(moving.documents, "keep", dies)
        else:
            broken.setattr(moving.database, "write", dies)
        with pytest.raises(Unavailable):
            await moving.log.move()
    assert len(await moving.in_sql()) == 5, "what was not told to be moved is there still"
    await moving.move()
    assert await moving.all() == by_id(rows)
