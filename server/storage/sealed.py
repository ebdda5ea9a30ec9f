"""Sealed columns: authenticated encryption at rest.

A sealed value is `key id . nonce+ciphertext` in URL-safe base64. The column's own name is bound in as
associated data, so that a value copied into another column does not open. What must be looked up
stands beside it as a keyed hash. The keys come in with the engine (`use_keys`), never from a module.
"""

import base64
import hashlib
import hmac
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Text
from sqlalchemy.dialects.mysql import MEDIUMTEXT
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class SealBroken(Exception):
    """A stored value does not open: another key, another column, or it was tampered with."""


class FieldKeys:
    """The keys for sealing and for lookups; `previous` still open but never seal."""

    def __init__(self, current: str, *, previous: tuple[str, ...] = ()) -> None:
        self._ciphers: dict[str, AESGCM] = {}
        for secret in (current, *previous):
            self._ciphers[self._id_of(secret)] = AESGCM(self._derive(secret, b"seal"))
        self._current = self._id_of(current)
        self._lookup = self._derive(current, b"lookup")

    @staticmethod
    def _derive(secret: str, purpose: bytes) -> bytes:
        return hmac.new(secret.encode(), b"peihu/" + purpose, hashlib.sha256).digest()

    @classmethod
    def _id_of(cls, secret: str) -> str:
        return cls._derive(secret, b"id").hex()[:8]

    @property
    def key_id(self) -> str:
        """Tells keys apart, and nothing about them; stands in front of whatever the current one seals."""
        return self._current

    def seal(self, text: str, column: str) -> str:
        nonce = os.urandom(12)
        box = self._ciphers[self._current].encrypt(nonce, text.encode(), column.encode())
        return f"{self._current}.{base64.urlsafe_b64encode(nonce + box).decode()}"

    def open(self, sealed: str, column: str) -> str:
        """Raises SealBroken."""
        key_id, _, body = sealed.partition(".")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken(f"{column}: sealed with the unknown key {key_id!r}")
        try:
            raw = base64.urlsafe_b64decode(body)
            return cipher.decrypt(raw[:12], raw[12:], column.encode()).decode()
        except (InvalidTag, ValueError):  # ValueError: cut short, or never sealed at all
            raise SealBroken(f"{column}: does not open") from None

    def lookup_hash(self, text: str, purpose: str) -> str:
        """64 hex digits for unique keys and equality; `purpose` keeps the columns apart."""
        return hmac.new(self._lookup, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


def use_keys(dialect: Dialect, keys: FieldKeys) -> None:
    """Give an engine's dialect the keys with which its sealed columns work."""
    dialect.peihu_keys = keys  # type: ignore[attr-defined]


class Sealed(TypeDecorator[str]):
    """Text that is sealed in the database and plain in Python; `column` is "table.column"."""

    impl = Text
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(MEDIUMTEXT())  # TEXT ends at 64 KiB
        return dialect.type_descriptor(Text())

    def bind_processor(self, dialect: Dialect) -> Any:
        """Text needs no processing of its own below; asking for it took a good part of sealing."""
        keys, column = dialect.peihu_keys, self.column  # type: ignore[attr-defined]
        return lambda value: None if value is None else keys.seal(value, column)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else dialect.peihu_keys.seal(value, self.column)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else dialect.peihu_keys.open(value, self.column)
