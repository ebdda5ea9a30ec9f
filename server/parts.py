"""The areas, each built from the foundation."""

from dataclasses import dataclass
from datetime import datetime

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
from server.booking import price, timing
from server.booking.answering import Answering
from server.booking.cancelling import Cancelling
from server.booking.matching import Matching
from server.booking.ordering import Ordering
from server.booking.paying import Paying, UnpaidOrders
from server.booking.queries import has_live_orders
from server.booking.queries_due import DueOrders
from server.booking.reviewing import Reviewing
from server.booking.standing import Standings
from server.booking.store_calendar import Calendar
from server.booking.store_offers import OfferClaims, OfferStore
from server.booking.store_orders import OrderStore, QuoteStore
from server.booking.viewing import Viewing
from server.booking.visiting import Visiting
from server.care.chat import Chat
from server.care.notes import Notes
from server.care.typing_signals import TypingSignals
from server.foundation import Foundation
from server.identity.accounts import Accounts
from server.identity.admission import Admission
from server.identity.authentication import Authenticator
from server.identity.bans import Bans
from server.identity.consents import Consents
from server.identity.limits import RequestLimits
from server.identity.logins import Logins
from server.identity.passwords import Passwords
from server.identity.rules import IdentityRules
from server.identity.sign_in import SignIn
from server.identity.sms_codes import SmsCodes
from server.identity.tokens import AccessTokens, SigningKeys
from server.identity.wechat_sign_in import WeChatSignIn
from server.outside import PaymentMeans, open_senders, open_wechat_login
from server.push.dispatcher import SMS_TOPIC, Dispatcher
from server.push.inbox import Inbox
from server.push.notices import PUSH_TOPIC, Notices
from server.push.service_messages import ServiceMessages
from server.push.templates import Templates
from server.roster.caregivers.auditing import QualificationAudit
from server.roster.caregivers.profiles import CaregiverProfiles
from server.roster.caregivers.qualification import Qualifications
from server.roster.caregivers.service import CaregiverService
from server.roster.catalog import Band
from server.roster.patients.patients import Patients
from server.roster.patients.viewers import Viewers
from server.roster.showcase.cases import PastCases
from server.roster.showcase.page import CaregiverPage
from server.roster.showcase.search import CaregiverSearch
from server.roster.showcase.slots import Slots


class PushPart:
    """Notices and their ways out."""

    def __init__(self, base: Foundation) -> None:
        templates = Templates()
        self.notices = Notices(log=base.log, outbox=base.outbox, templates=lambda: templates)
        senders = open_senders(base.settings, database=base.database)
        self.dispatcher = Dispatcher(database=base.database, outbox=base.outbox, senders=senders)
        base.outbox.deliver(PUSH_TOPIC, self.dispatcher.deliver_notice)
        base.outbox.deliver(SMS_TOPIC, self.dispatcher.deliver_sms)
        self.inbox = Inbox(units=base.units, database=base.database, clock=base.clock)
        self.service_messages = ServiceMessages(units=base.units, notices=self.notices, clock=base.clock)


class IdentityPart:
    """Accounts, logins, tokens."""

    def __init__(self, base: Foundation, push: PushPart) -> None:
        database, units, facts = base.database, base.units, base.facts
        rules = IdentityRules(loopback_is_exempt=base.settings.is_sandbox)
        tokens = AccessTokens(keys=SigningKeys(base.settings.jwt_secret))
        self.passwords = Passwords()
        self.codes = SmsCodes(units=units, send_sms=push.dispatcher.send_sms, rules=rules)
        self.logins = Logins(database=database, units=units, facts=facts, tokens=tokens, rules=rules)
        admission = Admission(database=database, logins=self.logins, rules=rules)
        self.wechat = WeChatSignIn(
            database=database,
            units=units,
            codes=self.codes,
            admission=admission,
            wechat=open_wechat_login(base.settings),
            rules=rules,
        )
        self.sign_in = SignIn(
            database=database,
            units=units,
            passwords=self.passwords,
            codes=self.codes,
            admission=admission,
            wechat=self.wechat,
        )
        self.accounts = Accounts(
            database=database,
            units=units,
            facts=facts,
            passwords=self.passwords,
            codes=self.codes,
            logins=self.logins,
            rules=rules,
        )
        self.consents = Consents(units=units, rules=rules)
        self.bans = Bans(units=units, facts=facts, logins=self.logins)
        self.authenticator = Authenticator(database=database, tokens=tokens)
        self.limits = RequestLimits(loopback_is_exempt=base.settings.is_sandbox)


class RosterPart:
    """Patients and caregivers."""

    def __init__(self, base: Foundation) -> None:
        database, units, facts, clock = base.database, base.units, base.facts, base.clock
        catalog, links, policy = base.catalog, base.links, base.policy
        self.patients = Patients(
            database=database,
            units=units,
            facts=facts,
            clock=clock,
            catalog=catalog,
            has_live_orders=has_live_orders,
        )
        self.viewers = Viewers(database=database, units=units, facts=facts)
        self.profiles = CaregiverProfiles(
            database=database, units=units, clock=clock, catalog=catalog, rules=policy.caregiver, links=links
        )
        self.service = CaregiverService(database=database, units=units, clock=clock, catalog=catalog)
        self.qualifications = Qualifications(
            database=database,
            units=units,
            facts=facts,
            clock=clock,
            workshop=base.workshop,
            shelf=base.shelf,
            links=links,
        )
        self.audit = QualificationAudit(database=database, units=units, facts=facts, clock=clock, links=links)
        self.search = CaregiverSearch(database=database, clock=clock, catalog=catalog, rules=policy.time, links=links)
        self.page = CaregiverPage(database=database, clock=clock, catalog=catalog, links=links)
        self.cases = PastCases(database=database, units=units, clock=clock)
        self.slots = Slots(
            database=database,
            clock=clock,
            catalog=catalog,
            policy=policy,
            price_of=lambda code, prices, start, end: _slot_price(base, code, prices, start, end),
            touches_night=lambda start, end: timing.touches_night(start, end, rules=policy.price),
        )


def _slot_price(base: Foundation, code: str, prices: dict[str, int], start_at: datetime, end_at: datetime) -> int:
    """What a slot costs without the urgent line: the start is taken to be far away."""
    service = base.catalog.service_type(code)
    assert service is not None
    rules = base.policy.price.model_copy(update={"urgent_rate_bp": 0})
    rates = {Band(band): fen for band, fen in prices.items()}
    return price.quote(
        service, rates, start_at=start_at, end_at=end_at, created_at=base.clock.now(), rules=rules
    ).amount_fen


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
    times = calendar(rules=base.policy.time)
    standings = Standings(rules=base.policy.time, clock=base.clock)
    matching = Matching(
        orders=order_store,
        offers=offers,
        calendar=times,
        rules=base.policy.offers,
        time_rules=base.policy.time,
        clock=base.clock,
    )
    paying = Paying(
        database=base.database, orders=order_store, matching=matching, standings=standings, clock=base.clock
    )
    return BookingCore(order_store, offers, times, standings, matching, paying)


class BillingPart:
    """Payments, refunds, settlement over the payment providers."""

    def __init__(self, base: Foundation, core: BookingCore, means: PaymentMeans) -> None:
        database, facts, clock = base.database, base.facts, base.clock
        providers, notify_url = means.providers, means.notify_url
        self.ledger = Ledger(clock=clock, due_after_days=base.policy.settlement.due_after_days)
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
        base.outbox.deliver(REFUND_TOPIC, self.refunds.deliver)
        self.notifications = PaymentNotifications(
            database=database, providers=providers, trades=trades, refunds=refund_outcomes, facts=facts
        )
        self.views = PaymentViews(database=database)
        self.settlements = Settlements(database=database, clock=clock)


class BookingPart:
    """Orders and offers."""

    def __init__(self, base: Foundation, core: BookingCore, billing: BillingPart, claims: OfferClaims) -> None:
        database, units, facts, clock = base.database, base.units, base.facts, base.clock
        orders, offers, calendar, standings = core.orders, core.offers, core.calendar, core.standings
        policy = base.policy
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
            catalog=base.catalog,
            policy=policy,
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
            rules=policy.time,
            clock=clock,
        )
        self.cancelling = Cancelling(
            database=database,
            units=units,
            orders=orders,
            offers=offers,
            calendar=calendar,
            matching=core.matching,
            standings=standings,
            close_unpaid=billing.watch.close_unpaid,
            facts=facts,
            rules=policy.cancellation,
            clock=clock,
        )
        self.reviewing = Reviewing(
            units=units, orders=orders, standings=standings, facts=facts, rules=policy.caregiver, clock=clock
        )
        self.unpaid = UnpaidOrders(
            database=database,
            orders=orders,
            cancelling=self.cancelling,
            close_unpaid=billing.watch.close_unpaid,
            clock=clock,
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
