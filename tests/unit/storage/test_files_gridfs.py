"""What is left in GridFS when something goes wrong in the middle."""

import asyncio

import pytest

from server.core.errors import Unavailable
from server.core.ids import new_id
from server.storage.documents.address import read_address
from server.storage.documents.belonging import admit
from server.storage.documents.layout import FILE_BUCKET, KEPT_FILES
from server.storage.documents.mongo import Mongo, MongoOptions
from server.storage.files.gridfs import GridFsFiles
from server.storage.files.port import MissingFile
from tests.fakes.mongo import DUPLICATE, MongoRelay

pytestmark = pytest.mark.services

_TWO_PIECES = bytes(400_000)


@pytest.fixture
def files(mongo):
    return GridFsFiles(mongo=mongo)


async def _given(*pieces):
    for piece in pieces:
        yield piece


async def _everything(mongo):
    """How many documents there are of each kind: names, files, and chunks of the files that have a name."""
    names = await mongo.ask(lambda db: db[KEPT_FILES].find({}).to_list(None))
    files = await mongo.ask(lambda db: db[f"{FILE_BUCKET}.files"].find({}).to_list(None))
    ids = {row["_id"] for row in (*names, *files)}
    chunks = f"{FILE_BUCKET}.chunks"
    found = [await mongo.ask(lambda db, one=one: db[chunks].find({"files_id": one}).to_list(None)) for one in ids]
    return len(names), len(files), sum(map(len, found))


async def test_a_file_that_goes_leaves_nothing_behind(files, mongo):
    key = await files.put(_TWO_PIECES)
    assert await _everything(mongo) == (1, 1, 2)
    await files.delete(key)
    assert await _everything(mongo) == (0, 0, 0)


async def test_one_that_takes_anothers_place_leaves_nothing_of_it_behind(files, mongo):
    key = await files.put(_TWO_PIECES)
    await files.keep(key, _given(b"x"))
    assert await _everything(mongo) == (1, 1, 1)


async def test_one_that_breaks_off_leaves_nothing_behind(files, mongo):
    async def broken():
        yield _TWO_PIECES
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await files.keep(new_id(), broken())
    assert await _everything(mongo) == (0, 0, 0)


@pytest.fixture
def through_relay(io_loop, mongo_url, mongo, embedded):
    """Files by way of a relay that can fail, and the relay; `mongo` is the straight way."""
    loop = io_loop.asyncio_loop
    address = read_address(mongo_url)
    relay = MongoRelay(int(address.url.rpartition(":")[2].partition("/")[0]))
    loop.run_until_complete(relay.__aenter__())
    by_relay = Mongo(read_address(f"mongodb://127.0.0.1:{relay.port}/{address.database}"), options=MongoOptions())
    loop.run_until_complete(admit(by_relay, embedded))
    yield GridFsFiles(mongo=by_relay), relay
    by_relay.close()
    loop.run_until_complete(relay.__aexit__())


@pytest.mark.parametrize(
    ("command", "nth"), [("insert", 1), ("insert", 2), ("insert", 3), ("update", 1)]
)  # the note, the pieces, the whole, its name
@pytest.mark.parametrize("is_done", [False, True])
async def test_wherever_the_connection_ends_a_put_fails_and_a_sweep_cleans_up(
    through_relay, files, mongo, command, nth, is_done
):
    by_relay, relay = through_relay
    await by_relay.put(b"the first one makes the indexes of the bucket")
    for _ in range(nth - 1):
        relay.let_pass(command)
    (relay.afterwards if is_done else relay.instead)(command)
    with pytest.raises(Unavailable):
        await by_relay.put(_TWO_PIECES)
    assert relay.is_used_up
    kept = [key async for some in files.aged(older_than_s=-1) for key in some]
    was_named = command == "update" and is_done
    assert len(kept) == 1 + was_named, "kept, though nobody knows: an orphan, as on a disk"
    assert await files.sweep(older_than_s=60) == 0, "it may still be under way"
    assert await files.sweep(older_than_s=-1) == (not was_named and (command, nth, is_done) != ("insert", 1, False))
    for key in kept:
        await files.delete(key)
    assert await _everything(mongo) == (0, 0, 0)


@pytest.mark.parametrize("nth", [1, 2, 3])  # the note, the pieces, the whole
async def test_a_first_try_that_had_arrived_is_no_error_of_ours(through_relay, files, mongo, nth):
    by_relay, relay = through_relay
    await by_relay.put(b"the first one makes the indexes of the bucket")
    for _ in range(nth - 1):
        relay.let_pass("insert")
    relay.afterwards("insert", DUPLICATE)
    with pytest.raises(Unavailable):
        await by_relay.put(_TWO_PIECES)
    assert relay.is_used_up
    await files.sweep(older_than_s=-1)
    assert await _everything(mongo) == (1, 1, 1)


async def test_one_whose_bytes_are_going_is_missing_and_not_short(files, mongo):
    key = await files.put(_TWO_PIECES)
    [row] = await mongo.ask(lambda db: db[KEPT_FILES].find({"key": key}).to_list(None))
    await mongo.ask(lambda db: db[f"{FILE_BUCKET}.chunks"].delete_many({"files_id": row["_id"]}))
    with pytest.raises(MissingFile):
        await files.open(key)


async def test_without_mongodb_files_are_unavailable(through_relay):
    by_relay, relay = through_relay
    key = await by_relay.put(b"x")
    await relay.__aexit__()
    for work in (by_relay.put(b"y"), by_relay.open(key), by_relay.delete(key), by_relay.sweep(older_than_s=0)):
        with pytest.raises(Unavailable):
            await asyncio.wait_for(work, 10)
