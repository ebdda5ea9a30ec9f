"""One request, one transaction, one answer.

With an Idempotency-Key the answer is stored by the very transaction that makes the change, so there is
no instant at which one exists without the other. A refusal by the use case (409, 422) undoes the change
and is kept as an answer too; anything else is kept by nobody (contract.md §2).
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from server.core.call import Answer, Call, KeyedRequest
from server.core.clock import server_now
from server.core.errors import CommittedRefusal, FieldError, Refused
from server.storage.sql import Database
from server.storage.tables.system import idempotency_key
from server.storage.transaction import Transaction

KEPT_FOR = timedelta(days=7)
_KEPT_STATUSES = (409, 422)


class UnitOfWork:
    """Runs the body of a use case for a call; repeats the kept answer for a repeated key."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._running: set[tuple[str, str, str]] = set()

    async def run(self, call: Call, body: Callable[[Transaction], Awaitable[Any]]) -> Any:
        """The body's result (the answer's `data`), now or as it was kept.

        Raises Refused: what the body refused (kept), `idempotency_mismatch`, `idempotency_in_progress`.
        """
        if call.keyed is None:
            outcome = await self._database.write(lambda tx: _outcome(tx, body))
            if isinstance(outcome, CommittedRefusal):
                raise outcome
            return outcome
        slot = (call.user.user_id, call.keyed.route, call.keyed.key)
        if slot in self._running:
            raise Refused("idempotency_in_progress")
        self._running.add(slot)
        try:
            answer = await self._database.write(lambda tx: self._keyed(tx, call, body))
        finally:
            self._running.discard(slot)
        return _deliver(call, answer)

    async def recall(self, call: Call) -> bool:
        """True when the call's key has an answer already (set on the call); for work in several steps."""
        if call.keyed is None:
            return False
        async with self._database.read() as tx:
            call.answer = await _kept(tx, call.user.user_id, call.keyed)
        return call.answer is not None

    async def _keyed(self, tx: Transaction, call: Call, body: Callable[[Transaction], Awaitable[Any]]) -> Answer:
        assert call.keyed is not None
        kept = await _kept(tx, call.user.user_id, call.keyed)
        if kept is not None:
            return kept
        try:
            async with tx.savepoint():
                outcome = await _outcome(tx, body)
        except Refused as refused:
            if refused.status not in _KEPT_STATUSES:
                raise
            outcome = refused
        answer = _answer(call, outcome)
        await _keep(tx, call.user.user_id, call.keyed, answer)
        return answer


async def _outcome(tx: Transaction, body: Callable[[Transaction], Awaitable[Any]]) -> Any:
    """What the body returned, or the refusal that commits what the body wrote."""
    try:
        return await body(tx)
    except CommittedRefusal as refusal:
        return refusal


def _answer(call: Call, outcome: Any) -> Answer:
    if not isinstance(outcome, Refused):
        return Answer(call.success_status, "ok", "成功", outcome, [], call.request_id)
    errors = [{"field": e.field, "code": e.code, "message": e.message} for e in outcome.errors]
    return Answer(outcome.status, outcome.code, outcome.message or "", outcome.data, errors, call.request_id)


def _deliver(call: Call, answer: Answer) -> Any:
    call.answer = answer
    if answer.code != "ok":
        errors = tuple(FieldError(**error) for error in answer.errors)
        raise Refused(answer.code, answer.message or None, errors=errors, data=answer.data)
    return answer.data


def _slot(tx: Transaction, user_id: str, keyed: KeyedRequest) -> tuple[Any, ...]:
    key_hash = tx.keys.lookup_hash(keyed.key, "idempotency_key")
    columns = idempotency_key.c
    return (columns.user_id == user_id, columns.route == keyed.route, columns.key_hash == key_hash)


async def _kept(tx: Transaction, user_id: str, keyed: KeyedRequest) -> Answer | None:
    row = await tx.one(select(idempotency_key).where(*_slot(tx, user_id, keyed)))
    if row is None or row["created_at"] < server_now() - KEPT_FOR:
        return None
    if row["body_hash"] != keyed.body_hash:
        raise Refused("idempotency_mismatch")
    return Answer(**json.loads(row["answer"]))


async def _keep(tx: Transaction, user_id: str, keyed: KeyedRequest, answer: Answer) -> None:
    await tx.run(delete(idempotency_key).where(*_slot(tx, user_id, keyed)))  # an outlived one
    await tx.run(
        insert(idempotency_key).values(
            user_id=user_id,
            route=keyed.route,
            key_hash=tx.keys.lookup_hash(keyed.key, "idempotency_key"),
            body_hash=keyed.body_hash,
            answer=json.dumps(asdict(answer), ensure_ascii=False, separators=(",", ":")),
            created_at=server_now(),
        )
    )
