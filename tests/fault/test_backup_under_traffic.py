"""A backup that is made while people book, pay and chat is a whole world."""

import subprocess
import sys

import pytest

from server.storage.sealed import FieldKeys
from server.storage.sql import Database
from tests.e2e.server import environment
from tests.fault.crowd import Crowd
from tests.fault.market import open_market
from tests.fault.server_process import ROOT, pass_by
from tests.invariants import check_invariants

_BACKUPS = 2
_TRAFFIC_S = 2.0


def _verb(*arguments, data_dir, settings):
    return subprocess.run(
        [sys.executable, "run.py", *arguments], cwd=ROOT, env=environment(data_dir, settings), capture_output=True,
        text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.slow
async def test_each_backup_under_traffic_comes_back_as_a_whole_world(alone, history, tmp_path, io_loop):
    cluster, _ = alone
    market = await open_market(await cluster.open(), history)
    run = io_loop.asyncio_loop.run_in_executor
    archives, counts = [tmp_path / f"{number}.peihu" for number in range(_BACKUPS)], []
    try:
        await market.go_live()
        crowd = Crowd(market, seed=1)
        await crowd.open_visits()
        crowd.begin()
        for archive in archives:
            await pass_by(_TRAFFIC_S)
            before = history.counts["op"]
            made = await run(None, lambda: _verb("backup", str(archive), data_dir=tmp_path / "data", settings={}))
            assert made.returncode == 0, made.stderr
            counts.append(history.counts["op"] - before)
        await crowd.end()
    finally:
        await market.close()
    await cluster.stop()
    assert min(counts) > 0, "nobody did anything while it was made"
    key = (tmp_path / "data" / "field_key").read_text()
    for archive in archives:
        there = tmp_path / f"{archive.name}.restored"
        done = await run(
            None, lambda: _verb("restore", str(archive), data_dir=there, settings={"PEIHU_FIELD_KEY": key})
        )
        assert done.returncode == 0, done.stdout + done.stderr
        database = Database(
            f"sqlite+aiosqlite:///{there / 'peihu.db'}", keys=FieldKeys(key), readers=1, acquire_timeout_s=5.0
        )
        await check_invariants(database)
        await database.close()
