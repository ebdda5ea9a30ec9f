"""A profile is replaced whole and bound to its identity."""
import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select

from server.core.clock import server_now
from server.core.ids import new_id
from server.roster.caregivers.commands import Nothing, SaveProfile, SwitchOnline
from server.storage.tables.roster import caregiver_skill, stored_file, t_caregiver_info
from tests.unit.roster.stage import PROFILE
from tests.unit.roster.test_patients import field_refused, refusal


def profile(**changes):
    return SaveProfile.model_validate(PROFILE | changes)


async def saved(roster, call, **changes):
    return (await roster.profiles.save_profile(call, profile(**changes)))["caregiver_id"]


async def test_a_profile_is_read_back_as_it_was_posted(roster):
    call = await roster.someone("caregiver")
    caregiver_id = await saved(roster, call)
    shown = await roster.profiles.read_profile(call, Nothing())
    same = {name: shown[name] for name in PROFILE if name not in ("districts", "skills")}
    assert same == {name: PROFILE[name] for name in same}
    assert (shown["districts"], shown["skills"]) == (["haidian", "xicheng"], ["dialysis", "stroke"])
    assert (shown["caregiver_id"], shown["age"], shown["online"]) == (caregiver_id, 41, True)
    assert (shown["qualification_status"], shown["qualification_status_text"]) == ("unverified", "未提交")
    assert (shown["districts_text"], shown["photo_url"]) == (["海淀区", "西城区"], None)


async def test_a_changed_name_is_found_by_its_new_pinyin(roster, database):
    call, _ = await roster.caregiver()
    for name, reading in (("李秀兰", "lixiulan lxl"), ("王芳", "wangfang wf")):
        await saved(roster, call, name=name)
        async with database.read() as tx:
            assert await tx.value(select(t_caregiver_info.c.name_pinyin)) == reading


async def test_posting_again_replaces_everything(roster, database):
    call = await roster.someone("caregiver")
    caregiver_id = await saved(roster, call)
    assert await saved(roster, call, skills=["cardiac"], work_history=[], bio=None, hospital_ids=[]) == caregiver_id
    shown = await roster.profiles.read_profile(call, Nothing())
    assert (shown["skills"], shown["work_history"], shown["bio"], shown["hospital_ids"]) == (["cardiac"], [], None, [])
    async with database.read() as tx:
        assert len(await tx.all(select(caregiver_skill))) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"districts": ["haidian", "atlantis"]}, "districts.1"),
        ({"skills": ["juggling"]}, "skills.0"),
        ({"hospital_ids": ["bj-beisan", "nowhere"]}, "hospital_ids.1"),
        ({"birth_date": "2009-03-07", "experience_years": 0}, "birth_date"),
        ({"birth_date": "1950-03-07"}, "birth_date"),
        ({"experience_years": 30}, "experience_years"),
        ({"photo_file_id": "0" * 26}, "photo_file_id"),
        ({"work_history": [{"from": "2020-05", "to": "2019", "employer": "甲", "role": "乙"}]}, "work_history.0.to"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(roster, changes, field):
    call = await roster.someone("caregiver")
    assert await field_refused(roster.profiles.save_profile(call, profile(**changes))) == field
    assert (await refusal(roster.profiles.read_profile(call, Nothing()))).code == "not_found"


@pytest.mark.parametrize(
    "changes",
    [
        {"gender": "other"},
        {"districts": []},
        {"experience_years": True},
        {"experience_years": "8"},
        {"name": ""},
        {"work_history": [{"from": "May 2020", "employer": "甲", "role": "乙"}]},
        {"contact_phone": "12345678901"},
        {"stars": 5},
    ],
)
def test_bodies_of_another_shape_are_no_profile(changes):
    with pytest.raises(ValidationError):
        profile(**changes)


async def test_only_ones_own_photo_can_be_shown(roster, database):
    call, other = await roster.someone("caregiver"), await roster.someone("caregiver")
    file_id = new_id()
    row = {"file_id": file_id, "user_id": call.user.user_id, "purpose": "photo", "store_key": "k", "size_bytes": 1}
    row |= {"media_type": "image/jpeg", "sha256": "", "created_at": server_now()}
    await database.write(lambda tx: tx.run(insert(stored_file).values(row)))
    assert await field_refused(roster.profiles.save_profile(other, profile(photo_file_id=file_id))) == "photo_file_id"
    await saved(roster, call, photo_file_id=file_id)
    shown = await roster.profiles.read_profile(call, Nothing())
    assert shown["photo_url"].startswith(f"/api/file/{file_id}?expires=")


async def test_after_approval_name_gender_and_birth_date_stay(roster):
    call, caregiver_id = await roster.approved()
    for changes in ({"name": "别人"}, {"gender": "male"}, {"birth_date": "1985-03-08"}):
        assert (await refusal(roster.profiles.save_profile(call, profile(**changes)))).code == "wrong_state"
    assert await saved(roster, call, bio="新的简介", districts=["chaoyang"]) == caregiver_id
    shown = await roster.profiles.read_profile(call, Nothing())
    assert (shown["bio"], shown["name"], shown["identity_locked"]) == ("新的简介", "李秀兰", True)


async def test_before_approval_everything_may_change(roster):
    call, _ = await roster.caregiver()
    await saved(roster, call, name="王秀兰", gender="male", birth_date="1990-01-01")
    assert (await roster.profiles.read_profile(call, Nothing()))["name"] == "王秀兰"


async def test_a_caregiver_may_stop_listening(roster):
    call, _ = await roster.caregiver()
    assert await roster.profiles.switch_online(call, SwitchOnline(online=False)) == {"online": False}
    assert (await roster.profiles.read_profile(call, Nothing()))["online"] is False
    newcomer = await roster.someone("caregiver")
    assert (await refusal(roster.profiles.switch_online(newcomer, SwitchOnline(online=True)))).code == "wrong_state"


