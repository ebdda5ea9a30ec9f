"""A caregiver's page out of the cache: cheap, and never another page than the one that stands in the database."""

import asyncio
from datetime import timedelta

import pytest

from server.core.clock import server_now
from server.roster.caregivers.commands import SaveProfile, SaveService, SwitchOnline
from server.roster.catalog import DEFAULT_CATALOG
from server.roster.showcase.commands import AnswerCase, ReadCaregiver
from server.roster.showcase.page import CaregiverPage
from server.storage.cache.in_process import InProcessCache
from server.storage.cache.reads import CachedReads
from server.storage.files.links import FileLinks
from server.storage.tables.roster import t_caregiver_info
from tests.statements import CountingDatabase
from tests.unit.roster.stage import PROFILE, SERVICE, make_order, make_review
from tests.unit.roster.test_patients import refusal
from tests.unit.roster.test_showcase import page, publish


def page_on(roster, database, *, cache=None, links=None):
    """A page desk of its own, as another instance has it."""
    cache = cache or InProcessCache(lifetime_s=300.0, most_bytes=1_000_000)
    return CaregiverPage(
        database=database, reads=CachedReads(cache=cache), clock=roster.clock, catalog=DEFAULT_CATALOG,
        links=links or roster.links,
    )  # fmt: skip


def without_signatures(shown):
    return {name: value for name, value in shown.items() if name != "photo_url"}


async def as_it_stands(roster, caregiver_id):
    """The page as somebody reads it who has nothing kept."""
    desk = page_on(roster, roster.database)
    return without_signatures(await desk.read_caregiver(await roster.someone(), ReadCaregiver(caregiver_id=caregiver_id)))


async def test_a_kept_page_costs_the_one_statement_that_says_whether_it_may_be_seen(roster, database):
    _, caregiver_id = await roster.approved()
    counting = CountingDatabase(database)
    desk, asked = page_on(roster, counting), ReadCaregiver(caregiver_id=caregiver_id)
    call = await roster.someone()
    first = await desk.read_caregiver(call, asked)
    assert len(counting.statements) == 8, "as many as a page took before there was a cache"
    counting.statements.clear()
    assert await desk.read_caregiver(call, asked) == first
    (statement,) = counting.statements
    assert "qualification_status" in statement and "banned_at" in statement


async def test_who_may_not_be_seen_is_not_found_although_the_page_is_kept(roster, database):
    _, caregiver_id = await roster.approved()
    await page(roster, caregiver_id)
    banned = t_caregiver_info.update().values(banned_at=server_now())
    await database.write(lambda tx: tx.run(banned))
    assert (await refusal(page(roster, caregiver_id))).code == "not_found"
    assert roster.cache.counts["found"] == 0


async def a_profile(roster, call, caregiver_id):
    changed = PROFILE | {"skills": ["stroke"], "districts": ["chaoyang"], "work_history": [], "bio": "新的介绍"}
    await roster.profiles.save_profile(call, SaveProfile.model_validate(changed))


async def prices(roster, call, caregiver_id):
    changed = SERVICE | {"prices": SERVICE["prices"][:1], "accepts_night": True}
    await roster.service.save_service(call, SaveService.model_validate(changed))


async def new_papers(roster, call, caregiver_id):
    submitted = await roster.submit(call, certificate_name="高级养老护理员证书")
    await roster.review(submitted["certification_id"])


async def a_review(roster, call, caregiver_id):
    order_id = await make_order(roster.database, await roster.someone(), caregiver_id)
    await make_review(roster.database, roster, order_id, caregiver_id, 5)


async def consent_to_a_case(roster, call, caregiver_id):
    family = await roster.someone()
    order_id = await make_order(roster.database, family, caregiver_id, duration_minutes=240)
    case_id = await publish(roster, call, order_id)
    await roster.cases.answer_case(family, AnswerCase(case_id=case_id, agree=True))


async def the_switch(roster, call, caregiver_id):
    await roster.profiles.switch_online(call, SwitchOnline(online=False))


CHANGES = [a_profile, prices, new_papers, a_review, consent_to_a_case, the_switch]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_whatever_changes_a_page_the_next_who_asks_sees_it_on_every_instance(roster, database, change):
    call, caregiver_id = await roster.approved()
    here, there = roster.page, page_on(roster, database)
    asked, family = ReadCaregiver(caregiver_id=caregiver_id), await roster.someone()
    before = [without_signatures(await desk.read_caregiver(family, asked)) for desk in (here, there)]
    await change(roster, call, caregiver_id)
    now = await as_it_stands(roster, caregiver_id)
    assert now not in before, "the change shows"
    for desk in (here, there):
        assert without_signatures(await desk.read_caregiver(family, asked)) == now


async def test_a_change_that_was_refused_leaves_the_kept_page(roster):
    call, caregiver_id = await roster.approved()
    await page(roster, caregiver_id)
    assert (await refusal(a_profile_of_another(roster, call))).code == "wrong_state"
    await page(roster, caregiver_id)
    assert roster.cache.counts["found"] == 1


async def a_profile_of_another(roster, call):
    await roster.profiles.save_profile(call, SaveProfile.model_validate(PROFILE | {"name": "王秀英"}))


class LaterLinks(FileLinks):
    """Signs at an instant that a test sets."""

    at = server_now()

    def url(self, file_id):
        return self.sign(file_id or "f" * 26, now=self.at)


async def test_the_address_of_the_photo_is_signed_anew_at_every_look(roster, database):
    _, caregiver_id = await roster.approved()
    links = LaterLinks(secret="s" * 32)
    desk = page_on(roster, database, links=links)
    call, asked = await roster.someone(), ReadCaregiver(caregiver_id=caregiver_id)
    first = (await desk.read_caregiver(call, asked))["photo_url"]
    links.at += timedelta(minutes=4)
    second = (await desk.read_caregiver(call, asked))["photo_url"]
    expires = [int(url.partition("expires=")[2].partition("&")[0]) for url in (first, second)]
    assert expires[1] - expires[0] == 240


async def test_nobody_outside_the_process_could_read_a_name_or_a_number_of_a_kept_page(roster, database):
    """What is kept holds masked names and numbers alone, sealed besides where it lies in Redis."""
    _, caregiver_id = await roster.approved()
    family = await roster.someone(username="李小明")
    order_id = await make_order(database, family, caregiver_id)
    await make_review(database, roster, order_id, caregiver_id, 5)
    await page(roster, caregiver_id)
    ((_, text),) = roster.cache._kept.values()
    assert "李**" in text.decode() and "李小明" not in text.decode() and "YLHL20240001" not in text.decode()
    assert "signature" not in text.decode()


async def test_many_who_ask_at_once_for_a_page_that_is_not_kept_share_one_read(roster, database):
    _, caregiver_id = await roster.approved()
    counting = CountingDatabase(database)
    desk, call = page_on(roster, counting), await roster.someone()
    shown = await asyncio.gather(
        *(desk.read_caregiver(call, ReadCaregiver(caregiver_id=caregiver_id)) for _ in range(30))
    )
    assert all(one == shown[0] for one in shown)
    assert len(counting.statements) == 30 + 7
