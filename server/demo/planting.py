"""Writes the demo world, or a generated one, into the store.

Rows stream in batches, so that a hundred thousand orders need no more memory than a hundred.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from typing import Any

from server.core.clock import server_now, shanghai_date
from server.demo.bookings import GeneratedOrder, families_for, generate_orders
from server.demo.certificates import draw_papers
from server.demo.lettering import find_cjk_font
from server.demo.people import GeneratedCaregiver, GeneratedFamily, generate_caregiver, generate_family
from server.demo.portraits import draw_portrait
from server.demo.rows import PeopleRows, PlantedFiles, Row, demo_id, morning_of
from server.demo.rows_orders import OrderPeople, OrderRows
from server.demo.world import DEMO_PASSWORD, World, describe_world
from server.identity.passwords import Passwords
from server.roster.catalog import DEFAULT_CATALOG, Catalog
from server.roster.store_recount import recount_caregivers
from server.storage.files.port import FileStore
from server.storage.schema import metadata
from server.storage.sql import Database
from server.storage.tables.roster import stored_file

_ROWS_AT_ONCE = 2_000


class Planter:
    """Plants worlds into one database; every planting is one transaction a batch."""

    def __init__(self, *, database: Database, files: FileStore, market: Catalog = DEFAULT_CATALOG) -> None:
        self._database = database
        self._files = files
        self._market = market
        self._font = find_cjk_font()

    async def plant_small(self) -> None:
        """The demo world of contract.md §9."""
        today = shanghai_date(server_now())
        world = describe_world(self._market, today=today)
        people = await self._people_rows("demo")
        pictures = [await self._pictures(people, person, today=today) for person in world.caregivers]
        rows: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for table, row in self._small_rows(world, people, pictures):
            rows[table].append(row)

        async def body(tx: Any) -> None:
            await _insert(tx, rows)
            await recount_caregivers(tx)

        await self._database.write(body)  # all or nothing: a start that is cut short is begun anew

    def _small_rows(
        self, world: World, people: PeopleRows, pictures: list[tuple[PlantedFiles, list[Row]]]
    ) -> Iterator[Row]:
        boss, families = world.administrator, (*world.families, *world.former_families)
        yield from people.account("admin", boss.name, boss.phone, world.caregivers[0].registered_on)
        yield from chain.from_iterable(people.family(family) for family in families)
        for person, (files, file_rows) in zip(world.caregivers, pictures, strict=True):
            account, *rest = people.caregiver(person, files)
            yield from (account, *file_rows, *rest)
        orders = OrderRows(market=self._market, world="demo")
        for order in world.history:
            family = world.former_families[order.family_index]
            yield from orders.rows(order, _people_of(people, order, family, world.caregivers[order.caregiver_index]))

    async def plant_generated(self, *, caregivers: int, orders: int, seed: int) -> None:
        """A world of that size, the same for the same seed and day."""
        today = shanghai_date(server_now())
        people = await self._people_rows(f"seed {seed}")
        sample = generate_caregiver(0, seed=seed, today=today, market=self._market)
        files, file_rows = await self._pictures(people, sample, today=today)
        rows = _generated_rows(
            people, files, file_rows, caregivers=caregivers, orders=orders, seed=seed, today=today, market=self._market
        )
        await self._write(rows)
        await self._database.write(recount_caregivers)

    async def _people_rows(self, world: str) -> PeopleRows:
        passwords = Passwords()
        try:
            password_hash = await passwords.hash(DEMO_PASSWORD)
        finally:
            passwords.close()
        return PeopleRows(keys=self._database.keys, password_hash=password_hash, world=world)

    async def _pictures(
        self, people: PeopleRows, person: GeneratedCaregiver, *, today: date
    ) -> tuple[PlantedFiles, list[Row]]:
        """Draw, store and describe a caregiver's portrait and papers."""
        portrait = await asyncio.to_thread(
            draw_portrait, person.phone, gender=person.gender, age=today.year - person.birth_date.year
        )
        papers = await asyncio.to_thread(draw_papers, person, portrait=portrait, font_path=self._font)
        drawn = {
            "photo": portrait,
            "id_card_front": papers.id_card_front,
            "id_card_back": papers.id_card_back,
            "certificate": papers.certificate,
            "health_certificate": papers.health_certificate,
        }
        user_id = people.user_id(person.phone, person.registered_on)
        ids, rows = {}, []
        for name, content in drawn.items():
            purpose = "photo" if name == "photo" else "qualification"
            key = await self._files.put(content)
            row = {
                "file_id": demo_id(morning_of(person.registered_on), "file", name, person.phone),
                "user_id": user_id,
                "purpose": purpose,
                "store_key": key,
                "media_type": "image/jpeg",
                "size_bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "created_at": morning_of(person.registered_on),
            }
            ids[name] = row["file_id"]
            rows.append((stored_file, row))
        return PlantedFiles(**ids), rows

    async def _write(self, rows: Iterable[Row]) -> None:
        """In the order of the foreign keys within each batch; a batch ends between two people or orders."""
        batch: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        waiting = 0
        for table, row in rows:
            batch[table].append(row)
            waiting += 1
            if waiting >= _ROWS_AT_ONCE:
                await self._database.write(lambda tx, rows=batch: _insert(tx, rows))
                batch, waiting = defaultdict(list), 0
        await self._database.write(lambda tx, rows=batch: _insert(tx, rows))


async def _insert(tx: Any, rows: dict[Any, list[dict[str, Any]]]) -> None:
    """In the order of the foreign keys."""
    for table in metadata.sorted_tables:
        if table in rows:
            columns = set().union(*rows[table])
            await tx.run(table.insert(), [{name: row.get(name) for name in columns} for row in rows[table]])


def _generated_rows(
    people: PeopleRows,
    files: PlantedFiles,
    file_rows: list[Row],
    *,
    caregivers: int,
    orders: int,
    seed: int,
    today: date,
    market: Catalog,
) -> Iterator[Row]:
    """All rows of a generated world; every caregiver shows the first one's pictures."""
    for index in range(caregivers):
        account, *rest = people.caregiver(generate_caregiver(index, seed=seed, today=today, market=market), files)
        yield account
        yield from file_rows if index == 0 else ()
        yield from rest
    for index in range(families_for(caregivers=caregivers, orders=orders)):
        yield from people.family(generate_family(index, seed=seed, today=today))
    history = OrderRows(market=market, world=f"seed {seed}")
    for order in generate_orders(orders, caregivers=caregivers, seed=seed, today=today, market=market):
        caregiver = generate_caregiver(order.caregiver_index, seed=seed, today=today, market=market)
        family = generate_family(order.family_index, seed=seed, today=today)
        yield from history.rows(order, _people_of(people, order, family, caregiver))


def _people_of(
    people: PeopleRows, order: GeneratedOrder, family: GeneratedFamily, caregiver: GeneratedCaregiver
) -> OrderPeople:
    return OrderPeople(
        user_id=people.user_id(family.phone, family.registered_on),
        patient_id=people.patient_id(family, order.patient_index),
        contact_phone=family.phone,
        caregiver_id=people.caregiver_id(caregiver),
    )
