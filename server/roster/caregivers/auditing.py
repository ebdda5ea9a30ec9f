"""Administrators look through papers and decide."""

from datetime import datetime
from typing import Any

from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_date
from server.core.cursor import Pages
from server.core.errors import Refused
from server.core.facts import Facts
from server.roster.caregivers import store_papers
from server.roster.caregivers.commands import ListQualifications, ReviewQualification
from server.roster.caregivers.paper_answers import not_yours, review_answer
from server.roster.facts import QualificationReviewed
from server.roster.id_number import parse_id_number
from server.roster.wording import QUALIFICATION_TEXTS
from server.storage.audit import write_audit
from server.storage.files.links import FileLinks
from server.storage.sql import Database
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_STATUS_OF = {"approve": "approved", "reject": "rejected"}
_PAGES = Pages("qualification", submitted_at=datetime, certification_id=str)


class QualificationAudit:
    """Use cases of administrators; every decision leaves an audit row."""

    def __init__(
        self, *, database: Database, units: UnitOfWork, facts: Facts, clock: BusinessClock, links: FileLinks
    ) -> None:
        self._database = database
        self._units = units
        self._facts = facts
        self._clock = clock
        self._links = links

    async def list_qualifications(self, call: Call, command: ListQualifications) -> dict[str, Any]:
        """Certifications in one state or in all, the longest waiting first."""
        after = _PAGES.after(command.cursor)
        async with self._database.read() as tx:
            rows = await store_papers.certifications_in_line(
                tx, status=command.status, after=after, limit=command.limit + 1
            )
        shown, cursor = _PAGES.cut(rows, command.limit)
        return {"items": [review_answer(row, links=self._links) for row in shown], "next_cursor": cursor}

    async def review_qualification(self, call: Call, command: ReviewQualification) -> dict[str, Any]:
        """Decide what is pending; 409 `wrong_state` when it is not, or the papers no longer fit.

        The caregiver reads the reason.
        """

        async def body(tx: Transaction) -> dict[str, Any]:
            now = self._clock.now()
            paper = await store_papers.certification(tx, command.certification_id)
            if paper is None:
                raise Refused("not_found")
            status = _STATUS_OF[command.decision]
            reviewer = call.user.user_id
            if not await store_papers.decide(
                tx, command.certification_id, status=status, reason=command.reason, by=reviewer, at=now
            ):
                raise not_yours(paper, reviewer)
            if status == "approved":
                await self._approve(tx, paper, at=now)
            else:
                await store_papers.let_go(tx, paper["caregiver_id"], at=now)
            await self._tell(tx, call, command, paper)
            return {
                "certification_id": command.certification_id,
                "status": status,
                "status_text": QUALIFICATION_TEXTS[status],
            }

        return await self._units.run(call, body)

    async def _approve(self, tx: Transaction, paper: Any, *, at: datetime) -> None:
        valid_until = min(paper["certificate_expires_on"], paper["health_certificate_expires_on"])
        if valid_until < shanghai_date(at):
            raise Refused("wrong_state", "证件已过期，请让陪护人员重新提交")
        person = parse_id_number(paper["id_number"], today=shanghai_date(at))
        if (person.birth_date, person.gender) != (paper["birth_date"], paper["gender"]):
            raise Refused("wrong_state", "个人资料与身份证号不一致，请退回")
        if not await store_papers.take_over_papers(tx, paper, valid_until=valid_until, at=at):
            raise Refused("wrong_state", "个人资料已变化，请重新查看")

    async def _tell(self, tx: Transaction, call: Call, command: ReviewQualification, paper: Any) -> None:
        await write_audit(
            tx,
            call,
            action="admin.qualification.review",
            target=f"certification:{command.certification_id}",
            reason=command.reason,
            detail={"caregiver_id": paper["caregiver_id"], "before": paper["status"], "decision": command.decision},
        )
        fact = QualificationReviewed(
            command.certification_id, paper["caregiver_id"], paper["user_id"], command.decision, command.reason
        )
        await self._facts.record(tx, fact)
