"""A migrated store a test, and the collaborators around it."""
import os
import secrets
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.engine import make_url

from server.core.clock import BusinessClock, server_now
from server.core.facts import Facts
from server.core.ids import new_id
from server.storage.documents.address import read_address
from server.storage.documents.belonging import admit
from server.storage.documents.mongo import Mongo, MongoOptions
from server.storage.migrate import migrate
from server.storage.outbox import Outbox
from server.storage.sealed import FieldKeys
from server.storage.sql import Database
from server.storage.tables.identity import t_user
from server.storage.unit_of_work import UnitOfWork
from tests.services.stores import empty


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory):
    """An empty store at the newest revision, migrated once and copied for every test."""
    path = tmp_path_factory.mktemp("template") / "peihu.db"
    migrate(make_url(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def keys():
    return FieldKeys("k" * 32)


# What reads and writes runs on both stores where there is a server.
ON_BOTH = (
    "tests/contract", "tests/migration", "tests/property", "tests/race", "tests/unit",
    "tests/e2e/test_contract_edges.py", "tests/e2e/test_waves.py",
    "tests/fault/test_jobs.py", "tests/fault/test_live_instances.py", "tests/fault/test_paused_holder.py",
)  # fmt: skip
# And what does not, to save minutes: what it shows does not depend on the store, or something else shows it on both.
ON_ONE = (
    "tests/unit/admin/test_overview.py",  # it reads SQLite's plans, as test_plans does
    "tests/unit/admin/test_plans.py",
    "tests/unit/booking/test_built_once.py",  # MySQL leaves what it meets once to SQLAlchemy
    "tests/unit/booking/test_use_cases_table.py",
    "tests/unit/ws",
)
_ROOT = Path(__file__).parents[1]


def pytest_generate_tests(metafunc):
    if "store_kind" not in metafunc.fixturenames:
        return
    kinds, path = ["sqlite"], metafunc.definition.path
    if os.environ.get("PEIHU_TEST_MYSQL_URL") and _is_below(path, ON_BOTH) and not _is_below(path, ON_ONE):
        kinds.append(pytest.param("mysql", marks=pytest.mark.services))
    metafunc.parametrize("store_kind", kinds, indirect=True)


def _is_below(path: Path, places: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(_ROOT / place) for place in places)


@pytest.fixture
def store_kind(request):
    """Of what kind the test's store is: "sqlite" or "mysql"."""
    return request.param


@pytest.fixture
def store_url(tmp_path, store_kind, request):
    """An empty, migrated store of this test alone."""
    if store_kind == "mysql":
        url = request.getfixturevalue("mysql_database")
        empty(url)
        return url.render_as_string(hide_password=False)
    path = tmp_path / "peihu.db"
    shutil.copyfile(request.getfixturevalue("migrated_file"), path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def database(io_loop, store_url, keys):
    """The store; closed on the test's loop."""
    database = Database(store_url, keys=keys, readers=2, acquire_timeout_s=10.0)
    yield database
    io_loop.asyncio_loop.run_until_complete(database.close())


@pytest.fixture
def embedded(io_loop, tmp_path, migrated_file, keys):
    """A SQLite store, whatever the others run on: for what only SQLite does."""
    path = tmp_path / "embedded.db"
    shutil.copyfile(migrated_file, path)
    database = Database(f"sqlite+aiosqlite:///{path}", keys=keys, readers=2, acquire_timeout_s=10.0)
    yield database
    io_loop.asyncio_loop.run_until_complete(database.close())


@pytest.fixture
def mongo(io_loop, mongo_url, embedded):
    """MongoDB, with an empty database of this test alone."""
    mongo = Mongo(read_address(mongo_url), options=MongoOptions())
    io_loop.run_sync(lambda: admit(mongo, embedded))
    yield mongo
    mongo.close()


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
