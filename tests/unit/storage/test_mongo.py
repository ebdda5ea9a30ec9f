"""MongoDB that refuses, lies, or belongs to somebody else."""

import asyncio

import pytest
from pymongo.errors import DuplicateKeyError, OperationFailure

from server.core.errors import Unavailable
from server.storage.documents.address import read_address
from server.storage.documents.belonging import ForeignDocuments, admit
from server.storage.documents.mongo import Mongo, MongoOptions, MongoRefuses
from server.storage.documents.watch import MongoWatch
from server.storage.files.gridfs import GridFsFiles
from tests.fakes.mongo import NOT_PRIMARY, MongoRelay, refusal

pytestmark = pytest.mark.services


def _insert(database):
    return database["thing"].insert_one({"_id": "a"})


def _find(database):
    return database["thing"].find_one({"_id": "a"})


@pytest.fixture
def open_mongo(mongo_url):
    """`open_mongo(port)`: another client, by way of a port."""
    opened = []

    def open_it(port=None, login="", **options):
        url = mongo_url if port is None else f"mongodb://{login}127.0.0.1:{port}/{mongo_url.rpartition('/')[2]}"
        opened.append(Mongo(read_address(url), options=MongoOptions(**options)))
        return opened[-1]

    yield open_it
    for mongo in opened:
        mongo.close()


@pytest.fixture
def relay(mongo_url, io_loop):
    relay = MongoRelay(read_address(mongo_url).url.rpartition(":")[2].partition("/")[0])
    loop = io_loop.asyncio_loop
    loop.run_until_complete(relay.__aenter__())
    yield relay
    loop.run_until_complete(relay.__aexit__())


async def test_nobody_is_answered_before_it_is_known_whose_documents_these_are(open_mongo, embedded):
    mongo = open_mongo()
    with pytest.raises(Unavailable):
        await mongo.ask(_find)
    await admit(mongo, embedded)
    assert await mongo.ask(_find) is None


async def test_instances_of_one_database_are_all_let_in(open_mongo, embedded):
    await asyncio.gather(*(admit(open_mongo(), embedded) for _ in range(4)))
    late = open_mongo()
    await admit(late, embedded)
    assert late.is_admitted


@pytest.mark.expects_warnings
async def test_the_documents_of_another_database_are_left_alone(mongo, open_mongo, database):
    stranger = open_mongo()
    watch = MongoWatch(stranger, admit=lambda: admit(stranger, database))
    with pytest.raises(ForeignDocuments):
        await watch.look()
    assert not stranger.is_admitted
    assert "belong to another SQL database" in watch.trouble




async def test_a_unique_key_is_an_answer_and_no_trouble(mongo):
    await mongo.ask(_insert)
    for _ in range(5):
        with pytest.raises(DuplicateKeyError):
            await mongo.ask(_insert)
    assert await mongo.ask(_find) == {"_id": "a"}


@pytest.mark.parametrize("answer", [NOT_PRIMARY, refusal(91, "shutting down"), refusal(11600, "interrupted"), None])
async def test_what_passes_is_unavailable_whether_it_was_done_or_not(relay, open_mongo, embedded, answer):
    mongo = open_mongo(relay.port)
    await admit(mongo, embedded)
    relay.instead("insert", answer)
    with pytest.raises(Unavailable):
        await mongo.ask(_insert)
    relay.afterwards("insert", answer)
    with pytest.raises(Unavailable):
        await mongo.ask(_insert)
    assert relay.is_used_up
    await mongo.probe(_find)  # answered: the breaker lets others through again
    with pytest.raises(DuplicateKeyError):
        await mongo.ask(_insert)


async def test_an_answer_that_no_majority_has_is_none(relay, open_mongo, embedded):
    mongo = open_mongo(relay.port)
    await admit(mongo, embedded)
    error = {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting for replication timed out"}
    relay.afterwards("insert", {"ok": 1.0, "n": 1, "writeConcernError": error})
    with pytest.raises(Unavailable):
        await mongo.ask(_insert)


async def test_whatever_is_written_is_in_the_journal_of_a_majority_before_it_counts(relay, open_mongo, embedded):
    """A server that stands alone confirms without its journal unless it is told to, and forgets when it is killed."""
    mongo = open_mongo(relay.port)
    await admit(mongo, embedded)
    await mongo.ask(_insert)
    files = GridFsFiles(mongo=mongo)
    await files.delete(await files.put(b"photo"))
    written = [asked for asked in relay.asked if {"insert", "update", "delete", "findAndModify"} & asked.keys()]
    assert {next(iter(asked)) for asked in written} >= {"insert", "delete"}
    assert [asked for asked in written if asked.get("writeConcern") != {"w": "majority", "j": True}] == []


async def test_a_bug_is_no_outage(mongo):
    with pytest.raises(OperationFailure):
        await mongo.ask(lambda db: db.command("no such command"))


@pytest.mark.parametrize(
    ("command", "answer", "says"),
    [
        ("saslStart", refusal(18, "Authentication failed."), "refuses the login (Authentication failed.)"),
        ("ping", refusal(13, "not authorized on peihu"), "does not allow it (not authorized on peihu)"),
    ],
)
async def test_a_refused_login_or_right_is_told_in_words(relay, open_mongo, embedded, command, answer, says):
    mongo = open_mongo(relay.port, login="somebody:secret@" if command == "saslStart" else "")
    watch = MongoWatch(mongo, admit=lambda: admit(mongo, embedded))
    relay.instead(command, answer)
    with pytest.raises(MongoRefuses):
        await watch.look()
    assert says in watch.trouble and f":{relay.port}/" in watch.trouble
    assert "secret" not in watch.trouble


async def test_a_server_that_is_too_old_is_told_in_words(relay, open_mongo, embedded):
    mongo = open_mongo(relay.port)
    watch = MongoWatch(mongo, admit=lambda: admit(mongo, embedded))
    old = {"ok": 1.0, "isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 5, "maxBsonObjectSize": 1 << 24}
    for name in ("hello", "ismaster") * 20:
        relay.instead(name, old)
    with pytest.raises(MongoRefuses):
        await watch.look()
    assert "wire version" in watch.trouble


async def test_once_it_is_known_that_nobody_answers_nobody_waits(relay, open_mongo, embedded):
    mongo = open_mongo(relay.port, timeout_s=0.5)
    await admit(mongo, embedded)
    await relay.__aexit__()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await mongo.ask(_find)
    async with asyncio.timeout(0.2):
        for _ in range(50):
            with pytest.raises(Unavailable):
                await mongo.ask(_find)
    assert "does not answer" in mongo.why_away
