"""The care area on a real store, beside the booking area's own answer about orders."""
import pytest

from config.policy import TimeRules
from server.booking.standing import Standings
from server.care.chat import Chat
from server.care.notes import Notes
from server.storage.channel_log.sql import SqlChannelLog
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
    return Standings(rules=TimeRules(), clock=clock)


@pytest.fixture
def chat(units, database, log, orders, clock):
    return Chat(units=units, database=database, log=log, orders=orders, clock=clock)


@pytest.fixture
def notes(units, database, log, orders, clock):
    return Notes(units=units, database=database, log=log, orders=orders, clock=clock)


@pytest.fixture
def visit(io_loop, database, clock):
    """An order in service."""
    return io_loop.asyncio_loop.run_until_complete(make_visit(database, clock))
