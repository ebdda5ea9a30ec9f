"""The stores of a cluster, started for the bench alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
from sqlalchemy.engine import URL, make_url

from bench.process import DidNotStart
from tests.services import private
from tests.services.mariadb import MariaDb
from tests.services.mongo import Mongo
from tests.services.programs import Missing
from tests.services.redis import Redis


class Stores:
    """Use as `with`; raises DidNotStart. `absent` names what we could do without, and why it is not there."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.absent: dict[str, str] = {}
        self._database = MariaDb()
        self._redis = Redis()
        self._documents = Mongo()

    def __enter__(self) -> "Stores":
        try:
            with _on_all_cores():
                self._database.start()
                self._redis.start()
                self._documents.start()
        except (Missing, private.DidNotStart) as problem:
            self.__exit__()
            raise DidNotStart(str(problem)) from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._documents.remove()
        self._redis.remove()
        self._database.remove()

    def schema(self, name: str) -> URL:
        """A new, empty database."""
        url = make_url(self._database.url).set(database=name)
        connection = pymysql.connect(
            host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", autocommit=True
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return url

    def redis_url(self, number: int) -> str:
        """One of the server's numbered databases."""
        return f"{self._redis.url.rpartition('/')[0]}/{number}"

    def environment(self, data_dir: Path) -> dict[str, str]:
        """What our instances are told."""
        return {
            "PEIHU_DATABASE_URL": self.schema("peihu").render_as_string(hide_password=False),
            "PEIHU_MONGO_URL": f"{self._documents.url}peihu",
            "PEIHU_REDIS_URL": self.redis_url(0),
            "PEIHU_DATA_DIR": str(data_dir),
        }


@contextmanager
def _on_all_cores() -> Iterator[None]:
    """Whoever is started inside may use every core, not only that of the load generator."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)
