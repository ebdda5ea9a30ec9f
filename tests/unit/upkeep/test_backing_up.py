"""A backup is one moment of the right store, or one sentence says why there is none."""

import os
import shutil

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from server.storage.agreement import exchange
from server.storage.migrate import RESTORING, migrate
from server.upkeep import backing_up
from server.upkeep.archive.records import ROWS, ArchiveReader
from server.upkeep.backing_up import CannotBackUp, place_for
from server.upkeep.sql.opening import SqlStore
from server.upkeep.sql.snapshot import snapshot_of
from tests.stores import make_user
from tests.unit.upkeep.conftest import AT


async def test_a_backup_is_one_moment_whatever_is_written_meanwhile(database, store):
    """The last table read still shows the moment of the first."""
    await make_user(database)
    with snapshot_of(store) as snapshot:
        shapes = {shape.name: shape for shape in snapshot.tables()}
        assert snapshot.count(shapes["ops_alarm"]) == 0
        for _ in range(3):
            await make_user(database)
        assert snapshot.count(shapes["t_user"]) == 1
        assert sum(len(rows) for rows in snapshot.rows(shapes["t_user"])) == 1
    with snapshot_of(store) as snapshot:
        assert snapshot.count(shapes["t_user"]) == 4


async def test_a_second_backup_never_takes_the_place_of_the_first(back_up, tmp_path):
    made = await back_up()
    with pytest.raises(CannotBackUp, match="never overwritten"):
        place_for(str(made.path), AT)
    with pytest.raises(CannotBackUp, match="the directory .*nowhere is not there"):
        place_for(str(tmp_path / "nowhere" / "x"), AT)
    with pytest.raises(CannotBackUp, match="the directory .*nowhere is not there"):
        place_for(f"{tmp_path / 'nowhere'}/", AT)
    with pytest.raises(CannotBackUp, match="cannot be written"):
        place_for(str(tmp_path / ("x" * 300)), AT)
    assert place_for(str(tmp_path), AT) == place_for(f"{tmp_path}/", AT) == tmp_path / "peihu-20261123T040506Z.peihu"
    with pytest.raises(CannotBackUp, match="came to be meanwhile"):
        await back_up()


async def test_another_field_key_than_that_of_the_instances_is_told(database, back_up):
    """Else the archive would say that it was sealed with this key, and never be of use."""
    await exchange(database, "field_key", "k" * 32)
    await back_up()
    await exchange(database, "field_key", "another key of thirty-two bytes!")
    with pytest.raises(CannotBackUp, match="PEIHU_FIELD_KEY is not the one"):
        await back_up("second.peihu")


async def test_a_half_restored_store_is_not_backed_up(store, back_up):
    with store.connected() as connection:
        connection.execute(text(f"CREATE TABLE {RESTORING} (since VARCHAR(40) PRIMARY KEY)"))
        connection.commit()
    try:
        with pytest.raises(CannotBackUp, match="half full of a restore that was cut off"):
            await back_up()
    finally:
        with store.connected() as connection:
            connection.execute(text(f"DROP TABLE {RESTORING}"))
            connection.commit()


async def test_long_rows_make_records_that_are_bounded(database, back_up, secret, monkeypatch):
    monkeypatch.setattr(backing_up, "_RECORD_BYTES", 2_000)
    for _ in range(40):
        await make_user(database)
    made = await back_up()
    sizes = [
        (len(record[1]), sum(map(len, record[1])))
        for record in ArchiveReader(made.path, secret=secret.key).records()
        if record[0] == ROWS
    ]
    assert sum(rows for rows, _ in sizes) == made.rows >= 40
    assert max(size for _, size in sizes) < 4_000


async def test_what_the_disk_did_not_keep_is_found_before_the_backup_has_its_name(back_up, tmp_path, monkeypatch):
    """A bit that turned on its way to the disk."""
    sync = os.fsync

    def turn_a_bit(descriptor):
        sync(descriptor)
        for path in tmp_path.glob(".archive*"):
            content = bytearray(path.read_bytes())
            content[-30] ^= 1
            path.write_bytes(content)

    monkeypatch.setattr(os, "fsync", turn_a_bit)
    with pytest.raises(CannotBackUp, match="what was written does not read back .* look at the disk"):
        await back_up()
    assert not [path for path in tmp_path.iterdir() if "archive" in path.name]


async def test_a_store_that_fails_in_the_middle_is_told_and_nothing_is_left(back_up, other, tmp_path):
    """Pages of the file are overwritten: the driver's own words come out of the stream of rows."""
    other.path.parent.mkdir()
    migrate(other.url)
    with other.connected() as connection:
        for number in range(2_000):
            row = {"id": f"{number:032}", "text": "x" * 500}
            columns = "alarm_id, kind, text, once_key, raised_at"
            values = ":id, 'k', :text, :id, '2026-01-01'"
            connection.execute(text(f"INSERT INTO ops_alarm ({columns}) VALUES ({values})"), row)
        connection.commit()
    size = other.path.stat().st_size
    with other.path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 4))
    with pytest.raises(CannotBackUp, match="malformed"):
        await back_up(of=other)
    assert not [path for path in tmp_path.iterdir() if "archive" in path.name]


async def test_a_backup_of_nothing_says_so_and_leaves_nothing(back_up, other, tmp_path):
    with pytest.raises(CannotBackUp, match="no database at"):
        await back_up(of=other)
    shutil.rmtree(other.path.parent, ignore_errors=True)
    other.path.parent.mkdir()
    other.path.touch()
    with pytest.raises(CannotBackUp, match="nobody has migrated it"):
        await back_up(of=other)
    assert [path.name for path in tmp_path.glob("*peihu*") if path.is_file()] in ([], ["peihu.db"])


async def test_a_database_of_a_newer_program_is_not_backed_up(back_up, tmp_path):
    store = SqlStore(url=make_url(f"sqlite+aiosqlite:///{tmp_path / 'newer.db'}"))
    migrate(store.url)
    with store.connected() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    with pytest.raises(CannotBackUp, match="newer version of Peihu"):
        await back_up(of=store)


async def test_who_holds_the_archive_and_not_the_key_reads_nothing(database, back_up, tmp_path, files, store, keys):
    await make_user(database, username="一个很少见的名字")
    made = await back_up()
    content = made.path.read_bytes()
    assert "一个很少见的名字".encode() not in content
    assert made.path.stat().st_mode & 0o077 == 0
    assert content.count(b"t_user") == 0
