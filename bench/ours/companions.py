"""Families and caregivers of one district with logins, planted.

They are the demo world's: each caregiver sells what its busiest one sells, around the clock. Accounts and logins are
rows as `run.py demo` writes them; tokens are made by the server's own issuer with its own key.
"""

import asyncio
import os
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from config.load import load_settings, prepare_data_dir, with_secrets
from config.settings import Settings
from server.app import build_app
from server.core.clock import server_now, shanghai_date
from server.core.ids import new_id
from server.demo.numbers import id_number
from server.demo.people import generate_family
from server.demo.planting import Planter
from server.demo.rows import PeopleRows, PlantedFiles, Row
from server.demo.world import describe_world
from server.identity.tokens import AccessTokens, SigningKeys
from server.outside import database_url
from server.roster.catalog import DEFAULT_CATALOG
from server.roster.store_recount import recount_caregivers
from server.rulebook.book import FIRST, Rulebook
from server.rulebook.store import add_edition
from server.storage.migrate import migrate
from server.storage.schema import metadata
from server.storage.tables.identity import login
from server.storage.tables.roster import t_qualification_certification as certification

_LOGIN_LIVES = timedelta(days=30)
_NOWHERE = "http://127.0.0.1:0"
_COUNTY = "0200"  # keeps these ID numbers apart from others'
_SEED = 7


@dataclass(frozen=True, slots=True)
class Companion:
    """One account and its only login; `role_id` is the caregiver's, or the id of the family's first patient."""

    user_id: str
    user_type: str
    role_id: str
    login_id: str


class Companions:
    """Planted into fresh stores, those that the environment of a server names; tokens are good for 15 minutes."""

    def __init__(self, environment: dict[str, str], *, caregivers: int, families: int) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("PEIHU_")}
        settings = load_settings(None, own | environment)
        prepare_data_dir(settings)
        self._settings = with_secrets(settings)
        people = asyncio.run(_plant(self._settings, caregivers, families))
        self.caregivers = [one for one in people if one.user_type == "caregiver"]
        self.families = [one for one in people if one.user_type == "patient"]

    def token(self, one: Companion) -> str:
        """Issued now."""
        issuer = AccessTokens(keys=SigningKeys(self._settings.jwt_secret))
        return issuer.issue(user_id=one.user_id, user_type=one.user_type, login_id=one.login_id, now=server_now())

    @property
    def service_key(self) -> str:
        return self._settings.service_key


async def _plant(settings: Settings, caregivers: int, families: int) -> list[Companion]:
    await asyncio.to_thread(migrate, database_url(settings))
    peihu = build_app(settings, base_url=_NOWHERE)
    database = peihu.base.database
    try:
        if peihu.base.mongo is not None:
            await peihu.base.mongo.look()  # nobody gets an answer of it before it is known to be ours
        await Planter(database=database, files=peihu.base.files).plant_small()
        async with database.read() as tx:
            papers = (await tx.all(select(certification).limit(1)))[0]
        rows = PeopleRows(keys=database.keys, password_hash="!", world="bench cluster")  # nobody logs in by password
        files = PlantedFiles(
            None, papers["id_card_front_file_id"], papers["id_card_back_file_id"], papers["certificate_file_id"],
            papers["health_certificate_file_id"],
        )  # fmt: skip
        planted = _Planted(rows)
        planted.add(caregivers=caregivers, families=families, files=files)
        await database.write(planted.write)
        await database.write(lambda tx: _ask_everybody_at_once(tx, peihu.base.rulebook))
    finally:
        await peihu.close()
    return planted.people


async def _ask_everybody_at_once(tx: Any, book: Rulebook) -> None:
    """The rules of a house that has one wave: an order of nobody in particular is offered to all who are eligible."""
    await book.keep_first(tx)
    rules = book.first | {"offers": book.first["offers"] | {"waves": [{"after_s": 0, "more": None}]}}
    number = FIRST + 1
    assert await add_edition(tx, number, rules, changed=["offers.waves"], reason=None, by=None, at=server_now())


class _Planted:
    """Collects rows, then writes them in the order of the foreign keys."""

    def __init__(self, rows: PeopleRows) -> None:
        self._rows = rows
        self._tables: dict[Any, list[dict[str, Any]]] = {}
        self.people: list[Companion] = []

    def add(self, *, caregivers: int, families: int, files: PlantedFiles) -> None:
        today = shanghai_date(server_now())
        model = describe_world(DEFAULT_CATALOG, today=today).caregivers[0]
        for number in range(caregivers):
            birth = {"birth_date": model.birth_date, "gender": model.gender, "county": _COUNTY}
            one = replace(model, index=number, phone=f"171{number:08d}", id_number=id_number(number, **birth))
            user_id = self._rows.user_id(one.phone, one.registered_on)
            self._take(list(self._rows.caregiver(one, files)))
            self._log_in(user_id, "caregiver", self._rows.caregiver_id(one))
        for number in range(families):
            family = replace(generate_family(number, seed=_SEED, today=today), phone=f"172{number:08d}")
            user_id = self._rows.user_id(family.phone, family.registered_on)
            self._take(list(self._rows.family(family)))
            self._log_in(user_id, "patient", self._rows.patient_id(family, 0))

    def _log_in(self, user_id: str, user_type: str, role_id: str) -> None:
        one, now = Companion(user_id, user_type, role_id, new_id()), server_now()
        self.people.append(one)
        row = {"login_id": one.login_id, "user_id": user_id, "refresh_hash": new_id(), "created_at": now}
        self._take([(login, row | {"expires_at": now + _LOGIN_LIVES})])

    def _take(self, rows: list[Row]) -> None:
        for table, row in rows:
            self._tables.setdefault(table, []).append(row)

    async def write(self, tx: Any) -> None:
        for table in metadata.sorted_tables:
            if table in self._tables:
                columns = set().union(*self._tables[table])
                await tx.run(table.insert(), [{name: row.get(name) for name in columns} for row in self._tables[table]])
        await recount_caregivers(tx)
