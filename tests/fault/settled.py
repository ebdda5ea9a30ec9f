"""Puts back into SQL what was settled in MongoDB, so that a checker sees each channel whole."""

from typing import Any

from pymongo import MongoClient
from sqlalchemy.engine import make_url

from server.storage.documents.belonging import MARK
from server.storage.documents.layout import SETTLED_EVENTS
from tests.services.stores import connected

_ASKED_WITHIN_MS = 30_000
_INSERT = (
    "INSERT INTO channel_event (channel, `offset`, event_key, data, size_bytes, at) "
    "VALUES (%(channel)s, %(offset)s, %(key)s, %(data)s, %(size_bytes)s, %(at)s)"
)


def join(database_url: str) -> None:
    """Take the documents of a planted database for those of an empty MongoDB; the demo world's pictures stay behind."""
    with connected(make_url(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO cluster_secret (name, fingerprint) VALUES (%s, %s)", (MARK, "planted"))


def reunite(database_url: str, mongo_url: str) -> int:
    """How many events were settled. Nothing of the product may run any more.

    An event in both stores is found here too: no row may be at a settled offset, so the insert fails. What lies in
    MongoDB beyond a channel's border is the copy of somebody who died half way; nobody reads it.
    """
    url = make_url(database_url)
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT channel, epoch, settled FROM channel_head")
        borders = {channel: (epoch, settled) for channel, epoch, settled in cursor.fetchall()}
        events = [one for one in _documents(mongo_url) if _is_settled(one, borders)]
        for one in events:
            cursor.execute(_INSERT, one)
    return len(events)


def _documents(mongo_url: str) -> list[dict[str, Any]]:
    with MongoClient(mongo_url, timeoutMS=_ASKED_WITHIN_MS, tz_aware=False) as client:
        return list(client.get_default_database()[SETTLED_EVENTS].find())


def _is_settled(one: dict[str, Any], borders: dict[str, tuple[str, int]]) -> bool:
    epoch, settled = borders.get(one["channel"], ("", 0))
    return bool(one["epoch"] == epoch and one["offset"] <= settled)
