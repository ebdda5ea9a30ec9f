"""What administrators work with, on the foundation."""

from typing import Any

from config.policy import AlarmRules
from server.billing.after_sales import AfterSales
from server.billing.books import books_of
from server.billing.ledger import PLATFORM_COMMISSION, PROVIDER_CASH
from server.billing.queries_stuck import SlowRefunds
from server.billing.request_answers import RefundRequests
from server.booking.desk.candidates import Candidates
from server.booking.desk.ended import EndedOrders
from server.booking.desk.file import OrderFile, Section
from server.booking.desk.intervening import Interventions
from server.booking.desk.listing import OrderList
from server.booking.desk.queries_stuck import stuck_orders
from server.booking.desk.reassigning import Reassigning
from server.booking.rules.states import ORDER_STATE_TEXTS
from server.care.queries_talk import talk_of
from server.identity.words import USER_TYPE_TEXT
from server.insight.overview import Overview, Words
from server.jobs.alarms import AlarmRound
from server.jobs.outbox_watch import OutboxWatch
from server.oversight.alarms import Alarms
from server.oversight.reading import WatchedReads
from server.oversight.trail import AuditTrail
from server.parts.foundation import Foundation
from server.parts.orders import BillingPart, BookingPart
from server.push.queries_order import notices_of_order
from server.storage.transaction import Transaction

_ROWS_AT_MOST = 100  # of alarms and of the audit in an order's file


class OversightPart:
    """The audit, and alarms with what raises them."""

    def __init__(self, base: Foundation) -> None:
        self.trail = AuditTrail(database=base.database)
        self.reads = WatchedReads(database=base.database)
        self.alarms = Alarms(database=base.database, units=base.units, facts=base.facts, clock=base.clock)
        outbox = OutboxWatch(
            oldest_age_s=base.outbox.oldest_age_s, stuck_after_s=base.settings.outbox.stuck_after_s
        )

        def alarm_rules() -> AlarmRules:
            return base.terms.now.policy.alarms

        watches = [*stuck_orders(rules=alarm_rules), SlowRefunds(rules=alarm_rules)]
        self.round = AlarmRound(
            database=base.database, alarms=self.alarms, watches=[*watches, outbox], clock=base.clock
        )


class DeskPart:
    """Orders and their money, as administrators work with them."""

    def __init__(
        self, base: Foundation, *, booking: BookingPart, billing: BillingPart, oversight: OversightPart
    ) -> None:
        core, database, clock = booking.core, base.database, base.clock
        self.listing = OrderList(database=database, catalog=base.catalog, refunds_of=billing.views.refunds_of)
        self.file = OrderFile(
            database=database,
            orders=core.orders,
            viewing=booking.viewing,
            sections=_sections(oversight),
            talk=talk_of,
        )
        self.candidates = Candidates(database=database, orders=core.orders, terms=base.terms, clock=clock)
        self.reassigning = Reassigning(
            units=base.units,
            orders=core.orders,
            offers=core.offers,
            calendar=core.calendar,
            matching=core.matching,
            terms=base.terms,
            clock=clock,
        )
        self.interventions = Interventions(
            database=database,
            units=base.units,
            orders=core.orders,
            endings=booking.endings,
            close_unpaid=billing.watch.close_unpaid,
            clock=clock,
        )
        self.requests = RefundRequests(database=database)
        self.after_sales = AfterSales(
            units=base.units,
            orders=EndedOrders(orders=core.orders),
            refunds=billing.refunds,
            ledger=billing.ledger,
            facts=base.facts,
            rules=lambda: base.terms.now.policy.refunds,
            clock=clock,
        )


def open_overview(base: Foundation, *, oversight: OversightPart) -> Overview:
    """The first page, in the words of the areas that it counts."""
    words = Words(
        order_states={state.value: text for state, text in ORDER_STATE_TEXTS.items()},
        user_types=USER_TYPE_TEXT,
        service_name=lambda code: getattr(base.catalog.service_type(code), "name", None),
        district_name=base.catalog.district_name,
    )
    return Overview(
        database=base.database,
        clock=base.clock,
        words=words,
        cash_account=PROVIDER_CASH,
        commission_account=PLATFORM_COMMISSION,
        open_alarms=oversight.alarms.open_now,
    )


def _sections(oversight: OversightPart) -> dict[str, Section]:
    """What others keep of an order."""

    async def alarms(tx: Transaction, order_id: str) -> Any:
        return await oversight.alarms.of_order(tx, order_id, limit=_ROWS_AT_MOST)

    async def audit(tx: Transaction, order_id: str) -> Any:
        return await oversight.trail.of_target(tx, f"order:{order_id}", limit=_ROWS_AT_MOST)

    return {"money": books_of, "notices": notices_of_order, "alarms": alarms, "audit": audit}
