"""A version up and down again on a store with data, and a backup from before to fall back on."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from server.outside import database_url
from server.storage.migrate import (
    RESTORING,
    SCRIPTS,
    CannotMigrate,
    HalfRestored,
    SchemaTooNew,
    known_revisions,
    migrate,
    newest_revision,
)
from tests.invariants import check_invariants
from tests.migration.next_version import NEXT, scripts_of_the_next_version
from tests.stage import Stage


@pytest.fixture
def next_version(tmp_path):
    """The migrations of a program that is one step ahead."""
    return scripts_of_the_next_version(tmp_path)


@pytest.fixture
def engine(store_url):
    url = make_url(store_url)
    driver = "sqlite" if url.get_backend_name() == "sqlite" else "mysql+pymysql"
    engine = create_engine(url.set(drivername=driver))
    with engine.begin() as connection:
        for number in range(50):
            connection.execute(
                text(
                    "INSERT INTO t_user (user_id, username, password_hash, phone, phone_hash, user_type, registered_at,"
                    " terms_accepted_at) VALUES (:id, :name, '!', 'x', :id, 'patient', '2026-01-02 03:04:05.678',"
                    " '2026-01-02 03:04:05.678')"
                ),
                {"id": f"user{number}", "name": f"张{number}"},
            )
    yield engine
    engine.dispose()


def _rows(engine):
    with engine.connect() as connection:
        return connection.execute(text("SELECT user_id, username, phone, registered_at FROM t_user")).fetchall()


def test_a_version_up_and_down_again_keeps_every_row(engine, store_url, next_version):
    url, before = make_url(store_url), sorted(_rows(engine))
    assert migrate(url, scripts=next_version) == [NEXT]
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM t_user WHERE nickname = username")) == 50
    with pytest.raises(SchemaTooNew):
        migrate(url)  # the older program does not touch it
    assert migrate(url, to=newest_revision(), scripts=next_version) == [NEXT]
    assert sorted(_rows(engine)) == before
    assert not inspect(engine).has_table("novelty")
    assert migrate(url) == []  # and the older program is content
    migrate(url, scripts=next_version)
    assert sorted(_rows(engine)) == before
    migrate(url, to=newest_revision(), scripts=next_version)


def test_every_version_goes_down_to_the_first_and_up_again(store_url):
    url = make_url(store_url)
    down = migrate(url, to="0001_identity")
    assert down == known_revisions()[:-1]
    assert migrate(url) == down[::-1]


def test_a_version_that_nobody_knows_is_refused(store_url):
    with pytest.raises(CannotMigrate, match="no schema 0000_never"):
        migrate(make_url(store_url), to="0000_never")


def test_a_half_restored_database_is_not_touched(engine, store_url):
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {RESTORING} (since VARCHAR(40) PRIMARY KEY)"))
    try:
        with pytest.raises(HalfRestored, match="restore SRC --replace"):
            migrate(make_url(store_url))
        assert migrate(make_url(store_url), restoring=True) == []
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP TABLE {RESTORING}"))


def test_the_revisions_are_known_newest_first():
    assert known_revisions()[0] == newest_revision()
    assert known_revisions()[-1].startswith("0001")


async def _main_job(stage, *, days):
    """A family books, pays, is accepted, cared for and confirms; the order's id."""
    family, caregiver = stage.families[0], stage.caregivers[0]
    slot = stage.slot(lead=timedelta(days=days))
    order_id = (await stage.create(family, slot, named=caregiver)).data["order_id"]
    await stage.pay(family, order_id)
    await stage.look()
    (offer,) = await stage.offers(order_id, "open")
    await stage.must(caregiver, "order.accept", offer_id=offer["offer_id"])
    code = (await stage.must(family, "order.detail", order_id=order_id))["start_code"]
    await stage.advance((slot[0] - stage.clock.now()).total_seconds())
    await stage.must(caregiver, "order.start", order_id=order_id, start_code=code)
    await stage.must(caregiver, "order.finish", order_id=order_id, summary="一切顺利")
    await stage.must(family, "order.confirm", order_id=order_id)
    return order_id


async def test_the_older_program_does_the_main_job_while_and_after_a_newer_one_was_there(
    peopled, next_version, tmp_path
):
    """A roll that was begun and taken back: version N on the schema of N + 1, then on its own again."""
    settings = peopled(tmp_path / "stage")
    url, done = database_url(settings), []
    try:
        for scripts, to in ((SCRIPTS, "head"), (next_version, "head"), (next_version, newest_revision())):
            migrate(url, scripts=scripts, to=to)
            stage = await Stage.open(settings)
            try:
                done.append(await _main_job(stage, days=len(done) + 1))
                assert [(await stage.order(one))["status"] for one in done] == ["completed"] * len(done)
                await check_invariants(stage.database)
            finally:
                await stage.close()
    finally:
        migrate(url, scripts=next_version, to=newest_revision())
