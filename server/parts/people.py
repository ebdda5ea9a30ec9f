"""Accounts, patients, caregivers, notices: on the foundation."""

from datetime import datetime

from server.booking.orders.queries import has_live_orders
from server.booking.rules import price, timing
from server.carriers import open_carriers
from server.identity.accounts import Accounts
from server.identity.admission import Admission
from server.identity.authentication import Authenticator
from server.identity.bans import Bans
from server.identity.consents import Consents
from server.identity.directory import Directory
from server.identity.limits import RequestLimits
from server.identity.logins import Logins
from server.identity.measures import Measures
from server.identity.passwords import Passwords
from server.identity.rules import IdentityRules
from server.identity.sign_in import SignIn
from server.identity.sms_codes import SmsCodes
from server.identity.tokens import AccessTokens, SigningKeys
from server.identity.wechat_sign_in import WeChatSignIn
from server.identity.wechat_states import LoginStates
from server.outside import open_pace
from server.parts.foundation import Foundation
from server.push.dispatcher import SMS_TOPICS, Dispatcher
from server.push.inbox import Inbox
from server.push.notices import PUSH_TOPICS, Notices
from server.push.reports import DeliveryReports
from server.push.service_messages import ServiceMessages
from server.push.templates import Templates
from server.roster.caregivers.auditing import QualificationAudit
from server.roster.caregivers.paper_desk import PaperDesk
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
from server.storage.cache.reads import CachedReads


_CARRIER_CLAIM_S = 30.0  # longer than a line of parcels takes at a carrier that answers late


class PushPart:
    """Notices and their ways out."""

    def __init__(self, base: Foundation) -> None:
        templates = Templates()
        self.notices = Notices(log=base.log, outbox=base.outbox, templates=lambda: base.templates.now)
        self.carriers = open_carriers(
            base.settings, database=base.database, templates=templates, redis=base.redis
        )
        senders = self.carriers.senders
        self.dispatcher = Dispatcher(database=base.database, outbox=base.outbox, senders=senders)
        self.reports = DeliveryReports(database=base.database, outbox=base.outbox)
        # A carrier that cannot tell a second message from the first must not be asked by a second instance.
        claim_s = 0.0 if all(sender.knows_once_key for sender in senders.values()) else _CARRIER_CLAIM_S
        for topic in PUSH_TOPICS:
            base.outbox.deliver(topic, self.dispatcher.deliver_notice, waits_for="carriers", claim_s=claim_s)
        for topic in SMS_TOPICS:
            base.outbox.deliver(topic, self.dispatcher.deliver_sms, waits_for="carriers", claim_s=claim_s)
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
            wechat=push.carriers.login,
            states=LoginStates(secret=base.settings.jwt_secret, lifetime=rules.state_lifetime),
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
        self.measures = Measures(units=units, facts=facts)
        self.directory = Directory(database=database)
        self.authenticator = Authenticator(database=database, tokens=tokens)
        self.limits = RequestLimits(
            pace=open_pace(redis=base.redis, keys=database.keys), loopback_is_exempt=base.settings.is_sandbox
        )


class RosterPart:
    """Patients and caregivers."""

    def __init__(self, base: Foundation) -> None:
        database, units, facts, clock = base.database, base.units, base.facts, base.clock
        catalog, links, terms = base.catalog, base.links, base.terms
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
            database=database,
            units=units,
            clock=clock,
            catalog=catalog,
            rules=lambda: terms.now.policy.caregiver,
            links=links,
        )
        self.service = CaregiverService(database=database, units=units, clock=clock, terms=terms)
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
        self.desk = PaperDesk(units=units, clock=clock, links=links, rules=lambda: terms.now.policy.caregiver)
        self.search = CaregiverSearch(
            database=database, clock=clock, catalog=catalog, rules=lambda: terms.now.policy.time, links=links
        )
        self.page = CaregiverPage(
            database=database, reads=CachedReads(cache=base.cache), clock=clock, catalog=catalog, links=links
        )
        self.cases = PastCases(database=database, units=units, clock=clock)
        self.slots = Slots(
            database=database,
            clock=clock,
            terms=terms,
            price_of=lambda code, prices, start, end: _slot_price(base, code, prices, start, end),
            touches_night=lambda start, end: timing.touches_night(start, end, rules=terms.now.policy.price),
        )


def _slot_price(base: Foundation, code: str, prices: dict[str, int], start_at: datetime, end_at: datetime) -> int:
    """What a slot costs without the urgent line: the start is taken to be far away."""
    terms = base.terms.now
    service = terms.catalog.service_type(code)
    assert service is not None
    rules = terms.policy.price.model_copy(update={"urgent_rate_bp": 0})
    rates = {Band(band): fen for band, fen in prices.items()}
    return price.quote(
        service, rates, start_at=start_at, end_at=end_at, created_at=base.clock.now(), rules=rules
    ).amount_fen
