"""A cashier with a real store, provider and notify route."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import select, update
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from config.reading import fingerprint
from server.billing.commands import PayOrder
from server.billing.facts import PaymentAlarm, PaymentStatusChanged, PaymentSucceeded, RefundSucceeded
from server.billing.ledger import Ledger
from server.billing.notifications import PaymentNotifications
from server.billing.payments import Payments
from server.billing.refund_outcomes import RefundOutcomes
from server.billing.refunds import TOPIC, Refunds
from server.billing.settlement import Settlements
from server.billing.store_sandbox import SqlSandboxBook
from server.billing.trade_outcomes import TradeOutcomes
from server.billing.viewing import PaymentViews
from server.billing.watch import PaymentWatch
from server.booking.orders.captions import Captions
from server.core.call import Actor, Call, KeyedRequest
from server.core.clock import BusinessClock, server_now
from server.core.errors import Refused
from server.core.facts import Facts
from server.core.ids import new_id
from server.core.tasks import Tasks
from server.handlers.application import application_settings, server_options
from server.handlers.http.edge import Edge
from server.handlers.http.metrics import HttpMetrics
from server.handlers.http.use_cases import UseCases
from server.handlers.notify import notify_routes, post_over_http
from server.payment.sandbox import SandboxProvider
from server.payment.sandbox_courier import SandboxCourier
from server.payment.sandbox_letters import SandboxKey, letter_body, trade_values
from server.payment.sandbox_till import SandboxHabits, SandboxTill
from server.payment.sandbox_wakeups import Wakeups
from server.roster.catalog import DEFAULT_CATALOG
from server.storage.outbox import Outbox
from server.storage.sql import Database
from server.storage.tables.billing import ledger_entry, payment, refund, sandbox_trade
from server.storage.tables.booking import t_order
from server.storage.tables.roster import t_patient_info
from server.storage.unit_of_work import UnitOfWork
from tests.unit.care.visits import make_actor, make_caregiver, put

SECRET = "s" * 40
FACTS = (PaymentSucceeded, PaymentStatusChanged, RefundSucceeded, PaymentAlarm)


async def _a_week(tx: Any, order_id: str) -> int:
    return 7


@dataclass(frozen=True)
class Owed:
    """What `billing.ports.Payable` asks for."""

    order_id: str
    status: str
    amount_fen: int
    pay_deadline_at: Any
    relation: str


class OrderDesk:
    """Stands where booking and the bridge stand: tells what is owed, moves orders, sends money back."""

    def __init__(self, *, viewers: set[str]) -> None:
        self._viewers = viewers
        self.refunds: Refunds | None = None

    async def payable(self, tx: Any, order_id: str, user_id: str) -> Owed | None:
        row = await tx.one(select(t_order).where(t_order.c.order_id == order_id))
        if row is None or user_id not in (row["user_id"], *self._viewers):
            return None
        relation = "booker" if row["user_id"] == user_id else "viewer"
        return Owed(order_id, row["status"], row["amount_fen"], row["pay_deadline_at"], relation)

    async def payment_succeeded(self, tx: Any, fact: PaymentSucceeded) -> None:
        pending = update(t_order).where(t_order.c.order_id == fact.order_id, t_order.c.status == "pending_payment")
        if await tx.run(pending.values(status="paid", paid_at=fact.paid_at)) == 1:
            return
        status = await tx.value(select(t_order.c.status).where(t_order.c.order_id == fact.order_id))
        assert self.refunds is not None
        await self.refunds.request_refund(
            tx,
            order_id=fact.order_id,
            payment_id=fact.payment_id,
            amount_fen=fact.amount_fen,
            kind="late_payment" if status == "cancelled" else "second_payment",
            reason="自动退款",
        )


@dataclass
class Cashier:
    """One instance of the program, as far as money goes. `told` are the facts, in order."""

    database: Database
    clock: BusinessClock
    habits: SandboxHabits = field(default_factory=SandboxHabits)
    waits_for_payer: bool = True
    told: list[Any] = field(default_factory=list)
    viewers: set[str] = field(default_factory=set)
    base_url: str = "http://127.0.0.1:9"  # nobody listens on the discard port

    def __post_init__(self) -> None:
        self.facts = Facts()
        self.outbox = Outbox(database=self.database, instance_id=new_id(), claim_s=3.0, sweep_every_s=0.05)
        self.units = UnitOfWork(database=self.database)
        self.desk = OrderDesk(viewers=self.viewers)
        self.book = SqlSandboxBook(database=self.database)
        self.key = SandboxKey(SECRET)
        self.wakeups = Wakeups()
        self.till = SandboxTill(book=self.book, wakeups=self.wakeups, habits=self.habits)
        self.courier = SandboxCourier(
            book=self.book,
            till=self.till,
            key=self.key,
            wakeups=self.wakeups,
            post=post_over_http,
            sweep_every_s=0.1,
            pauses_s=(0.02, 0.05),
        )
        self.providers = {name: self._provider(name) for name in ("sandbox", "wechat", "alipay")}
        self.ledger = Ledger(clock=self.clock, due_after_days=_a_week)
        shared = {"ledger": self.ledger, "facts": self.facts, "clock": self.clock}
        self.trades, self.refund_outcomes = TradeOutcomes(**shared), RefundOutcomes(**shared)
        parts = {"database": self.database, "providers": self.providers, "facts": self.facts}
        self.watch = PaymentWatch(trades=self.trades, clock=self.clock, **parts)
        self.refunds = Refunds(
            outbox=self.outbox,
            outcomes=self.refund_outcomes,
            ledger=self.ledger,
            clock=self.clock,
            notify_url=self.notify_url,
            **parts,
        )
        self.desk.refunds = self.refunds
        self.payments = Payments(
            database=self.database,
            units=self.units,
            orders=self.desk,
            providers=self.providers,
            trades=self.trades,
            watch=self.watch,
            clock=self.clock,
            notify_url=self.notify_url,
        )
        self.notifications = PaymentNotifications(trades=self.trades, refunds=self.refund_outcomes, **parts)
        self.views = PaymentViews(database=self.database)
        orders = Captions(catalog=DEFAULT_CATALOG)
        self.settlements = Settlements(database=self.database, orders=orders, clock=self.clock)
        self.facts.on(PaymentSucceeded, self.desk.payment_succeeded)
        for fact_type in FACTS:
            self.facts.on(fact_type, self._hear)
        self.outbox.deliver(TOPIC, self.refunds.deliver)
        self.tasks = Tasks("test")
        self.server: HTTPServer | None = None

    def _provider(self, name: str) -> SandboxProvider:
        waits = self.waits_for_payer or name != "sandbox"
        return SandboxProvider(
            name=name, book=self.book, key=self.key, wakeups=self.wakeups, habits=self.habits, waits_for_payer=waits
        )

    async def _hear(self, tx: Any, fact: Any) -> None:
        tx.after_commit(lambda: self.told.append(fact))

    def notify_url(self, provider: str) -> str:
        return f"{self.base_url}/api/payment/notify/{provider}"

    def listen(self) -> None:
        """Serve the notify route on a free port."""

        async def nobody(_token: str) -> Actor:
            raise Refused("unauthorized")

        use_cases = UseCases(tasks=self.tasks, deadline_s=10.0)
        edge = Edge(authenticate=nobody, use_cases=use_cases, metrics=HttpMetrics(CollectorRegistry()))
        routes = notify_routes(self.notifications, edge)
        self.server = HTTPServer(Application(routes, **application_settings(edge)), **server_options(edge))
        socket, port = bind_unused_port()
        self.server.add_socket(socket)
        self.base_url = f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        await self.courier.stop()
        if self.server is not None:
            self.server.stop()
            await self.server.close_all_connections()
        await self.tasks.stop()

    # What a test does and sees.

    async def pay(self, order: "Order", *, key: str | None = None, **changed: Any) -> dict[str, Any]:
        command = order.pay_command(**changed)
        return await self.payments.pay(order.call(key=key or new_id(), command=command), command)

    async def wire_payment(self, order: "Order", *, method: str = "wechat") -> str:
        return (await self.pay(order, method=method))["payment_id"]

    async def notice(self, payment_id: str, state: str = "SUCCESS", **changed: Any) -> "Notice":
        """What the provider would send about a trade now, with fields of the resource changed."""
        trade = await self.book.trade(payment_id)
        values = trade_values(trade) | {
            "trade_state": state,
            "transaction_id": trade.transaction_id,
            "success_time": "2026-11-22T12:00:00+08:00",
        }
        body = letter_body(f"TRANSACTION.{state}", values | changed, at=self.clock.now()).encode()
        return Notice(self, trade.provider, body)

    async def status_of(self, payment_id: str) -> str:
        async with self.database.read() as tx:
            return await tx.value(select(payment.c.status).where(payment.c.payment_id == payment_id))

    async def order_status(self, order: "Order") -> str:
        async with self.database.read() as tx:
            return await tx.value(select(t_order.c.status).where(t_order.c.order_id == order.order_id))

    async def rows(self, table: Any) -> list[dict[str, Any]]:
        async with self.database.read() as tx:
            return [dict(row) for row in await tx.all(select(table))]

    async def money_state(self) -> Any:
        """Everything that money is, for "nothing changed"."""
        return [await self.rows(table) for table in (payment, refund, ledger_entry, t_order)]

    async def postings(self) -> list[str]:
        return sorted({row["posting"].partition("/")[0] for row in await self.rows(ledger_entry)})

    async def trade(self, payment_id: str) -> dict[str, Any]:
        rows = await self.rows(sandbox_trade)
        return next(row for row in rows if row["out_trade_no"] == payment_id)

    def told_of(self, fact_type: type) -> list[Any]:
        return [fact for fact in self.told if type(fact) is fact_type]


@dataclass(frozen=True)
class Notice:
    """A notification in the test's hands."""

    cashier: Cashier
    provider: str
    body: bytes

    async def receive(self, *, headers: dict[str, str] | None = None, body: bytes | None = None) -> int:
        """Give it to the use case; returns the HTTP status."""
        sent = self.body if body is None else body
        given = self.signed() if headers is None else headers
        return (await self.cashier.notifications.receive(self.provider, given, sent)).status

    def signed(self) -> dict[str, str]:
        return self.cashier.key.sign(self.body, at=server_now())

    async def post(self, url: str | None = None, **how: Any) -> int:
        """Send it over HTTP."""
        request = HTTPRequest(
            url or self.cashier.notify_url(self.provider),
            method="POST",
            headers={**self.signed(), "Content-Type": "application/json"},
            body=self.body,
            **how,
        )
        return (await AsyncHTTPClient(max_clients=200).fetch(request, raise_error=False)).code


@dataclass(frozen=True)
class Order:
    """A booked order and its people."""

    order_id: str
    booker: Actor
    caregiver: Actor
    caregiver_id: str
    amount_fen: int

    def pay_command(self, **changed: Any) -> PayOrder:
        fields = {"order_id": self.order_id, "method": "wechat", "amount_fen": self.amount_fen}
        return PayOrder.model_validate(fields | changed)

    def call(self, *, key: str | None = None, actor: Actor | None = None, command: Any = None) -> Call:
        keyed = None if key is None else KeyedRequest("order.pay", key, fingerprint(str(command)))
        return Call(actor=actor or self.booker, request_id=new_id(), keyed=keyed)


async def make_order(
    cashier: Cashier, *, amount_fen: int = 19_900, status: str = "pending_payment", **told: Any
) -> Order:
    """An order that is to be paid within 15 minutes."""
    database, now = cashier.database, cashier.clock.now()
    booker = await make_actor(database, "patient")
    caregiver, caregiver_id = await make_caregiver(database, now)
    patient_id, order_id = new_id(), new_id()
    await put(database, t_patient_info, now, patient_id=patient_id, user_id=booker.user_id)
    deadline = now + timedelta(minutes=15)
    await put(
        database,
        t_order,
        now,
        order_id=order_id,
        user_id=booker.user_id,
        patient_id=patient_id,
        status=status,
        amount_fen=amount_fen,
        pay_deadline_at=deadline,
        **told,
    )
    return Order(order_id, booker, caregiver, caregiver_id, amount_fen)


async def set_order(cashier: Cashier, order: Order, status: str) -> None:
    statement = update(t_order).where(t_order.c.order_id == order.order_id).values(status=status)
    await cashier.database.write(lambda tx: tx.run(statement))


async def until(holds: Callable[[], Awaitable[bool]], *, within_s: float = 5.0) -> None:
    """Poll until a condition holds; fails after `within_s`."""
    deadline = time.monotonic() + within_s
    while not await holds():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.01)
