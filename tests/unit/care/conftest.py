"""The care area on a real store, with real orders."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.booking.orders.standing import Standings
from server.care.chat import Chat
from server.care.files import Files
from server.care.notes import Notes
from server.care.uploads import Quota, Uploads
from server.core.in_force import Unchanging
from server.roster.terms import Terms
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.files.disk import DiskFiles
from server.storage.files.images import ImageWorkshop
from server.storage.files.links import FileLinks
from server.storage.files.shelf import FileShelf
from server.storage.pubsub.in_process import InProcessBus
from tests.unit.care.visits import make_visit


@pytest.fixture
def bus():
    return InProcessBus()


@pytest.fixture
def log(database, outbox, bus):
    return SqlChannelLog(database=database, outbox=outbox, bus=bus)


@pytest.fixture
def orders(clock):
    return Standings(terms=Unchanging(Terms()), clock=clock)


@pytest.fixture
def executor():
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def files_directory(tmp_path):
    return tmp_path / "files"


@pytest.fixture
def shelf(files_directory, executor):
    return FileShelf(store=DiskFiles(directory=files_directory, executor=executor))


@pytest.fixture
def links():
    return FileLinks(secret="s" * 32)


@pytest.fixture
def uploads(database, shelf, executor):
    workshop = ImageWorkshop(executor=executor, places=30)
    return Uploads(database=database, shelf=shelf, workshop=workshop, quota=Quota(files=5, size_bytes=60_000))


@pytest.fixture
def files(database, shelf, links, orders):
    return Files(database=database, shelf=shelf, links=links, orders=orders)


@pytest.fixture
def chat(units, database, log, orders, shelf, clock):
    return Chat(units=units, database=database, log=log, orders=orders, shelf=shelf, clock=clock)


@pytest.fixture
def notes(units, database, log, orders, shelf, clock):
    return Notes(units=units, database=database, log=log, orders=orders, shelf=shelf, clock=clock)


@pytest.fixture
def visit(io_loop, database, clock):
    """An order in service."""
    return io_loop.asyncio_loop.run_until_complete(make_visit(database, clock))
