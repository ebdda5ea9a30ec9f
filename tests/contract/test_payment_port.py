"""What every payment provider keeps to, over real HTTP.

The provider under test is driven through the port and through its payer; what it sends arrives at a real
route, where its own `verify_notification` must know it again.
"""

import asyncio
from datetime import timedelta

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from server.billing.store_sandbox import SqlSandboxBook
from server.core.clock import server_now
from server.core.ids import new_id
from server.handlers.notify import post_over_http
from server.payment.port import (
    AlreadyPaid,
    BadSignature,
    ProviderRefused,
    RefundState,
    TradeState,
    UnknownKey,
)
from server.payment.sandbox import SandboxProvider
from server.payment.sandbox_courier import SandboxCourier
from server.payment.sandbox_letters import SandboxKey
from server.payment.sandbox_till import SandboxHabits, SandboxTill
from server.payment.sandbox_wakeups import Wakeups

AMOUNT_FEN = 19_900


class Receiver(RequestHandler):
    """Keeps what came; answers what the test has laid ready, then 200."""

    def initialize(self, *, arrived, answers):
        self.arrived, self.answers = arrived, answers

    def post(self):
        self.arrived.put_nowait((dict(self.request.headers), self.request.body))
        self.set_status(self.answers.pop(0) if self.answers else 200)


class Sandbox:
    """The sandbox stand-in with its payer and its courier."""

    def __init__(self, database, *, name, waits_for_payer, habits):
        self.wakeups = Wakeups()
        self.key = SandboxKey("k" * 40)
        self.book = SqlSandboxBook(database=database)
        self.waits_for_payer = waits_for_payer
        self.till = SandboxTill(book=self.book, wakeups=self.wakeups, habits=habits)
        self.provider = SandboxProvider(
            name=name, book=self.book, key=self.key, wakeups=self.wakeups, habits=habits,
            waits_for_payer=waits_for_payer,
        )
        self.courier = self.new_courier()

    def new_courier(self):
        return SandboxCourier(
            book=self.book, till=self.till, key=self.key, wakeups=self.wakeups, post=post_over_http,
            sweep_every_s=0.05, pauses_s=(0.02,),
        )

    async def approve(self, number):
        """The payer says yes, unless the trade does that by itself."""
        if self.waits_for_payer:
            await self.till.tap(number, "approve")


@pytest.fixture(params=["sandbox", "wechat in the sandbox", "alipay in the sandbox"])
def sandbox(request, io_loop, database):
    name = request.param.partition(" ")[0]
    habits = SandboxHabits(approve_after_s=0.05, refund_after_s=0.05)
    sandbox = Sandbox(database, name=name, waits_for_payer=name != "sandbox", habits=habits)
    yield sandbox
    io_loop.asyncio_loop.run_until_complete(sandbox.courier.stop())


@pytest.fixture
def provider(sandbox):
    return sandbox.provider


class Inbox:
    """A notify route of the test's own."""

    def __init__(self):
        self.arrived, self.answers = asyncio.Queue(), []
        application = Application([("/notify", Receiver, {"arrived": self.arrived, "answers": self.answers})])
        self.server = HTTPServer(application)
        socket, port = bind_unused_port()
        self.server.add_socket(socket)
        self.url = f"http://127.0.0.1:{port}/notify"

    async def next(self):
        return await asyncio.wait_for(self.arrived.get(), timeout=10)


@pytest.fixture
def inbox(io_loop):
    inbox = Inbox()
    yield inbox
    inbox.server.stop()
    io_loop.asyncio_loop.run_until_complete(inbox.server.close_all_connections())


async def prepay(provider, inbox, *, number=None, amount_fen=AMOUNT_FEN):
    number = number or new_id()
    voucher = await provider.prepay(
        out_trade_no=number, amount_fen=amount_fen, currency="CNY", description="陪诊", channel="mini",
        notify_url=inbox.url, payer=None,
    )
    return number, voucher


async def paid_trade(sandbox, inbox):
    """A trade whose notification has arrived and been read."""
    number, _ = await prepay(sandbox.provider, inbox)
    sandbox.courier.start()
    await sandbox.approve(number)
    headers, body = await inbox.next()
    return number, headers, body


async def refund(provider, number, *, refund_number=None, amount_fen=900, total_fen=AMOUNT_FEN):
    refund_number = refund_number or new_id()
    report = await provider.refund(
        out_refund_no=refund_number, out_trade_no=number, amount_fen=amount_fen, total_fen=total_fen, notify_url=""
    )
    return refund_number, report


async def test_a_number_nobody_opened_is_missing(provider):
    assert (await provider.query(new_id())).state is TradeState.MISSING
    assert (await provider.query_refund(new_id())).state is RefundState.MISSING


async def test_opening_the_same_number_twice_is_one_trade(provider, inbox):
    number, voucher = await prepay(provider, inbox)
    _, again = await prepay(provider, inbox, number=number)
    assert again == voucher and (await provider.query(number)).state is TradeState.WAITING
    with pytest.raises(ProviderRefused):
        await prepay(provider, inbox, number=number, amount_fen=AMOUNT_FEN + 1)


async def test_a_payment_is_told_with_a_signature_and_agrees_with_the_query(sandbox, provider, inbox):
    number, headers, body = await paid_trade(sandbox, inbox)
    notification = await provider.verify_notification(headers, body)
    assert notification.kind == "payment" and notification.notification_id
    report = notification.report
    assert (report.out_trade_no, report.state) == (number, TradeState.PAID)
    assert (report.amount_fen, report.currency) == (AMOUNT_FEN, "CNY")
    assert report.merchant_id == provider.merchant_id and report.app_id in provider.app_ids
    assert report.transaction_id and report.success_at
    assert await provider.query(number) == report
    with pytest.raises(AlreadyPaid):
        await prepay(provider, inbox, number=number)


async def test_a_changed_byte_a_lost_header_or_another_key_is_noticed(sandbox, provider, inbox):
    _, headers, body = await paid_trade(sandbox, inbox)
    for changed in (body.replace(b"SUCCESS", b"SUCCESs", 1), body + b"\n", body[:-1], b""):
        with pytest.raises(BadSignature):
            await provider.verify_notification(headers, changed)
    for name in [name for name in headers if name.lower().startswith("sandbox-") and "serial" not in name.lower()]:
        with pytest.raises(BadSignature):
            await provider.verify_notification({**headers, name: ""}, body)
    with pytest.raises(UnknownKey):
        await provider.verify_notification(SandboxKey("other").sign(body, at=server_now()), body)


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_message_of_another_time_is_noticed(sandbox, provider, inbox, minutes):
    _, _, body = await paid_trade(sandbox, inbox)
    with pytest.raises(BadSignature):
        await provider.verify_notification(sandbox.key.sign(body, at=server_now() + timedelta(minutes=minutes)), body)


async def test_a_message_that_is_not_taken_comes_again_with_the_same_id_and_a_fresh_signature(sandbox, inbox):
    inbox.answers.extend([500, 404, 302])
    _, *first = await paid_trade(sandbox, inbox)
    arrivals = [tuple(first), *[await inbox.next() for _ in range(3)]]
    messages = [await sandbox.provider.verify_notification(headers, body) for headers, body in arrivals]
    assert len({message.notification_id for message in messages}) == 1
    assert len({headers["Sandbox-Nonce"] for headers, _ in arrivals}) == 4
    assert inbox.arrived.empty()


async def test_what_was_not_taken_is_sent_after_a_restart(sandbox, provider, inbox):
    number, _ = await prepay(provider, inbox)
    await sandbox.approve(number)
    sandbox.courier = sandbox.new_courier()  # nothing in its memory
    sandbox.courier.start()
    headers, body = await inbox.next()
    assert (await provider.verify_notification(headers, body)).report.out_trade_no == number


async def test_closing_ends_a_trade_unless_it_was_paid(sandbox, provider, inbox):
    await provider.close(new_id())
    number, _ = await prepay(provider, inbox)
    await provider.close(number)
    await provider.close(number)
    assert (await provider.query(number)).state is TradeState.CLOSED
    with pytest.raises(ProviderRefused):
        await prepay(provider, inbox, number=number)
    paid, *_ = await paid_trade(sandbox, inbox)
    with pytest.raises(AlreadyPaid):
        await provider.close(paid)


async def test_a_refund_is_accepted_first_and_told_later(sandbox, provider, inbox):
    number, *_ = await paid_trade(sandbox, inbox)
    refund_number, accepted = await refund(provider, number)
    assert accepted.state is RefundState.PROCESSING
    notification = await provider.verify_notification(*await inbox.next())
    assert notification.kind == "refund" and notification.report.state is RefundState.SUCCEEDED
    report = notification.report
    assert (report.out_refund_no, report.out_trade_no) == (refund_number, number)
    assert (report.amount_fen, report.total_fen) == (900, AMOUNT_FEN)
    assert await provider.query_refund(refund_number) == report
    assert (await provider.query(number)).state is TradeState.REFUNDED


async def test_one_refund_number_refunds_once(sandbox, provider, inbox):
    number, *_ = await paid_trade(sandbox, inbox)
    refund_number, _ = await refund(provider, number, amount_fen=AMOUNT_FEN)
    for _ in range(3):
        await refund(provider, number, refund_number=refund_number, amount_fen=AMOUNT_FEN)
    with pytest.raises(ProviderRefused):
        await refund(provider, number, refund_number=refund_number, amount_fen=1)


async def test_no_more_than_was_paid_is_refunded(sandbox, provider, inbox):
    paid, _ = await prepay(provider, inbox)
    with pytest.raises(ProviderRefused):
        await refund(provider, paid)  # not paid yet
    sandbox.courier.start()
    await sandbox.approve(paid)
    await inbox.next()
    for amount_fen, total_fen in ((AMOUNT_FEN + 1, AMOUNT_FEN), (1, AMOUNT_FEN + 1)):
        with pytest.raises(ProviderRefused):
            await refund(provider, paid, amount_fen=amount_fen, total_fen=total_fen)
    await refund(provider, paid, amount_fen=AMOUNT_FEN)
    with pytest.raises(ProviderRefused):
        await refund(provider, paid, amount_fen=1)
