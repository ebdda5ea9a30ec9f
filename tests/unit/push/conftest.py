"""The push area on a real store with the sandbox's carriers."""
import pytest

from server.push.dispatcher import SMS_TOPICS, Dispatcher, Patience
from server.push.inbox import Inbox
from server.push.notices import PUSH_TOPICS, Notices
from server.push.sandbox_messages import SandboxMessages
from server.push.senders.sandbox import SandboxSender
from server.push.service_messages import ServiceMessages
from server.push.templates import Templates
from server.storage.channel_log.sql import SqlChannelLog
from server.storage.pubsub.in_process import InProcessBus
from tests.stores import make_user

PHONE = "13900001111"


@pytest.fixture
def log(database, outbox):
    return SqlChannelLog(database=database, outbox=outbox, bus=InProcessBus())


@pytest.fixture
def senders(database):
    ways = {"sms": "sms", "wechat_mini": "wechat", "wechat_oa": "wechat"}
    return {way: SandboxSender(database=database, channel=channel) for way, channel in ways.items()}


@pytest.fixture
def dispatcher(database, outbox, senders):
    patience = Patience(send_within_s=2.0, sms_attempts=3, wechat_attempts=2)
    dispatcher = Dispatcher(database=database, outbox=outbox, senders=senders, patience=patience)
    for topic in PUSH_TOPICS:
        outbox.deliver(topic, dispatcher.deliver_notice)
    for topic in SMS_TOPICS:
        outbox.deliver(topic, dispatcher.deliver_sms)
    return dispatcher


@pytest.fixture
def notices(log, outbox, dispatcher):
    templates = Templates()
    return Notices(log=log, outbox=outbox, templates=lambda: templates)


@pytest.fixture
def inbox(units, database, clock):
    return Inbox(units=units, database=database, clock=clock)


@pytest.fixture
def service_messages(units, notices, clock):
    return ServiceMessages(units=units, notices=notices, clock=clock)


@pytest.fixture
def sandbox_messages(database):
    return SandboxMessages(database=database)


@pytest.fixture
def user_id(io_loop, database):
    """An account with the phone `PHONE`."""
    return io_loop.asyncio_loop.run_until_complete(make_user(database, phone=PHONE))
