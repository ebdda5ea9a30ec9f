"""Two instances of the Express peer over the same kind of stores."""

import http.client
import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymysql
from sqlalchemy.engine import URL

from bench.load.dialects import Rejected, SocketIo
from bench.peers.peer import HERE, node_package
from bench.process import Process, free_port

PLACE = HERE / "node_cluster"
NAME = "Express, mysql2, Socket.IO"
_PUSH = b'42["push",'
_STARTS_WITHIN_S = 30.0
_APART = timedelta(hours=4)
_HOUR = timedelta(hours=1)


def version() -> str:
    """Of its libraries. Raises Absent."""
    express = node_package("express", PLACE)
    return f"{express.split(' ')[0]}, Socket.IO {node_package('socket.io', PLACE)}"


class NodeCluster:
    """`database` is an empty one of its own, `redis_url` a server or a number of its own."""

    name = NAME
    settings: dict[str, str] = {}

    def __init__(
        self, directory: Path, *, cores: Sequence[int], database: URL, redis_url: str, caregivers: int, families: int
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory, self._cores = directory, cores
        self._database, self._redis_url = database, redis_url
        self.caregivers = [f"cu{number}" for number in range(caregivers)]
        self.families = [f"fu{number}" for number in range(families)]
        self.ports: list[int] = []
        self._processes: list[Process] = []
        self._next_slot = 0

    def start(self) -> None:
        url = self._database.set(drivername="mysql").render_as_string(hide_password=False)
        for number, core in enumerate(self._cores):  # one after the other: the first makes the tables
            port = free_port()
            process = Process(
                [str(shutil.which("node")), "server.mjs", str(port), url, self._redis_url], core=core,
                log_file=self._directory / f"node-{number}.log", cwd=PLACE, settings={"NODE_ENV": "production"},
            )  # fmt: skip
            self._processes.append(process)
            self.ports.append(port)
            process.await_line("listening", within_s=_STARTS_WITHIN_S)
        rows = [(f"c{number}", user, "2099-01-01") for number, user in enumerate(self.caregivers)]
        self._insert("INSERT INTO caregivers (id, user_id, papers_valid_until) VALUES (%s, %s, %s)", rows)

    def cpu_s(self) -> float:
        return sum(process.cpu_s() for process in self._processes)

    def receiver(self, user_id: str) -> SocketIo:
        return SocketIo(user_id, channels=(f"user:{user_id}",))

    def events(self, payload: bytes) -> Iterator[dict[str, Any]]:
        if payload.startswith(_PUSH):
            told = json.loads(payload[2:])[1]
            yield {"channel": told["channel"], **told["pub"]["data"]}

    def notice(self, user_id: str) -> tuple[str, dict[str, Any], str]:
        return "/api/message/send", {"user_id": user_id, "template": "order_completed"}, "X-User: service\r\n"

    def acceptance(self, offer_id: str, user_id: str) -> tuple[str, dict[str, Any], str]:
        return "/api/order/accept", {"offer_id": offer_id}, f"X-User: {user_id}\r\n"

    def prepare(self, count: int) -> list[tuple[str, str, str]]:
        """Paid orders, each offered to one caregiver: (offer, its caregiver's account, the family's)."""
        orders, offers, made = [], [], []
        expires_at = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
        for number in range(count):
            place, slot = number % len(self.caregivers), self._next_slot + number // len(self.caregivers)
            order_id, offer_id = uuid.uuid4().hex, uuid.uuid4().hex
            start_at = expires_at + slot * _APART
            orders.append((order_id, self.families[place], "paid", 2, start_at, start_at + _HOUR))
            offers.append((offer_id, order_id, f"c{place}", "open", expires_at))
            made.append((offer_id, self.caregivers[place], self.families[place]))
        self._next_slot += -(-count // len(self.caregivers))
        columns = "id, user_id, status, version, start_at, end_at"
        self._insert(f"INSERT INTO orders ({columns}) VALUES (%s, %s, %s, %s, %s, %s)", orders)
        columns = "id, order_id, caregiver_id, state, expires_at"
        self._insert(f"INSERT INTO offers ({columns}) VALUES (%s, %s, %s, %s, %s)", offers)
        return made

    def offer_to_all(self) -> str:
        """A paid order that all caregivers were just asked for."""
        order_id, start_at = uuid.uuid4().hex, datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
        columns = "id, user_id, status, version, start_at, end_at"
        row = (order_id, self.families[0], "paid", 2, start_at, start_at + _HOUR)
        self._insert(f"INSERT INTO orders ({columns}) VALUES (%s, %s, %s, %s, %s, %s)", [row])
        body, headers = json.dumps({"order_id": order_id}), {"X-User": "jobs", "Idempotency-Key": order_id}
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[0], timeout=_STARTS_WITHIN_S)
        connection.request("POST", "/api/order/offer", body, headers | {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise Rejected(f"{NAME} answered {answer.status}")
        connection.close()
        return order_id

    def _insert(self, statement: str, rows: list[Any]) -> None:
        url = self._database
        connection = pymysql.connect(
            host=url.host, port=url.port or 3306, user=url.username, password=url.password or "",
            database=url.database, autocommit=True,
        )  # fmt: skip
        with connection, connection.cursor() as cursor:
            cursor.executemany(statement, rows)

    def stop(self) -> None:
        for process in self._processes:
            process.stop()
