"""Orders, their money and their care, on the foundation."""

from dataclasses import dataclass

from server.billing.ledger import Ledger
from server.billing.notifications import PaymentNotifications
from server.billing.payments import Payments
from server.billing.refund_outcomes import RefundOutcomes
from server.billing.refunds import TOPIC as REFUND_TOPIC
from server.billing.refunds import Refunds
from server.billing.settlement import Settlements
from server.billing.trade_outcomes import TradeOutcomes
from server.billing.viewing import PaymentViews
from server.billing.watch import PaymentWatch
from server.booking.offers.answering import Answering
from server.booking.offers.matching import Matching
from server.booking.offers.store import OfferClaims, OfferStore
from server.booking.orders.captions import Captions
from server.booking.orders.standing import Standings
from server.booking.orders.store import OrderStore, QuoteStore
from server.booking.orders.store_calendar import Calendar
from server.booking.orders.viewing import Viewing
from server.booking.steps.cancelling import Cancelling
from server.booking.steps.endings import Endings
from server.booking.steps.ordering import Ordering
from server.booking.steps.paying import Paying, UnpaidOrders
from server.booking.steps.queries_due import DueOrders
from server.booking.steps.reviewing import Reviewing
from server.booking.steps.visiting import Visiting
from server.booking.steps.wishes import Wishes
from server.care.chat import Chat
from server.care.notes import Notes
from server.care.typing_signals import TypingSignals
from server.outside import PaymentMeans
from server.parts.foundation import Foundation


@dataclass(slots=True)
class BookingCore:
    """What billing and the use cases of booking both need."""

    orders: OrderStore
    offers: OfferStore
    calendar: Calendar
    standings: Standings
    matching: Matching
    paying: Paying


def build_booking_core(base: Foundation, *, orders: type[OrderStore], calendar: type[Calendar]) -> BookingCore:
    order_store, offers = orders(facts=base.facts), OfferStore(facts=base.facts)
    terms = base.terms
    times = calendar(rules=lambda: terms.now.policy.time)
    standings = Standings(terms=terms, clock=base.clock)
    matching = Matching(
        orders=order_store,
        offers=offers,
        calendar=times,
        terms=terms,
        clock=base.clock,
    )
    paying = Paying(orders=order_store, matching=matching, standings=standings, terms=terms, clock=base.clock)
    return BookingCore(order_store, offers, times, standings, matching, paying)


class BillingPart:
    """Payments, refunds, settlement over the payment providers."""

    def __init__(self, base: Foundation, core: BookingCore, means: PaymentMeans) -> None:
        database, facts, clock = base.database, base.facts, base.clock
        providers, notify_url = means.providers, means.notify_url
        self.ledger = Ledger(clock=clock, due_after_days=core.paying.settlement_days)
        trades = TradeOutcomes(ledger=self.ledger, facts=facts, clock=clock)
        refund_outcomes = RefundOutcomes(ledger=self.ledger, facts=facts, clock=clock)
        self.watch = PaymentWatch(database=database, providers=providers, trades=trades, facts=facts, clock=clock)
        self.payments = Payments(
            database=database,
            units=base.units,
            orders=core.paying,
            providers=providers,
            trades=trades,
            watch=self.watch,
            clock=clock,
            notify_url=notify_url,
        )
        self.refunds = Refunds(
            database=database,
            outbox=base.outbox,
            providers=providers,
            outcomes=refund_outcomes,
            ledger=self.ledger,
            facts=facts,
            clock=clock,
            notify_url=notify_url,
        )
        base.outbox.deliver(REFUND_TOPIC, self.refunds.deliver, waits_for="payment")
        self.notifications = PaymentNotifications(
            database=database, providers=providers, trades=trades, refunds=refund_outcomes, facts=facts
        )
        self.views = PaymentViews(database=database)
        self.settlements = Settlements(database=database, orders=Captions(catalog=base.catalog), clock=clock)


class BookingPart:
    """Orders and offers."""

    def __init__(self, base: Foundation, core: BookingCore, billing: BillingPart, claims: OfferClaims) -> None:
        database, units, facts, clock = base.database, base.units, base.facts, base.clock
        orders, offers, calendar, standings = core.orders, core.offers, core.calendar, core.standings
        terms = base.terms
        self.core = core
        self.viewing = Viewing(
            database=database,
            standings=standings,
            refund_of=billing.views.refund_of,
            sign_photo=base.links.url,
            catalog=base.catalog,
            clock=clock,
        )
        self.ordering = Ordering(
            units=units,
            orders=orders,
            quotes=QuoteStore(),
            calendar=calendar,
            present=self.viewing.present,
            wishes=Wishes(terms=terms),
            terms=terms,
            clock=clock,
        )
        self.answering = Answering(
            units=units,
            orders=orders,
            offers=offers,
            claims=claims,
            calendar=calendar,
            matching=core.matching,
            clock=clock,
        )
        self.visiting = Visiting(
            units=units,
            orders=orders,
            calendar=calendar,
            standings=standings,
            facts=facts,
            terms=terms,
            clock=clock,
        )
        self.endings = Endings(
            orders=orders,
            offers=offers,
            calendar=calendar,
            matching=core.matching,
            facts=facts,
            terms=terms,
            clock=clock,
        )
        self.cancelling = Cancelling(
            database=database,
            units=units,
            orders=orders,
            standings=standings,
            endings=self.endings,
            close_unpaid=billing.watch.close_unpaid,
            clock=clock,
        )
        self.reviewing = Reviewing(
            units=units, orders=orders, standings=standings, facts=facts, terms=terms, clock=clock
        )
        self.unpaid = UnpaidOrders(
            database=database, endings=self.endings, close_unpaid=billing.watch.close_unpaid
        )
        self.due = DueOrders(orders=orders, offers=offers)


class CarePart:
    """Chat and service notes."""

    def __init__(self, base: Foundation, core: BookingCore) -> None:
        given = {
            "units": base.units,
            "database": base.database,
            "log": base.log,
            "orders": core.standings,
            "shelf": base.shelf,
            "clock": base.clock,
        }
        self.chat = Chat(**given)
        self.notes = Notes(**given)
        self.typing = TypingSignals(database=base.database, orders=core.standings, bus=base.bus, clock=base.clock)
