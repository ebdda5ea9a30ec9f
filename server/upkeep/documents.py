"""What lives in MongoDB, on its way into an archive and back.

An archive has it as rows of the tables in which it lies where there is no MongoDB, so it fits every configuration. The
SQL snapshot decides the moment: what had moved by then is read from MongoDB, what moved later is in the snapshot still.
A restore puts everything into SQL, from where it moves again.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from server.core.ids import new_id
from server.storage.behaviour.documents import BehaviourDocuments
from server.storage.channel_log.settled import SettledEvents
from server.storage.documents.belonging import MARK, OF_ANOTHER, begin_anew, is_empty, mark_in
from server.storage.documents.mongo import Mongo
from server.storage.sealed import FieldKeys
from server.storage.tables.system import behaviour_event, channel_event, channel_head, cluster_secret
from server.upkeep.sql.shapes import TableShape
from server.upkeep.sql.snapshot import Snapshot

_HEADS_AT_ONCE = 500
_EVENTS_AT_ONCE = 2_000  # of several channels; of one it may be more, as many as retention leaves


class WrongDocuments(Exception):
    """Why these documents cannot be used, in one sentence for the operator."""


class Documents:
    """The documents of one SQL store. All calls raise Unavailable."""

    def __init__(self, mongo: Mongo, *, keys: FieldKeys) -> None:
        self._mongo = mongo
        self._settled = SettledEvents(mongo=mongo, keys=keys)
        self._behaviour = BehaviourDocuments(mongo=mongo)

    @property
    def place(self) -> str:
        """For people; without the password."""
        return self._mongo.address.place

    async def require_those_of(self, snapshot: Snapshot) -> None:
        """Raises WrongDocuments."""
        found, expected = await mark_in(self._mongo), snapshot.fingerprint(MARK)
        if found != expected:
            what = "are gone: nothing there is of this SQL database" if found is None else OF_ANOTHER
            raise WrongDocuments(f"the documents at {self.place} {what}")
        self._mongo.is_admitted = True

    async def rows_of(self, shape: TableShape, snapshot: Snapshot) -> AsyncIterator[list[list[Any]]]:
        """What is in MongoDB of a table, and not in the snapshot; some hundred rows at once."""
        if shape.name == channel_event.name and snapshot.fingerprint(MARK) is not None:
            for borders in _borders(snapshot.connection):
                events = await self._settled.all_of(borders)
                if events:
                    yield [_row(one | {"event_key": one["key"]}, shape) for one in events]
        if shape.name == behaviour_event.name and snapshot.fingerprint(MARK) is not None:
            async for some in self._behaviour.pages():
                moved_later = _ids_in(snapshot.connection, [one["_id"] for one in some])
                rows = [_row(one | {"event_id": one["_id"]}, shape) for one in some if one["_id"] not in moved_later]
                if rows:
                    yield rows

    async def require_free(self, *, replace: bool) -> None:
        """Raises WrongDocuments when there is anything that must not be replaced."""
        if not replace and not await is_empty(self._mongo):
            raise WrongDocuments(f"{self.place} is not empty; say --replace to put the backup in its place")
        self._mongo.is_admitted = True

    def mark(self, connection: Connection) -> str:
        """From now on they are those of this SQL store, which is about to go live."""
        mark = new_id()
        connection.execute(insert(cluster_secret).values(name=MARK, fingerprint=mark))
        connection.commit()
        return mark

    async def begin_anew(self, mark: str) -> None:
        """The SQL store has gone live, and everything is in it."""
        await begin_anew(self._mongo, mark)


def without_border(shape: TableShape, row: list[Any]) -> list[Any]:
    """A head's row as it is where no events have moved."""
    if shape.name == channel_head.name and channel_head.c.settled.name in shape.names:
        row[shape.names.index(channel_head.c.settled.name)] = 0
    return row


def _borders(connection: Connection) -> Iterator[dict[str, tuple[str, int]]]:
    """{channel: (epoch, border)} of all channels of which something has moved, as many at once as may be read at once."""
    head, last = channel_head.c, ""
    waiting: dict[str, tuple[str, int]] = {}
    while True:
        moved = select(head.channel, head.epoch, head.settled).where(head.settled > 0, head.channel > last)
        heads = connection.execute(moved.order_by(head.channel).limit(_HEADS_AT_ONCE)).all()
        for one in heads:
            waiting[one.channel] = (one.epoch, one.settled)
            if sum(border for _, border in waiting.values()) >= _EVENTS_AT_ONCE:
                yield waiting
                waiting = {}
        if len(heads) < _HEADS_AT_ONCE:
            break
        last = heads[-1].channel
    if waiting:
        yield waiting


def _ids_in(connection: Connection, event_ids: list[str]) -> set[str]:
    """Behaviour events that were rows still when the snapshot was taken."""
    column = behaviour_event.c.event_id
    return set(connection.scalars(select(column).where(column.in_(event_ids))))


def _row(document: dict[str, Any], shape: TableShape) -> list[Any]:
    return [_plain(document[name]) for name in shape.names]


def _plain(value: Any) -> Any:
    """As an archive has it: instants are texts."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")
    return value
