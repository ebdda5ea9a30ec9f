"""Creates, shows, changes and deletes an account's patients."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

from server.core.call import Call
from server.core.clock import BusinessClock, age_on, shanghai_date, shanghai_text
from server.core.errors import Refused, invalid
from server.core.facts import Facts
from server.core.ids import looks_like_id, new_id
from server.roster.catalog import Catalog
from server.roster.facts import ViewerRemoved
from server.roster.id_number import mask_id_number
from server.roster.identity_check import checked_id_number
from server.roster.patients import store
from server.roster.patients.commands import (
    CreatePatient,
    DeletePatient,
    ListPatients,
    ReadPatient,
    UpdatePatient,
)
from server.roster.wording import GENDER_TEXTS, RELATION_TEXTS
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

HasLiveOrders = Callable[[Transaction, str], Awaitable[bool]]

_NAMES_AT_ONCE = 500
_KEPT_AS_SENT = ("name", "birth_date", "gender", "relation", "contact_phone", "condition", "department", "bed_no")


class Patients:
    """Use cases of the account that keeps the patients; others do not learn that they exist.

    `has_live_orders(tx, patient_id)` answers for the booking area.
    """

    def __init__(
        self,
        *,
        database: Database,
        units: UnitOfWork,
        facts: Facts,
        clock: BusinessClock,
        catalog: Catalog,
        has_live_orders: HasLiveOrders,
        patients_per_account: int = 20,
    ) -> None:
        self._database = database
        self._units = units
        self._facts = facts
        self._clock = clock
        self._catalog = catalog
        self._has_live_orders = has_live_orders
        self._patients_per_account = patients_per_account

    async def create_patient(self, call: Call, command: CreatePatient) -> dict[str, Any]:
        """`patient_id`; 409 `wrong_state` beyond the limit, 422 about the ID number or the birth date."""
        user_id = call.user.user_id

        async def body(tx: Transaction) -> dict[str, Any]:
            now = self._clock.now()
            await store.lock_account(tx, user_id)
            if await store.count_patients(tx, user_id) >= self._patients_per_account:
                raise Refused("wrong_state", f"每个账户最多登记{self._patients_per_account}位就诊人")
            number = _checked_identity(command.id_number, command.birth_date, command.gender, now=now)
            patient_id = new_id()
            row = {name: getattr(command, name) for name in _KEPT_AS_SENT} | {
                "patient_id": patient_id,
                "user_id": user_id,
                "id_number": number,
                "id_number_hash": store.id_number_hash(tx, user_id, number),
                "health_consent_at": now,
                "created_at": now,
                "updated_at": now,
            }
            try:
                await store.add_patient(tx, row)
            except store.IdNumberTaken:
                raise _taken() from None
            await store.give_consent(tx, user_id, patient_id, at=now)
            return {"patient_id": patient_id}

        return await self._units.run(call, body)

    async def list_patients(self, call: Call, command: ListPatients) -> dict[str, Any]:
        if command.cursor is not None and not looks_like_id(command.cursor):
            raise invalid("cursor", "游标无效")
        async with self._database.read() as tx:
            rows = await store.patients_of(tx, call.user.user_id, after=command.cursor, limit=command.limit + 1)
        shown, today = rows[: command.limit], shanghai_date(self._clock.now())
        more = len(rows) > command.limit
        return {
            "items": [self._answer(row, today=today) for row in shown],
            "next_cursor": shown[-1]["patient_id"] if more else None,
        }

    async def read_patient(self, call: Call, command: ReadPatient) -> dict[str, Any]:
        async with self._database.read() as tx:
            row = await self._own(tx, call, command.patient_id)
        return self._answer(row, today=shanghai_date(self._clock.now()))

    async def fill_name_hashes(self) -> int:
        """A round of the job: patients of an earlier version become findable by name. How many."""
        async with self._database.read() as tx:
            if not await store.has_name_without_hash(tx):
                return 0
        return await self._database.write(lambda tx: store.fill_name_hashes(tx, limit=_NAMES_AT_ONCE))

    async def update_patient(self, call: Call, command: UpdatePatient) -> dict[str, Any]:
        """The patient afterwards; what was not sent stays."""

        async def body(tx: Transaction) -> dict[str, Any]:
            now = self._clock.now()
            row = await self._own(tx, call, command.patient_id)
            changes = {name: getattr(command, name) for name in _KEPT_AS_SENT if name in command.model_fields_set}
            whole = {**row, **changes}
            number = command.id_number if "id_number" in command.model_fields_set else row["id_number"]
            number = _checked_identity(number, whole["birth_date"], whole["gender"], now=now)
            changes |= {
                "id_number": number,
                "id_number_hash": store.id_number_hash(tx, call.user.user_id, number),
                "updated_at": now,
            }
            try:
                await store.change_patient(tx, command.patient_id, changes)
            except store.IdNumberTaken:
                raise _taken() from None
            return self._answer({**whole, **changes}, today=shanghai_date(now))

        return await self._units.run(call, body)

    def _answer(self, row: Any, *, today: date) -> dict[str, Any]:
        return {
            "patient_id": row["patient_id"],
            "name": row["name"],
            "birth_date": row["birth_date"].isoformat(),
            "age": age_on(row["birth_date"], today),
            "gender": row["gender"],
            "gender_text": GENDER_TEXTS[row["gender"]],
            "relation": row["relation"],
            "relation_text": RELATION_TEXTS[row["relation"]],
            "id_number_masked": None if row["id_number"] is None else mask_id_number(row["id_number"]),
            "contact_phone": row["contact_phone"],
            "condition": row["condition"],
            "department": row["department"],
            "department_text": self._catalog.department_name(row["department"]) or row["department"],
            "bed_no": row["bed_no"],
            "created_at": shanghai_text(row["created_at"]),
            "updated_at": shanghai_text(row["updated_at"]),
        }

    async def delete_patient(self, call: Call, command: DeletePatient) -> dict[str, Any]:
        """`patient_id`; 409 `wrong_state` while an order of the patient is under way."""

        async def body(tx: Transaction) -> dict[str, Any]:
            await self._own(tx, call, command.patient_id)
            await store.lock_patient(tx, command.patient_id)
            if await self._has_live_orders(tx, command.patient_id):
                raise Refused("wrong_state", "该就诊人还有未结束的订单，暂不能删除")
            now = self._clock.now()
            if not await store.delete_patient(tx, command.patient_id, at=now):
                raise Refused("not_found")
            await store.withdraw_consent(tx, call.user.user_id, command.patient_id, at=now)
            await store.forget_invites(tx, command.patient_id)
            for viewer in await store.viewers_of(tx, command.patient_id):
                await store.remove_viewer(tx, command.patient_id, viewer["user_id"])
                await self._facts.record(tx, ViewerRemoved(command.patient_id, viewer["user_id"]))
            return {"patient_id": command.patient_id}

        return await self._units.run(call, body)

    async def _own(self, tx: Transaction, call: Call, patient_id: str) -> Any:
        row = await store.own_patient(tx, patient_id, user_id=call.user.user_id)
        if row is None:
            raise Refused("not_found")
        return row


def _checked_identity(number: str | None, birth_date: date, gender: str, *, now: datetime) -> str | None:
    today = shanghai_date(now)
    if birth_date > today:
        raise invalid("birth_date", "出生日期不能晚于今天")
    return None if number is None else checked_id_number(number, birth_date=birth_date, gender=gender, today=today)


def _taken() -> Refused:
    return invalid("id_number", "该身份证号已登记过", code="taken")
