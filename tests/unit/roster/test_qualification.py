"""Papers: what is checked, and what a decision does."""
import asyncio
import io

import pytest
from PIL import Image
from pydantic import ValidationError
from sqlalchemy import select

from server.core.call import Actor, Call
from server.core.errors import Refused, Unavailable
from server.roster.caregivers.commands import (
    ListQualifications,
    Nothing,
    ReviewQualification,
    SaveProfile,
    SubmitQualification,
)
from server.roster.facts import QualificationReviewed, QualificationSubmitted
from server.storage.files.disk import DiskFiles
from server.storage.tables.roster import stored_file, t_caregiver_info, t_qualification_certification
from server.storage.tables.system import audit_log
from tests.unit.roster.stage import CAREGIVER_ID_NUMBER, PAPER_NAMES, PAPERS, PROFILE, Roster, Upload, picture
from tests.unit.roster.test_patients import field_refused, refusal

OTHER_ID_NUMBER = "110105198503070043"  # another woman of the same day


def kept_files(directory):
    return [path for path in directory.rglob("*") if path.is_file()]


async def row_of(database, caregiver_id):
    async with database.read() as tx:
        return await tx.one(select(t_caregiver_info).where(t_caregiver_info.c.caregiver_id == caregiver_id))


async def test_papers_wait_for_review_and_are_seen_by_their_owner(roster):
    call, caregiver_id = await roster.caregiver()
    submitted = await roster.submit(call)
    assert (submitted["status"], submitted["status_text"]) == ("pending", "审核中")
    listed = await roster.qualifications.list_own(call, ListQualifications())
    (item,) = listed["items"]
    assert item["certification_id"] == submitted["certification_id"]
    assert item["id_number_masked"] == "110***********0027"
    assert item["certificate_url"].startswith("/api/file/")
    assert roster.told == [
        QualificationSubmitted(submitted["certification_id"], caregiver_id, call.user.user_id)
    ]
    assert (await roster.profiles.read_profile(call, Nothing()))["qualification_status"] == "pending"


async def test_pictures_are_kept_as_our_own_jpegs_and_private(roster, database, files_directory):
    call, _ = await roster.caregiver()
    await roster.submit(call)
    contents = [path.read_bytes() for path in kept_files(files_directory)]
    assert len(contents) == 4
    assert {Image.open(io.BytesIO(content)).format for content in contents} == {"JPEG"}
    async with database.read() as tx:
        rows = await tx.all(select(stored_file))
    assert {row["purpose"] for row in rows} == {"qualification"}
    assert {row["user_id"] for row in rows} == {call.user.user_id}


@pytest.mark.parametrize("missing", PAPER_NAMES)
async def test_the_first_time_all_four_pictures_are_needed(roster, missing, files_directory):
    call, _ = await roster.caregiver()
    names = [name for name in PAPER_NAMES if name != missing]
    assert await field_refused(roster.submit(call, names)) == missing
    assert kept_files(files_directory) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id_number": "110105198503070028"}, "id_number"),
        ({"id_number": "11010519491231002X"}, "id_number"),  # right, but somebody born in 1949
        ({"certificate_expires_on": "2026-11-23"}, "certificate_expires_on"),
        ({"health_certificate_expires_on": "2020-01-01"}, "health_certificate_expires_on"),
    ],
)
async def test_wrong_numbers_and_past_papers_are_refused_by_field(roster, changes, field, files_directory):
    call, _ = await roster.caregiver()
    assert await field_refused(roster.submit(call, **changes)) == field
    assert kept_files(files_directory) == []


async def test_a_man_cannot_use_a_womans_number(roster):
    call, _ = await roster.caregiver(gender="male")
    assert await field_refused(roster.submit(call)) == "id_number"


async def test_one_person_is_one_caregiver(roster, files_directory):
    first, _ = await roster.caregiver()
    second, _ = await roster.caregiver()
    await roster.submit(first)
    assert await field_refused(roster.submit(second)) == "id_number"
    assert len(kept_files(files_directory)) == 4, "the refused pictures are forgotten again"


async def test_of_two_with_one_number_at_once_one_is_taken(roster):
    calls = [(await roster.caregiver())[0] for _ in range(2)]
    results = await asyncio.gather(*(roster.submit(call) for call in calls), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Refused", "dict"]


async def test_a_rejection_frees_the_number_for_its_true_owner(roster):
    thief, _ = await roster.caregiver()
    owner, _ = await roster.caregiver()
    stolen = await roster.submit(thief)
    await roster.review(stolen["certification_id"], "reject", "照片与本人不符")
    assert (await roster.submit(owner))["status"] == "pending"
    assert await field_refused(roster.submit(thief)) == "id_number"


async def test_something_that_is_no_picture_is_refused(roster, files_directory):
    call, _ = await roster.caregiver()
    files = {name: picture() for name in PAPER_NAMES} | {"certificate": Upload(b"%PDF-1.7")}
    command = SubmitQualification.model_validate(PAPERS)
    refused = await refusal(roster.qualifications.submit_qualification(call, command, files))
    assert refused.code == "unsupported_type"
    assert kept_files(files_directory) == []


async def test_an_approval_makes_a_caregiver_with_the_earlier_expiry(roster, database):
    call, caregiver_id = await roster.caregiver()
    submitted = await roster.submit(call)
    answered = await roster.review(submitted["certification_id"])
    assert (answered["status"], answered["status_text"]) == ("approved", "已通过")
    row = await row_of(database, caregiver_id)
    assert row["qualification_status"] == "approved"
    assert row["papers_valid_until"].isoformat() == "2027-04-30"
    assert (row["certificate_number"], row["health_certificate_number"]) == ("YLHL20240001", "JK20260002")
    assert roster.told[-1] == QualificationReviewed(
        submitted["certification_id"], caregiver_id, call.user.user_id, "approve", "材料齐全"
    )


@pytest.mark.parametrize("decision", ["approve", "reject"])
@pytest.mark.parametrize("without", [{}, {"reason": None}, {"reason": " "}])
def test_every_decision_needs_a_reason(decision, without):
    with pytest.raises(ValidationError):
        ReviewQualification.model_validate({"certification_id": "x", "decision": decision} | without)


async def test_a_rejection_shows_its_reason(roster, database):
    call, caregiver_id = await roster.caregiver()
    submitted = await roster.submit(call)
    await roster.review(submitted["certification_id"], "reject", "健康证明看不清")
    (item,) = (await roster.qualifications.list_own(call, ListQualifications()))["items"]
    assert (item["status_text"], item["reason"]) == ("未通过", "健康证明看不清")
    assert item["reviewed_at"].endswith("+08:00")
    assert (await row_of(database, caregiver_id))["qualification_status"] == "rejected"


async def test_every_decision_leaves_an_audit_row(roster, database):
    call, caregiver_id = await roster.caregiver()
    submitted = await roster.submit(call)
    await roster.review(submitted["certification_id"], "reject", "看不清")
    async with database.read() as tx:
        row = await tx.one(select(audit_log))
    assert (row["action"], row["actor_type"], row["reason"]) == ("admin.qualification.review", "admin", "看不清")
    assert row["target"] == f"certification:{submitted['certification_id']}"


async def test_papers_are_decided_once(roster):
    call, _ = await roster.caregiver()
    submitted = await roster.submit(call)
    results = await asyncio.gather(
        roster.review(submitted["certification_id"]),
        roster.review(submitted["certification_id"], "reject", "不符"),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Refused", "dict"]
    assert (await refusal(roster.review("0" * 26))).code == "not_found"


async def test_a_renewal_carries_the_other_pictures_over(roster, database, files_directory):
    call, caregiver_id = await roster.approved()
    submitted = await roster.submit(call, ["health_certificate"], health_certificate_expires_on="2028-01-31")
    assert len(kept_files(files_directory)) == 5
    async with database.read() as tx:
        old, new = await tx.all(
            select(t_qualification_certification).order_by(t_qualification_certification.c.certification_id)
        )
    same = [name for name in PAPER_NAMES if old[f"{name}_file_id"] == new[f"{name}_file_id"]]
    assert same == ["id_card_front", "id_card_back", "certificate"]
    assert (await row_of(database, caregiver_id))["qualification_status"] == "approved"
    await roster.review(submitted["certification_id"])
    assert (await row_of(database, caregiver_id))["papers_valid_until"].isoformat() == "2028-01-31"


async def test_a_rejected_renewal_leaves_the_old_approval(roster, database):
    call, caregiver_id = await roster.approved()
    submitted = await roster.submit(call, ["certificate"], certificate_expires_on="2030-01-01")
    await roster.review(submitted["certification_id"], "reject", "模糊")
    row = await row_of(database, caregiver_id)
    assert (row["qualification_status"], row["id_number"]) == ("approved", CAREGIVER_ID_NUMBER)
    assert row["papers_valid_until"].isoformat() == "2027-04-30"


async def test_an_approved_caregiver_stays_the_same_person(roster):
    call, _ = await roster.approved()
    assert await field_refused(roster.submit(call, ["id_card_front"], id_number=OTHER_ID_NUMBER)) == "id_number"


async def test_sending_again_sets_the_waiting_papers_aside(roster):
    call, _ = await roster.caregiver()
    first = await roster.submit(call)
    await roster.submit(call, ["certificate"])
    statuses = [item["status"] for item in (await roster.qualifications.list_own(call, ListQualifications()))["items"]]
    assert statuses == ["pending", "rejected"]
    assert (await refusal(roster.review(first["certification_id"]))).code == "wrong_state"


async def test_a_profile_changed_after_the_papers_is_not_approved(roster):
    call, _ = await roster.caregiver()
    submitted = await roster.submit(call)
    await roster.profiles.save_profile(call, SaveProfile.model_validate(PROFILE | {"birth_date": "1985-03-08"}))
    assert (await refusal(roster.review(submitted["certification_id"]))).code == "wrong_state"


async def test_papers_that_ran_out_while_waiting_are_not_approved(roster):
    call, _ = await roster.caregiver()
    submitted = await roster.submit(call, health_certificate_expires_on="2026-11-24")
    roster.clock.at = roster.clock.at.replace(month=12)
    assert (await refusal(roster.review(submitted["certification_id"]))).code == "wrong_state"


async def test_administrators_see_the_line_in_pages_the_longest_waiting_first(roster):
    admin = await roster.someone("admin")
    submitted = []
    for number in (CAREGIVER_ID_NUMBER, OTHER_ID_NUMBER):
        call, _ = await roster.caregiver()
        submitted.append((await roster.submit(call, id_number=number))["certification_id"])
    asked = {"status": "pending", "limit": "1"}
    first = await roster.audit.list_qualifications(admin, ListQualifications.model_validate(asked))
    asked["cursor"] = first["next_cursor"]
    second = await roster.audit.list_qualifications(admin, ListQualifications.model_validate(asked))
    assert [item["certification_id"] for item in first["items"] + second["items"]] == submitted
    assert second["next_cursor"] is None
    assert (first["items"][0]["name"], first["items"][0]["birth_date"]) == ("李秀兰", "1985-03-07")


class FullAfterTwo(DiskFiles):
    """A disk with room for two files."""

    left = 2

    async def put(self, content):
        self.left -= 1
        if self.left < 0:
            raise Unavailable(retry_after_s=60)
        return await super().put(content)


async def test_a_full_disk_keeps_no_half_of_the_pictures(database, units, facts, files_directory, executor):
    disk = FullAfterTwo(directory=files_directory, executor=executor)
    roster = Roster(database, units, facts, disk, executor)
    call, _ = await roster.caregiver()
    with pytest.raises(Unavailable):
        await roster.submit(call)
    assert kept_files(files_directory) == []
    assert (await roster.qualifications.list_own(call, ListQualifications()))["items"] == []


async def test_without_a_profile_no_papers_are_taken(roster):
    call = await roster.someone("caregiver")
    assert (await refusal(roster.submit(call))).code == "wrong_state"


async def test_foreign_cursors_are_refused(roster):
    call = Call(Actor("x", "admin", "y"), "z")
    for cursor in ("x", "WyJxdWFsaWZpY2F0aW9uIl0", "é", "=" * 40):
        asked = ListQualifications.model_validate({"cursor": cursor})
        with pytest.raises(Refused):
            await roster.audit.list_qualifications(call, asked)
