"""The people of the composed tests: many alike, no pictures.

Twenty-four caregivers of one district who sell everything around the clock at the base price, and as many
families with two patients each; whoever needs a difference makes it.
"""
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import chain

from sqlalchemy import insert

from server.core.clock import server_now, shanghai_date
from server.demo.numbers import demo_phone, id_number
from server.demo.people import GeneratedCaregiver, GeneratedFamily
from server.demo.rows import PeopleRows, PlantedFiles, morning_of
from server.demo.world import describe_world
from server.identity import store_logins
from server.roster.catalog import DEFAULT_CATALOG
from server.storage.schema import metadata
from server.storage.sql import Database
from server.storage.tables.identity import login, t_user
from server.storage.tables.roster import stored_file

CAREGIVERS, FAMILIES = 24, 24
HOSPITAL = "bj-renmin"  # in the caregivers' district
NEIGHBOUR = "bj-diyi"  # another hospital of the same district
_FILE = "f" * 26
_COUNTY = "0200"  # keeps these ID numbers apart from the demo world's


@dataclass(slots=True)
class Person:
    """Somebody who can call: ids of the account and of what it has."""

    user_id: str
    user_type: str
    login_id: str
    caregiver_id: str = ""
    patient_ids: tuple[str, ...] = ()
    token: str = field(default="", repr=False)
    token_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody of a planted store."""

    admin: Person
    families: tuple[Person, ...]
    caregivers: tuple[Person, ...]

    def everybody(self) -> tuple[Person, ...]:
        return (self.admin, *self.families, *self.caregivers)


@cache
def _people() -> tuple[list[GeneratedFamily], list[GeneratedCaregiver]]:
    """The same until the process ends: who was planted before midnight is found after it."""
    world = describe_world(DEFAULT_CATALOG, today=shanghai_date(server_now()))
    carer, family = world.caregivers[0], world.families[0]
    carers = [
        replace(
            carer,
            index=number,
            phone=demo_phone(2_000 + number),
            id_number=id_number(number, birth_date=carer.birth_date, gender=carer.gender, county=_COUNTY),
        )
        for number in range(CAREGIVERS)
    ]
    families = [
        replace(family, index=number, phone=demo_phone(3_000 + number), patients=_patients(family, number))
        for number in range(FAMILIES)
    ]
    return families, carers


def _patients(family: GeneratedFamily, number: int) -> tuple:
    return tuple(
        replace(
            patient,
            id_number=id_number(
                10 * number + place, birth_date=patient.birth_date, gender=patient.gender, county=_COUNTY
            ),
        )
        for place, patient in enumerate(family.patients)
    )


async def plant_cast(database: Database) -> None:
    """Write everybody with a login each into an empty, migrated store."""
    families, carers = _people()
    people = PeopleRows(keys=database.keys, password_hash="!", world="cast")
    files = PlantedFiles(None, _FILE, _FILE, _FILE, _FILE)
    boss = people.account("admin", "管理员", demo_phone(1), carers[0].registered_on)
    everybody = chain(boss, *map(people.family, families), *(people.caregiver(one, files) for one in carers))
    batch = defaultdict(list)
    for table, row in everybody:
        batch[table].append(row)
    batch[stored_file].append(_file_row(people.user_id(carers[0].phone, carers[0].registered_on), carers[0]))

    async def body(tx):
        for table in metadata.sorted_tables:
            await tx.run(insert(table), batch[table])
        for row in batch[t_user]:
            user_id, now = row["user_id"], server_now()
            kept_until = now + timedelta(days=30)
            await store_logins.add_login(tx, user_id, refresh_token=user_id, now=now, expires_at=kept_until)

    await database.write(body)


def _file_row(user_id: str, person: GeneratedCaregiver) -> dict:
    return {
        "file_id": _FILE,
        "user_id": user_id,
        "purpose": "qualification",
        "store_key": "no-such-file",
        "media_type": "image/jpeg",
        "size_bytes": 1,
        "sha256": "0" * 64,
        "created_at": morning_of(person.registered_on),
    }


async def find_cast(database: Database) -> Cast:
    """Everybody of a store that `plant_cast` has filled."""
    families, carers = _people()
    people = PeopleRows(keys=database.keys, password_hash="!", world="cast")
    async with database.read() as tx:
        logins = {row["user_id"]: row["login_id"] for row in await tx.all(login.select())}

    def person(phone: str, registered_on: date, user_type: str, **more) -> Person:
        user_id = people.user_id(phone, registered_on)
        return Person(user_id, user_type, logins[user_id], **more)

    return Cast(
        admin=person(demo_phone(1), carers[0].registered_on, "admin"),
        families=tuple(
            person(
                one.phone,
                one.registered_on,
                "patient",
                patient_ids=tuple(people.patient_id(one, number) for number in range(2)),
            )
            for one in families
        ),
        caregivers=tuple(
            person(one.phone, one.registered_on, "caregiver", caregiver_id=people.caregiver_id(one)) for one in carers
        ),
    )
