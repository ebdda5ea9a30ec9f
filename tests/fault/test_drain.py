"""SIGTERM in the middle of traffic: answers, farewells, exit 0."""
import asyncio
import json
import signal
import time
import uuid
from itertools import cycle

import pytest

from tests.fault.checker import check_history, check_log, check_store
from tests.fault.crowd import Crowd
from tests.fault.history import read_history
from tests.fault.market import Market, open_market
from tests.fault.people import Person, Site
from tests.fault.rest import come_to_rest
from tests.fault.server_process import pass_by, until
from tests.fault.store import order_ids

_SHUTDOWN = 3001
_EXITS_WITHIN_S = 15.0
_TRAFFIC_S = 2.0
_CONNECTIONS = 20


class OpenConnection:
    """A kept-alive HTTP connection that has answered once, so that the server surely has it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, path: str, body: dict, *, token: str, key: str) -> None:
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nIdempotency-Key: {key}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self._writer.write(head.encode() + content)

    async def answer(self) -> tuple[int, dict, dict]:
        """Status, headers and the envelope of the next answer; IncompleteReadError when there is none."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines[1:] if line)}
        envelope = json.loads(await self._reader.readexactly(int(headers["content-length"])))
        return int(lines[0].split()[1]), headers, envelope

    def close(self) -> None:
        self._writer.close()


async def _open(port: int, person: Person, order_id: str) -> OpenConnection:
    connection = OpenConnection(*await asyncio.open_connection("127.0.0.1", port))
    connection.send("/api/chat/send", _message(order_id), token=person.token, key=uuid.uuid4().hex)
    assert (await connection.answer())[0] == 200
    return connection


def _message(order_id: str) -> dict[str, str]:
    return {"order_id": order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": "在门诊大厅等您"}


async def _run(server, history) -> tuple[Market, Crowd]:
    server.start()
    await server.ready()
    market = await open_market(Site(server.url), history)
    await market.go_live()
    crowd = Crowd(market, seed=7)
    await crowd.open_visits()
    return market, crowd


def _problems(server, tmp_path, planted_dir) -> list[str]:
    records = read_history(tmp_path / "history.jsonl")
    return [
        *check_store(server.store, planted=order_ids(planted_dir / "peihu.db")),
        *check_history(server.store, records),
        *check_log(server.printed()),
    ]


@pytest.mark.slow
async def test_a_drain_under_traffic_says_goodbye_and_loses_nothing(server, history, tmp_path, planted_dir):
    market, crowd = await _run(server, history)
    try:
        crowd.begin()
        await pass_by(_TRAFFIC_S)
        began_at = time.monotonic()
        server.signal(signal.SIGTERM)
        assert await server.ended(within_s=_EXITS_WITHIN_S) == 0
        took_s = time.monotonic() - began_at
        goodbyes = [person.live.close_codes[0] for person in market.people if person.live.close_codes]
        server.start()
        await server.ready()
        await crowd.end()
        await crowd.close_visits()
        await come_to_rest(server.store, market.connections)
    finally:
        await market.close()
    server.signal(signal.SIGTERM)
    assert await server.ended(within_s=_EXITS_WITHIN_S) == 0
    history.close()
    assert goodbyes == [_SHUTDOWN] * len(market.people)
    assert took_s < _EXITS_WITHIN_S
    assert _problems(server, tmp_path, planted_dir) == []


@pytest.mark.slow
async def test_what_was_asked_before_the_signal_is_answered_after_it(server, history):
    market, crowd = await _run(server, history)
    try:
        family, caregiver, order_id = crowd.visits[0]
        port = int(server.url.rpartition(":")[2])
        people = [family.person, caregiver.person] * (_CONNECTIONS // 2)
        connections = [await _open(port, person, order_id) for person in people]
        for connection, person in zip(connections, people, strict=True):
            connection.send("/api/chat/send", _message(order_id), token=person.token, key=uuid.uuid4().hex)
        server.signal(signal.SIGTERM)
        answers = [await connection.answer() for connection in connections]
        assert [status for status, _, _ in answers] == [200] * _CONNECTIONS
        assert await server.ended(within_s=_EXITS_WITHIN_S) == 0
        for connection in connections:
            connection.close()
    finally:
        await market.close()


@pytest.mark.slow
async def test_further_signals_do_not_break_a_drain(server, history):
    market, crowd = await _run(server, history)
    try:
        crowd.begin()
        server.signal(signal.SIGTERM)
        impatient = cycle((signal.SIGINT, signal.SIGTERM))
        await until(
            lambda: server.exit_code is not None or server.signal(next(impatient)),
            within_s=_EXITS_WITHIN_S, what="the server lives on",
        )  # fmt: skip
        assert server.exit_code == 0
        server.start()
        await server.ready()
        await crowd.end()
        assert check_log(server.printed()) == []
    finally:
        await market.close()
