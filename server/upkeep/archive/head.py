"""The readable beginning of an archive.

What it is and of when: one line of ASCII, then the head as JSON behind its length. It is bound into every chunk, so an
altered one opens nothing; until then it is only good for saying sooner what does not fit.
"""

import hmac
import json
import os
import struct
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, BinaryIO, Self

from server.upkeep.archive.cipher import SALT_BYTES, derive
from server.upkeep.archive.problems import BadArchive

FORMAT = 1
_MAGIC = b"PEIHU BACKUP\n"
_LENGTH = struct.Struct(">H")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """`schema`: the revision of the tables; `sealed_with`: the id of the field key inside; `key`: whose it is."""

    created_at: str
    tool: str
    schema: str
    sealed_with: str
    key: str
    salt: str
    key_check: str
    format: int = FORMAT

    @classmethod
    def begin(cls, *, secret: bytes, key: str, created_at: datetime, tool: str, schema: str, sealed_with: str) -> Self:
        """A head with a fresh salt."""
        salt = os.urandom(SALT_BYTES)
        return cls(
            created_at=created_at.isoformat(timespec="seconds"), tool=tool, schema=schema, sealed_with=sealed_with,
            key=key, salt=salt.hex(), key_check=derive(secret, salt, "check").hex(),
        )  # fmt: skip

    def encoded(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode("ascii")

    def fits(self, secret: bytes) -> bool:
        """Whether the archive was made with this secret."""
        return hmac.compare_digest(derive(secret, bytes.fromhex(self.salt), "check").hex(), self.key_check)

    def purpose_key(self, secret: bytes, purpose: str) -> bytes:
        return derive(secret, bytes.fromhex(self.salt), purpose)

    def write(self, file: BinaryIO) -> None:
        encoded = self.encoded()
        file.write(_MAGIC + _LENGTH.pack(len(encoded)) + encoded)


def read_head(file: BinaryIO, *, name: str) -> tuple[Head, bytes]:
    """The head and its bytes. Raises BadArchive."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise BadArchive(f"{name} is no backup of Peihu")
    length = file.read(_LENGTH.size)
    encoded = file.read(_LENGTH.unpack(length)[0]) if len(length) == _LENGTH.size else b""
    try:
        values = json.loads(encoded)
        if values["format"] > FORMAT:
            raise BadArchive(
                f"{name} was written by a newer version of Peihu ({values['tool']}, format {values['format']}); "
                "restore it with that one"
            )
        return _head_of(values), encoded
    except (ValueError, KeyError, TypeError):
        raise BadArchive(f"{name} is damaged: its beginning cannot be read") from None


def _head_of(values: dict[str, Any]) -> Head:
    """Raises ValueError, KeyError, TypeError."""
    head = Head(**{field.name: values[field.name] for field in fields(Head)})
    are_plain = all(isinstance(one, str | int) for one in asdict(head).values())
    if len(bytes.fromhex(head.salt)) != SALT_BYTES or not are_plain:
        raise ValueError
    return head
