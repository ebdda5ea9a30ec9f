"""Column types and naming that all tables share.

Text keys compare byte by byte on every database; instants are UTC to the millisecond.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, MetaData, String
from sqlalchemy.dialects.mysql import DATETIME, VARCHAR
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    return MetaData(naming_convention=_NAMING)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, stored to the millisecond; naive values are refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(DATETIME(fsp=3))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is not an instant")
        value = value.astimezone(UTC)
        return value.replace(microsecond=value.microsecond // 1000 * 1000, tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def code(length: int = 32) -> Any:
    """Text that is compared exactly: ids, enumerations, hashes."""
    return String(length).with_variant(VARCHAR(length, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")


def key(name: str) -> Column[str]:
    """A primary key holding an id of `core.ids`."""
    return Column(name, code(), primary_key=True)


def ref(name: str, target: str, **how: bool) -> Column[str]:
    """A foreign key (not null unless said); rows are never deleted from under others."""
    return Column(name, code(), ForeignKey(target, ondelete="RESTRICT"), **{"nullable": False, **how})


def serial(name: str) -> Column[int]:
    """A number the database counts up; INTEGER on SQLite, where only that counts by itself."""
    return Column(name, number(), primary_key=True, autoincrement=True)


def number() -> Any:
    """A 64-bit integer that counts up as a primary key everywhere."""
    return BigInteger().with_variant(Integer(), "sqlite")
