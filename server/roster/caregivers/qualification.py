"""A caregiver hands in papers and sees their fate."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol

from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_date
from server.core.errors import Refused, invalid
from server.core.facts import Facts
from server.core.ids import looks_like_id
from server.roster.caregivers import store, store_papers
from server.roster.caregivers.commands import ListQualifications, SubmitQualification
from server.roster.caregivers.paper_answers import FILES, own_answer
from server.roster.facts import QualificationSubmitted
from server.roster.identity_check import checked_id_number
from server.roster.wording import QUALIFICATION_TEXTS
from server.storage.files.images import ImageWorkshop
from server.storage.files.links import FileLinks
from server.storage.files.shelf import Deposit, FileShelf
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

PURPOSE = "qualification"


class Picture(Protocol):
    """What came in a file part of the form."""

    @property
    def content(self) -> bytes: ...


class Qualifications:
    """Use cases of a caregiver about the own papers."""

    def __init__(
        self,
        *,
        database: Database,
        units: UnitOfWork,
        facts: Facts,
        clock: BusinessClock,
        workshop: ImageWorkshop,
        shelf: FileShelf,
        links: FileLinks,
    ) -> None:
        self._database = database
        self._units = units
        self._facts = facts
        self._clock = clock
        self._workshop = workshop
        self._shelf = shelf
        self._links = links

    async def submit_qualification(
        self, call: Call, command: SubmitQualification, files: Mapping[str, Picture]
    ) -> dict[str, Any]:
        """`certification_id` and `status`; all four pictures the first time, later those that changed.

        422 `invalid` about a missing picture, a past expiry, or an ID number that is wrong, not this
        person's or another caregiver's.
        """
        await self._check_before_pictures(call, command, files)  # decoding is dear
        pictures = [await self._workshop.reencode(files[name].content, field=name) for name in files]
        async with self._shelf.deposit(pictures) as deposits:
            kept = dict(zip(files, deposits, strict=True))
            return await self._units.run(call, lambda tx: self._submit(tx, call, command, kept))

    async def _check_before_pictures(
        self, call: Call, command: SubmitQualification, files: Mapping[str, Picture]
    ) -> None:
        async with self._database.read() as tx:
            row = await self._caregiver(tx, call)
            self._check(row, command, today=shanghai_date(self._clock.now()))
            await self._carried_over(tx, row["caregiver_id"], files)

    async def _submit(
        self, tx: Transaction, call: Call, command: SubmitQualification, kept: Mapping[str, Deposit]
    ) -> dict[str, Any]:
        now = self._clock.now()
        row = await self._caregiver(tx, call)
        caregiver_id = row["caregiver_id"]
        number = self._check(row, command, today=shanghai_date(now))
        await self._claim_id_number(tx, row, number, at=now)
        file_ids = await self._carried_over(tx, caregiver_id, kept)
        for name, deposit in kept.items():
            file_ids[f"{name}_file_id"] = await self._shelf.keep(
                tx, user_id=call.user.user_id, purpose=PURPOSE, encoded=deposit
            )
        await store_papers.set_pending_aside(tx, caregiver_id, at=now)
        fields = command.model_dump() | {
            "caregiver_id": caregiver_id,
            "id_number": number,
            "id_number_hash": store_papers.id_number_hash(tx, number),
            "submitted_at": now,
        }
        certification_id = await store_papers.add_certification(tx, fields | file_ids)
        await self._facts.record(tx, QualificationSubmitted(certification_id, caregiver_id, call.user.user_id))
        return {
            "certification_id": certification_id,
            "status": "pending",
            "status_text": QUALIFICATION_TEXTS["pending"],
        }

    async def _caregiver(self, tx: Transaction, call: Call) -> Any:
        row = await store.caregiver_of(tx, call.user.user_id)
        if row is None:
            raise Refused("wrong_state", "请先填写个人资料")
        return row

    def _check(self, row: Any, command: SubmitQualification, *, today: date) -> str:
        """The ID number in its one spelling."""
        for field in ("certificate_expires_on", "health_certificate_expires_on"):
            if getattr(command, field) <= today:
                raise invalid(field, "证件已过期或今天到期", code="expired")
        number = checked_id_number(command.id_number, birth_date=row["birth_date"], gender=row["gender"], today=today)
        if row["approved_at"] is not None and row["id_number"] != number:
            raise invalid("id_number", "与已认证的身份证号不一致", code="mismatch")
        return number

    async def _claim_id_number(self, tx: Transaction, row: Any, number: str, *, at: datetime) -> None:
        """One person is one caregiver: the number is taken until the papers are rejected."""
        changes = {
            "id_number": number,
            "id_number_hash": store_papers.id_number_hash(tx, number),
            "updated_at": at,
        }
        if row["qualification_status"] != "approved":
            changes["qualification_status"] = "pending"
        try:
            unchanged = store.still(row["qualification_status"])
            if not await store.change_caregiver(tx, row["caregiver_id"], changes, unchanged):
                raise Refused("wrong_state", "认证状态已变化，请刷新后重试")
        except store.IdNumberTaken:
            raise invalid("id_number", "该身份证号已被其他账号使用", code="taken") from None

    async def _carried_over(self, tx: Transaction, caregiver_id: str, files: Mapping[str, Any]) -> dict[str, str]:
        """The file ids of the latest papers for what was not sent anew."""
        latest = await store_papers.latest_certification(tx, caregiver_id)
        missing = [name for name in FILES if name not in files]
        if latest is None and missing:
            raise invalid(missing[0], "首次认证需要上传全部四张照片", code="missing")
        return {} if latest is None else {f"{name}_file_id": latest[f"{name}_file_id"] for name in missing}

    async def list_own(self, call: Call, command: ListQualifications) -> dict[str, Any]:
        """Own certifications, the newest first."""
        if command.cursor is not None and not looks_like_id(command.cursor):
            raise invalid("cursor", "游标无效")
        async with self._database.read() as tx:
            rows = await store_papers.own_certifications(
                tx, call.user.user_id, status=command.status, before=command.cursor, limit=command.limit + 1
            )
        shown = rows[: command.limit]
        more = len(rows) > command.limit
        return {
            "items": [own_answer(row, links=self._links) for row in shown],
            "next_cursor": shown[-1]["certification_id"] if more else None,
        }
