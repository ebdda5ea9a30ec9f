"""Writes the demo world, or a generated one, into the store.

Rows stream in batches, so that a hundred thousand orders need no more memory than a hundred.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

from server.core.clock import server_now, shanghai_date
from server.core.progress import Progress
from server.demo.bookings import Booked, families_for, generate_booked, most_orders
from server.demo.certificates import draw_papers
from server.demo.lettering import find_cjk_font
from server.demo.numbers import PEOPLE_PER_KIND, phone_number
from server.demo.people import GeneratedCaregiver, generate_caregiver, generate_family
from server.demo.portraits import draw_portrait
from server.demo.rows import PeopleRows, PlantedFiles, Row, demo_id, morning_of
from server.demo.rows_money import OrderPeople
from server.demo.rows_orders import OrderRows
from server.demo.upcoming import generate_upcoming, upcoming_among
from server.demo.world import DEMO_PASSWORD, World, describe_world
from server.identity.passwords import Passwords
from server.identity.store import find_by_phone
from server.roster.catalog import DEFAULT_CATALOG, Catalog
from server.roster.store_recount import recount_caregivers
from server.storage.files.port import FileStore
from server.storage.schema import metadata
from server.storage.sql import Database
from server.storage.tables.roster import stored_file

_ROWS_AT_ONCE = 2_000

_INSERT = {table: table.insert() for table in metadata.sorted_tables}


class CannotPlant(Exception):
    """Why a world cannot be made, in one sentence."""


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
        for table, row in self._small_rows(world, people, pictures, today=today):
            rows[table].append(row)

        async def body(tx: Any) -> None:
            await _insert(tx, rows)
            await recount_caregivers(tx)

        await self._database.write(body)  # all or nothing: a start that is cut short is begun anew

    def _small_rows(
        self, world: World, people: PeopleRows, pictures: list[tuple[PlantedFiles, list[Row]]], *, today: date
    ) -> Iterator[Row]:
        boss, families = world.administrator, (*world.families, *world.former_families)
        yield from people.account("admin", boss.name, boss.phone, world.caregivers[0].registered_on)
        yield from chain.from_iterable(people.family(family) for family in families)
        for person, (files, file_rows) in zip(world.caregivers, pictures, strict=True):
            account, *rest = people.caregiver(person, files)
            yield from (account, *file_rows, *rest)
        orders = OrderRows(market=self._market, world="demo", today=today)
        for order in world.history:
            family = world.former_families[order.family_index]
            booked = Booked(order, world.caregivers[order.caregiver_index], family)
            yield from orders.rows(order, _people_of(people, booked))

    async def plant_generated(self, *, caregivers: int, orders: int, seed: int, progress: Progress) -> None:
        """A world of that size, the same for the same seed and day. Raises CannotPlant."""
        today = shanghai_date(server_now())
        await self._require_room(caregivers=caregivers, orders=orders, seed=seed)
        people = await self._people_rows(f"seed {seed}")
        sample = generate_caregiver(0, seed=seed, today=today, market=self._market)
        files, file_rows = await self._pictures(people, sample, today=today)
        size = _Size(caregivers=caregivers, orders=orders, seed=seed, today=today, market=self._market)
        progress.begin("people", caregivers + size.families)
        await self._write(_counted(_people_rows(people, files, file_rows, size), progress))
        progress.begin("orders", orders)
        await self._write(_counted(_order_rows(people, size), progress))
        await self._database.write(recount_caregivers)

    async def _require_room(self, *, caregivers: int, orders: int, seed: int) -> None:
        if orders > most_orders(caregivers):
            raise CannotPlant(f"{caregivers} caregivers can have at most {most_orders(caregivers)} orders")
        if caregivers > PEOPLE_PER_KIND:
            raise CannotPlant(f"there are phones for {PEOPLE_PER_KIND} caregivers")
        async with self._database.read() as tx:
            if await find_by_phone(tx, phone_number(0, kind="caregiver", seed=seed)) is not None:
                raise CannotPlant(f"a world of seed {seed} is there already (seeds that end in one digit share phones)")

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

    async def _write(self, units: Iterable[list[Row]]) -> None:
        """In the order of the foreign keys within each batch; a batch ends between two people or orders."""
        batch: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        waiting = 0
        for unit in units:
            for table, row in unit:
                batch[table].append(row)
            waiting += len(unit)
            if waiting >= _ROWS_AT_ONCE:
                await self._database.write(lambda tx, rows=batch: _insert(tx, rows))
                batch, waiting = defaultdict(list), 0
        await self._database.write(lambda tx, rows=batch: _insert(tx, rows))


def _counted(units: Iterable[list[Row]], progress: Progress) -> Iterator[list[Row]]:
    for unit in units:
        yield unit
        progress.advance(1)


async def _insert(tx: Any, rows: dict[Any, list[dict[str, Any]]]) -> None:
    """In the order of the foreign keys."""
    for table in metadata.sorted_tables:
        if table in rows:
            columns = sorted(set().union(*rows[table]))
            await tx.run(_INSERT[table], [{name: row.get(name) for name in columns} for row in rows[table]])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """A generated world before it is made."""

    caregivers: int
    orders: int
    seed: int
    today: date
    market: Catalog

    @property
    def families(self) -> int:
        return families_for(caregivers=self.caregivers, orders=self.orders)


def _people_rows(
    people: PeopleRows, files: PlantedFiles, file_rows: list[Row], size: _Size
) -> Iterator[list[Row]]:
    """The rows of each person; every caregiver shows the first one's pictures."""
    for index in range(size.caregivers):
        person = generate_caregiver(index, seed=size.seed, today=size.today, market=size.market)
        account, *rest = people.caregiver(person, files)
        yield [account, *(file_rows if index == 0 else ()), *rest]
    for index in range(size.families):
        yield list(people.family(generate_family(index, seed=size.seed, today=size.today)))


def _order_rows(people: PeopleRows, size: _Size) -> Iterator[list[Row]]:
    """The rows of each order: what lies ahead, then the past."""
    history = OrderRows(market=size.market, world=f"seed {size.seed}", today=size.today)
    of_world = {"seed": size.seed, "today": size.today, "market": size.market}
    ahead = upcoming_among(size.orders, caregivers=size.caregivers)
    past = size.orders - ahead
    for booked in chain(
        generate_upcoming(ahead, first=past, **of_world),
        generate_booked(past, caregivers=size.caregivers, families=size.families, **of_world),
    ):
        yield list(history.rows(booked.order, _people_of(people, booked)))


def _people_of(people: PeopleRows, booked: Booked) -> OrderPeople:
    family = booked.family
    return OrderPeople(
        user_id=people.user_id(family.phone, family.registered_on),
        patient_id=people.patient_id(family, booked.order.patient_index),
        contact_phone=family.phone,
        caregiver_id=people.caregiver_id(booked.caregiver),
    )
