"""A disk without room: clear answers, no half files, it heals."""
import os
import shutil
import signal
import subprocess
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fault.checker import check_history, check_log, check_store
from tests.fault.crowd import Crowd
from tests.fault.history import read_history
from tests.fault.market import open_market
from tests.fault.people import Site
from tests.fault.rest import at_rest
from tests.fault.server_process import ServerProcess, free_port, until
from tests.fault.store import order_ids
from tests.fault.uploads import upload
from tests.services.demand import leave_out

_DISK = "size=24m"
_BLOCK_BYTES = 4_096
_WRITES_TRIED = 400  # the store's own log has some room left when the disk has none
_HEALS_WITHIN_S = 30.0


@pytest.fixture
def small_disk(tmp_path):
    """A mounted file system of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", place]).returncode != 0:
        leave_out("a small file system can only be mounted by root")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def server(planted_dir, small_disk, tmp_path):
    shutil.copytree(planted_dir, small_disk / "data")
    server = ServerProcess(small_disk / "data", port=free_port(), log=tmp_path / "server.log")
    yield server
    server.put_away()


def _fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(_BLOCK_BYTES))


def _files(data_dir: Path) -> set[Path]:
    return {path for path in (data_dir / "files").rglob("*") if path.is_file()}


@pytest.mark.slow
async def test_a_full_disk_refuses_writes_and_heals(server, history, tmp_path, planted_dir):
    server.start()
    await server.ready()
    market = await open_market(Site(server.url), history)
    try:
        await market.go_live()
        crowd = Crowd(market, seed=3)
        await crowd.open_visits()
        family, caregiver, order_id = crowd.visits[0]
        assert (await upload(market.site, family.person.token)).status == 200
        before, filler = _files(server.data_dir), server.data_dir.parent / "filler"
        _fill(filler)
        assert (await upload(market.site, family.person.token)).status == 503
        assert _files(server.data_dir) == before
        statuses = await _talk_until_refused(family.person, order_id)
        assert statuses[-1] == 503 and set(statuses) <= {200, 503}
        cancelled = await family.person.do("order.cancel", {"order_id": order_id, "reason": "x"}, patience_s=0)
        assert cancelled.status in (409, 503)
        assert (await family.person.get("/api/order/status", order_id=order_id))["status"] == "in_service"
        filler.unlink()
        began_at = time.monotonic()
        healed = await family.person.do("chat.send", _message(order_id), patience_s=_HEALS_WITHIN_S)
        assert healed.is_ok, f"{healed} {time.monotonic() - began_at:.1f} s after room was made"
        assert (await upload(market.site, family.person.token)).status == 200
        await crowd.close_visits()
        await until(lambda: at_rest(server.store), within_s=_HEALS_WITHIN_S, what="something is on its way")
    finally:
        await market.close()
    server.signal(signal.SIGTERM)
    assert await server.ended(within_s=15.0) == 0
    history.close()
    problems = check_store(server.store, planted=order_ids(planted_dir / "peihu.db"))
    problems += check_history(server.store, read_history(tmp_path / "history.jsonl"))
    assert [*problems, *check_log(server.log.read_text(encoding="utf-8", errors="replace"))] == []


def _message(order_id: str) -> dict[str, str]:
    return {"order_id": order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": "在门诊大厅等您" * 100}


async def _talk_until_refused(person, order_id: str) -> list[int]:
    statuses = []
    for _ in range(_WRITES_TRIED):
        outcome = await person.do("chat.send", _message(order_id), patience_s=0)
        statuses.append(outcome.status)
        if outcome.status == 503:
            break
    return statuses
