"""F34, F35: two instances are replaced one after the other under more than a hundred connections.

By the version that would come next: for a while both versions serve the same people from one database.
"""

import signal
from itertools import chain

import pymysql
import pytest

from tests.fault.business import business
from tests.fault.history import read_history
from tests.fault.next_version import TIMES
from tests.fault.server_process import until
from tests.fault.store import open_store
from tests.fault.test_histories import IS_LONG

pytestmark = [pytest.mark.slow, pytest.mark.services]

_EACH = 22 if IS_LONG else 12  # further connections of a person, below the 32 that one may have
_TURNS = 5 if IS_LONG else 1
_MOVE_WITHIN_S = 60.0
_SHUTDOWN = 3001
_NOT_HEARD_IN_TIME = 3000  # whose first words a busy machine took up too late; it comes again
_NEXT = ("-m", "tests.fault.next_version")


async def _listen(crowd):
    """Everybody opens more connections, at any instance; who has a visit follows it with each."""
    visits = {who.person.user_id: order_id for *two, order_id in crowd.visits for who in two}
    listeners = []
    for person in crowd.market.people:
        mine = [person.listener(name=f"{person.name}, {number}") for number in range(_EACH)]
        for one in mine if person.user_id in visits else ():
            one.follow(f"order:{visits[person.user_id]}")
        listeners += mine
    await crowd.market.connect(*listeners)
    return listeners


def _told(where):
    """How often the next version has told something that today's does not know."""
    store = open_store(where)
    try:
        return store.value("SELECT count(*) FROM novelty")
    except pymysql.err.ProgrammingError:
        return 0  # nor does its database
    finally:
        store.close()


@pytest.mark.timeout(600 if IS_LONG else 300)
async def test_rolling_both_instances_fails_no_call_and_loses_no_event(clustered, history, tmp_path):
    cluster, _ = clustered
    async with business(cluster, history, tmp_path, seed=34, gives_up=0.0) as crowd:
        listeners = await _listen(crowd)
        assert len(crowd.market.connections) > 100
        for _ in range(_TURNS):
            for number in range(len(cluster.instances)):
                before = _told(cluster.where)
                await cluster.restart(number, how=signal.SIGTERM, program=_NEXT)
                everybody = crowd.market.connections
                await until(
                    lambda: all(one.is_connected for one in everybody), within_s=_MOVE_WITHIN_S, what="all are back"
                )
                await until(
                    lambda before=before: _told(cluster.where) == before + TIMES, within_s=_MOVE_WITHIN_S,
                    what="the next version has told what is new",
                )  # fmt: skip
    operations = [record for record in read_history(tmp_path / "history.jsonl") if record["kind"] == "op"]
    again = sum(op["attempts"] > 1 for op in operations)
    codes = set(chain.from_iterable(one.close_codes[:-1] for one in listeners))  # the last is the end of the test
    print(f"F34 {len(listeners)} further connections, {len(operations)} operations, {again} asked again, {codes}")
    assert history.counts["unknown"] == 0
    assert history.counts["ok"] > 100
    assert codes - {_NOT_HEARD_IN_TIME} == {_SHUTDOWN}
    assert all(one.sessions >= 2 for one in listeners)
