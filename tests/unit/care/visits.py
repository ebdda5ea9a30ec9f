"""Orders with their people, put straight into the store."""
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Date, Integer, Table, insert, update

from server.core.call import Actor, Call
from server.core.clock import BusinessClock
from server.core.ids import new_id
from server.storage.columns import Instant
from server.storage.sql import Database
from server.storage.tables.booking import t_order
from server.storage.tables.roster import patient_viewer, stored_file, t_caregiver_info, t_patient_info
from tests.stores import make_user


def filled(table: Table, at: datetime, **values: Any) -> dict[str, Any]:
    """A row of a table: the given values, and something plausible wherever one is required."""
    row = dict(values)
    for column in table.columns:
        if column.name in row or column.nullable or column.server_default is not None:
            continue
        match column.type:
            case Instant():
                row[column.name] = at
            case Date():
                row[column.name] = date(1980, 1, 1)
            case Boolean():
                row[column.name] = False
            case Integer():
                row[column.name] = 1
            case _:
                row[column.name] = "x"
    return row


@dataclass
class Visit:
    """An order, its party and strangers; each person as an actor."""

    database: Database
    order_id: str
    patient_id: str
    caregiver_id: str
    booker: Actor
    viewer: Actor
    silent_viewer: Actor
    caregiver: Actor
    other_caregiver: Actor
    stranger: Actor
    admin: Actor

    async def change(self, **values: Any) -> None:
        statement = update(t_order).where(t_order.c.order_id == self.order_id).values(**values)
        await self.database.write(lambda tx: tx.run(statement))


def call_of(actor: Actor | None) -> Call:
    return Call(actor=actor, request_id=new_id(), remote_address="127.0.0.1")


async def make_actor(database: Database, user_type: str) -> Actor:
    return Actor(await make_user(database, user_type), user_type, new_id())


async def put(database: Database, table: Table, at: datetime, **values: Any) -> None:
    await database.write(lambda tx: tx.run(insert(table).values(**filled(table, at, **values))))


async def make_caregiver(database: Database, at: datetime) -> tuple[Actor, str]:
    actor, caregiver_id = await make_actor(database, "caregiver"), new_id()
    await put(database, t_caregiver_info, at, caregiver_id=caregiver_id, user_id=actor.user_id)
    return actor, caregiver_id


async def make_visit(database: Database, clock: BusinessClock, *, status: str = "in_service") -> Visit:
    """An accepted order in `status`, which has begun an hour ago."""
    now = clock.now()
    booker = await make_actor(database, "patient")
    caregiver, caregiver_id = await make_caregiver(database, now)
    other_caregiver, _ = await make_caregiver(database, now)
    patient_id, order_id = new_id(), new_id()
    await put(database, t_patient_info, now, patient_id=patient_id, user_id=booker.user_id)
    times = {"accepted_at": now - timedelta(hours=2), "started_at": now - timedelta(hours=1)}
    await put(
        database, t_order, now, order_id=order_id, user_id=booker.user_id, patient_id=patient_id,
        caregiver_id=caregiver_id, status=status, **times,
    )
    viewers = []
    for may_chat in (True, False):
        viewer = await make_actor(database, "patient")
        await put(database, patient_viewer, now, patient_id=patient_id, user_id=viewer.user_id, may_chat=may_chat)
        viewers.append(viewer)
    return Visit(
        database, order_id, patient_id, caregiver_id, booker, *viewers, caregiver, other_caregiver,
        await make_actor(database, "patient"), await make_actor(database, "admin"),
    )


async def make_file(
    database: Database, owner: Actor, at: datetime, *, purpose: str, media_type: str = "image/jpeg", **values: Any
) -> str:
    """A row of an upload, without bytes behind it."""
    file_id = new_id()
    row = {"file_id": file_id, "user_id": owner.user_id, "purpose": purpose, "media_type": media_type}
    await put(database, stored_file, at, **row, store_key=new_id(), **values)
    return file_id
