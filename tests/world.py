"""The whole product in a test: composed, served, driven.

Each world stands on a copy of a store that was migrated and peopled once a session. When it ends it must
drain in time, leave an empty outbox, no dead task, no log record that nobody expects, and keep every
invariant of tests/invariants.py.
"""
import asyncio
import json
import logging
import shutil
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.engine import URL
from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.testing import bind_unused_port

from config.settings import DatabaseSettings, SandboxSettings, Settings, WsSettings
from server.app import Parts, Peihu, build_app
from server.core.clock import server_now, shanghai_text
from server.core.ids import new_id
from server.identity.tokens import AccessTokens, SigningKeys
from server.storage.sealed import FieldKeys
from server.storage.sql import Database
from server.storage.tables.booking import offer, t_order
from server.storage.tables.roster import t_caregiver_info
from server.storage.tables.system import outbox
from tests.cast import HOSPITAL, Cast, Person, find_cast, plant_cast
from tests.invariants import check_invariants
from tests.live import Reply, Socket
from tests.services.stores import empty, rows_of

_SECRET = "s" * 32
_FIELD_KEY = "k" * 32
_PATIENCE_S = 20.0
_DRAINS_WITHIN_S = 15.0
_ROUND_ON_MYSQL = 4  # as long as so many on SQLite


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=24, help="rounds of every race; 100 is thorough")


@pytest.fixture
def rounds(request, monkeypatch, store_kind) -> int:
    """How many rounds a race has; it gets the time for them."""
    rounds = request.config.getoption("--rounds")
    if store_kind == "mysql":
        rounds = -(-rounds // _ROUND_ON_MYSQL)
    monkeypatch.setattr(request.config.option, "async_test_timeout", 60.0 + 8.0 * rounds)
    return rounds


@pytest.fixture(scope="session")
def peopled_file(tmp_path_factory, migrated_file):
    """A store with the cast, written once and copied for every world."""
    path = tmp_path_factory.mktemp("cast") / "peihu.db"
    shutil.copyfile(migrated_file, path)
    _plant(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def peopled_rows(mysql_database):
    """The same in MySQL: the rows that every world begins with."""
    empty(mysql_database)
    _plant(_shown(mysql_database))
    return rows_of(mysql_database)


def _plant(url: str) -> None:
    async def plant():
        database = Database(url, keys=FieldKeys(_FIELD_KEY), readers=1, acquire_timeout_s=10.0)
        await plant_cast(database)
        await database.close()

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:  # the test's own loop stays the current one
        runner.run(plant())


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.fixture
def peopled(store_kind, request):
    """`peopled(directory)`: settings of a product whose store has the cast; an earlier one of the test may be gone."""
    name = "peopled_file" if store_kind == "sqlite" else "peopled_rows"
    given = request.getfixturevalue(name)

    def prepare(directory: Path) -> Settings:
        directory.mkdir(parents=True, exist_ok=True)
        settings = settings_for(directory)
        if store_kind == "sqlite":
            shutil.copyfile(given, directory / "peihu.db")
            return settings
        url = request.getfixturevalue("mysql_database")
        empty(url, but=given)
        return settings.model_copy(update={"database_url": _shown(url)})

    return prepare


async def until(condition: Callable[[], Awaitable[Any]], *, within_s: float = _PATIENCE_S) -> Any:
    """The first truthy value of `await condition()`, asked again and again; a failure when time is over."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + within_s
    while True:
        found = await condition()
        if found:
            return found
        assert loop.time() < give_up_at, f"not within {within_s:g} s: {condition}"
        await asyncio.sleep(0.005)


class Instance:
    """One composed product behind a real port."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._socket, self.port = bind_unused_port()
        self.product: Peihu = build_app(settings, base_url=f"http://127.0.0.1:{self.port}", parts=parts)
        self._server = HTTPServer(self.product.web, **self.product.server_options)

    async def start(self) -> None:
        await self.product.start()
        self._server.add_sockets([self._socket])

    async def stop(self) -> None:
        self._server.stop()
        async with asyncio.timeout(_DRAINS_WITHIN_S):
            await self.product.stop()
            await self._server.close_all_connections()
        assert self.product.jobs.died == {}


class World:
    """A cast of people and one or more instances on one store; calls go round the instances."""

    def __init__(self, instances: list[Instance], cast: Cast) -> None:
        self.instances = instances
        self.product = instances[0].product
        self.database = self.product.base.database
        self.clock = self.product.base.clock
        self.admin, self.families, self.caregivers = cast.admin, cast.families, cast.caregivers
        self._http = SimpleAsyncHTTPClient(force_instance=True, max_clients=200)
        self._tokens = AccessTokens(keys=SigningKeys(_SECRET))
        self._turn = count()
        self._sockets: list[Socket] = []
        self.is_sound = True  # False: a guard was taken out, so no invariant is expected to hold

    def _next(self) -> Instance:
        return self.instances[next(self._turn) % len(self.instances)]

    def token(self, person: Person) -> str:
        """A valid access token, as a login would give it."""
        now = server_now()
        if person.token_until is None or person.token_until < now:
            who = {"user_id": person.user_id, "user_type": person.user_type, "login_id": person.login_id}
            person.token = self._tokens.issue(**who, now=now)
            person.token_until = now + timedelta(minutes=5)
        return person.token

    async def call(
        self, who: Person | None, method: str, path: str, body: dict[str, Any] | None = None, *, key: str | None = None
    ) -> Reply:
        """One request over HTTP; any status is an answer."""
        headers = {"Content-Type": "application/json"}
        if who is not None:
            headers["Authorization"] = f"Bearer {self.token(who)}"
        if key is not None:
            headers["Idempotency-Key"] = key
        request = HTTPRequest(
            f"http://127.0.0.1:{self._next().port}{path}",
            method=method,
            headers=headers,
            body=json.dumps(body) if method == "POST" else None,
            request_timeout=_PATIENCE_S,
        )
        answer = await self._http.fetch(request, raise_error=False)
        told = json.loads(answer.body)
        return Reply(answer.code, told["code"], told["data"], answer.body)

    async def post(self, who: Person | None, path: str, body: dict[str, Any], *, key: str | None = None) -> Reply:
        return await self.call(who, "POST", path, body, key=key)

    async def get(self, who: Person | None, path: str, **query: Any) -> Reply:
        return await self.call(who, "GET", f"{path}?{urlencode(query)}" if query else path)

    async def socket(self, person: Person) -> Socket:
        """A connection of its own, closed with the world."""
        url = f"ws://127.0.0.1:{self._next().port}/connection/websocket"
        self._sockets.append(await Socket.open(url, token=self.token(person)))
        return self._sockets[-1]

    async def advance(self, seconds: float) -> None:
        """Move business time forward on every instance and let the orders' job look."""
        assert (await self.post(None, "/sandbox/clock", {"advance_s": seconds})).is_ok
        for instance in self.instances:
            await instance.product.base.time.refresh()
        await self.look()

    async def look(self) -> None:
        """Rounds of the orders' job until nothing is due any more."""
        job = next(job for job in self.product.jobs._jobs if job.name == "orders")
        for _ in range(5):
            if not await job.run_once():
                return

    async def rows(self, statement: Any) -> list[Any]:
        async with self.database.read() as tx:
            return await tx.all(statement)

    async def one(self, statement: Any) -> Any:
        return (await self.rows(statement))[0]

    async def order(self, order_id: str) -> Any:
        """The order's row."""
        return await self.one(select(t_order).where(t_order.c.order_id == order_id))

    async def offers(self, order_id: str) -> list[Any]:
        """The order's offers, the oldest first."""
        mine = select(offer).where(offer.c.order_id == order_id)
        return await self.rows(mine.order_by(offer.c.opened_at, offer.c.offer_id))

    async def close(self) -> None:
        for socket in self._sockets:
            await socket.close()
        self._http.close()
        await until(self._is_delivered)
        if self.is_sound:
            await check_invariants(self.database)
        for instance in self.instances:
            await instance.stop()

    async def _is_delivered(self) -> bool:
        async with self.database.read() as tx:
            return await tx.value(select(func.count()).select_from(outbox)) == 0


class Bookings:
    """What families do before a test begins."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._prepared: dict[int, str] = {}

    def slot(self, number: int = 0, *, lead: timedelta = timedelta(hours=26)) -> tuple[datetime, datetime]:
        """Two hours on the grid, at least `lead` from now; slots of different numbers never meet."""
        quarter = timedelta(minutes=15)
        earliest = self._world.clock.now() + lead
        midnight = earliest.replace(hour=0, minute=0, second=0, microsecond=0)
        start_at = midnight + -((midnight - earliest) // quarter) * quarter + number * timedelta(hours=2)
        return start_at, start_at + timedelta(hours=2)

    def wish(
        self,
        family: Person,
        slot: tuple[datetime, datetime],
        *,
        named: Person | None = None,
        patient: int = 0,
        hospital_id: str = HOSPITAL,
    ) -> dict[str, Any]:
        """The body of `order/create`."""
        return {
            "patient_id": family.patient_ids[patient],
            "caregiver_id": named.caregiver_id if named else None,
            "service_type": "errand",
            "hospital_id": hospital_id,
            "start_at": shanghai_text(slot[0]),
            "end_at": shanghai_text(slot[1]),
        }

    async def book(self, family: Person, slot: tuple[datetime, datetime], **more: Any) -> dict[str, Any]:
        """A new unpaid order."""
        made = await self._world.post(family, "/api/order/create", self.wish(family, slot, **more), key=new_id())
        assert made.status == 201, made
        return made.data

    async def book_paid(self, family: Person, slot: tuple[datetime, datetime], **more: Any) -> str:
        """A paid order; its id. The search for a caregiver has begun."""
        made = await self.book(family, slot, **more)
        bill = {"order_id": made["order_id"], "method": "sandbox", "amount_fen": made["amount_fen"]}
        paid = await self._world.post(family, "/api/order/pay", bill, key=new_id())
        assert paid.is_ok, paid
        await self.await_status(made["order_id"], "paid")
        return made["order_id"]

    async def book_round(self, number: int, **more: Any) -> str:
        """A paid order of a slot of its own for round `number` of a race, with nobody asked; its id.

        Ten are booked at once, because most of a booking is waiting.
        """
        if number not in self._prepared:
            await self.listen_only(())
            numbers = range(number, number + 10)
            families = self._world.families
            booked = [self.book_paid(families[n % len(families)], self.slot(3 * n), **more) for n in numbers]
            self._prepared.update(zip(numbers, await asyncio.gather(*booked), strict=True))
        return self._prepared[number]

    async def await_status(self, order_id: str, *statuses: str) -> str:
        """Wait until the order has one of these."""

        async def reached() -> str | None:
            status = (await self._world.order(order_id))["status"]
            return status if status in statuses else None

        return await until(reached)

    async def offer_to(self, order_id: str, caregivers: list[Person]) -> dict[str, str]:
        """Offers to exactly these at once: caregiver id -> offer id; nobody was asked before, nobody will be."""
        store = self._world.product.booking.core.offers
        now = self._world.clock.now()

        async def body(tx: Any) -> None:
            await tx.run(update(t_order).where(t_order.c.order_id == order_id).values(next_wave_at=None))
            order = await tx.one(select(t_order).where(t_order.c.order_id == order_id))
            chosen = [_Chosen(one.caregiver_id, one.user_id) for one in caregivers]
            await store.open(tx, order, chosen, wave=3, expires_at=now + timedelta(minutes=15), at=now)

        await self._world.database.write(body)
        live = [row for row in await self._world.offers(order_id) if row["state"] == "open"]
        return {row["caregiver_id"]: row["offer_id"] for row in live}

    async def listen_only(self, caregivers: tuple[Person, ...]) -> None:
        """Switch everybody else off."""
        ids = [one.caregiver_id for one in caregivers]
        table = t_caregiver_info
        change = update(table).values(listening=table.c.caregiver_id.in_(ids))
        await self._world.database.write(lambda tx: tx.run(change))


class _Chosen:
    """As `matching.Chosen`."""

    def __init__(self, caregiver_id: str, user_id: str) -> None:
        self.caregiver_id, self.user_id, self.ranking = caregiver_id, user_id, {}


def settings_for(directory: Any) -> Settings:
    return Settings(
        data_dir=directory,
        jwt_secret=_SECRET,
        field_key=_FIELD_KEY,
        service_key="v" * 32,
        sandbox=SandboxSettings(approve_after_s=0.0),
        database=DatabaseSettings(acquire_timeout_s=20.0),
        ws=WsSettings(rpc_per_s=10_000, connections_per_user=1_000),
    )


@pytest.fixture
def open_world(io_loop, tmp_path, peopled, caplog):
    """`await open_world(Parts(...), ...)`: a served product, an instance for each of the parts."""
    opened: list[World] = []

    async def build(*parts: Parts) -> World:
        settings = peopled(tmp_path / f"world{len(opened)}")
        instances = [Instance(settings, one) for one in parts or (Parts(),)]
        for instance in instances:
            await instance.start()
        world = World(instances, await find_cast(instances[0].product.base.database))
        opened.append(world)
        return world

    yield build
    for world in opened:
        io_loop.asyncio_loop.run_until_complete(world.close())
    for phase in ("setup", "teardown"):
        logged = [r for r in caplog.get_records(phase) if r.levelno >= logging.WARNING and r.name.startswith("server")]
        assert not logged, [record.getMessage() for record in logged]


@pytest.fixture
def peihu(io_loop, open_world) -> World:
    """One instance, everything as in the product."""
    return io_loop.asyncio_loop.run_until_complete(open_world())


@pytest.fixture
def bookings(peihu) -> Bookings:
    return Bookings(peihu)

