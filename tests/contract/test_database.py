"""The SQL database keeps one promise on SQLite and on MySQL."""

import asyncio
import gc
import unicodedata
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from server.core.errors import Refused
from server.storage.sql import Database
from server.storage.tables.roster import t_caregiver_info
from server.storage.tables.system import audit_log, business_clock, channel_head, lease, ops_alarm, outbox
from tests.services.both_brands import objection
from tests.services.stores import empty
from tests.stores import make_user

_AT = datetime(2026, 11, 23, 1, 2, 3, 456_000, tzinfo=UTC)
_TOP = select(channel_head.c.top).where(channel_head.c.channel == bindparam("here"))
_ADD = insert(lease)
_TAKE = (
    update(lease)
    .where(lease.c.name == bindparam("here"), lease.c.fence == bindparam("read_fence"))
    .values(fence=bindparam("new_fence"), until=bindparam("new_until"))
)
_ONE = select(lease).where(lease.c.name == bindparam("here"))
_SOME = select(lease.c.name).where(lease.c.name.in_(bindparam("these", expanding=True))).order_by(lease.c.name)
_ADD_ALARM = insert(ops_alarm)
_ALARM = select(ops_alarm.c.text).where(ops_alarm.c.alarm_id == bindparam("here"))
_ADD_PARCEL = insert(outbox)
_MORE_TIMES = range(3)  # met once, prepared, run as prepared


@pytest.fixture(params=["sqlite", pytest.param("mysql", marks=pytest.mark.services)])
def database(request, io_loop, keys):
    if request.param == "sqlite":
        yield request.getfixturevalue("embedded")
        return
    url = request.getfixturevalue("mysql_database")
    empty(url)
    database = Database(url.render_as_string(hide_password=False), keys=keys, readers=4, acquire_timeout_s=10.0)
    yield database
    io_loop.asyncio_loop.run_until_complete(database.close())


def _lease(name, **values):
    return insert(lease).values(**{"name": name, "holder": "h", "fence": 1, "until": _AT} | values)


async def _names(database):
    async with database.read() as tx:
        return [row["name"] for row in await tx.all(select(lease.c.name).order_by(lease.c.name))]


@pytest.mark.parametrize(
    ("statement", "is_common"),
    [
        ("UPDATE lease SET fence=1 WHERE name IN (SELECT name FROM lease)", False),
        ("DELETE FROM `lease` WHERE EXISTS (SELECT 1 FROM outbox JOIN `lease` ON 1)", False),
        ("DELETE FROM lease WHERE name IN (SELECT topic FROM outbox)", True),
        ("INSERT INTO lease SELECT * FROM lease", True),
        ("INSERT INTO lease VALUES (1) RETURNING name", False),
        ("UPDATE lease SET fence=lease.fence + 1", True),
        ("CREATE TABLE lease (name VARCHAR(64) NOT NULL, UNIQUE (name))", False),
        ("CREATE TABLE lease (name VARCHAR(64) NOT NULL,\n PRIMARY KEY (name))", True),
    ],
)
def test_what_only_one_of_the_two_brands_takes_is_found(statement, is_common):
    assert (objection(statement) is None) == is_common


async def test_a_body_is_written_whole_or_not_at_all(database):
    async def half(tx):
        await tx.run(_lease("half"))
        raise Refused("wrong_state")

    with pytest.raises(Refused):
        await database.write(half)
    assert await database.write(lambda tx: tx.run(_lease("whole"))) == 1
    assert await _names(database) == ["whole"]


async def test_a_taken_key_is_refused_at_its_statement_and_the_rest_of_the_transaction_stands(database):
    async def body(tx):
        await tx.run(_lease("first"))
        with pytest.raises(IntegrityError):
            async with tx.savepoint():
                await tx.run(_lease("inside"))
                await tx.run(_lease("first"))
        await tx.run(_lease("last"))

    await database.write(body)
    assert await _names(database) == ["first", "last"]


async def test_a_row_is_counted_when_it_meets_the_condition_even_if_nothing_changes_in_it(database):
    await database.write(lambda tx: tx.run(_lease("a")))
    same = update(lease).where(lease.c.name == "a").values(holder="h")
    assert await database.write(lambda tx: tx.run(same)) == 1
    assert await database.write(lambda tx: tx.run(same.where(lease.c.fence == 2))) == 0


async def test_of_twenty_conditional_changes_at_once_one_finds_its_row(database):
    await database.write(lambda tx: tx.run(_lease("a")))
    take = update(lease).where(lease.c.name == "a", lease.c.fence == 1).values(fence=2)
    counts = await asyncio.gather(*(database.write(lambda tx: tx.run(take)) for _ in range(20)))
    assert sorted(counts) == [0] * 19 + [1]


async def test_of_twenty_inserts_of_one_key_at_once_one_is_kept(database):
    async def body(tx):
        try:
            async with tx.savepoint():
                await tx.run(_lease("one"))
        except IntegrityError:
            return False
        return True

    assert sum(await asyncio.gather(*(database.write(body) for _ in range(20)))) == 1


async def test_changes_of_one_row_at_once_all_count(database):
    await database.write(lambda tx: tx.run(insert(business_clock).values(clock_id=1, offset_s=0.125)))
    more = update(business_clock).values(offset_s=business_clock.c.offset_s + 1)
    await asyncio.gather(*(database.write(lambda tx: tx.run(more)) for _ in range(30)))
    async with database.read() as tx:
        assert await tx.value(select(business_clock.c.offset_s)) == 30.125


async def test_statements_that_are_built_once_do_what_others_do(database):
    for number in _MORE_TIMES:
        row = {"name": f"{number}", "holder": "h", "fence": 1, "until": _AT}

        async def body(tx, number=number, row=row):
            assert await tx.run(_ADD, row) == 1
            with pytest.raises(IntegrityError):
                await tx.run(_ADD, row)
            taken = {"here": f"{number}", "read_fence": 1, "new_fence": 2, "new_until": _AT}
            assert await tx.run(_TAKE, taken) == 1
            assert await tx.run(_TAKE, taken) == 0  # it stands at 2
            assert await tx.run(_TAKE, taken | {"read_fence": 2}) == 1  # it is met, though nothing changes
            assert dict(await tx.one(_ONE, {"here": f"{number}"})) == row | {"fence": 2}
            assert await tx.one(_ONE, {"here": "nobody"}) is None
            assert await tx.value(_ONE, {"here": f"{number}"}) == f"{number}"
            assert [dict(one) for one in await tx.all(_ONE, {"here": "nobody"})] == []

        await database.write(body)
    assert await _names(database) == ["0", "1", "2"]


async def test_many_rows_by_one_statement_that_is_built_once(database):
    for number in _MORE_TIMES:
        names = [f"{number}{letter}" for letter in "abc"]
        rows = [{"name": name, "holder": "h", "fence": 1, "until": _AT} for name in names]
        assert await database.write(lambda tx, rows=rows: tx.run(_ADD, rows)) == 3
        with pytest.raises(IntegrityError):
            await database.write(lambda tx, rows=rows: tx.run(_ADD, [rows[0] | {"name": "new"}, rows[1]]))
        async with database.read() as tx:
            assert [row["name"] for row in await tx.all(_SOME, {"these": [*names[1:], "x"]})] == names[1:]
            assert await tx.all(_SOME, {"these": []}) == []


async def test_texts_and_numbers_of_statements_that_are_built_once_come_back_as_they_were_given(database):
    for number, text in enumerate(["张三 😀", "O'Neil \\ % _ \" ; %s %(x)s", "\u202e", "a "]):
        row = {"alarm_id": f"{number}", "kind": "k", "text": text, "once_key": f"{number}", "raised_at": _AT}
        await database.write(lambda tx, row=row: tx.run(_ADD_ALARM, row))
        async with database.read() as tx:
            assert await tx.value(_ALARM, {"here": f"{number}"}) == text
    parcel = {"topic": "t", "payload": "{}", "created_at": _AT, "due_at": _AT}
    numbers = [await database.write(lambda tx: tx.insert_numbered(_ADD_PARCEL, parcel)) for _ in _MORE_TIMES]
    assert numbers == sorted(set(numbers))


async def test_a_locked_row_is_read_as_it_is_then_and_not_as_it_was_before_the_wait(database):
    """Every one of twenty reads, adds one, and writes what it made of it."""
    await database.write(lambda tx: tx.run(_lease("a")))
    here = lease.c.name == "a"

    async def body(tx):
        await tx.value(select(func.count()).select_from(lease))  # a look before the lock must not fix what is seen
        seen = await tx.value(select(lease.c.fence).where(here).with_for_update())
        await tx.run(update(lease).where(here).values(fence=seen + 1))

    await asyncio.gather(*(database.write(body) for _ in range(20)))
    async with database.read() as tx:
        assert await tx.value(select(lease.c.fence)) == 21


async def test_a_reader_sees_one_snapshot_from_its_first_statement_to_its_last(database):
    await database.write(lambda tx: tx.run(_lease("a")))
    count = select(func.count()).select_from(lease)
    async with database.read() as reader:
        assert await reader.value(count) == 1
        await database.write(lambda tx: tx.run(_lease("b")))
        assert await reader.value(count) == 1
    async with database.read() as reader:
        assert await reader.value(count) == 2


async def test_a_glance_sees_what_was_committed_before_it(database):
    row = {"channel": "ops", "epoch": "e", "top": 1, "moved_at": _AT}
    await database.write(lambda tx: tx.run(insert(channel_head).values(**row)))
    async with database.glance() as tx:
        assert await tx.value(_TOP, {"here": "ops"}) == 1
        assert await tx.value(_TOP, {"here": "elsewhere"}) is None


async def test_what_was_gathered_is_written_with_the_commit_and_what_was_learned_is_known_until_then(database):
    written = []

    async def write(tx, items):
        written.append(items)
        await tx.run(insert(lease), [{"name": name, "holder": "h", "fence": 1, "until": _AT} for name in items])

    async def body(tx):
        tx.gather(write, "a")
        tx.learn("top", 1)
        try:
            async with tx.savepoint():
                tx.gather(write, "undone")
                tx.learn("top", 2)
                raise Refused("wrong_state")
        except Refused:
            pass
        tx.gather(write, "b")
        assert tx.known("top") == 1
        assert written == []

    await database.write(body)
    assert written == [["a", "b"]]
    assert await _names(database) == ["a", "b"]


async def test_what_waits_for_the_commit_runs_once_and_not_for_what_was_undone(database):
    told = []

    async def body(tx):
        tx.after_commit(lambda: told.append("kept"))
        try:
            async with tx.savepoint():
                tx.after_commit(lambda: told.append("undone"))
                raise Refused("wrong_state")
        except Refused:
            pass
        assert told == []

    async def refused(tx):
        tx.after_commit(lambda: told.append("refused"))
        raise Refused("wrong_state")

    await database.write(body)
    with pytest.raises(Refused):
        await database.write(refused)
    assert told == ["kept"]


async def test_a_caller_who_leaves_does_not_stop_the_change(database):
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def body(tx):
        tx.after_commit(ended.set)
        begun.set()
        await may_end.wait()
        await tx.run(_lease("a"))

    caller = asyncio.create_task(database.write(body))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    may_end.set()
    async with asyncio.timeout(10):
        await ended.wait()
    assert await _names(database) == ["a"]


async def test_a_change_that_fails_after_its_caller_has_left_is_nobodys_error(database, caplog):
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def body(tx):
        begun.set()
        await may_end.wait()
        raise Refused("wrong_state")

    caller = asyncio.create_task(database.write(body))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    may_end.set()
    await database.write(lambda tx: tx.run(_lease("a")))
    del caller
    await asyncio.sleep(0)
    gc.collect()  # asyncio tells of a failure nobody has heard of when its future goes
    assert [record.getMessage() for record in caplog.records] == []


async def test_a_reader_who_leaves_in_the_middle_of_a_statement_harms_nobody(database):
    slow = select(func.count()).select_from(audit_log.join(ops_alarm, ops_alarm.c.alarm_id != audit_log.c.audit_id))

    async def read():
        async with database.read() as tx:
            while True:
                await tx.value(slow)

    for _ in range(10):
        reader = asyncio.create_task(read())
        await database.ping()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
    await database.ping()


async def test_great_and_small_letters_make_two_keys(database):
    await database.write(lambda tx: tx.run(_lease("a")))
    await database.write(lambda tx: tx.run(_lease("A")))
    assert await _names(database) == ["A", "a"]
    async with database.read() as tx:
        assert await tx.all(select(lease.c.name).where(lease.c.name == "A")) == [{"name": "A"}]


@pytest.mark.parametrize("strange", ["a ", "a  ", " a", "日本", "😀" * 8, "a\u0301", "\uff41", "'a'", "a%", "_", ""])
async def test_a_strangers_idea_of_a_key_finds_nothing_and_breaks_nothing(database, strange):
    await database.write(lambda tx: tx.run(_lease("a")))
    async with database.read() as tx:
        assert await tx.one(select(lease).where(lease.c.name == strange)) is None
        assert await tx.all(select(lease.c.name).where(lease.c.name.in_([strange, "a"]))) == [{"name": "a"}]
    assert await database.write(lambda tx: tx.run(update(lease).where(lease.c.name == strange).values(fence=9))) == 0


async def test_a_value_that_does_not_fit_is_refused_and_not_bent(database):
    for bent in ({"fence": 1 << 63}, {"fence": None}):
        with pytest.raises((DBAPIError, OverflowError)):
            await database.write(lambda tx, bent=bent: tx.run(_lease("a", **bent)))
    assert await _names(database) == []


async def test_texts_come_back_as_they_were_given(database):
    texts = ["张三", "👩‍👩‍👧‍👦", "e\u0301", "\u00e9", "a ", "O'Neil \\ % _ \" ;", "\u202e"]
    assert unicodedata.normalize("NFC", texts[2]) == texts[3]
    for number, text in enumerate(texts):
        row = {"alarm_id": f"{number}", "kind": "k", "text": text, "once_key": f"{number}", "raised_at": _AT}
        await database.write(lambda tx, row=row: tx.run(insert(ops_alarm).values(**row)))
    async with database.read() as tx:
        rows = await tx.all(select(ops_alarm.c.text).order_by(ops_alarm.c.alarm_id))
    assert [row["text"] for row in rows] == texts


async def test_instants_are_utc_to_the_millisecond_whatever_the_server_thinks_of_time(database):
    await database.write(lambda tx: tx.run(_lease("a")))
    async with database.read() as tx:
        assert await tx.value(select(lease.c.until)) == _AT
        assert await tx.value(select(lease.c.name).where(lease.c.until == _AT)) == "a"
        assert await tx.value(select(lease.c.name).where(lease.c.until > _AT)) is None


async def test_numbers_count_up_and_are_told(database):
    row = {"topic": "t", "payload": "{}", "created_at": _AT, "due_at": _AT}
    first = await database.write(lambda tx: tx.insert_numbered(insert(outbox).values(**row)))
    second = await database.write(lambda tx: tx.insert_numbered(insert(outbox), row))
    assert second > first


async def test_a_search_by_a_name_does_not_mind_great_letters(database):
    user_id = await make_user(database, user_type="caregiver")
    row = {
        "caregiver_id": "c", "user_id": user_id, "name": "Anna Li", "gender": "female", "birth_date": _AT.date(),
        "contact_phone": "13800000000", "experience_years": 1, "created_at": _AT, "updated_at": _AT,
    }  # fmt: skip
    await database.write(lambda tx: tx.run(insert(t_caregiver_info).values(**row)))
    found = select(t_caregiver_info.c.caregiver_id).where(t_caregiver_info.c.name.contains("anna", autoescape=True))
    async with database.read() as tx:
        assert await tx.value(found) == "c"


async def test_a_lock_that_passes_makes_the_body_run_again(database):
    runs = []

    async def body(tx):
        runs.append(1)
        await tx.run(_lease(f"run{len(runs)}"))
        if len(runs) < 3:
            raise DBAPIError("UPDATE", {}, Exception("database is locked"))

    await database.write(body)
    assert await _names(database) == ["run3"]


async def test_more_readers_than_there_are_connections_wait_and_are_all_served(database):
    async def read():
        async with database.read() as tx:
            return await tx.value(select(func.count()).select_from(lease))

    assert await asyncio.gather(*(read() for _ in range(40))) == [0] * 40
