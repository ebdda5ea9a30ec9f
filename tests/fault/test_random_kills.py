"""Fifty kill -9 under traffic: nothing is lost or doubled."""
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics

import pytest

from tests.fault.checker import check_history, check_log, check_store
from tests.fault.crowd import Crowd
from tests.fault.history import read_history
from tests.fault.market import open_market
from tests.fault.people import Site
from tests.fault.rest import come_to_rest
from tests.fault.server_process import pass_by
from tests.fault.store import order_ids

_IS_LONG = os.environ.get("PEIHU_TEST_FAULTS") == "long"
KILLS = int(os.environ.get("PEIHU_TEST_KILLS", "50" if _IS_LONG else "15"))
_SEED = int(os.environ.get("PEIHU_TEST_SEED", "20261122"))
_LIFE_S = (0.4, 1.6)  # after readiness
_LEAST_OPERATIONS_PER_S = 20


async def _live_and_die(server, history, *, kills: int) -> float:
    """One life after another under whatever traffic there is; seconds lived in all."""
    lengths, lived_s = random.Random(_SEED), 0.0
    for number in range(kills):
        await pass_by(life_s := lengths.uniform(*_LIFE_S))
        server.kill()
        lived_s += life_s
        history.write("killed", number=number, pid=server.pid)
        server.start()
        await server.ready()
    return lived_s


def _damages():
    """What a checker must notice, as SQL on a copy of the store."""
    newest = "SELECT max(rowid) FROM"
    return {
        "I1": "UPDATE offer SET state = 'accepted', live_key = NULL WHERE state = 'taken'",
        "I2": "UPDATE engagement SET start_at = '2026-01-01', end_at = '2036-01-01'",
        "I3": f"DELETE FROM chat_message WHERE rowid = ({newest} chat_message)",
        "I5": f"DELETE FROM channel_event WHERE rowid = ({newest} channel_event)",
        "I6": f"UPDATE ledger_entry SET amount_fen = amount_fen + 1 WHERE rowid = ({newest} ledger_entry)",
        "I7": "UPDATE t_order SET status = 'completed' WHERE status = 'cancelled'",
        "I8": "INSERT INTO outbox (topic, payload, created_at, due_at) VALUES ('event', '', '2026', '2026')",
    }


def _blind_spots(path, copy, records, planted) -> list[str]:
    """The invariants whose damage the checker overlooks."""
    overlooked = []
    for invariant, damage in _damages().items():
        shutil.copyfile(path, copy)
        with sqlite3.connect(copy) as connection:
            assert connection.execute(damage).rowcount >= 1, f"nothing to damage for {invariant}"
        connection.close()
        problems = [*check_store(copy, planted=planted), *check_history(copy, records)]
        if not any(problem.startswith(invariant) for problem in problems):
            overlooked.append(invariant)
    return overlooked


@pytest.mark.slow
async def test_kills_under_traffic_lose_nothing_and_double_nothing(
    server, history, tmp_path, planted_dir, record_property
):
    server.start()
    await server.ready()
    market = await open_market(Site(server.url), history)
    crowd = Crowd(market, seed=_SEED)
    try:
        await market.go_live()
        await crowd.open_visits()
        before = history.counts["op"]
        crowd.begin()
        lived_s = await _live_and_die(server, history, kills=KILLS)
        await crowd.end()
        operations = history.counts["op"] - before
        await crowd.close_visits()
        await come_to_rest(server.store, market.connections)
    finally:
        await market.close()
    server.signal(signal.SIGTERM)
    assert await server.ended(within_s=15.0) == 0
    history.close()
    records, planted = read_history(tmp_path / "history.jsonl"), order_ids(planted_dir / "peihu.db")
    problems = check_store(server.store, planted=planted) + check_history(server.store, records)
    problems += check_log(server.printed())
    figures = {
        "kills": history.counts["killed"],
        "operations": operations,
        "operations_per_s": round(operations / lived_s, 1),
        **{name: history.counts[name] for name in ("ok", "refused", "unknown", "received", "closed")},
        "start_s_median": round(statistics.median(server.start_times_s), 2),
        "start_s_worst": round(max(server.start_times_s), 2),
        "problems": len(problems),
    }
    record_property("figures", json.dumps(figures))
    print(figures)
    assert problems == []
    assert operations / lived_s >= _LEAST_OPERATIONS_PER_S
    assert _blind_spots(server.store, tmp_path / "copy.db", records, planted) == []
