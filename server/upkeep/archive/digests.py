"""Digests of tables that do not depend on the order of rows.

A store may give rows in any order, and another kind of store in another one. The digests of all rows are added up, so
that the same rows have the same digest wherever they lie. That nobody altered them is the archive's seal to prove.
"""

from hashlib import sha256

_RANGE = 1 << 256


class Digest:
    """Of a multiset of packed rows."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, packed: bytes) -> None:
        self.count += 1
        self._sum += int.from_bytes(sha256(packed).digest())

    @property
    def value(self) -> str:
        """64 hex digits."""
        return f"{self._sum % _RANGE:064x}"
