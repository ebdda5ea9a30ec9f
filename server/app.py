"""The composition root: every object, built once.

Tests and run.py share `build_app`; whoever wants another part passes it in `Parts`.
"""

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from tornado.web import Application

from config.settings import Settings
from server.billing.store_sandbox import SqlSandboxBook
from server.booking.store_calendar import Calendar
from server.booking.store_offers import OfferClaims
from server.booking.store_orders import OrderStore
from server.bridge.behaviour_news import BehaviourNews
from server.bridge.control import Control
from server.bridge.events import ChannelEvents
from server.bridge.money import Money
from server.bridge.notices import OrderNotices
from server.bridge.permissions import Permissions
from server.bridge.roster_news import RosterNews
from server.bridge.rpc import Rpc
from server.core.clock import server_now, shanghai_date
from server.core.operation import Operation
from server.core.tasks import Tasks
from server.demo.world import describe_world
from server.foundation import Foundation, lay_foundation
from server.handlers.application import application_settings, server_options
from server.handlers.docs_page import docs_routes
from server.handlers.edge import Edge
from server.handlers.health import health_routes
from server.handlers.metrics import HttpMetrics
from server.handlers.openapi import openapi_document
from server.handlers.operations import operation_routes
from server.handlers.payments import notify_routes, post_over_http
from server.handlers.static import page_routes
from server.handlers.use_cases import UseCases
from server.identity.store import find_by_phone, nobody_registered
from server.insight.behaviour import Behaviour
from server.jobs.loops import Job, Jobs
from server.jobs.orders import OrderRound
from server.jobs.revocations import POLL_EVERY_S, RevocationPoll
from server.operations import sandbox_operations, served_operations
from server.outside import missing_adapters, open_payment
from server.parts import (
    BillingPart,
    BookingPart,
    CarePart,
    IdentityPart,
    PushPart,
    RosterPart,
    build_booking_core,
)
from server.readiness import ReadinessProbe, register_gauges
from server.storage.pubsub.port import Bus
from server.storage.retention import Retention
from server.storage.sql import Database
from server.storage.unit_of_work import UnitOfWork
from server.ws.fallback.handlers import fallback_routes
from server.ws.handler import WebSocketHandler
from server.ws.limits import Limits
from server.ws.live import LiveChannels
from server.ws.ports import Identity

VERSION = "0.1.0"
# Together below the 15 s from SIGTERM to exit; what is left over after them another life takes up.
_REQUESTS_END_WITHIN_S = 5.0
_SOCKETS_CLOSE_WITHIN_S = 4.0
_OUTBOX_ENDS_WITHIN_S = 3.0
_PAGES = Path(__file__).resolve().parent.parent / "web" / "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a test brings instead of the real thing; None: the real thing.

    Types are for what is built on other parts: race tests take out the statement that guards (tests/race).
    """

    database: Database | None = None
    bus: Bus | None = None
    claims: OfferClaims | None = None
    units: type[UnitOfWork] = UnitOfWork
    orders: type[OrderStore] = OrderStore
    calendar: type[Calendar] = Calendar


class Peihu:
    """One instance of the product: everything that exists, in the order in which it is built."""

    def __init__(self, settings: Settings, *, base_url: str, parts: Parts) -> None:
        base = self.base = lay_foundation(settings, database=parts.database, bus=parts.bus, units=parts.units)
        self.missing = missing_adapters(settings)
        self.push = PushPart(base)
        self.identity = IdentityPart(base, self.push)
        self.roster = RosterPart(base)
        core = build_booking_core(base, orders=parts.orders, calendar=parts.calendar)
        book = SqlSandboxBook(database=base.database)
        self.means = open_payment(settings, book=book, base_url=base_url, post=post_over_http)
        self.billing = BillingPart(base, core, self.means)
        self.booking = BookingPart(base, core, self.billing, parts.claims or OfferClaims())
        self.care = CarePart(base, core)
        self.behaviour = Behaviour(units=base.units, database=base.database, clock=base.clock)
        self._join()
        self.operations = served_operations(self)
        self.sandbox_operations = sandbox_operations(self) if settings.is_sandbox else []
        self.document = cache(lambda: openapi_document(self.operations, title="Peihu 陪护", version=VERSION))
        self.live = self._live_channels()
        self.jobs = Jobs(self._jobs())
        self._tasks = Tasks("http")
        self._registry = CollectorRegistry()
        self.probe = ReadinessProbe(base=base, jobs=self.jobs, stuck_after_s=settings.outbox.stuck_after_s)
        register_gauges(self._registry, live=self.live, outbox=base.outbox, jobs=self.jobs)
        self.edge = self._edge()
        self.server_options = server_options(self.edge)
        self.web = Application(self._routes(), **application_settings(self.edge))

    def _join(self) -> None:
        """The bridge: which facts mean what elsewhere. Order matters: money before events before notices."""
        base, booking = self.base, self.booking
        Money(paying=booking.core.paying, refunds=self.billing.refunds, ledger=self.billing.ledger).listen(base.facts)
        RosterNews(
            cancelling=booking.cancelling,
            matching=booking.core.matching,
            offers=booking.core.offers,
            clock=base.clock,
        ).listen(base.facts)
        ChannelEvents(log=base.log, viewing=booking.viewing, clock=base.clock).listen(base.facts)
        OrderNotices(notices=self.push.notices, catalog=base.catalog, clock=base.clock).listen(base.facts)
        Control(outbox=base.outbox, bus=base.bus).listen(base.facts)
        BehaviourNews(behaviour=self.behaviour).listen(base.facts)

    def _jobs(self) -> list[Job]:
        booking, billing = self.booking, self.billing
        orders = OrderRound(
            database=self.base.database,
            due=booking.due,
            matching=booking.core.matching,
            cancelling=booking.cancelling,
            visiting=booking.visiting,
            unpaid=booking.unpaid,
            clock=self.base.clock,
        )
        revocations = RevocationPoll(
            login_ids=self.live.login_ids,
            ended_logins=self.identity.logins.ended_logins,
            revoke_login=lambda login_id: self.live.revoke(user_id=None, login_id=login_id),
        )
        return [
            Job("business_time", self._follow_business_time, 0.5),
            Job("orders", orders.run_once, 0.5),
            Job("payments", billing.watch.check_due, 1.0),
            Job("refunds", billing.refunds.check_due, 1.0),
            Job("settlement", billing.settlements.release_due, 5.0),
            Job("revocations", revocations.run_once, POLL_EVERY_S),
            Job("retention", Retention(database=self.base.database).run_once, 3_600.0),
            Job("login_retention", self.identity.logins.forget_ended, 3_600.0),
            Job("behaviour_retention", self.behaviour.prune, 3_600.0),
            Job("file_sweep", lambda: self.base.files.sweep(older_than_s=3_600.0), 3_600.0),
        ]

    async def _follow_business_time(self) -> None:
        if await self.base.time.refresh():
            self.jobs.hurry()

    async def advance_clock(self, by_s: float) -> None:
        """The sandbox's clock: moves business time and lets the jobs look at once."""
        await self.base.time.advance(by_s)
        self.jobs.hurry()

    async def is_unused(self) -> bool:
        """True until the first account exists."""
        async with self.base.database.read() as tx:
            return await nobody_registered(tx)

    async def demo_accounts(self) -> list[dict[str, Any]]:
        """The demo world's accounts that exist here, for `/sandbox/accounts`."""
        today = shanghai_date(server_now())
        accounts = describe_world(self.base.catalog, today=today).accounts()
        async with self.base.database.read() as tx:
            found = {account.phone: await find_by_phone(tx, account.phone) for account in accounts}
        return [
            {"user_id": row["user_id"], **asdict(account)}
            for account in accounts
            if (row := found[account.phone]) is not None
        ]

    def _live_channels(self) -> LiveChannels:
        base, ws = self.base, self.base.settings.ws
        authenticator = self.identity.authenticator

        async def authenticate(token: str) -> Identity:
            found = await authenticator.authenticate_socket(token)
            return Identity(found.user_id, found.user_type, found.login_id, found.expires_at)

        return LiveChannels(
            log=base.log,
            bus=base.bus,
            authenticate=authenticate,
            may_follow=Permissions(database=base.database, standings=self.booking.core.standings).may_follow,
            call=Rpc(one for one in self.operations if isinstance(one, Operation)),
            tasks=Tasks("ws"),
            limits=Limits(
                frame_bytes=ws.frame_size_bytes,
                channels_per_connection=ws.channels_per_connection,
                connections_per_user=ws.connections_per_user,
                handshakes_per_s=ws.handshakes_per_s,
                rpc_per_s=ws.rpc_per_s,
                queue_bytes=ws.queue_bytes,
                authenticate_within_s=ws.authenticate_within_s,
                ping_interval_s=ws.ping_interval_s,
                pong_timeout_s=ws.pong_timeout_s,
            ),
            allowed_origins=ws.allowed_origins,
            compress_from_bytes=ws.compression_min_bytes if ws.compression else None,
        )

    def _edge(self) -> Edge:
        settings = self.base.settings
        return Edge(
            authenticate=self.identity.authenticator.authenticate,
            use_cases=UseCases(tasks=self._tasks, deadline_s=settings.http.request_timeout_s),
            metrics=HttpMetrics(self._registry),
            limit=self.identity.limits.limit,
            service_key=settings.service_key,
            trusted_proxies=settings.http.proxy_networks(),
            body_bytes=settings.http.body_bytes,
            upload_bytes=settings.http.upload_bytes,
        )

    def _routes(self) -> list[Any]:
        edge = self.edge
        return [
            (r"/connection/websocket", WebSocketHandler, {"live": self.live}),
            *fallback_routes(self.live),
            *operation_routes((one for one in self.operations if getattr(one, "rest", True)), edge),
            *operation_routes(self.sandbox_operations, edge, loopback_only=True),
            *notify_routes(self.billing.notifications, edge),
            *health_routes(edge, ready=self.probe.ready, registry=self._registry),
            *docs_routes(edge, self.document),
            *page_routes(_PAGES, edge),
        ]

    async def start(self) -> None:
        """Everything that runs without a request; needs a migrated database."""
        await self.base.time.refresh()
        self.live.start()
        self.base.outbox.start()
        self.jobs.start()
        if self.means.courier is not None:
            self.means.courier.start()

    async def answer_what_runs(self) -> None:
        """Requests and calls come to their end, then sockets are closed with 3001."""
        await self._tasks.finish(within_s=_REQUESTS_END_WITHIN_S)
        await self.live.drain(within_s=_SOCKETS_CLOSE_WITHIN_S)

    async def stop(self) -> None:
        """Drain: requests, sockets, the outbox; then close. The caller bounds the time."""
        await self.answer_what_runs()
        await self.jobs.stop()
        if self.means.courier is not None:
            await self.means.courier.stop()
        await self.base.outbox.stop(within_s=_OUTBOX_ENDS_WITHIN_S)
        await self._tasks.stop()
        await self.close()

    async def close(self) -> None:
        """Let go of what was opened; enough when `start` was never called."""
        self.identity.passwords.close()
        await self.base.close()


def build_app(settings: Settings, *, base_url: str, parts: Parts | None = None) -> Peihu:
    """Build everything, start nothing. `base_url` is where the sandbox's payment provider reaches us."""
    return Peihu(settings, base_url=base_url, parts=parts or Parts())


__all__ = ["Foundation", "Parts", "Peihu", "build_app"]
