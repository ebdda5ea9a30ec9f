"""A generated world in a store: whole, the same again, and true to every invariant."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import make_url

from server.billing.store_sandbox import SqlSandboxBook
from server.core.clock import server_now
from server.core.progress import Silent
from server.demo.planting import CannotPlant, Planter
from server.payment.sandbox_book import RefundOrder
from server.roster.store_recount import RECOUNT
from server.storage.files.disk import DiskFiles
from server.storage.schema import metadata
from server.storage.tables.billing import payment, sandbox_trade
from server.storage.tables.booking import engagement, offer, t_order
from server.storage.tables.system import channel_event, channel_head
from server.upkeep.invariants import findings
from server.upkeep.sql.opening import SqlStore

CAREGIVERS, ORDERS = 12, 500


class Counted(Silent):
    """Remembers how far it was told to be."""

    def __init__(self):
        self.stretches = {}

    def begin(self, what, total):
        self.now, self.stretches[what] = what, [total, 0]

    def advance(self, units):
        self.stretches[self.now][1] += units


async def _plant(database, tmp_path, *, seed=5):
    progress = Counted()
    with ThreadPoolExecutor(1) as executor:
        files = DiskFiles(directory=tmp_path / f"files{seed}", executor=executor)
        planter = Planter(database=database, files=files)
        await planter.plant_generated(caregivers=CAREGIVERS, orders=ORDERS, seed=seed, progress=progress)
    return progress


async def _all(database):
    """Every row by its table, without what is random by nature."""
    rows = {}
    async with database.read() as tx:
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if column.name not in ("password_hash", "store_key")]
            rows[table.name] = sorted(map(repr, map(dict, await tx.all(select(*columns)))))
    return rows


async def test_a_generated_world_keeps_every_invariant(database, store_url, tmp_path):
    progress = await _plant(database, tmp_path)
    assert progress.stretches == {"people": [95, 95], "orders": [ORDERS, ORDERS]}
    with SqlStore(url=make_url(store_url)).connected() as connection:
        assert [one for one in findings(connection) if one.count] == []


async def test_a_generated_world_has_a_past_a_future_and_the_channels_of_both(database, tmp_path):
    await _plant(database, tmp_path)
    async with database.read() as tx:
        states = {row["status"]: row["n"] for row in await tx.all(_counted(t_order.c.status))}
        offers = {row["state"]: row["n"] for row in await tx.all(_counted(offer.c.state))}
        kinds = {row["person_kind"]: row["n"] for row in await tx.all(_counted(engagement.c.person_kind))}
        heads, events = await tx.value(_number(channel_head)), await tx.value(_number(channel_event))
    assert sum(states.values()) == ORDERS
    assert states["awaiting_service"] == CAREGIVERS == kinds["patient"] == kinds["caregiver"]
    assert set(states) == {"completed", "cancelled", "awaiting_service"}
    assert set(offers) >= {"accepted", "withdrawn"}
    assert 0 < heads <= ORDERS
    assert events > 3 * CAREGIVERS


def _counted(column):
    return select(column, func.count().label("n")).group_by(column)


def _number(table):
    return select(func.count()).select_from(table)


async def test_the_sandboxs_provider_knows_every_payment_and_gives_money_of_past_visits_back(database, tmp_path):
    await _plant(database, tmp_path)
    async with database.read() as tx:
        payments = await tx.all(select(payment).order_by(payment.c.payment_id))
        trades = {row["out_trade_no"]: row for row in await tx.all(select(sandbox_trade))}
    for row in payments:
        trade = trades[row["payment_id"]]
        kept = [trade[name] for name in ("provider", "amount_fen", "transaction_id", "refunded_fen")]
        assert kept == [row[name] for name in ("method", "amount_fen", "transaction_id", "refunded_fen")]
    book = SqlSandboxBook(database=database)
    for status, is_given in (("succeeded", True), ("refunded", False)):
        first = next(row for row in payments if row["status"] == status)
        wanted = RefundOrder(
            out_refund_no=f"again-{status}", out_trade_no=first["payment_id"], amount_fen=1, state="PROCESSING",
            settle_at=server_now(), success_at=None,
        )  # fmt: skip
        assert (await book.add_refund(wanted) is not None) is is_given


async def test_the_same_seed_gives_the_same_world_and_another_seed_another(database, embedded, tmp_path):
    await _plant(database, tmp_path)
    await _plant(embedded, tmp_path)
    first = await _all(database)
    assert await _all(embedded) == first
    await _plant(embedded, tmp_path, seed=6)  # beside the first: nothing of theirs collides
    both = await _all(embedded)
    assert len(both["t_order"]) == 2 * ORDERS
    assert set(first["t_order"]) < set(both["t_order"])


async def test_what_cannot_be_planted_is_said_before_anything_is_written(database, tmp_path):
    with ThreadPoolExecutor(1) as executor:
        planter = Planter(database=database, files=DiskFiles(directory=tmp_path / "files", executor=executor))
        with pytest.raises(CannotPlant, match="2 caregivers can have at most"):
            await planter.plant_generated(caregivers=2, orders=100_000, seed=1, progress=Silent())
        assert not any((await _all(database)).values())
        await planter.plant_generated(caregivers=1, orders=1, seed=1, progress=Silent())
        with pytest.raises(CannotPlant, match="a world of seed 11 is there"):
            await planter.plant_generated(caregivers=1, orders=1, seed=11, progress=Silent())


def test_counters_are_counted_among_a_caregivers_own_orders(migrated_file):
    """SQLite without statistics took the index of all completed orders: a large world waited a quarter of an hour."""
    statement = RECOUNT.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with closing(sqlite3.connect(migrated_file)) as connection:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    searched = [step for step in steps if step.startswith("SEARCH t_order")]
    assert len(searched) == 5 and all("(caregiver_id=?)" in step for step in searched), steps
