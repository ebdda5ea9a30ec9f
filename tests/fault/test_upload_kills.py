"""F7: kill -9 in the middle of uploads."""

import asyncio
import os
import random
import shutil
import socket
import sqlite3
import time
from contextlib import suppress
from itertools import chain

import pytest

from tests.fault.checker import check_log
from tests.fault.live_client import Lost
from tests.fault.market import open_market
from tests.fault.people import Site
from tests.fault.server_process import pass_by, until
from tests.fault.uploads import begun, damaged, file_rows, form, kept, upload

KILLS = int(os.environ.get("PEIHU_TEST_UPLOAD_KILLS", "8"))
_LIFE_S = (0.15, 0.6)
_AGE_S = 2 * 3_600.0  # beyond the hour that what was interrupted is left alone
_SWEPT_WITHIN_S = 15.0


class _Senders:
    """Everybody sends photo after photo; `acknowledged` are the ids that were given."""

    def __init__(self, site, people):
        self._site, self._people = site, people
        self.acknowledged = []
        self._stopping = asyncio.Event()

    async def run(self):
        await asyncio.gather(*(self._send(person) for person in self._people))

    async def _send(self, person):
        while not self._stopping.is_set():
            try:
                sent = await upload(self._site, person.token)
            except Lost:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), 0.05)
                continue
            if sent.is_ok:
                self.acknowledged.append(sent.data["file_id"])

    def stop(self):
        self._stopping.set()


def _send_half(url, token):
    """A connection that has sent half of a photo and waits."""
    body = form("half")
    half = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
    half.sendall(
        f"POST /api/file/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: multipart/form-data; boundary=half\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body[: len(body) // 2]
    )
    return half


async def _live_and_die(server, token):
    lengths = random.Random(7)
    for _ in range(KILLS):
        with _send_half(server.url, token):
            await pass_by(lengths.uniform(*_LIFE_S))
            server.kill()
        server.start()
        await server.ready()


def _plant_leftovers(data_dir):
    """As the two narrowest moments leave them: half a file, and a whole one without a row."""
    whole = next(iter(kept(data_dir).values()))
    stray, half = whole.with_name(whole.name[:-4] + "zz" + whole.name[-2:]), "7" * 26
    shutil.copyfile(whole, stray)
    (data_dir / "files" / "incoming" / half).write_bytes(whole.read_bytes()[:99])


@pytest.mark.slow
async def test_no_row_is_without_its_bytes_and_what_nobody_owns_goes(server, history):
    server.start()
    await server.ready()
    market = await open_market(Site(server.url), history)
    try:
        senders = _Senders(market.site, market.people[:4])
        sending = asyncio.create_task(senders.run())
        await _live_and_die(server, market.people[0].token)
        await until(lambda: len(senders.acknowledged) >= KILLS, within_s=30, what="hardly anything was taken")
        server.kill()
        senders.stop()
        await sending
        rows = file_rows(server.store)
        assert damaged(server.data_dir, rows) == []
        assert set(senders.acknowledged) <= {row["file_id"] for row in rows.values()}
        assert len(set(senders.acknowledged)) == len(senders.acknowledged)
        _plant_leftovers(server.data_dir)
        for path in chain(kept(server.data_dir).values(), begun(server.data_dir)):
            os.utime(path, (time.time() - _AGE_S,) * 2)
        server.start()
        await server.ready()
        await until(
            lambda: not begun(server.data_dir) and set(kept(server.data_dir)) == set(rows),
            within_s=_SWEPT_WITHIN_S, what="what nobody owns is still there",
        )  # fmt: skip
        assert damaged(server.data_dir, file_rows(server.store)) == []
    finally:
        await market.close()
    server.kill()
    assert check_log(server.printed()) == []
    _one_lost(server)


def _one_lost(server):
    """The twin: a row whose file is gone, and one whose file is another, are both seen."""
    rows = file_rows(server.store)
    first, second, *_ = kept(server.data_dir).values()
    first.unlink()
    second.write_bytes(b"x")
    with sqlite3.connect(server.store) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert set(damaged(server.data_dir, rows)) == {first.name, second.name}
