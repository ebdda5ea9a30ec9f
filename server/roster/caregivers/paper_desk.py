"""An administrator takes papers in hand and looks closely.

While one has them nobody else decides them (features: two never decide one case); a claim ends by itself, so
that nobody's lunch keeps a caregiver waiting. Looking at ID cards leaves a row in the audit before they are shown.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from config.policy import CaregiverRules
from server.core.call import Call
from server.core.clock import BusinessClock, age_on, server_now, shanghai_date, shanghai_text
from server.core.errors import Refused
from server.roster.caregivers import store_papers
from server.roster.caregivers.commands import ClaimQualification, QualificationById
from server.roster.caregivers.paper_answers import not_yours, review_answer
from server.roster.id_number import BadIdNumber, parse_id_number
from server.roster.wording import QUALIFICATION_TEXTS, QUICK_REASONS
from server.storage.audit import write_audit
from server.storage.files.links import FileLinks
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork

_CLAIM_LASTS = timedelta(minutes=15)  # four documents are read in five
_SOON = timedelta(days=30)  # papers that end so soon are asked for again
_EARLIER_AT_MOST = 20


class PaperDesk:
    """Use cases before a decision."""

    def __init__(
        self, *, units: UnitOfWork, clock: BusinessClock, links: FileLinks, rules: Callable[[], CaregiverRules]
    ) -> None:
        self._units = units
        self._clock = clock
        self._links = links
        self._rules = rules

    async def claim(self, call: Call, command: ClaimQualification) -> dict[str, Any]:
        """Take pending papers in hand, again: keep them longer. {"certification_id", "claimed_until"}.

        Raises Refused `not_found`, `wrong_state` (decided, or in somebody else's hand).
        """
        admin_id = call.user.user_id

        async def body(tx: Transaction) -> dict[str, Any]:
            paper, until = await self._paper(tx, command.certification_id), server_now() + _CLAIM_LASTS
            if not await store_papers.claim(tx, command.certification_id, by=admin_id, until=until):
                raise not_yours(paper, admin_id)
            await write_audit(
                tx,
                call,
                action="admin.qualification.claim",
                target=f"certification:{command.certification_id}",
                reason=command.reason,
                detail={"until": shanghai_text(until)},
            )
            return {"certification_id": command.certification_id, "claimed_until": shanghai_text(until)}

        return await self._units.run(call, body)

    async def qualification_detail(self, call: Call, query: QualificationById) -> dict[str, Any]:
        """The papers with what was checked by machine, earlier ones and quick reasons. Raises `not_found`."""

        async def body(tx: Transaction) -> dict[str, Any]:
            paper = await self._paper(tx, query.certification_id)
            await write_audit(
                tx, call, action="admin.qualification.detail", target=f"certification:{query.certification_id}"
            )
            earlier = await store_papers.earlier_certifications(tx, paper, limit=_EARLIER_AT_MOST)
            others = await store_papers.others_with_number(tx, paper)
            today = shanghai_date(self._clock.now())
            return review_answer(paper, links=self._links) | {
                "age": age_on(paper["birth_date"], today),
                "checks": self._checks(paper, today=today, others=others),
                "earlier": [_earlier(row) for row in earlier],
                "quick_reasons": QUICK_REASONS,
            }

        return await self._units.run(call, body)

    async def _paper(self, tx: Transaction, certification_id: str) -> Any:
        paper = await store_papers.certification(tx, certification_id)
        if paper is None:
            raise Refused("not_found")
        return paper

    def _checks(self, paper: Any, *, today: date, others: int) -> list[dict[str, Any]]:
        """What a machine can see; people look at the pictures."""
        age, rules = age_on(paper["birth_date"], today), self._rules()
        return [
            _check("id_number", _id_number_problem(paper, today=today), "身份证号校验位、出生日期、性别与资料一致"),
            _check("unique", f"另有{others}个账号提交过同一身份证号" if others else None, "没有其他账号使用该身份证号"),
            _check(
                "age",
                None if rules.age_at_least <= age <= rules.age_at_most else f"{age}岁，不在允许的年龄内",
                f"{age}岁，在{rules.age_at_least}至{rules.age_at_most}岁之间",
            ),
            _check("certificate", *_expiry("资格证", paper["certificate_expires_on"], today=today)),
            _check("health_certificate", *_expiry("健康证", paper["health_certificate_expires_on"], today=today)),
        ]


def _check(code: str, problem: str | None, fine: str) -> dict[str, Any]:
    return {"code": code, "ok": problem is None, "text": fine if problem is None else problem}


def _id_number_problem(paper: Any, *, today: date) -> str | None:
    try:
        person = parse_id_number(paper["id_number"], today=today)
    except BadIdNumber as bad:
        return str(bad)
    if (person.birth_date, person.gender) != (paper["birth_date"], paper["gender"]):
        return "身份证号与资料中的出生日期或性别不一致"
    return None


def _expiry(paper: str, expires_on: date, *, today: date) -> tuple[str | None, str]:
    if expires_on < today:
        return f"{paper}已于{expires_on}过期", ""
    soon = f"{paper}将于{expires_on}到期，不足30天" if expires_on - today < _SOON else None
    return soon, f"{paper}有效期至{expires_on}"


def _earlier(row: Any) -> dict[str, Any]:
    return {
        "certification_id": row["certification_id"],
        "status": row["status"],
        "status_text": QUALIFICATION_TEXTS[row["status"]],
        "reason": row["reason"],
        "submitted_at": shanghai_text(row["submitted_at"]),
        "reviewed_at": shanghai_text(row["reviewed_at"]),
    }
