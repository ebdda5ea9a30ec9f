"""A migrated store a test, and the collaborators around it."""
import secrets
import shutil
from datetime import datetime

import pytest
from sqlalchemy import insert
from sqlalchemy.engine import make_url

from server.core.clock import BusinessClock, server_now
from server.core.facts import Facts
from server.core.ids import new_id
from server.storage.migrate import migrate
from server.storage.outbox import Outbox
from server.storage.sealed import FieldKeys
from server.storage.sql import Database
from server.storage.tables.identity import t_user
from server.storage.unit_of_work import UnitOfWork


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory):
    """An empty store at the newest revision, migrated once and copied for every test."""
    path = tmp_path_factory.mktemp("template") / "peihu.db"
    migrate(make_url(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def keys():
    return FieldKeys("k" * 32)


@pytest.fixture
def database(io_loop, tmp_path, migrated_file, keys):
    """A store of this test alone; closed on the test's loop."""
    path = tmp_path / "peihu.db"
    shutil.copyfile(migrated_file, path)
    database = Database(f"sqlite+aiosqlite:///{path}", keys=keys, readers=2, acquire_timeout_s=10.0)
    yield database
    io_loop.asyncio_loop.run_until_complete(database.close())


@pytest.fixture
def facts():
    return Facts()


@pytest.fixture
def outbox(database):
    """Not started: a test that wants deliveries registers its deliverers, starts it and stops it."""
    return Outbox(database=database, instance_id="test", claim_s=3.0, sweep_every_s=0.05)


@pytest.fixture
def units(database):
    return UnitOfWork(database=database)


@pytest.fixture
def clock():
    return BusinessClock()


def some_phone() -> str:
    """A mobile number in the stored form that no other user of the test is likely to have."""
    return f"13{secrets.randbelow(10**9):09d}"


async def make_user(
    database: Database,
    user_type: str = "patient",
    *,
    phone: str | None = None,
    username: str = "测试用户",
    password_hash: str = "!",
    registered_at: datetime | None = None,
    verification_status: str = "unverified",
) -> str:
    """Insert an account and return its `user_id`; the default password hash fits no password."""
    user_id, now = new_id(), server_now()
    phone = phone or some_phone()
    row = insert(t_user).values(
        user_id=user_id,
        username=username,
        password_hash=password_hash,
        phone=phone,
        phone_hash=database.keys.lookup_hash(phone, "phone"),
        user_type=user_type,
        registered_at=registered_at or now,
        terms_accepted_at=registered_at or now,
        verification_status=verification_status,
    )
    await database.write(lambda tx: tx.run(row))
    return user_id
