"""P1: one winner an offer over two processes on MariaDB, and many without the guard."""

import asyncio
import json
from itertools import cycle, islice

import pymysql
import pytest
from sqlalchemy.engine import make_url

from server.core.ids import new_id
from tests.fault.checker import check_history, check_log, check_store
from tests.fault.history import read_history
from tests.fault.market import open_market
from tests.fault.rest import come_to_rest
from tests.fault.store import order_ids
from tests.fault.test_histories import IS_LONG
from tests.services.stores import connected

pytestmark = [pytest.mark.slow, pytest.mark.services]

_ROUNDS = 500 if IS_LONG else 12
_ROUNDS_WITHOUT = 20 if IS_LONG else 3
_CALLERS = 20
_OFFER = (
    "INSERT IGNORE INTO offer (offer_id, order_id, caregiver_id, wave, state, live_key, opened_at, expires_at, "
    "income_fen, ranking) SELECT %s, order_id, %s, 3, 'open', %s, now(3), now(3) + INTERVAL 7 DAY, income_fen, %s "
    "FROM t_order WHERE order_id = %s"
)


async def _book(market, family):
    """A paid order that waits for somebody; its id."""
    body = market.order_body(family, market.next_start(family), caregiver_id=None)
    created = await family.person.do("order.create", body)
    paying = {"order_id": created.data["order_id"], "method": "sandbox", "amount_fen": created.data["amount_fen"]}
    assert (await family.person.do("order.pay", paying)).is_ok
    await market.paid(family, paying["order_id"])
    return paying["order_id"]


def _offer_to_all(url, order_id, caregivers):
    """Offers to all of them, whoever was asked already, and no further waves; offer ids by caregiver."""
    with connected(make_url(url)) as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("UPDATE t_order SET next_wave_at = NULL WHERE order_id = %s", (order_id,))
        for one in caregivers:
            key = f"{order_id}/{one.caregiver_id}"
            cursor.execute(_OFFER, (new_id(), one.caregiver_id, key, json.dumps({}), order_id))
        cursor.execute("SELECT caregiver_id, offer_id FROM offer WHERE order_id = %s AND state = 'open'", (order_id,))
        return {row["caregiver_id"]: row["offer_id"] for row in cursor.fetchall()}


async def _contest(market, url, order_id):
    """Twenty calls for one order at once, over both processes and both edges: (winners, codes of the losers)."""
    offers = await asyncio.to_thread(_offer_to_all, url, order_id, market.caregivers)
    callers = list(islice(cycle(market.caregivers), _CALLERS))
    edges = islice(cycle(("http", "http", "live")), _CALLERS)
    answers = await asyncio.gather(
        *(
            one.person.do("order.accept", {"offer_id": offers[one.caregiver_id]}, over=edge)
            for one, edge in zip(callers, edges, strict=True)
        )
    )
    won = {one.caregiver_id for one, answer in zip(callers, answers, strict=True) if answer.is_ok}
    return won, {answer.code for answer in answers if not answer.is_ok}


async def _play(cluster, history, families, *program):
    """A contest for an order of each of these families, by their number; it is cancelled afterwards if that goes."""
    market = await open_market(await cluster.open(*program), history)
    results = []
    staying = [asyncio.create_task(person.stay_logged_in()) for person in market.people]
    try:
        await market.go_live()
        for number in families:
            family = market.families[number % len(market.families)]
            order_id = await _book(market, family)
            results.append(await _contest(market, cluster.where, order_id))
            await family.person.do("order.cancel", {"order_id": order_id, "reason": "行程有变"})
        await come_to_rest(cluster.where, market.connections)
    finally:
        for task in staying:
            task.cancel()
        await market.close()
    return results


@pytest.mark.timeout(3_600 if IS_LONG else 300)
async def test_of_twenty_calls_over_two_processes_those_of_one_caregiver_win(clustered, history, tmp_path):
    cluster, _ = clustered
    planted = order_ids(cluster.where)
    results = await _play(cluster, history, range(_ROUNDS))
    await cluster.stop()
    history.close()
    cluster.settled()
    assert [len(won) for won, _ in results] == [1] * _ROUNDS
    assert set().union(*(lost for _, lost in results)) == {"offer_taken"}
    problems = check_store(cluster.where, planted=planted)
    problems += check_history(cluster.where, read_history(tmp_path / "history.jsonl"))
    assert problems + check_log(cluster.printed()) == []


async def test_without_the_guard_there_are_many(clustered, history):
    cluster, _ = clustered
    results = await _play(cluster, history, [0] * _ROUNDS_WITHOUT, ("-m", "tests.fault.unguarded"))
    assert sum(len(won) > 1 for won, _ in results) >= 0.95 * _ROUNDS_WITHOUT
    assert any("I1" in problem for problem in check_store(cluster.where))
