"""What families see: cards, pages, reviews, past cases."""
import json
from datetime import timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import update

from server.roster.caregivers.commands import SwitchOnline
from server.roster.reactions import apply_review, count_completed, on_user_banned, on_user_unbanned
from server.roster.showcase.commands import (
    AnswerCase,
    FindCaregivers,
    ListReviews,
    PublishCase,
    ReadCaregiver,
    ReadCase,
)
from server.storage.tables.identity import t_user
from tests.unit.roster.stage import CAREGIVER_ID_NUMBER, NOW, make_busy, make_order, make_review
from tests.unit.roster.test_patients import field_refused, refusal


async def cards(roster, **asked):
    call = await roster.someone()
    return (await roster.search.find_caregivers(call, FindCaregivers.model_validate(asked)))["items"]


async def page(roster, caregiver_id):
    return await roster.page.read_caregiver(await roster.someone(), ReadCaregiver(caregiver_id=caregiver_id))


async def test_only_approved_caregivers_appear(roster):
    _, waiting = await roster.caregiver()
    assert await cards(roster) == []
    assert (await refusal(page(roster, waiting))).code == "not_found"


async def test_a_card_shows_price_age_and_no_rating_without_reviews(roster):
    _, caregiver_id = await roster.approved()
    (card,) = await cards(roster)
    assert (card["caregiver_id"], card["name"], card["age"]) == (caregiver_id, "李秀兰", 41)
    assert (card["price_fen"], card["rating"], card["review_count"]) == (6_000, None, 0)
    assert (card["service_state"], card["service_state_text"]) == ("idle", "空闲")
    assert (card["skills"], card["districts_text"]) == (["dialysis", "stroke"], ["海淀区", "西城区"])
    (card,) = await cards(roster, service_type="errand")
    assert card["price_fen"] == 7_000
    assert await cards(roster, service_type="inpatient_24h") == []


async def test_papers_that_ran_out_hide_a_caregiver(roster):
    _, caregiver_id = await roster.approved()
    roster.clock.at += timedelta(days=158)
    assert len(await cards(roster)) == 1, "valid on the last day"
    roster.clock.at += timedelta(days=1)
    assert await cards(roster) == []
    assert (await refusal(page(roster, caregiver_id))).code == "not_found"


async def test_a_ban_hides_a_caregiver_until_it_is_lifted(roster, database):
    call, _ = await roster.approved()
    user_id = call.user.user_id
    for banned_at, react, seen in ((NOW, on_user_banned, 0), (None, on_user_unbanned, 1)):

        async def body(tx, banned_at=banned_at, react=react):
            await tx.run(update(t_user).where(t_user.c.user_id == user_id).values(banned_at=banned_at))
            await react(tx, user_id)

        await database.write(body)
        assert len(await cards(roster)) == seen


async def test_the_state_follows_engagements_and_the_switch(roster, database):
    call, caregiver_id = await roster.approved()
    order_id = await make_order(database, await roster.someone(), caregiver_id)
    await roster.profiles.switch_online(call, SwitchOnline(online=False))
    assert (await cards(roster))[0]["service_state"] == "off"
    await make_busy(database, order_id, caregiver_id, NOW, NOW + timedelta(hours=1))
    assert (await cards(roster))[0]["service_state"] == "busy"
    roster.clock.at += timedelta(hours=1)
    assert (await cards(roster))[0]["service_state"] == "off"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"skill": ["stroke", "juggling"]}, "skill.1"),
        ({"service_type": "massage"}, "service_type"),
        ({"district": "%"}, "district"),
        ({"hospital_id": "' OR 1=1--"}, "hospital_id"),
        ({"cursor": "bm90aGluZw"}, "cursor"),
    ],
)
async def test_unknown_codes_are_refused_by_field(roster, asked, field):
    assert await field_refused(cards(roster, **asked)) == field


async def test_a_cursor_of_another_order_is_refused(roster, database):
    for number in (CAREGIVER_ID_NUMBER, "110105198503070043"):
        call, _ = await roster.caregiver()
        await roster.review((await roster.submit(call, id_number=number))["certification_id"])
    asked = FindCaregivers.model_validate({"limit": "1"})
    cursor = (await roster.search.find_caregivers(await roster.someone(), asked))["next_cursor"]
    assert len(await cards(roster, cursor=cursor)) == 1
    assert await field_refused(cards(roster, cursor=cursor, sort="price")) == "cursor"


@pytest.mark.parametrize(
    "asked",
    [
        {"sort": "id desc; drop table t_user"},
        {"min_age": "-1"},
        {"max_price_fen": "1e3"},
        {"limit": "101"},
        {"start_at": "2026-11-24T09:00:00+08:00"},
        {"start_at": "2026-11-24T09:00:00+08:00", "end_at": "2026-11-24T09:00:00+08:00"},
        {"start_at": "2026-11-24T09:00:00+08:00", "end_at": "2026-12-24T09:00:00+08:00"},
        {"password": "x"},
    ],
)
def test_parameters_of_another_shape_are_no_search(asked):
    with pytest.raises(ValidationError):
        FindCaregivers.model_validate(asked)


async def test_a_page_tells_everything_but_number_and_phone(roster):
    _, caregiver_id = await roster.approved()
    shown = await page(roster, caregiver_id)
    assert shown["bio"] == "细心,有耐心"
    assert shown["work_history"][0]["employer"] == "某医院"
    assert [one["number_masked"] for one in shown["certificates"]] == ["YL********01", "JK******02"]
    assert [one["name"] for one in shown["certificates"]] == ["养老护理员证书", "健康证明"]
    assert shown["certificates"][0]["expires_on"] == "2028-05-01"
    assert {row["band_text"] for row in shown["prices"]} == {"日间", "夜间"}
    assert (shown["completed_count"], shown["good_rate"], shown["reviews"], shown["cases"]) == (0, None, [], [])
    text = json.dumps(shown)
    for secret in (CAREGIVER_ID_NUMBER, "13800138000", "YLHL20240001"):
        assert secret not in text


async def test_reviews_make_the_rating_and_hide_their_author(roster, database):
    _, caregiver_id = await roster.approved()
    for score in (5, 5, 4, 1):
        family = await roster.someone(username="李小明")
        order_id = await make_order(database, family, caregiver_id)
        await make_review(database, roster, order_id, caregiver_id, score, content="谢谢")
        await database.write(lambda tx: count_completed(tx, caregiver_id))
    shown = await page(roster, caregiver_id)
    assert (shown["rating"], shown["review_count"], shown["good_rate"], shown["completed_count"]) == (3.75, 4, 0.75, 4)
    authors = {(one["author"], one["content"], tuple(one["tags"])) for one in shown["reviews"]}
    assert authors == {("李**", "谢谢", ("准时",))}
    assert "order_id" not in shown["reviews"][0]
    assert {one["service_type_text"] for one in shown["reviews"]} == {"小时陪诊"}


async def test_a_mean_is_rounded_half_up_to_a_thousandth(roster, database):
    _, caregiver_id = await roster.approved()
    for score, rating in ((5, 5.0), (4, 4.5), (5, 4.667), (4, 4.5), (1, 3.8), (1, 3.333)):
        await database.write(lambda tx, score=score: apply_review(tx, caregiver_id, score))
        assert (await cards(roster))[0]["rating"] == rating


async def test_a_caregiver_reads_the_own_reviews_in_pages(roster, database):
    call, caregiver_id = await roster.approved()
    for score in (1, 2, 3):
        order_id = await make_order(database, await roster.someone(), caregiver_id)
        await make_review(database, roster, order_id, caregiver_id, score, at=NOW + timedelta(minutes=score // 2))
    seen, cursor = [], None
    while True:
        asked = {"limit": "1"} | ({} if cursor is None else {"cursor": cursor})
        listed = await roster.page.list_own_reviews(call, ListReviews.model_validate(asked))
        seen += [item["score"] for item in listed["items"]]
        cursor = listed["next_cursor"]
        if cursor is None:
            break
    assert (sorted(seen), seen[-1]) == ([1, 2, 3], 1)
    stranger, _ = await roster.caregiver()
    assert (await roster.page.list_own_reviews(stranger, ListReviews()))["items"] == []


async def publish(roster, call, order_id, summary="陪同完成检查与复诊", tags=("脑卒中",)):
    asked = PublishCase.model_validate({"order_id": order_id, "summary": summary, "condition_tags": list(tags)})
    return (await roster.cases.publish_case(call, asked))["case_id"]


async def test_a_case_is_shown_once_the_family_agrees_and_only_as_long(roster, database):
    call, caregiver_id = await roster.approved()
    family = await roster.someone()
    order_id = await make_order(database, family, caregiver_id, duration_minutes=240)
    case_id = await publish(roster, call, order_id)
    assert (await page(roster, caregiver_id))["cases"] == []
    asked = await roster.cases.read_case(family, ReadCase(order_id=order_id))
    assert (asked["case_id"], asked["consented_at"]) == (case_id, None)
    await roster.cases.answer_case(family, AnswerCase(case_id=case_id, agree=True))
    (case,) = (await page(roster, caregiver_id))["cases"]
    assert case == {
        "case_id": case_id,
        "service_type": "escort_hourly",
        "service_type_text": "小时陪诊",
        "summary": "陪同完成检查与复诊",
        "condition_tags": ["脑卒中"],
        "duration_minutes": 240,
        "month": "2026-11",
    }
    await roster.cases.answer_case(family, AnswerCase(case_id=case_id, agree=False))
    assert (await page(roster, caregiver_id))["cases"] == []


@pytest.mark.parametrize(
    ("summary", "tags", "field"),
    [
        ("张桂芳奶奶恢复得很好", (), "summary"),
        ("家属电话138 0013 8000", (), "summary"),
        ("恢复很好", ("张桂芳",), "condition_tags"),
        ("病历号1234567", (), "summary"),
    ],
)
async def test_a_case_names_nobody(roster, database, summary, tags, field):
    call, caregiver_id = await roster.approved()
    order_id = await make_order(database, await roster.someone(), caregiver_id)
    assert await field_refused(publish(roster, call, order_id, summary, tags)) == field


async def test_a_case_is_of_an_own_completed_order_and_one_an_order(roster, database):
    call, caregiver_id = await roster.approved()
    family = await roster.someone()
    running = await make_order(database, family, caregiver_id, status="in_service")
    assert (await refusal(publish(roster, call, running))).code == "wrong_state"
    done = await make_order(database, family, caregiver_id)
    stranger, _ = await roster.caregiver()
    assert (await refusal(publish(roster, stranger, done))).code == "not_found"
    case_id = await publish(roster, call, done)
    assert (await refusal(publish(roster, call, done))).code == "wrong_state"
    other = await roster.someone()
    answer = AnswerCase(case_id=case_id, agree=True)
    assert (await refusal(roster.cases.answer_case(other, answer))).code == "not_found"
    assert (await refusal(roster.cases.read_case(other, ReadCase(order_id=done)))).code == "not_found"
