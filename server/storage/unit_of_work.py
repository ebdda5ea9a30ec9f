"""One request, one transaction, one answer.

With an Idempotency-Key the answer is stored by the very transaction that makes the change, so there is
no instant at which one exists without the other. A refusal by the use case (409, 422) undoes the change
and is kept as an answer too; anything else is kept by nobody (contract.md §2).
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from server.core.call import Answer, Call, KeyedRequest
from server.core.clock import server_now
from server.core.errors import CommittedRefusal, FieldError, Refused
from server.storage.retries import CommitUnknown
from server.storage.sql import Database
from server.storage.tables.system import idempotency_key
from server.storage.transaction import Transaction

KEPT_FOR = timedelta(days=7)
_KEPT_STATUSES = (409, 422)
_ANSWER_FIELDS = tuple(field.name for field in fields(Answer))
_SLOT = (
    idempotency_key.c.user_id == bindparam("of_user"),
    idempotency_key.c.route == bindparam("of_route"),
    idempotency_key.c.key_hash == bindparam("of_key"),
)
_KEPT = select(idempotency_key.c.body_hash, idempotency_key.c.answer, idempotency_key.c.created_at).where(*_SLOT)
_FORGET = delete(idempotency_key).where(*_SLOT, idempotency_key.c.created_at < bindparam("outlived"))
_KEEP = insert(idempotency_key)


class _TwinWasFaster(Exception):
    """Another instance has kept an answer under the key while this one worked; nothing of this one stands."""


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
            answer = await self._settled(call, body)
        finally:
            self._running.discard(slot)
        return _deliver(call, answer)

    async def _settled(self, call: Call, body: Callable[[Transaction], Awaitable[Any]]) -> Answer:
        """The answer that is kept, whoever came first, also when nobody heard the commit's end.

        Raises Unavailable when it is not known yet: the same key asks again.
        """
        try:
            return await self._database.write(lambda tx: self._keyed(tx, call, body))
        except (CommitUnknown, _TwinWasFaster, IntegrityError) as trouble:
            if await self.recall(call):
                assert call.answer is not None
                return call.answer
            if isinstance(trouble, _TwinWasFaster):  # and its answer has been forgotten since
                raise Refused("idempotency_in_progress") from None
            raise

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
                await self._look_for_twin(tx, call)
                raise
            outcome = refused
        answer = _answer(call, outcome)
        await _keep(tx, call.user.user_id, call.keyed, answer)
        return answer

    async def _look_for_twin(self, tx: Transaction, call: Call) -> None:
        """A twin on another instance may have been what refused us. Raises _TwinWasFaster.

        Where there is one writer nobody can have come in between.
        """
        if not tx.has_rivals:
            return
        assert call.keyed is not None
        if await tx.one(_KEPT, _slot(tx, call.user.user_id, call.keyed)) is not None:
            raise _TwinWasFaster


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


def _slot(tx: Transaction, user_id: str, keyed: KeyedRequest) -> dict[str, Any]:
    key_hash = tx.keys.lookup_hash(keyed.key, "idempotency_key")
    return {"of_user": user_id, "of_route": keyed.route, "of_key": key_hash}


async def _kept(tx: Transaction, user_id: str, keyed: KeyedRequest) -> Answer | None:
    row = await tx.one(_KEPT, _slot(tx, user_id, keyed))
    if row is None or row["created_at"] < server_now() - KEPT_FOR:
        return None
    if row["body_hash"] != keyed.body_hash:
        raise Refused("idempotency_mismatch")
    return Answer(**json.loads(row["answer"]))


async def _keep(tx: Transaction, user_id: str, keyed: KeyedRequest, answer: Answer) -> None:
    slot, now = _slot(tx, user_id, keyed), server_now()
    kept = {name: getattr(answer, name) for name in _ANSWER_FIELDS}
    row = {
        "user_id": user_id,
        "route": keyed.route,
        "key_hash": slot["of_key"],
        "body_hash": keyed.body_hash,
        "answer": json.dumps(kept, ensure_ascii=False, separators=(",", ":")),
        "created_at": now,
    }
    try:
        await tx.run(_KEEP, row)
    except IntegrityError:
        outlived = slot | {"outlived": now - KEPT_FOR}  # never what a twin has kept a moment ago
        if await tx.run(_FORGET, outlived) == 0:
            raise _TwinWasFaster from None
        await tx.run(_KEEP, row)
