"""The composition root: every object, built once.

Tests and run.py share `build_app`; whoever wants another part passes it in `Parts`.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry
from tornado.web import Application

from config.settings import Settings
from server.billing.store_sandbox import SqlSandboxBook
from server.booking.offers.store import OfferClaims
from server.booking.orders.store import OrderStore
from server.booking.orders.store_calendar import Calendar
from server.core.operation import Operation
from server.core.pulse import Pulse
from server.core.tasks import Tasks
from server.core.version import VERSION
from server.demo.planted import planted_accounts
from server.handlers.application import application_settings, server_options
from server.handlers.health import health_routes
from server.handlers.http.metrics import HttpMetrics
from server.handlers.notify import post_over_http
from server.handlers.pages.openapi import openapi_document
from server.handlers.routes import Declared
from server.identity.store import nobody_registered
from server.jobs.clock_watch import ClockWatch
from server.jobs.loops import Jobs
from server.outside import missing_adapters, open_payment
from server.parts.areas import open_areas
from server.parts.backups import missing_for_backups, scheduled_backup
from server.parts.doors import api_routes, channel_routes, open_edge
from server.parts.foundation import Foundation, lay_foundation
from server.parts.joins import join_areas
from server.parts.live import open_live_channels
from server.parts.operations import sandbox_operations, served_operations
from server.parts.people import PushPart
from server.parts.rounds import eternal_jobs, order_round
from server.readiness import ReadinessProbe, register_backups, register_gauges, register_process
from server.storage.database_time import skew_s
from server.storage.pubsub.port import Bus, ControlMessage
from server.storage.sql import Database
from server.storage.unit_of_work import UnitOfWork

# Together below the 15 s from SIGTERM to exit; what is left over after them another life takes up.
_REQUESTS_END_WITHIN_S = 5.0
_SOCKETS_CLOSE_WITHIN_S = 4.0
_OUTBOX_ENDS_WITHIN_S = 3.0


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
        self.push = PushPart(base)
        self.missing = [
            *missing_adapters(settings), *self.push.carriers.missing, *missing_for_backups(settings)
        ]  # fmt: skip
        book = SqlSandboxBook(database=base.database)
        self.means = open_payment(settings, book=book, base_url=base_url, post=post_over_http)
        areas = self.areas = open_areas(
            base,
            self.push,
            self.means,
            orders=parts.orders,
            calendar=parts.calendar,
            claims=parts.claims or OfferClaims(),
        )
        self.identity, self.roster = areas.identity, areas.roster
        self.booking, self.billing = areas.booking, areas.billing
        join_areas(base, areas)
        self.operations = served_operations(base, areas)
        self.sandbox_operations = self._sandbox_operations() if settings.is_sandbox else []
        self.document = cache(lambda: openapi_document(self.operations, title="Peihu 陪护", version=VERSION))
        self.live = open_live_channels(
            base,
            authenticator=self.identity.authenticator,
            standings=areas.core.standings,
            operations=[one for one in self.operations if isinstance(one, Operation)],
        )
        self.order_round = order_round(base, self.booking)
        self.clock_watch = ClockWatch(ask=lambda: skew_s(base.database))
        self.backup = scheduled_backup(base, areas.oversight.alarms)
        self.jobs = Jobs(
            eternal_jobs(
                base,
                areas,
                orders=self.order_round,
                live=self.live,
                clock_watch=self.clock_watch,
                backup=self.backup,
                follow_business_time=self._follow_business_time,
            ),
            leases=base.leases,
        )
        base.bus.on_control(self._hear_of_rules)
        self._tasks = Tasks("http")
        self._registry = CollectorRegistry()
        self.probe = ReadinessProbe(
            base=base,
            jobs=self.jobs,
            order_round=self.order_round,
            clock=self.clock_watch,
            backup=self.backup,
            stuck_after_s=settings.outbox.stuck_after_s,
        )
        register_gauges(self._registry, base=base, live=self.live, jobs=self.jobs, order_round=self.order_round)
        self.pulse = Pulse()
        register_process(
            self._registry, base=base, probe=self.probe, pulse=self.pulse, clock=self.clock_watch
        )
        register_backups(self._registry, base=base, backup=self.backup)
        self.edge = open_edge(base, identity=self.identity, tasks=self._tasks, metrics=HttpMetrics(self._registry))
        self.server_options = server_options(self.edge)
        self.web = Application(self._routes(), **application_settings(self.edge))
        self.admin_web = Application(self._health_routes(), **application_settings(self.edge))

    def _sandbox_operations(self) -> list[Declared]:
        assert self.means.till is not None
        return sandbox_operations(
            self.base, till=self.means.till, advance_clock=self.advance_clock, demo_accounts=self.demo_accounts
        )

    def _hear_of_rules(self, message: ControlMessage) -> None:
        if message.kind == "rules":
            self.jobs.hurry("rules")

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
        return await planted_accounts(self.base.database, self.base.catalog)

    def _routes(self) -> list[Any]:
        roles, edge = self.base.settings.roles, self.edge
        return [
            *self._health_routes(),
            *channel_routes(edge, live=self.live, are_served="ws" in roles),
            *api_routes(
                edge,
                operations=self.operations,
                sandbox_operations=self.sandbox_operations,
                notifications=self.billing.notifications,
                push=self.push,
                document=self.document,
                are_served="api" in roles,
            ),
        ]

    def _health_routes(self) -> list[Any]:
        return [*health_routes(self.edge, ready=self.probe.ready, registry=self._registry)]

    async def start(self) -> None:
        """Everything that runs without a request; needs a migrated database."""
        roles = self.base.settings.roles
        await self.base.begin()
        if "ws" in roles:
            self.live.start()
        self.base.outbox.start()
        self.jobs.start()
        self.pulse.start()
        if self.means.courier is not None and "jobs" in roles:
            self.means.courier.start()

    async def answer_what_runs(self) -> None:
        """Requests and calls come to their end, then sockets are closed with 3001."""
        await self._tasks.finish(within_s=_REQUESTS_END_WITHIN_S)
        await self.live.drain(within_s=_SOCKETS_CLOSE_WITHIN_S)

    async def stop(self) -> None:
        """Drain: requests, sockets, the outbox; then close. The caller bounds the time."""
        await self.answer_what_runs()
        await self.jobs.stop()
        self.pulse.stop()
        if self.means.courier is not None:
            await self.means.courier.stop()
        await self.base.outbox.stop(within_s=_OUTBOX_ENDS_WITHIN_S)
        await self._tasks.stop()
        await self.close()

    async def close(self) -> None:
        """Let go of what was opened; enough when `start` was never called."""
        self.identity.passwords.close()
        await self.push.carriers.close()
        await self.base.close()


def build_app(settings: Settings, *, base_url: str, parts: Parts | None = None) -> Peihu:
    """Build everything, start nothing. `base_url` is where the sandbox's payment provider reaches us."""
    return Peihu(settings, base_url=base_url, parts=parts or Parts())


__all__ = ["Foundation", "Parts", "Peihu", "build_app"]
