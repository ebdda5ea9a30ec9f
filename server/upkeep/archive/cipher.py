"""Encrypts a stream in chunks that cannot be cut or swapped.

Every archive has a key of its own, derived (HKDF) from the secret and a fresh salt. Each chunk is sealed with
AES-256-GCM under its number and whether it is the last one, and with the archive's head as associated data. So a chunk
that is missing, doubled, moved or taken from elsewhere does not open, and an archive that ends early is known to.
"""

import struct
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.upkeep.archive.problems import BadArchive

SALT_BYTES = 32
CHUNK_BYTES = 256 * 1024
_TAG_BYTES = 16
_LENGTH = struct.Struct(">I")
_LAST = 1 << 31  # in the length of the last chunk
_NONCE = struct.Struct(">3xQ?")  # the key is the archive's alone, so counting is enough


def derive(secret: bytes, salt: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, which tell nothing of the secret or of those for another."""
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"peihu/backup/" + purpose.encode()).derive(secret)


class ChunkWriter:
    """Takes bytes and writes sealed chunks; `finish` writes the last one, which is the end mark."""

    def __init__(self, file: BinaryIO, *, key: bytes, head: bytes) -> None:
        self._file = file
        self._cipher = AESGCM(key)
        self._head = head
        self._number = 0
        self._waiting = bytearray()

    def write(self, content: bytes) -> None:
        self._waiting += content
        while len(self._waiting) > CHUNK_BYTES:  # never the last one: something is left behind
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]

    def finish(self) -> None:
        self._seal(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _seal(self, content: bytes, *, is_last: bool) -> None:
        sealed = self._cipher.encrypt(_NONCE.pack(self._number, is_last), content, self._head)
        self._file.write(_LENGTH.pack(len(sealed) | (_LAST if is_last else 0)))
        self._file.write(sealed)
        self._number += 1


class ChunkReader:
    """Gives the chunks back in order. `read` raises BadArchive and gives nothing that was not proven whole."""

    def __init__(self, file: BinaryIO, *, key: bytes, head: bytes, name: str) -> None:
        self._file = file
        self._cipher = AESGCM(key)
        self._head = head
        self._name = name
        self._number = 0
        self._ended = False

    def read(self) -> bytes | None:
        """The next chunk's bytes; None after the last one."""
        if self._ended:
            return None
        (marked,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        self._ended, length = bool(marked & _LAST), marked & ~_LAST
        if not _TAG_BYTES <= length <= CHUNK_BYTES + _TAG_BYTES:
            raise self._altered()
        sealed = self._exactly(length)
        try:
            content = self._cipher.decrypt(_NONCE.pack(self._number, self._ended), sealed, self._head)
        except InvalidTag:
            raise self._altered() from None
        if self._ended and self._file.read(1):
            raise BadArchive(f"{self._name} is damaged: something stands behind its end")
        self._number += 1
        return content

    def _exactly(self, length: int) -> bytes:
        content = self._file.read(length)
        if len(content) < length:
            raise BadArchive(f"{self._name} is cut off: its end is missing")
        return content

    def _altered(self) -> BadArchive:
        return BadArchive(f"{self._name} is damaged or was altered: part {self._number + 1} is not what was written")
