"""Patients: who sees them, what agrees, what stays secret."""
import asyncio
import json

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from server.core.errors import Refused
from server.roster.facts import ViewerRemoved
from server.roster.patients.commands import (
    CreatePatient,
    DeletePatient,
    InviteViewer,
    JoinPatient,
    ListPatients,
    ReadPatient,
    UpdatePatient,
)
from server.storage.tables.identity import consent
from server.storage.tables.roster import t_patient_info

NUMBER = "11010519491231002X"  # a woman born on 1949-12-31
MOTHER = {
    "name": "张桂芳",
    "birth_date": "1949-12-31",
    "gender": "female",
    "relation": "parent",
    "id_number": NUMBER.lower(),
    "contact_phone": "+86 138 0013 8000",
    "condition": "脑卒中恢复期",
    "department": "神经内科",
    "bed_no": "12-3",
    "health_consent": True,
}


def mother(**changes):
    return CreatePatient.model_validate(MOTHER | changes)


async def refusal(work):
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


async def field_refused(work):
    refused = await refusal(work)
    assert refused.code == "invalid"
    return refused.errors[0].field


async def test_a_patient_is_shown_with_age_and_a_masked_number_only(roster):
    call = await roster.someone()
    patient_id = (await roster.patients.create_patient(call, mother()))["patient_id"]
    shown = await roster.patients.read_patient(call, ReadPatient(patient_id=patient_id))
    assert (shown["age"], shown["id_number_masked"]) == (76, "110***********002X")
    assert (shown["gender_text"], shown["relation_text"], shown["contact_phone"]) == ("女", "父母", "13800138000")
    assert NUMBER not in json.dumps(shown)


async def test_health_data_needs_its_own_consent_and_leaves_its_row(roster, database):
    for missing in (False, None, 1, "true"):
        with pytest.raises(ValidationError):
            mother(health_consent=missing)
    call = await roster.someone()
    patient_id = (await roster.patients.create_patient(call, mother()))["patient_id"]
    async with database.read() as tx:
        row = await tx.one(select(consent).where(consent.c.subject_id == patient_id))
    assert (row["purpose"], row["user_id"], row["withdrawn_at"]) == ("health_data", call.user.user_id, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id_number": "110105194912310021"}, "id_number"),  # wrong check digit
        ({"birth_date": "1949-12-30"}, "id_number"),
        ({"gender": "male"}, "id_number"),
        ({"id_number": "1101051949123100"}, "id_number"),
        ({"id_number": "１１０１０５１９４９１２３１００２Ｘ"}, "id_number"),
        ({"birth_date": "2030-01-01", "id_number": None}, "birth_date"),
    ],
)
async def test_an_id_number_must_be_right_and_this_persons(roster, changes, field):
    call = await roster.someone()
    assert await field_refused(roster.patients.create_patient(call, mother(**changes))) == field


async def test_an_id_number_is_unique_in_an_account_only(roster):
    call, other = await roster.someone(), await roster.someone()
    await roster.patients.create_patient(call, mother())
    assert await field_refused(roster.patients.create_patient(call, mother(name="同一个人"))) == "id_number"
    await roster.patients.create_patient(other, mother())


async def test_an_account_keeps_no_more_patients_than_allowed(roster):
    call = await roster.someone()
    for _ in range(3):
        await roster.patients.create_patient(call, mother(id_number=None))
    refused = await refusal(roster.patients.create_patient(call, mother(id_number=None)))
    assert refused.code == "wrong_state"


async def test_patients_are_listed_in_pages_without_other_peoples(roster):
    call, other = await roster.someone(), await roster.someone()
    ids = [(await roster.patients.create_patient(call, mother(id_number=None)))["patient_id"] for _ in range(3)]
    await roster.patients.create_patient(other, mother())
    first = await roster.patients.list_patients(call, ListPatients(limit="2"))
    rest = await roster.patients.list_patients(call, ListPatients(limit="2", cursor=first["next_cursor"]))
    assert [item["patient_id"] for item in first["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None
    assert await field_refused(roster.patients.list_patients(call, ListPatients(cursor="x"))) == "cursor"


async def test_an_update_changes_what_was_sent_and_nothing_else(roster):
    call = await roster.someone()
    patient_id = (await roster.patients.create_patient(call, mother()))["patient_id"]
    asked = UpdatePatient.model_validate({"patient_id": patient_id, "bed_no": None, "condition": "好转"})
    shown = await roster.patients.update_patient(call, asked)
    assert (shown["bed_no"], shown["condition"], shown["department"]) == (None, "好转", "神经内科")
    assert shown["department_text"] == "神经内科"
    assert shown == await roster.patients.read_patient(call, ReadPatient(patient_id=patient_id))
    assert shown["id_number_masked"] is not None
    with pytest.raises(ValidationError):
        UpdatePatient.model_validate({"patient_id": patient_id, "name": None})
    moved = await roster.patients.update_patient(call, UpdatePatient(patient_id=patient_id, department="cardiology"))
    assert (moved["department"], moved["department_text"]) == ("cardiology", "心血管内科")


async def test_a_changed_birth_date_must_still_fit_the_number(roster):
    call = await roster.someone()
    patient_id = (await roster.patients.create_patient(call, mother()))["patient_id"]
    asked = UpdatePatient.model_validate({"patient_id": patient_id, "birth_date": "1950-01-01"})
    assert await field_refused(roster.patients.update_patient(call, asked)) == "id_number"


async def test_a_deleted_patient_is_gone_with_number_condition_and_consent(roster, database):
    call = await roster.someone()
    patient_id = (await roster.patients.create_patient(call, mother()))["patient_id"]
    await roster.patients.delete_patient(call, DeletePatient(patient_id=patient_id))
    assert (await roster.patients.list_patients(call, ListPatients()))["items"] == []
    async with database.read() as tx:
        row = await tx.one(select(t_patient_info))
        withdrawn = await tx.value(select(consent.c.withdrawn_at).where(consent.c.subject_id == patient_id))
    assert (row["id_number"], row["condition"]) == (None, None)
    assert withdrawn is not None
    again = await roster.patients.create_patient(call, mother())
    assert again["patient_id"] != patient_id


async def test_a_patient_with_a_live_order_is_not_deleted(roster):
    call = await roster.someone()
    patient_id = (await roster.patients.create_patient(call, mother()))["patient_id"]
    roster.live_patients.add(patient_id)
    refused = await refusal(roster.patients.delete_patient(call, DeletePatient(patient_id=patient_id)))
    assert refused.code == "wrong_state"
    assert await roster.patients.read_patient(call, ReadPatient(patient_id=patient_id))


async def test_deleting_a_patient_ends_the_familys_access(roster):
    call, aunt = await roster.someone(), await roster.someone()
    patient_id = (await roster.patients.create_patient(call, mother()))["patient_id"]
    invited = await roster.viewers.invite_viewer(call, InviteViewer(patient_id=patient_id))
    await roster.viewers.join_patient(aunt, JoinPatient(invite_code=invited["invite_code"]))
    await roster.patients.delete_patient(call, DeletePatient(patient_id=patient_id))
    assert roster.told[-1] == ViewerRemoved(patient_id, aunt.user.user_id)


async def test_foreign_and_missing_patients_are_the_same_not_found(roster):
    call, stranger = await roster.someone(), await roster.someone()
    patient_id = (await roster.patients.create_patient(call, mother()))["patient_id"]
    for asked in (patient_id, "0" * 26, "1 or 1", ""):
        for work in (
            roster.patients.read_patient(stranger, ReadPatient(patient_id=asked)),
            roster.patients.update_patient(stranger, UpdatePatient(patient_id=asked)),
            roster.patients.delete_patient(stranger, DeletePatient(patient_id=asked)),
            roster.viewers.invite_viewer(stranger, InviteViewer(patient_id=asked)),
        ):
            assert (await refusal(work)).code == "not_found"


async def test_two_requests_at_once_store_one_person_once(roster):
    call = await roster.someone()
    results = await asyncio.gather(
        *(roster.patients.create_patient(call, mother()) for _ in range(2)), return_exceptions=True
    )
    assert sorted(isinstance(result, Refused) for result in results) == [False, True]


async def test_names_and_illness_are_unreadable_in_the_file(roster, tmp_path):
    call = await roster.someone()
    await roster.patients.create_patient(call, mother())
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("peihu.db*"))
    for secret in ("张桂芳", "脑卒中恢复期", NUMBER):
        assert secret.encode() not in stored
