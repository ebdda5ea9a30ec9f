"""P2: whole histories of business under faults, checked.

Short in every build; `python3 run.py test --faults long` makes 50 runs of 2,000 operations of each kind.
"""

import asyncio
import json
import os
import sqlite3
from contextlib import suppress
from pathlib import Path

import pymysql
import pytest

from tests.fault.checker import check_history, check_log, check_store
from tests.fault.crowd import Crowd
from tests.fault.history import read_history
from tests.fault.live_client import Lost
from tests.fault.market import open_market
from tests.fault.nemesis import Nemesis
from tests.fault.rest import come_to_rest
from tests.fault.server_process import pass_by, until
from tests.fault.store import open_store, order_ids
from tests.fault.timeline import read_books

IS_LONG = os.environ.get("PEIHU_TEST_FAULTS") == "long"
RUNS, OPERATIONS = (50, 2_000) if IS_LONG else (1, 400)
FIGURES = os.environ.get("PEIHU_TEST_FIGURES")  # a file that a line a run is added to
_SEED = int(os.environ.get("PEIHU_TEST_SEED", "1"))
_AUDIT_EVERY_S = 0.2
_HURRY_EVERY_S = 2.0
_LASTS_AT_MOST_S = 900 if IS_LONG else 300
_DONE_WITHIN_S = _LASTS_AT_MOST_S - 100.0
_GONE = (pymysql.Error, sqlite3.OperationalError)


async def _audit(where, history):
    """Read the books again and again while money moves; a database that is away has none."""
    while True:
        with suppress(*_GONE):
            history.write("books", **await asyncio.to_thread(_books, where))
        await pass_by(_AUDIT_EVERY_S)


async def _hurry(site):
    """Let every job look again and again: they do when business time jumps."""
    while True:
        with suppress(Lost):
            await site.call("POST", "/sandbox/clock", body={"advance_s": 1})
        await pass_by(_HURRY_EVERY_S)


def _books(where):
    store = open_store(where)
    try:
        return read_books(store)
    finally:
        store.close()


async def _play(cluster, history, *, kinds, seed):
    """A whole history; the people's part of it is over when this returns."""
    market = await open_market(await cluster.open(), history)
    nemesis = Nemesis(cluster, history, kinds=kinds, seed=seed)
    try:
        await market.go_live()
        crowd = Crowd(market, seed=seed)
        await crowd.open_visits()
        begun = history.counts["op"]
        crowd.begin()
        breaking = asyncio.create_task(nemesis.run())
        beside = [asyncio.create_task(work) for work in (_audit(cluster.where, history), _hurry(market.site))]
        await until(
            lambda: breaking.done()
            or (history.counts["op"] - begun >= OPERATIONS and history.counts["killed"] >= len(kinds)),
            within_s=_DONE_WITHIN_S, what=f"{OPERATIONS} operations under {kinds}",
        )  # fmt: skip
        nemesis.stop()
        await breaking
        await crowd.end()
        for task in beside:
            task.cancel()
        await crowd.close_visits()
        await come_to_rest(cluster.where, market.connections)
    finally:
        nemesis.stop()
        await market.close()


def _keep(figures):
    if FIGURES:
        with Path(FIGURES).open("a", encoding="ascii") as file:
            file.write(json.dumps(figures) + "\n")


@pytest.mark.slow
@pytest.mark.timeout(_LASTS_AT_MOST_S)
@pytest.mark.parametrize("seed", range(_SEED, _SEED + RUNS))
async def test_what_people_did_and_saw_is_one_history(seed, any_cluster, history, tmp_path):
    cluster, kinds = any_cluster
    planted = order_ids(cluster.where)
    await _play(cluster, history, kinds=kinds, seed=seed)
    await cluster.stop()
    history.close()
    settled = cluster.settled()
    records = read_history(tmp_path / "history.jsonl")
    problems = check_store(cluster.where, planted=planted) + check_history(cluster.where, records)
    problems += check_log(cluster.printed())
    counted = ("op", "ok", "refused", "unknown", "read", "books", "received", "killed")
    figures = {"instances": len(cluster.instances), "seed": seed, "settled": settled}
    figures |= {name: history.counts[name] for name in counted}
    print(figures := figures | {"problems": len(problems)}, *problems, sep="\n")  # whole: pytest cuts long lists
    _keep(figures)
    assert problems == []
    assert history.counts["killed"] >= len(kinds)
    assert bool(settled) == bool(cluster.mongo_url)
