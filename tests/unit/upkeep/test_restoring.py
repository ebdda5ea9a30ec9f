"""A backup comes back whole, or nothing changes and one sentence says why."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, inspect, select, text
from sqlalchemy.engine import make_url

from server.core.clock import server_now
from server.core.ids import new_id
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.migrate import migrate, newest_revision
from server.storage.pubsub.in_process import InProcessBus
from server.storage.sealed import FieldKeys
from server.storage.sql import Database
from server.storage.tables.booking import t_order
from server.storage.tables.identity import t_user
from server.storage.tables.roster import stored_file
from server.storage.tables.system import channel_head, lease
from server.upkeep.archive.head import Head
from server.upkeep.reports import is_genuine, signed
from server.upkeep.restoring import CannotRestore
from server.upkeep.sql.opening import SqlStore
from server.upkeep.sql.targets import target_for
from tests.stores import make_user
from tests.unit.upkeep.conftest import AT


def digests(manifest):
    return {name: one["digest"] for name, one in manifest["tables"].items()}


def what_lies_beside(store):
    return {path.name: path.read_bytes() for path in store.path.parent.iterdir() if path.is_file()}


async def test_a_backup_comes_back_row_by_row_and_keeps_the_invariants(plant, back_up, restore, other):
    await plant()
    made = await back_up()
    restored = await restore(made.path, other)
    assert restored.migrated == []
    assert [one for one in restored.findings if one.count] == []
    again = await back_up("again.peihu", of=other)
    now, before = digests(again.manifest), digests(made.manifest)
    assert {name for name in before if now[name] != before[name]} == {"channel_head"}  # new epochs
    assert {name: one["count"] for name, one in again.manifest["tables"].items()} == {
        name: one["count"] for name, one in made.manifest["tables"].items()
    }
    assert again.manifest["files"] == made.manifest["files"]
    assert sum(one["count"] for one in made.manifest["tables"].values()) > 1_000


async def test_what_is_sealed_opens_after_it(plant, back_up, restore, other, database, keys, io_loop):
    user_id = await make_user(database, phone="13900000001", username="张敏")
    made = await back_up()
    await restore(made.path, other)
    brought = Database(other.url.render_as_string(), keys=keys, readers=1, acquire_timeout_s=5.0)
    async with brought.read() as tx:
        row = await tx.one(select(t_user).where(t_user.c.user_id == user_id))
    await brought.close()
    assert (row["phone"], row["username"]) == ("13900000001", "张敏")


async def test_uploaded_bytes_come_back_under_their_keys(database, files, back_up, restore, other):
    user_id, content = await make_user(database), bytes(range(256)) * 5_000
    kept, lost = await files.put(content), await files.put(b"x")
    for key in (kept, lost):
        await database.write(lambda tx, key=key: tx.run(insert(stored_file).values(**_file_row(key, user_id))))
    await files.delete(lost)
    made = await back_up()
    assert made.manifest["files"] == {"count": 1, "size_bytes": len(content)}
    assert made.manifest["missing_files"] == {"count": 1, "some": [lost]}
    await files.delete(kept)
    await restore(made.path, other)
    assert await files.open(kept) == content


def _file_row(key, user_id):
    return {
        "file_id": new_id(), "user_id": user_id, "purpose": "chat", "store_key": key, "media_type": "image/jpeg",
        "size_bytes": 1, "sha256": "0" * 64, "created_at": server_now(),
    }  # fmt: skip


async def test_a_place_that_is_not_empty_is_replaced_only_when_told(database, store, back_up, restore, other, plant):
    await plant(caregivers=1, orders=5)
    made = await back_up()
    await restore(made.path, other)
    before = what_lies_beside(other)
    with pytest.raises(CannotRestore, match=r"is not empty \(.*\); say --replace"):
        await restore(made.path, other)
    assert what_lies_beside(other) == before
    await restore(made.path, other, replace=True)
    assert set(what_lies_beside(other)) == {"peihu.db"}


async def test_a_place_that_somebody_serves_is_left_alone(back_up, restore, other, plant):
    made = await back_up()
    await restore(made.path, other)
    with other.connected() as connection:
        until = server_now() + timedelta(seconds=6)
        connection.execute(insert(lease).values(name="orders", holder="x", fence=1, until=until))
        connection.commit()
    with pytest.raises(CannotRestore, match=r"an instance is serving .*: stop all of them first"):
        await restore(made.path, other, replace=True)


async def test_a_file_that_somebody_has_open_is_left_alone(back_up, restore, other, keys, io_loop):
    made = await back_up()
    await restore(made.path, other)
    serving = Database(other.url.render_as_string(), keys=keys, readers=1, acquire_timeout_s=5.0)
    await make_user(serving)
    with pytest.raises(CannotRestore, match="another program has .* open"):
        await restore(made.path, other, replace=True)
    async with serving.read() as tx:
        assert await tx.value(select(func.count()).select_from(t_user)) == 1
    await serving.close()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[:-1], "cut off"),
        (lambda content: content[: len(content) // 2], "cut off"),
        (lambda content: content[:-40] + bytes([content[-40] ^ 1]) + content[-39:], "damaged or was altered"),
        (lambda content: content + b"x", "behind its end"),
    ],
    ids=["a byte short", "half", "a bit flipped", "longer"],
)
async def test_a_damaged_archive_changes_nothing(plant, database, back_up, restore, other, store, damage, words):
    await plant(caregivers=2, orders=20)
    made = await back_up()
    await database.close()  # or it would be told that this has it open
    made.path.write_bytes(damage(made.path.read_bytes()))
    other.path.parent.mkdir()
    with pytest.raises(CannotRestore, match=words):
        await restore(made.path, other)
    assert what_lies_beside(other) == {}
    with store.connected() as connection:  # nor does the store that is there already
        before = connection.scalar(select(func.count()).select_from(t_order))
    with pytest.raises(CannotRestore, match=words):
        await restore(made.path, store, replace=True)
    with store.connected() as connection:
        assert connection.scalar(select(func.count()).select_from(t_order)) == before == 20
    migrate(store.url)


async def test_another_field_key_and_a_newer_schema_are_refused(back_up, restore, other, secret, tmp_path, monkeypatch):
    made = await back_up()
    with pytest.raises(CannotRestore, match="sealed with another PEIHU_FIELD_KEY"):
        await restore(made.path, other, sealed_with=FieldKeys("z" * 32).key_id)
    begin = Head.begin
    future = {"schema": "9999_future", "tool": "9.9"}
    monkeypatch.setattr(Head, "begin", lambda **values: begin(**values | future))
    newer = await back_up("newer.peihu")
    with pytest.raises(CannotRestore, match=r"newer version of Peihu \(schema 9999_future, version 9.9\)"):
        await restore(newer.path, other)
    assert not other.path.exists()


async def test_a_backup_of_an_older_schema_is_brought_up_to_date(plant, back_up, restore, tmp_path, keys, files, secret):
    old = SqlStore(url=make_url(f"sqlite+aiosqlite:///{tmp_path / 'old.db'}"))
    migrate(old.url, to="0007_system")
    with old.connected() as connection:
        connection.execute(
            text("INSERT INTO business_clock (clock_id, offset_s) VALUES (1, 2.5)")
        )
        connection.commit()
    made = await back_up(of=old)
    assert made.head.schema == "0007_system"
    brought = SqlStore(url=make_url(f"sqlite+aiosqlite:///{tmp_path / 'brought.db'}"))
    restored = await restore(made.path, brought)
    assert restored.migrated[-1] == newest_revision()
    with brought.connected() as connection:
        assert connection.scalar(text("SELECT offset_s FROM business_clock")) == 2.5


async def test_a_store_of_a_newer_version_is_replaced_whole_by_the_backup_from_before(plant, back_up, restore, other):
    """The way back from an upgrade that has none of its own."""
    await plant(caregivers=1, orders=5)
    made = await back_up()
    await restore(made.path, other)
    with other.connected() as connection:
        connection.execute(text("CREATE TABLE novelty (novelty_id TEXT)"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9001_next'"))
        connection.commit()
    restored = await restore(made.path, other, replace=True)
    assert restored.migrated == []
    with other.connected() as connection:
        assert not inspect(connection).has_table("novelty")
    assert migrate(other.url) == []


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device", "files"), KeyboardInterrupt()])
async def test_a_restore_that_is_cut_off_leaves_what_was_there(
    database, plant, back_up, restore, other, files, monkeypatch, problem
):
    """A disk that fills up in the middle, or a hand: the old file is untouched, and the draft is gone."""
    await plant(caregivers=1, orders=5)
    made = await back_up()
    await restore(made.path, other)
    before = what_lies_beside(other)

    async def fail(_key, _pieces):
        raise problem

    monkeypatch.setattr(files, "keep", fail)
    with pytest.raises((CannotRestore, KeyboardInterrupt)) as ended:
        await restore(made.path, other, replace=True)
    assert isinstance(problem, KeyboardInterrupt) or "No space left on device" in str(ended.value)
    assert what_lies_beside(other) == before


async def test_what_a_killed_restore_left_is_no_hindrance(plant, back_up, restore, other):
    await plant(caregivers=1, orders=5)
    made = await back_up()
    other.path.parent.mkdir()
    draft = other.path.with_name(f".{other.path.name}.restoring")
    draft.write_bytes(b"half a database")
    draft.with_name(f"{draft.name}-wal").write_bytes(b"x")
    await restore(made.path, other)
    assert set(what_lies_beside(other)) == {"peihu.db"}


async def test_the_log_of_a_file_that_somebody_removed_is_not_applied_to_the_new_one(
    plant, back_up, restore, other, io_loop, keys
):
    await plant(caregivers=1, orders=5)
    made = await back_up()
    await restore(made.path, other)
    serving = Database(other.url.render_as_string(), keys=keys, readers=1, acquire_timeout_s=5.0)
    await make_user(serving)
    log = other.path.with_name("peihu.db-wal")
    content = log.read_bytes()
    assert len(content) > 1_000
    await serving.close()
    other.path.unlink()  # as people do who want to begin anew
    log.write_bytes(content)
    await restore(made.path, other)
    assert set(what_lies_beside(other)) == {"peihu.db"}
    with other.connected() as connection:
        assert connection.scalar(text("PRAGMA quick_check")) == "ok"


async def test_a_damaged_file_is_set_aside_and_replaced_when_told(plant, back_up, restore, other):
    await plant(caregivers=1, orders=5)
    made = await back_up()
    await restore(made.path, other)
    for number in (1, 2):
        other.path.write_bytes(b"not a database at all" * 500)
        with pytest.raises(CannotRestore, match="not a database.*say --replace"):
            await restore(made.path, other)
        restored = await restore(made.path, other, replace=True)
        assert restored.set_aside == other.path.with_name(f"peihu.db.damaged-{number}")
        assert restored.set_aside.read_bytes().startswith(b"not a database")
        assert [one for one in restored.findings if one.count] == []


async def test_of_two_restores_at_once_the_second_waits_for_another_time(back_up, restore, other):
    made = await back_up()
    with target_for(other).alone(), pytest.raises(CannotRestore, match="another restore into .* is under way"):
        await restore(made.path, other)
    await restore(made.path, other)


async def test_positions_from_before_are_no_longer_understood(database, back_up, restore, other, outbox, io_loop):
    """A restore goes back in time: who holds a position must not take other events for what comes next."""
    log = SqlChannelLog(database=database, outbox=outbox, bus=InProcessBus())
    event = {"id": "1", "type": "x", "at": "2026-11-23T00:00:00Z", "data": {}}
    await database.write(lambda tx: log.append(tx, "user:1", event, at=AT))
    made = await back_up()
    await restore(made.path, other)
    with other.connected() as there, SqlStore(url=database.url).connected() as here:
        before, after = (
            one.execute(select(channel_head.c.epoch, channel_head.c.top)).one() for one in (here, there)
        )
    assert (before.top, after.top) == (1, 1)
    assert before.epoch != after.epoch


async def test_a_report_is_signed_and_a_change_shows(back_up, secret):
    made = await back_up()
    report = signed({"what": "restored", "rows": 5}, head=made.head, secret=secret.key)
    assert is_genuine(json.loads(json.dumps(report)), head=made.head, secret=secret.key)
    assert not is_genuine(report | {"rows": 6}, head=made.head, secret=secret.key)
    assert not is_genuine(report, head=made.head, secret=b"another")
    assert not is_genuine({"what": "restored"}, head=made.head, secret=secret.key)
