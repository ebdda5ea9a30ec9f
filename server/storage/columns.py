"""Column types and naming that all tables share.

Text keys compare byte by byte on every database; instants are UTC to the millisecond.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, MetaData, String, Text
from sqlalchemy.dialects.mysql import DATETIME, TEXT, VARCHAR
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

    def bind_processor(self, dialect: Dialect) -> Any:
        """SQLite keeps text: made at once, where the general way through a naive datetime costs five times as much."""
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """The same way back."""
        return _as_instant if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def _as_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a naive datetime is not an instant")
    return value.astimezone(UTC).isoformat(" ", "milliseconds")[:23] + "000"


def _as_instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


class _Exactly(TypeDecorator[str]):
    """Text of MySQL that is compared byte by byte, spaces at its end included.

    Not `ascii`: to compare such a column with what a stranger gives for an id is an error there, not a "no". And both
    brands take "a" and "a " for equal, in every collation that both have. No code of ours ends with a space; given one
    that does, a sign is added that none has, so that it finds nothing.
    """

    impl = VARCHAR
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length, charset="utf8mb4", collation="utf8mb4_bin")

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return f"{value}\0" if value is not None and value.endswith(" ") else value


def code(length: int = 32) -> Any:
    """Text that is compared exactly: ids, enumerations, hashes."""
    return String(length).with_variant(_Exactly(length), "mysql", "mariadb")


def searched(length: int | None = None) -> Any:
    """Text that people look for: great and small letters are alike (on SQLite those of ASCII)."""
    kind = {"charset": "utf8mb4", "collation": "utf8mb4_unicode_ci"}
    if length is None:
        return Text().with_variant(TEXT(**kind), "mysql", "mariadb")
    return String(length).with_variant(VARCHAR(length, **kind), "mysql", "mariadb")


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
