"""What is sealed opens only where it belongs, with its key."""
import pytest
from sqlalchemy import insert, select, text, update

from server.core.clock import server_now
from server.core.ids import new_id
from server.storage.sealed import FieldKeys, SealBroken
from server.storage.sql import Database
from server.storage.tables.identity import t_user
from server.storage.tables.system import audit_log
from tests.stores import make_user

TEXT = "高血压,术后第 5 天 😀"


def test_a_sealed_text_opens_in_its_column(keys):
    assert keys.open(keys.seal(TEXT, "t.a"), "t.a") == TEXT


def test_the_same_text_is_never_sealed_alike(keys):
    sealed = {keys.seal(TEXT, "t.a") for _ in range(100)}
    assert len(sealed) == 100
    assert not any("血压" in one for one in sealed)


def test_a_text_copied_to_another_column_does_not_open(keys):
    with pytest.raises(SealBroken, match="t.b: does not open"):
        keys.open(keys.seal(TEXT, "t.a"), "t.b")


def test_another_key_does_not_open_it(keys):
    with pytest.raises(SealBroken, match="unknown key"):
        FieldKeys("x" * 32).open(keys.seal(TEXT, "t.a"), "t.a")


def test_a_previous_key_opens_and_seals_no_more(keys):
    after = FieldKeys("n" * 32, previous=("k" * 32,))
    assert after.open(keys.seal(TEXT, "t.a"), "t.a") == TEXT
    assert FieldKeys("n" * 32).open(after.seal(TEXT, "t.a"), "t.a") == TEXT


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_changed_character_is_noticed(keys, place):
    sealed = keys.seal(TEXT, "t.a")
    wrong = "A" if sealed[place] != "A" else "B"
    with pytest.raises(SealBroken):
        keys.open(sealed[:place] + wrong + sealed[place + 1 :], "t.a")


@pytest.mark.parametrize("cut", [1, 2, 3, 10, 60])
def test_a_text_cut_short_is_noticed(keys, cut):
    with pytest.raises(SealBroken):
        keys.open(keys.seal(TEXT, "t.a")[:-cut], "t.a")


@pytest.mark.parametrize("nonsense", ["", "plain text", ".", "{key}.", "{key}.QQ==", "{key}.不是"])
def test_what_was_never_sealed_is_noticed(keys, nonsense):
    key_id = keys.seal(TEXT, "t.a").split(".")[0]
    with pytest.raises(SealBroken):
        keys.open(nonsense.format(key=key_id), "t.a")


def test_lookups_are_equal_for_equal_texts_of_one_purpose_only(keys):
    assert keys.lookup_hash("13800138000", "phone") == keys.lookup_hash("13800138000", "phone")
    others = {keys.lookup_hash("13800138000", "phone"), keys.lookup_hash("13800138000", "openid")}
    others |= {keys.lookup_hash("13800138001", "phone"), FieldKeys("x" * 32).lookup_hash("13800138000", "phone")}
    assert len(others) == 4
    assert all(len(one) == 64 for one in others)


async def test_a_column_holds_nothing_readable_and_reads_as_it_was_written(database):
    user_id = await make_user(database, phone="13800138000")
    async with database.read() as tx:
        assert await tx.value(select(t_user.c.phone).where(t_user.c.user_id == user_id)) == "13800138000"
        raw = await tx.value(text("SELECT phone FROM t_user"))
    assert "138" not in raw


async def test_nothing_stays_nothing(database):
    await make_user(database)
    async with database.read() as tx:
        assert await tx.value(select(t_user.c.ban_reason)) is None
        assert await tx.value(text("SELECT ban_reason FROM t_user")) is None


async def test_a_value_copied_between_columns_in_the_database_does_not_open(database):
    await make_user(database)
    await database.write(lambda tx: tx.run(text("UPDATE t_user SET ban_reason = phone")))
    async with database.read() as tx:
        with pytest.raises(SealBroken, match="t_user.ban_reason"):
            await tx.value(select(t_user.c.ban_reason))


async def test_another_process_with_another_key_reads_nothing(database, io_loop):
    await make_user(database)
    url = database.url.render_as_string(hide_password=False)
    stranger = Database(url, keys=FieldKeys("x" * 32), readers=1, acquire_timeout_s=5.0)
    try:
        async with stranger.read() as tx:
            with pytest.raises(SealBroken):
                await tx.value(select(t_user.c.phone))
    finally:
        await stranger.close()


async def test_a_long_text_of_every_kind_of_character_survives(database):
    row = {"audit_id": new_id(), "actor_type": "system", "remote_address": "", "action": "a", "target": "t"}
    long = "\x00\n\"'\\ é 汉 😀" * 5_000
    values = insert(audit_log).values(**row, request_id="r", at=server_now(), detail=long)
    await database.write(lambda tx: tx.run(values))
    async with database.read() as tx:
        assert await tx.value(select(audit_log.c.detail)) == long


async def test_a_change_is_sealed_like_an_insert(database):
    user_id = await make_user(database)
    await database.write(lambda tx: tx.run(update(t_user).values(ban_reason="违规")))
    async with database.read() as tx:
        assert await tx.value(select(t_user.c.ban_reason).where(t_user.c.user_id == user_id)) == "违规"
        assert "违规" not in await tx.value(text("SELECT ban_reason FROM t_user"))
