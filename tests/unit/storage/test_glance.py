"""Short reads on the loop's own thread say what any other read says."""

import threading

import pytest
from sqlalchemy import bindparam, insert, select

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.storage.tables.system import channel_event, channel_head

_TOP = select(channel_head.c.top).where(channel_head.c.channel == bindparam("in_channel"))
_MOVED = select(channel_head.c.moved_at).where(channel_head.c.channel == bindparam("in_channel"))
_DATA = select(channel_event.c.data).where(channel_event.c.channel == bindparam("in_channel"))
HERE = {"in_channel": "ops"}


async def begin_channel(database, name="ops", top=1):
    row = {"channel": name, "epoch": "e", "top": top, "moved_at": server_now()}
    await database.write(lambda tx: tx.run(insert(channel_head).values(**row)))


async def top_at_a_glance(database):
    async with database.glance() as tx:
        return await tx.value(_TOP, HERE)


async def test_a_glance_sees_what_was_committed_before_it(database):
    assert await top_at_a_glance(database) is None
    await begin_channel(database)
    assert await top_at_a_glance(database) == 1


async def test_types_and_sealed_columns_are_read_as_elsewhere(database):
    await begin_channel(database)
    event = {"channel": "ops", "offset": 1, "event_key": "k", "data": "陪护", "size_bytes": 6, "at": server_now()}
    await database.write(lambda tx: tx.run(insert(channel_event).values(**event)))
    async with database.glance() as tx, database.read() as usual:
        assert await tx.value(_DATA, HERE) == await usual.value(_DATA, HERE) == "陪护"
        assert await tx.value(_MOVED, HERE) == await usual.value(_MOVED, HERE)


async def test_what_is_read_in_one_glance_is_of_one_instant(database):
    await begin_channel(database)
    async with database.glance() as tx:
        assert await tx.value(_TOP, HERE) == 1
        await database.write(lambda tx: tx.run(channel_head.update().values(top=2)))
        assert await tx.value(_TOP, HERE) == 1
    assert await top_at_a_glance(database) == 2


async def test_twin_two_glances_are_of_two_instants(database):
    await begin_channel(database)
    assert await top_at_a_glance(database) == 1
    await database.write(lambda tx: tx.run(channel_head.update().values(top=2)))
    assert await top_at_a_glance(database) == 2


async def test_who_comes_while_a_glance_waits_goes_the_long_way_and_sees_the_present(database):
    await begin_channel(database)
    async with database.glance() as outer:
        assert await outer.value(_TOP, HERE) == 1
        await database.write(lambda tx: tx.run(channel_head.update().values(top=2)))
        assert await top_at_a_glance(database) == 2


async def test_no_thread_is_asked(embedded):
    await begin_channel(embedded)
    await top_at_a_glance(embedded)
    before = threading.active_count()
    assert await top_at_a_glance(embedded) == 1
    assert threading.active_count() == before
    assert not embedded._pool._connections, "the pool of readers was never opened"


async def test_statements_that_are_not_built_once_are_refused(embedded):
    async with embedded.glance() as tx:
        with pytest.raises(TypeError):
            await tx.one(select(channel_head))


async def test_a_glance_cannot_write_and_the_next_one_is_none_the_worse(embedded):
    await begin_channel(embedded)
    change = channel_head.update().where(channel_head.c.channel == bindparam("in_channel")).values(top=bindparam("to"))
    with pytest.raises(Exception, match="readonly"):
        async with embedded.glance() as tx:
            await tx.run(change, HERE | {"to": 9})
    assert await top_at_a_glance(embedded) == 1


async def test_what_the_reader_raises_passes_and_the_next_one_is_none_the_worse(database):
    await begin_channel(database)
    with pytest.raises(Unavailable):
        async with database.glance():
            raise Unavailable()
    assert await top_at_a_glance(database) == 1


async def test_it_opens_again_after_it_was_closed(embedded):
    await begin_channel(embedded)
    await top_at_a_glance(embedded)
    embedded._glances.close()
    embedded._glances.close()
    assert await top_at_a_glance(embedded) == 1
