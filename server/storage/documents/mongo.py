"""MongoDB through Motor, which no other file names.

Whoever asks waits `timeout_s` at most, and not at all once it is known that nobody answers. A question may have been
answered although its answer was lost, so whatever is asked must do no harm when it is asked again. Filters are made of
texts, numbers and instants of our own, never of an object that a client has sent: in MongoDB such an object is an operator.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pymongo
from gridfs.errors import GridFSError
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorGridFSBucket
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    WriteConcernError,
)

from server.core.breaker import Breaker
from server.core.errors import Unavailable
from server.storage.documents.address import MongoAddress

Result = TypeVar("Result")
Question = Callable[[Any], Awaitable[Result]]

_log = logging.getLogger(__name__)
_RETRY_AFTER_S = 5
_GRACE_S = 1.0  # the driver keeps its own deadline, but looks for a server in steps of half a second
_LOOK_EVERY_MS = 2_000
_IDLE_MS = 300_000
_DUPLICATE = 11000
_REFUSED = {13: "does not allow it", 18: "refuses the login", 8000: "refuses the login"}
# Interrupted, not primary, shutting down, the like: the driver knows most of them by itself.
_PASSING = {6, 7, 64, 89, 91, 112, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436}


class MongoRefuses(Unavailable):
    """MongoDB is there and will not serve us; `reason` ends a sentence that begins with its place."""

    def __init__(self, reason: str) -> None:
        super().__init__(retry_after_s=_RETRY_AFTER_S)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoOptions:
    """What a process allows itself; `tls_ca_file`: None for plain text, "system", or the authority's file."""

    timeout_s: float = 2.0
    connections: int = 20
    tls_ca_file: str | None = None
    tls_verify_host: bool = True


class Mongo:
    """One client, opened by the first question in the loop that asks it."""

    def __init__(self, address: MongoAddress, *, options: MongoOptions) -> None:
        self.address = address
        self._options = options
        self._breaker = Breaker(failures=2, pause_s=5.0)
        self._client: Any = None
        self._why_away = ""
        self.is_admitted = False  # until it is known whose documents these are, nobody but `probe` gets an answer
        self.is_away = False  # said by who watches it

    async def ask(self, question: Question[Result], *, within_s: float | None = None) -> Result:
        """`await question(database)`. Raises Unavailable; what GridFS and unique keys have to say is an answer."""
        if self.is_away or not self.is_admitted:
            raise Unavailable(retry_after_s=_RETRY_AFTER_S)
        self._breaker.enter()
        return await self.probe(question, within_s=within_s)

    async def probe(self, question: Question[Result], *, within_s: float | None = None) -> Result:
        """As `ask`, also while nobody else is let through: what it finds out counts for all."""
        deadline_s = within_s or self._options.timeout_s
        try:
            async with asyncio.timeout(deadline_s + _GRACE_S):
                with pymongo.timeout(deadline_s):
                    result = await question(self._database())
        except (DuplicateKeyError, GridFSError):
            self._answered()
            raise
        except BulkWriteError as problem:
            if _are_duplicates(problem):
                self._answered()
                raise
            raise self._failed(problem) from problem
        except (ConnectionFailure, ExecutionTimeout, WriteConcernError, InvalidOperation, TimeoutError) as problem:
            raise self._failed(problem) from problem
        except ConfigurationError as problem:  # a server that this driver is too new or too old for
            raise self._refused(str(problem)) from problem
        except OperationFailure as problem:
            if problem.code in _REFUSED:
                raise self._refused(f"{_REFUSED[problem.code]} ({problem.details and problem.details.get('errmsg')})") from None
            if problem.code in _PASSING:
                raise self._failed(problem) from problem
            raise
        self._answered()
        return result

    def bucket(self, name: str) -> Any:
        """A GridFS bucket; each of its calls is a question of its own."""
        return AsyncIOMotorGridFSBucket(self._database(), bucket_name=name)

    @property
    def why_away(self) -> str:
        """What was wrong when it was asked last, as the end of a sentence; empty: it answered."""
        return self._why_away

    def _database(self) -> Any:
        if self._client is None:
            self._client = self._open()
        return self._client[self.address.database]

    def _open(self) -> Any:
        options, timeout_ms = self._options, round(self._options.timeout_s * 1000)
        tls: dict[str, Any] = {}
        if options.tls_ca_file is not None:
            tls = {"tls": True, "tlsAllowInvalidHostnames": not options.tls_verify_host}
            if options.tls_ca_file != "system":
                tls["tlsCAFile"] = options.tls_ca_file
        # A server that stands alone confirms to its majority of one before the journal has it: a kill takes that back.
        return AsyncIOMotorClient(
            self.address.url, w="majority", journal=True, retryWrites=True, retryReads=True, readPreference="primary",
            tz_aware=True, serverSelectionTimeoutMS=timeout_ms, connectTimeoutMS=timeout_ms,
            socketTimeoutMS=timeout_ms, timeoutMS=timeout_ms, maxPoolSize=options.connections, maxIdleTimeMS=_IDLE_MS,
            heartbeatFrequencyMS=_LOOK_EVERY_MS, appname="peihu", **tls,
        )  # fmt: skip

    def _answered(self) -> None:
        self._breaker.answered()
        if self._why_away:
            _log.info("MongoDB answers again")
        self._why_away = ""

    def _failed(self, problem: Exception) -> Unavailable:
        self._breaker.failed()
        self._note(f"does not answer ({_first_words(problem)})")
        return Unavailable(retry_after_s=_RETRY_AFTER_S)

    def _refused(self, reason: str) -> MongoRefuses:
        self._breaker.failed()
        self._note(reason)
        return MongoRefuses(reason)

    def _note(self, why: str) -> None:
        if not self._why_away:
            _log.info("MongoDB %s", why)
        self._why_away = why

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _are_duplicates(problem: BulkWriteError) -> bool:
    details = problem.details or {}
    errors = details.get("writeErrors", [])
    return bool(errors) and not details.get("writeConcernErrors") and all(one["code"] == _DUPLICATE for one in errors)


def _first_words(problem: Exception) -> str:
    """The driver adds its timeouts and its whole view of the world."""
    return str(problem).split(" (configured")[0].split(", Timeout:")[0] or type(problem).__name__
