"""The rules change by editions: for what begins from then on, and for nothing that has begun."""
import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from config.reading import read_command
from server.core.call import Actor, Call
from server.core.clock import shanghai_text
from server.core.errors import Refused
from server.storage.tables.booking import t_order
from server.storage.tables.system import rule_edition
from tests.documented import assert_documented
from tests.race.rivals import two_instances
from tests.unit.booking.visits import Visit
from tests.world import until

REASON = "季度调整"
_LEAD = timedelta(hours=5)


async def _change(office, version=1, **chapters):
    return await office.ask("settings", **_body(version, chapters))


def _body(version, chapters):
    return {"version": version, "reason": REASON} | chapters


async def _write(office, version=1, **chapters):
    operations = office.stage._operations
    assert operations["admin.settings"].method == "POST"
    reply = await _change(office, version, **chapters)
    assert reply.is_ok, reply
    return reply.data


@pytest.fixture
def read(office):
    """GET settings; both operations have one name, so this one is called by itself."""
    named = (one for one in office.stage.product.operations if one.path == "/api/admin/settings")
    get = next(one for one in named if one.method == "GET")

    async def run(**query):
        call = Call(Actor(office.admin.user_id, "admin", "login"), "request")
        answer = await get.run(call, read_command(get, {name: str(value) for name, value in query.items()}))
        assert_documented(get, answer)
        return answer

    return run


async def test_a_fresh_store_shows_the_defaults_as_the_first_edition(read):
    found = await read()
    assert (found["version"], found["is_newest"], found["time"]["lead_min"]) == (1, True, 60)
    assert len(found["prices"]) == 6 and found["price"]["commission_rate_bp"] == 2_000
    assert {"2026-10-01"} <= set(found["price"]["holidays"])
    assert all(template["preview"] for template in found["templates"])


async def test_only_what_is_given_changes_and_it_is_written_down_with_before_and_after(office, read):
    before = await read()
    told = await _write(office, time={"lead_min": 90}, price={"commission_rate_bp": 1_500})
    assert (told["version"], told["changed"], told["reason"]) == (2, ["price", "time"], REASON)
    after = await read()
    assert after == told
    assert after["time"] == before["time"] | {"lead_min": 90}
    assert after["price"] == before["price"] | {"commission_rate_bp": 1_500}
    assert after["prices"] == before["prices"] and after["templates"] == before["templates"]
    (row,) = await office.audit("settings")
    assert (row["target"], row["reason"]) == ("settings:2", REASON)
    assert row["detail"] == {
        "before": {"price.commission_rate_bp": 2_000, "time.lead_min": 60},
        "after": {"price.commission_rate_bp": 1_500, "time.lead_min": 90},
    }
    assert await read(version=1) == before | {"is_newest": False} | {"made_at": (await read(version=1))["made_at"]}


async def test_whoever_saw_an_older_edition_is_refused(office):
    await _write(office, time={"lead_min": 90})
    refused = await _change(office, 1, time={"lead_min": 120})
    assert (refused.status, refused.code, refused.data) == (409, "wrong_state", {"version": 2})
    assert (await _change(office, 3, time={"lead_min": 120})).code == "wrong_state"
    assert len(await office.stage.rows(select(rule_edition))) == 2


async def test_of_two_changes_at_once_one_is_made(office):
    replies = await asyncio.gather(*(_change(office, 1, time={"lead_min": 60 + number}) for number in (1, 2, 3)))
    assert sorted(reply.code for reply in replies) == ["ok", "wrong_state", "wrong_state"]


@pytest.mark.parametrize(
    ("chapters", "field"),
    [
        ({"time": {"grid_min": 20}}, "time"),
        ({"offers": {"waves": [{"after_s": 5, "more": 5}]}}, "offers"),
        ({"cancellation": {"tiers": [
            {"lead_at_least_min": 60, "fee_bp": 0, "commission_bp": 0, "text": "一"},
        ]}}, "cancellation"),
        ({"prices": [{"service_type": "x", "base_price_fen": 1, "min_price_fen": 1, "max_price_fen": 1}]},
         "prices.0.service_type"),
        ({"prices": [{"service_type": "errand", "base_price_fen": 9, "min_price_fen": 10, "max_price_fen": 11}]},
         "prices.0.base_price_fen"),
        ({"templates": [{"name": "x", "title": "题", "content": "文"}]}, "templates.0.name"),
        ({"templates": [{"name": "order_completed", "title": "题", "content": "{service_name}{score}"}]},
         "templates.0.content"),
        ({"templates": [{"name": "order_completed", "title": "题{", "content": "文"}]}, "templates.0.content"),
        ({}, "body"),
        ({"time": {"lead_min": 60}}, "body"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field_in_chinese(office, chapters, field):
    operation = office.stage._operations["admin.settings"]
    call = Call(Actor(office.admin.user_id, "admin", "login"), "request")
    with pytest.raises(Refused) as refused:
        await operation.run(call, read_command(operation, _body(1, chapters)))
    assert refused.value.code == "invalid"
    (error,) = refused.value.errors[:1]
    assert error.field.startswith(field) and not error.message.isascii()
    assert await office.audit("settings") == []


async def test_a_preview_shows_and_keeps_nothing(office, read):
    words = [{"name": "order_completed", "title": "完成", "content": "{service_name}做完了"}]
    told = await _write(office, templates=words, preview=True)
    shown = next(one for one in told["templates"] if one["name"] == "order_completed")
    assert (told["version"], shown["content"], shown["preview"]) == (1, "{service_name}做完了", "陪诊服务做完了")
    assert (await read())["version"] == 1 and await office.audit("settings") == []


async def test_new_words_are_those_of_the_next_notice(office):
    words = [{"name": "booking_succeeded", "title": "约好了", "content": "{patient_name}的{service_name}约好了"}]
    await _write(office, templates=words)
    visit = await Visit.in_state(office.stage, "paid", lead=_LEAD)
    (notice,) = await office.notices(visit.booker.user_id, "booking_succeeded")
    assert notice["title"] == "约好了" and notice["content"].endswith("的代办跑腿约好了")


async def test_new_prices_are_those_of_new_orders_and_of_the_catalogue(office):
    old = (await office.stage.create(office.families[0], office.stage.slot(lead=_LEAD))).data
    dearer = {"service_type": "errand", "base_price_fen": 9_000, "min_price_fen": 5_000, "max_price_fen": 30_000}
    await _write(office, prices=[dearer], price={"commission_rate_bp": 1_000})
    new = (await office.stage.create(office.families[1], office.stage.slot(lead=_LEAD))).data
    assert (old["amount_fen"], new["amount_fen"]) == (8_000, 9_000)
    rows = {row["order_id"]: row for row in await office.stage.rows(select(t_order))}
    assert (rows[old["order_id"]]["policy_version"], rows[old["order_id"]]["commission_fen"]) == (1, 1_600)
    assert (rows[new["order_id"]]["policy_version"], rows[new["order_id"]]["commission_fen"]) == (2, 900)
    catalog = await office.stage._operations["catalog"].run(None, None)
    assert next(one for one in catalog["service_types"] if one["code"] == "errand")["base_price_fen"] == 9_000


async def test_a_quote_is_honoured_with_the_terms_it_was_made_under(office):
    family, slot = office.families[0], office.stage.slot(lead=_LEAD)
    wish = {
        "patient_id": family.patient_ids[0], "caregiver_id": None, "service_type": "errand",
        "hospital_id": "bj-renmin", "start_at": shanghai_text(slot[0]), "end_at": shanghai_text(slot[1]),
    }
    quote = await office.stage.must(family, "order.quote", **wish)
    dearer = {"service_type": "errand", "base_price_fen": 9_000, "min_price_fen": 5_000, "max_price_fen": 30_000}
    await _write(office, prices=[dearer], price={"commission_rate_bp": 1_000})
    made = await office.stage.must(family, "order.create", **wish, quote_id=quote["quote_id"])
    row = await office.stage.order(made["order_id"])
    assert (row["amount_fen"], row["commission_fen"], row["policy_version"]) == (8_000, 1_600, 1)


async def test_an_old_order_is_cancelled_by_its_own_tiers_and_a_new_one_by_the_new(office):
    old = await Visit.in_state(office.stage, "awaiting_service", lead=timedelta(minutes=90))
    everything = [{"lead_at_least_min": 0, "fee_bp": 10_000, "commission_bp": 0, "text": "不退款"}]
    await _write(office, cancellation={"tiers": everything})
    cancelled = await office.stage.must(old.booker, "order.cancel", order_id=old.order_id, reason="改期")
    assert 0 < cancelled["fee_fen"] < (await old.row())["amount_fen"]
    new = await Visit.in_state(office.stage, "awaiting_service", lead=timedelta(minutes=90))
    cancelled = await office.stage.must(new.booker, "order.cancel", order_id=new.order_id, reason="改期")
    assert cancelled["fee_fen"] == (await new.row())["amount_fen"]


async def test_an_old_order_starts_confirms_and_settles_by_its_own_numbers(office):
    visit = await Visit.in_state(office.stage, "awaiting_service", lead=_LEAD)
    await _write(office, time={"start_window_min": 0, "auto_confirm_after_h": 168}, settlement={"due_after_days": 0})
    order = await visit.row()
    await office.stage.advance((order["start_at"] - office.stage.clock.now()).total_seconds() - 1_700)
    await office.stage.must(visit.caregiver, "order.start", order_id=visit.order_id, start_code=order["start_code"])
    await visit.finish()
    await office.stage.advance(25 * 3_600)
    assert (await visit.row())["status"] == "completed"
    file = await office.must("order.detail", order_id=visit.order_id)
    assert file["money"]["settlement"]["status"] == "frozen"


async def test_time_rules_hold_for_who_books_now(office):
    await _write(office, time={"lead_min": 600})
    reply = await office.stage.create(office.families[0], office.stage.slot(lead=_LEAD))
    assert (reply.status, reply.code) == (422, "too_soon")


async def test_the_first_edition_stays_what_it_was_when_it_was_written(office):
    await _write(office, time={"lead_min": 90})
    kept = select(rule_edition.c.document).where(rule_edition.c.number == 1)
    document = (await office.stage.rows(kept))[0]["document"]
    changed = document.replace('"fee_bp": 5000', '"fee_bp": 6000')
    assert changed != document
    one = update(rule_edition).where(rule_edition.c.number == 1).values(document=changed)
    await office.stage.database.write(lambda tx: tx.run(one))
    other = office.stage.product.base.rulebook.__class__(
        database=office.stage.database,
        first=office.stage.product.base.rulebook.first,
        readers=office.stage.product.base.rulebook._readers,
    )
    await other.refresh()
    async with office.stage.database.read() as tx:
        terms = await other.view("terms").of(tx, 1)
    assert terms.policy.cancellation.tiers[-1].fee_bp == 6_000


async def test_history_lists_every_edition_from_new_to_old(office):
    for number in (1, 2, 3):
        await _write(office, number, time={"lead_min": 60 + number})
    first = await office.must("settings.history", limit=3)
    rest = await office.must("settings.history", limit=3, cursor=first["next_cursor"])
    assert [item["version"] for item in first["items"] + rest["items"]] == [4, 3, 2, 1]
    assert (first["items"][0]["made_by"], rest["items"][0]["made_by"]) == (office.admin.user_id, None)


async def test_a_change_is_felt_on_the_other_instance_within_two_seconds(open_world):
    world = await open_world(*two_instances())
    body = {"version": 1, "reason": REASON, "time": {"lead_min": 90}}
    assert (await world.post(world.admin, "/api/admin/settings", body)).is_ok

    async def everywhere():
        terms = [one.product.base.terms.now for one in world.instances]
        return all(one.policy.time.lead_min == 90 for one in terms)

    await until(everywhere, within_s=10)
