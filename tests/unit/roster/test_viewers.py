"""Family of a patient: one code, one relative, until removed."""
import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from server.core.clock import server_now
from server.core.errors import Refused
from server.roster.facts import ViewerJoined, ViewerRemoved
from server.roster.patients.commands import CreatePatient, InviteViewer, JoinPatient, ListViewers, RemoveViewer
from server.roster.patients.invite_code import new_invite_code, plain_invite_code
from server.storage.tables.roster import patient_invite
from tests.unit.roster.test_patients import MOTHER, refusal


@pytest.fixture
def family(roster, io_loop):
    return io_loop.asyncio_loop.run_until_complete(_family(roster))


async def _family(roster):
    owner = await roster.someone()
    created = await roster.patients.create_patient(owner, CreatePatient.model_validate(MOTHER))
    return owner, created["patient_id"]


async def invite(roster, family, **how):
    owner, patient_id = family
    return (await roster.viewers.invite_viewer(owner, InviteViewer(patient_id=patient_id, **how)))["invite_code"]


def joining(roster, call, code):
    return roster.viewers.join_patient(call, JoinPatient(invite_code=code))


def test_a_code_is_digits_and_read_however_it_is_typed():
    code = new_invite_code()
    digits = code.replace("-", "")
    assert len(digits) == 10 and digits.isdigit()
    wide = digits.translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    assert {plain_invite_code(text) for text in (code, digits, f" {digits[:5]} {digits[5:]} ", wide)} == {digits}
    assert [plain_invite_code(text) for text in ("", "123", "abcdefghij", "1" * 11, "1️⃣" * 10)] == [None] * 5


async def test_a_relative_joins_and_is_listed(roster, family):
    owner, patient_id = family
    aunt = await roster.someone(username="王姨", phone="13900001234")
    assert await joining(roster, aunt, await invite(roster, family, may_chat=False)) == {"patient_id": patient_id}
    assert roster.told == [ViewerJoined(patient_id, aunt.user.user_id, False)]
    listed = await roster.viewers.list_viewers(owner, ListViewers(patient_id=patient_id))
    (item,) = listed["items"]
    assert (item["user_id"], item["username"], item["phone_masked"], item["may_chat"]) == (
        aunt.user.user_id,
        "王姨",
        "139****1234",
        False,
    )


async def test_a_code_serves_one_account_and_repeats_its_answer(roster, family):
    aunt, uncle = await roster.someone(), await roster.someone()
    code = await invite(roster, family)
    assert await joining(roster, aunt, code) == await joining(roster, aunt, code)
    assert len(roster.told) == 1
    assert (await refusal(joining(roster, uncle, code))).code == "wrong_state"


async def test_of_many_who_use_a_code_at_once_one_joins(roster, family):
    code = await invite(roster, family)
    relatives = [await roster.someone() for _ in range(8)]
    results = await asyncio.gather(*(joining(roster, one, code) for one in relatives), return_exceptions=True)
    assert sum(isinstance(result, dict) for result in results) == 1
    assert {result.code for result in results if isinstance(result, Refused)} == {"wrong_state"}
    assert len(roster.told) == 1


async def test_a_code_ends_after_a_day_of_server_time(roster, family, database):
    code = await invite(roster, family)
    past = update(patient_invite).values(expires_at=server_now() - timedelta(milliseconds=1))
    await database.write(lambda tx: tx.run(past))
    assert (await refusal(joining(roster, await roster.someone(), code))).code == "wrong_state"


async def test_a_code_that_was_never_given_out_is_not_found(roster):
    for code in ("000-000-0000", "hello", "' OR 1=1--"):
        assert (await refusal(joining(roster, await roster.someone(), code))).code == "not_found"


async def test_the_owner_does_not_join(roster, family):
    owner, _ = family
    assert (await refusal(joining(roster, owner, await invite(roster, family)))).code == "wrong_state"


async def test_a_removed_relative_does_not_come_back_with_the_old_code(roster, family):
    owner, patient_id = family
    aunt = await roster.someone()
    code = await invite(roster, family)
    await joining(roster, aunt, code)
    removing = RemoveViewer(patient_id=patient_id, user_id=aunt.user.user_id)
    await roster.viewers.remove_viewer(owner, removing)
    assert roster.told[-1] == ViewerRemoved(patient_id, aunt.user.user_id)
    assert (await refusal(joining(roster, aunt, code))).code == "wrong_state"
    assert (await refusal(roster.viewers.remove_viewer(owner, removing))).code == "not_found"
    await joining(roster, aunt, await invite(roster, family))


async def test_only_the_owner_sees_and_removes_family(roster, family):
    _, patient_id = family
    aunt = await roster.someone()
    await joining(roster, aunt, await invite(roster, family))
    removing = RemoveViewer(patient_id=patient_id, user_id=aunt.user.user_id)
    for stranger in (aunt, await roster.someone()):
        listing = roster.viewers.list_viewers(stranger, ListViewers(patient_id=patient_id))
        assert (await refusal(listing)).code == "not_found"
        assert (await refusal(roster.viewers.remove_viewer(stranger, removing))).code == "not_found"


async def test_a_new_code_for_a_relative_renews_what_they_may(roster, family):
    owner, patient_id = family
    aunt = await roster.someone()
    await joining(roster, aunt, await invite(roster, family, may_chat=False))
    await joining(roster, aunt, await invite(roster, family, may_chat=True))
    listed = await roster.viewers.list_viewers(owner, ListViewers(patient_id=patient_id))
    assert [item["may_chat"] for item in listed["items"]] == [True]


async def test_a_patient_has_no_more_family_than_allowed(roster, family):
    for _ in range(2):
        await joining(roster, await roster.someone(), await invite(roster, family))
    refused = await refusal(joining(roster, await roster.someone(), await invite(roster, family)))
    assert refused.code == "wrong_state"


async def test_codes_are_stored_as_hashes(roster, family, tmp_path):
    code = await invite(roster, family)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("peihu.db*"))
    assert code.encode() not in stored and code.replace("-", "").encode() not in stored


async def test_old_codes_are_forgotten_and_live_ones_are_kept(roster, family, database):
    aunt = await roster.someone()
    await invite(roster, family)
    assert await roster.viewers.forget_invites() == 0
    long_ago = update(patient_invite).values(expires_at=server_now() - timedelta(days=31))
    await database.write(lambda tx: tx.run(long_ago))
    code = await invite(roster, family)
    assert await roster.viewers.forget_invites() == 1
    await joining(roster, aunt, code)
