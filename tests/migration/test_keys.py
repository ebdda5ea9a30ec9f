"""Tables that had no primary key get one, with every row that they had."""

import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Index, MetaData, Table, UniqueConstraint, insert, inspect, select

from server.storage.columns import code
from server.storage.migrate import migrate
from server.storage.schema import metadata
from tests.migration.described import differences
from tests.migration.test_each_step import digests, in_common, shapes_of

_UNIQUE = {
    "caregiver_district": ("caregiver_id", "district"),
    "caregiver_hospital": ("caregiver_id", "hospital_id"),
    "caregiver_hours": ("caregiver_id", "weekday", "start_minute"),
    "caregiver_open_time": ("caregiver_id", "day", "start_minute", "end_minute"),
    "caregiver_price": ("caregiver_id", "service_type", "band"),
    "caregiver_skill": ("caregiver_id", "skill"),
    "caregiver_exception": (),
}
_MAY_BE_NULL = {("caregiver_exception", "start_minute"), ("caregiver_exception", "end_minute")}


@pytest.fixture
def keyless(full):
    """A store as the versions before made it."""
    migrate(full.url, to="0019_rules")
    with full.connected() as connection:
        for name in _UNIQUE:
            _make_as_before(connection, name)
        connection.commit()
    return full


def _make_as_before(connection, name):
    today, others = metadata.tables[name], MetaData()
    columns = [column for column in today.columns if column.name != "exception_id"]
    Table("t_caregiver_info", others, Column("caregiver_id", code(32), primary_key=True))  # only referred to
    before = Table(
        name,
        others,
        *[Column(one.name, one.type, nullable=(name, one.name) in _MAY_BE_NULL) for one in columns],
        ForeignKeyConstraint(
            ["caregiver_id"], ["t_caregiver_info.caregiver_id"], name=f"fk_{name}_caregiver_id", ondelete="RESTRICT"
        ),
        *[UniqueConstraint(*unique, name=f"uq_{name}_{'_'.join(unique)}") for unique in [_UNIQUE[name]] if unique],
        *[Index(one.name, *[column.name for column in one.columns]) for one in today.indexes],
        prefixes=["/* on purpose */"],  # the tests refuse any other table without a key
    )
    rows = [dict(row) for row in connection.execute(select(*columns)).mappings()]
    assert rows
    if name == "caregiver_exception":
        rows.append(rows[0])  # nothing kept two alike apart
    before.drop(connection)
    before.create(connection)
    connection.execute(insert(before), rows)


def _keys_of(store):
    with store.connected() as connection:
        inspector = inspect(connection)
        return {name: tuple(inspector.get_pk_constraint(name)["constrained_columns"]) for name in _UNIQUE}


def _differences(store):
    with store.connected() as connection:
        return differences(connection)


def test_every_table_has_a_primary_key():
    assert [name for name, table in metadata.tables.items() if not table.primary_key.columns] == []


def test_tables_without_a_key_get_one_and_keep_their_rows(keyless):
    assert set(_keys_of(keyless).values()) == {()}
    before = shapes_of(keyless)
    known = in_common(before, before)
    kept = digests(keyless, known)
    assert migrate(keyless.url) == ["0020_keys"]
    assert _keys_of(keyless) == _UNIQUE | {"caregiver_exception": ("exception_id",)}
    assert digests(keyless, in_common(before, shapes_of(keyless))) == kept
    assert _differences(keyless) == []


def test_a_program_of_the_version_before_writes_on_without_a_number(keyless):
    migrate(keyless.url)
    table = metadata.tables["caregiver_exception"]
    with keyless.connected() as connection:
        (first, *_) = connection.execute(select(table)).mappings()
        unnumbered = {name: value for name, value in first.items() if name != "exception_id"}
        connection.execute(insert(table), [unnumbered, unnumbered])
        connection.commit()
        numbers = connection.execute(select(table.c.exception_id)).scalars().all()
    assert len(set(numbers)) == len(numbers) >= 4


def test_a_migration_that_died_in_the_middle_is_gone_on_with(keyless):
    """On MySQL every statement stays done; on SQLite none does."""
    if not keyless.is_sqlite:
        with keyless.connected() as connection:
            for name in ("caregiver_district", "caregiver_hours"):
                connection.exec_driver_sql(f"ALTER TABLE {name} ADD PRIMARY KEY ({', '.join(_UNIQUE[name])})")
    assert migrate(keyless.url) == ["0020_keys"]
    assert _differences(keyless) == []
