"""Two administrators never decide one case, and each looks closely."""
import asyncio
import json
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from server.core.clock import server_now
from server.handlers.subjects.admin.papers import paper_operations
from server.roster.caregivers.commands import ClaimQualification, ListQualifications, QualificationById
from server.roster.wording import QUICK_REASONS
from server.storage.tables.roster import t_caregiver_info, t_qualification_certification
from server.storage.tables.system import audit_log
from tests.documented import assert_documented
from tests.unit.roster.test_patients import refusal


async def _waiting(roster):
    call, _ = await roster.caregiver()
    return (await roster.submit(call))["certification_id"]


async def _claim(roster, admin, certification_id, reason="开始审核"):
    answer = await roster.desk.claim(admin, ClaimQualification(certification_id=certification_id, reason=reason))
    assert_documented(_operation(roster, "claim"), answer)
    return answer


async def _detail(roster, admin, certification_id):
    answer = await roster.desk.qualification_detail(admin, QualificationById(certification_id=certification_id))
    assert_documented(_operation(roster, "detail"), answer)
    return answer


def _operation(roster, name):
    declared = paper_operations(roster.audit, roster.desk)
    return next(one for one in declared if one.name == f"admin.qualification.{name}")


async def _age_claim(database, certification_id):
    over = update(t_qualification_certification).values(claimed_until=server_now() - timedelta(seconds=1))
    here = t_qualification_certification.c.certification_id == certification_id
    await database.write(lambda tx: tx.run(over.where(here)))


async def _audit(database, action):
    wanted = select(audit_log).where(audit_log.c.action == f"admin.qualification.{action}")
    async with database.read() as tx:
        return await tx.all(wanted.order_by(audit_log.c.audit_id))


async def test_papers_in_ones_hand_are_nobody_elses_to_decide(roster):
    certification_id = await _waiting(roster)
    first, second = await roster.someone("admin", username="早班"), await roster.someone("admin")
    await _claim(roster, first, certification_id)
    for work in (_claim(roster, second, certification_id), roster.review(certification_id, admin=second)):
        refused = await refusal(work)
        assert refused.code == "wrong_state" and "早班" in refused.message
        assert refused.data["claimed_by"] == first.user.user_id
    answered = await roster.review(certification_id, admin=first)
    assert answered["status"] == "approved"
    assert (await refusal(_claim(roster, first, certification_id))).message == "该认证已处理"


async def test_of_two_who_take_at_once_one_has_them(roster):
    certification_id = await _waiting(roster)
    admins = [await roster.someone("admin") for _ in range(6)]
    outcomes = await asyncio.gather(
        *(_claim(roster, admin, certification_id) for admin in admins), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["Refused"] * 5 + ["dict"]


async def test_a_claim_ends_by_itself_and_is_kept_by_asking_again(roster, database):
    certification_id = await _waiting(roster)
    first, second = await roster.someone("admin"), await roster.someone("admin")
    until = (await _claim(roster, first, certification_id))["claimed_until"]
    assert (await _claim(roster, first, certification_id))["claimed_until"] >= until
    await _age_claim(database, certification_id)
    listed = await roster.audit.list_qualifications(second, ListQualifications(status="pending"))
    assert_documented(_operation(roster, "list"), listed)
    assert listed["items"][0]["claimed_by"] is None
    await _claim(roster, second, certification_id)
    assert (await refusal(roster.review(certification_id, admin=first))).code == "wrong_state"


async def test_without_a_claim_the_first_decision_counts_as_ever(roster):
    certification_id = await _waiting(roster)
    assert_documented(_operation(roster, "review"), await roster.review(certification_id))


async def test_a_claim_and_a_look_leave_their_rows(roster, database):
    certification_id = await _waiting(roster)
    admin = await roster.someone("admin")
    await _claim(roster, admin, certification_id, reason="轮到我了")
    await _detail(roster, admin, certification_id)
    (claimed,), (looked,) = await _audit(database, "claim"), await _audit(database, "detail")
    assert (claimed["reason"], claimed["target"]) == ("轮到我了", f"certification:{certification_id}")
    assert json.loads(claimed["detail"])["until"].endswith("+08:00")
    assert (looked["actor_id"], looked["target"]) == (admin.user.user_id, f"certification:{certification_id}")
    for work in (_claim(roster, admin, "0" * 26), _detail(roster, admin, "0" * 26)):
        assert (await refusal(work)).code == "not_found"
    assert len(await _audit(database, "detail")) == 1


async def test_a_detail_shows_the_documents_and_what_a_machine_saw(roster):
    certification_id = await _waiting(roster)
    found = await _detail(roster, await roster.someone("admin"), certification_id)
    assert all(found[f"{name}_url"].startswith("/api/file/") for name in ("id_card_front", "certificate"))
    assert [(check["code"], check["ok"]) for check in found["checks"]] == [
        ("id_number", True), ("unique", True), ("age", True), ("certificate", True), ("health_certificate", True),
    ]
    assert found["quick_reasons"] == QUICK_REASONS and found["earlier"] == []
    assert {reason["decision"] for reason in QUICK_REASONS} == {"approve", "reject"}


async def test_a_detail_shows_what_was_handed_in_before(roster):
    call, _ = await roster.caregiver()
    first = await roster.submit(call)
    await roster.review(first["certification_id"], "reject", "照片不清晰")
    second = await roster.submit(call)
    found = await _detail(roster, await roster.someone("admin"), second["certification_id"])
    assert [(one["certification_id"], one["reason"]) for one in found["earlier"]] == [
        (first["certification_id"], "照片不清晰")
    ]


async def test_a_number_that_others_gave_before_is_seen(roster):
    thief, _ = await roster.caregiver()
    stolen = await roster.submit(thief)
    await roster.review(stolen["certification_id"], "reject", "非本人")
    found = await _detail(roster, await roster.someone("admin"), await _waiting(roster))
    assert [check for check in found["checks"] if not check["ok"]] == [
        {"code": "unique", "ok": False, "text": "另有1个账号提交过同一身份证号"}
    ]


@pytest.mark.parametrize(
    ("table", "values", "code"),
    [
        (t_caregiver_info, {"gender": "male"}, "id_number"),
        (t_caregiver_info, {"birth_date": date(1950, 3, 7)}, "age"),
        (t_qualification_certification, {"certificate_expires_on": date(2026, 11, 22)}, "certificate"),
        (t_qualification_certification, {"health_certificate_expires_on": date(2026, 12, 22)}, "health_certificate"),
    ],
)
async def test_what_does_not_fit_is_seen(roster, database, table, values, code):
    certification_id = await _waiting(roster)
    await database.write(lambda tx: tx.run(update(table).values(**values)))
    found = await _detail(roster, await roster.someone("admin"), certification_id)
    assert code in [check["code"] for check in found["checks"] if not check["ok"]]
