"""F42: no file descriptor is left for the next connection."""

import os
import resource
import signal
import socket
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fault.checker import check_history, check_log, check_store
from tests.fault.crowd import Crowd
from tests.fault.history import read_history
from tests.fault.market import open_market
from tests.fault.people import Site
from tests.fault.rest import at_rest
from tests.fault.server_process import pass_by, until
from tests.fault.store import order_ids
from tests.fault.test_histories import IS_LONG

_LEFT = 10  # descriptors that the process may still open
_CALLERS = 60
_WATCHED_S = 3.0
_IDLE_AT_MOST = 0.5  # of one processor; a loop that turns for nothing takes all of it
_RECOVERS_WITHIN_S = 5.0 if IS_LONG else 10.0  # a build shares its processors with other tests
_SAID = "no file descriptor"


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _limit(pid: int) -> tuple[int, int]:
    """Let the process open a few descriptors more than it has; what it might open before."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1 + _LEFT, before[1]))
    return before


async def _talk(person, order_id: str) -> None:
    message = {"order_id": order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": "在门诊大厅等您"}
    assert (await person.do("chat.send", message, over="live", patience_s=0)).is_ok


@pytest.mark.slow
async def test_open_sockets_live_on_while_none_can_come(server, history, tmp_path, planted_dir):
    server.start()
    await server.ready()
    market = await open_market(Site(server.url), history)
    port = int(server.url.rpartition(":")[2])
    try:
        await market.go_live()
        crowd = Crowd(market, seed=42)
        await crowd.open_visits()
        family, caregiver, order_id = crowd.visits[0]
        await _talk(family.person, order_id)
        before = _limit(server.pid)
        with ExitStack() as callers:
            for _ in range(_CALLERS):
                callers.enter_context(socket.create_connection(("127.0.0.1", port)))
            await until(lambda: _SAID in server.tail(), within_s=5.0, what="nobody was told of the shortage")
            began_at, began_s = time.monotonic(), _processor_s(server.pid)
            while time.monotonic() - began_at < _WATCHED_S:
                await _talk(family.person, order_id)
                await _talk(caregiver.person, order_id)
                await pass_by(0.2)
            used_s = _processor_s(server.pid) - began_s
            said = server.tail().count(_SAID)
        await server.ready(within_s=_RECOVERS_WITHIN_S)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
        await crowd.close_visits()
        await until(lambda: at_rest(server.store), within_s=20.0, what="something is on its way")
    finally:
        await market.close()
    server.signal(signal.SIGTERM)
    assert await server.ended(within_s=15.0) == 0
    history.close()
    assert used_s < _WATCHED_S * _IDLE_AT_MOST
    assert said <= _WATCHED_S + 3
    problems = check_store(server.store, planted=order_ids(planted_dir / "peihu.db"))
    problems += check_history(server.store, read_history(tmp_path / "history.jsonl"))
    assert [*problems, *check_log(server.printed())] == []
