"""Whether this instance has the secrets of the others.

With another signing secret it would refuse their tokens, with another field key it would write what they cannot
open. The first instance leaves a fingerprint of each secret in the database, and every further one compares. A
fingerprint is a keyed hash of a secret of at least 32 bytes: nothing can be learned from it.
"""

import hashlib
import hmac
from collections.abc import Mapping

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from server.storage.sql import Database
from server.storage.tables.system import cluster_secret
from server.storage.transaction import Transaction

_KNOWN = select(cluster_secret.c.name, cluster_secret.c.fingerprint)
_NOTE = insert(cluster_secret)


def fingerprint(name: str, secret: str) -> str:
    """64 hex digits that tell secrets of one name apart."""
    return hmac.new(secret.encode(), f"peihu/fingerprint/{name}".encode(), hashlib.sha256).hexdigest()


async def strange_secrets(database: Database, secrets: Mapping[str, str]) -> list[str]:
    """Names of the secrets that are not those of the other instances; new ones are noted. Raises Unavailable."""
    mine = {name: fingerprint(name, secret) for name, secret in secrets.items()}
    known = await _known(database)
    missing = {name: print_ for name, print_ in mine.items() if name not in known}
    if missing:
        try:
            await database.write(lambda tx: _note(tx, missing))
        except IntegrityError:
            pass  # another instance started at the same moment; now it counts what it noted
        known = await _known(database)
    return sorted(name for name, print_ in mine.items() if known[name] != print_)


async def exchange(database: Database, name: str, secret: str) -> None:
    """From now on the instances have this secret; those that run with another must be stopped before."""
    print_ = fingerprint(name, secret)
    change = update(cluster_secret).where(cluster_secret.c.name == name).values(fingerprint=print_)

    async def body(tx: Transaction) -> None:
        if await tx.run(change) == 0:
            await _note(tx, {name: print_})

    await database.write(body)


async def _known(database: Database) -> dict[str, str]:
    async with database.read() as tx:
        return {row["name"]: row["fingerprint"] for row in await tx.all(_KNOWN)}


async def _note(tx: Transaction, missing: Mapping[str, str]) -> None:
    rows = [{"name": name, "fingerprint": print_} for name, print_ in sorted(missing.items())]
    await tx.run(_NOTE, rows)
