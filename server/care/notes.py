"""Service notes: each once, in time, and never changed.

Only the assigned caregiver writes, only while the service runs. A correction is a new note that names the
old one (domain.md §13). What the device says about time is kept but not trusted: `received_at` is ours.
"""

from datetime import timedelta
from typing import Any

from config.reading import fingerprint
from server.care import store_notes as store
from server.care.attachments import attach_upload
from server.care.commands import AppendNote, ListNotes, Vitals
from server.care.events import note_data, note_event
from server.care.ports import Orders
from server.care.standing import require_may_note, require_standing
from server.care.store_chat import AlreadyThere, OnlyOnce
from server.core.call import Call
from server.core.channels import order_channel
from server.core.clock import BusinessClock, shanghai_text
from server.core.errors import Refused, invalid
from server.core.ids import new_id
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.files.shelf import FileShelf
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

KIND_TEXTS = {"measure": "护理措施", "condition": "病情变化", "vital": "生命体征", "milestone": "进度"}
# A note is worth more than a right clock on the phone that took it: only nonsense is refused.
_AHEAD_AT_MOST = timedelta(hours=24)
_BEHIND_AT_MOST = timedelta(days=366)


class Notes:
    """Use cases of service notes."""

    def __init__(
        self,
        *,
        units: UnitOfWork,
        database: Database,
        log: SqlChannelLog,
        orders: Orders,
        shelf: FileShelf,
        clock: BusinessClock,
    ) -> None:
        self._units = units
        self._database = database
        self._log = log
        self._orders = orders
        self._shelf = shelf
        self._clock = clock

    async def append_note(self, call: Call, command: AppendNote) -> dict[str, Any]:
        """{"note_id", "offset", "received_at"}; the same for the same `msg_id` in an order.

        Raises `not_found`, `wrong_state`, `already_finished`, `invalid`, `idempotency_mismatch`.
        """
        self._require_sense(command)

        async def body(tx: Transaction) -> dict[str, Any]:
            standing = await require_standing(self._orders, tx, command.order_id, call.user)
            if standing.relation != "caregiver" or standing.caregiver_id is None:
                raise Refused("forbidden")
            noted = await _noted_before(tx, standing.caregiver_id, command)
            if noted is not None:
                return noted
            require_may_note(standing)
            await _require_corrects(tx, command)
            await self._attach(tx, call, command)
            return await self._store(tx, call, command, standing.caregiver_id)

        return await self._units.run(call, body)

    async def _attach(self, tx: Transaction, call: Call, command: AppendNote) -> None:
        mine = {"order_id": command.order_id, "user_id": call.user.user_id, "purpose": "note"}
        for position, file_id in enumerate(command.file_ids):
            if not await attach_upload(self._shelf, tx, file_id, **mine, media_family="image"):
                raise invalid(f"file_ids.{position}", "文件不存在或不能用于服务记录")

    async def _store(self, tx: Transaction, call: Call, command: AppendNote, caregiver_id: str) -> dict[str, Any]:
        row = {
            "note_id": new_id(),
            "order_id": command.order_id,
            "caregiver_id": caregiver_id,
            "msg_id": command.msg_id,
            "kind": command.kind,
            "text": command.text,
            "vitals": _measured(command.vitals) or None,
            "file_ids": command.file_ids,
            "corrects": command.corrects,
            "recorded_at": command.recorded_at,
            "received_at": self._clock.now(),
        }
        await store.ensure_detail(tx, command.order_id)
        try:
            async with OnlyOnce(tx):
                channel = order_channel(command.order_id)
                position = await self._log.append(tx, channel, note_event(row), at=row["received_at"], is_new=True)
                # The channel's head is ours until the commit, and finishing moves it too: read the state
                # again, so that no note gets a position behind the end of the service.
                require_may_note(await require_standing(self._orders, tx, command.order_id, call.user))
                row |= {"offset": position.offset, "body_hash": _body_hash(command)}
                await store.insert_note(tx, row)
        except AlreadyThere:
            noted = await _noted_before(tx, caregiver_id, command)
            if noted is None:
                raise
            return noted
        return _noted(row)

    async def list_notes(self, call: Call, command: ListNotes) -> dict[str, Any]:
        """{"items": oldest first, "next_cursor"}; for the whole party. Raises `not_found`."""
        async with self._database.read() as tx:
            await require_standing(self._orders, tx, command.order_id, call.user)
            rows = await store.notes_after(tx, command.order_id, command.cursor or 0, command.limit + 1)
        page = rows[: command.limit]
        more = len(rows) > len(page)
        items = [{**note_data(row), "kind_text": KIND_TEXTS[row["kind"]], "offset": row["offset"]} for row in page]
        return {"items": items, "next_cursor": str(page[-1]["offset"]) if more else None}

    def _require_sense(self, command: AppendNote) -> None:
        """What can be seen from the note alone. Raises `invalid`."""
        if command.kind != "vital" and command.text is None:
            raise invalid("text", "必填", code="required")
        if not _measured(command.vitals) and command.kind == "vital":
            raise invalid("vitals", "请至少填写一项生命体征", code="required")
        if len(set(command.file_ids)) != len(command.file_ids):
            raise invalid("file_ids", "同一文件只能出现一次", code="repeated")
        now = self._clock.now()
        if not now - _BEHIND_AT_MOST <= command.recorded_at <= now + _AHEAD_AT_MOST:
            raise invalid("recorded_at", "记录时间超出允许范围", code="out_of_range")


def _measured(vitals: Vitals | None) -> dict[str, Any]:
    """The values that were given. Raises `invalid` where two of them cannot be true together."""
    if vitals is None:
        return {}
    upper, lower = vitals.systolic_mmhg, vitals.diastolic_mmhg
    if upper is not None and lower is not None and lower >= upper:
        raise invalid("vitals.diastolic_mmhg", "舒张压必须低于收缩压")
    return vitals.model_dump(exclude_none=True)


async def _noted_before(tx: Transaction, caregiver_id: str, command: AppendNote) -> dict[str, Any] | None:
    row = await store.find_note(tx, command.order_id, caregiver_id, command.msg_id)
    if row is None:
        return None
    if row["body_hash"] != _body_hash(command):
        raise Refused("idempotency_mismatch")
    return _noted(row)


async def _require_corrects(tx: Transaction, command: AppendNote) -> None:
    if command.corrects is not None and not await store.is_note_of(tx, command.corrects, command.order_id):
        raise invalid("corrects", "被更正的记录不属于该订单")


def _body_hash(command: AppendNote) -> str:
    return fingerprint(command.model_dump(mode="json", exclude={"order_id", "msg_id"}))


def _noted(row: dict[str, Any]) -> dict[str, Any]:
    return {"note_id": row["note_id"], "offset": row["offset"], "received_at": shanghai_text(row["received_at"])}
