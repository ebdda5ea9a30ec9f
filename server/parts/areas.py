"""All areas of one instance, each built on those before it."""

from dataclasses import dataclass

from server.booking.offers.store import OfferClaims
from server.booking.orders.store import OrderStore
from server.booking.orders.store_calendar import Calendar
from server.bridge.chapters import merge, show
from server.insight.behaviour import Behaviour
from server.insight.overview import Overview
from server.outside import PaymentMeans
from server.parts.desk import DeskPart, OversightPart, open_overview
from server.parts.foundation import Foundation
from server.parts.orders import BillingPart, BookingCore, BookingPart, CarePart, build_booking_core
from server.parts.people import IdentityPart, PushPart, RosterPart
from server.rulebook.changing import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Areas:
    """What there is, before anything is joined."""

    push: PushPart
    identity: IdentityPart
    roster: RosterPart
    core: BookingCore
    billing: BillingPart
    booking: BookingPart
    care: CarePart
    behaviour: Behaviour
    oversight: OversightPart
    desk: DeskPart
    overview: Overview
    rules: Rules


def open_areas(
    base: Foundation,
    push: PushPart,
    means: PaymentMeans,
    *,
    orders: type[OrderStore],
    calendar: type[Calendar],
    claims: OfferClaims,
) -> Areas:
    """Build every area; the last three are what tests bring instead of the real thing."""
    core = build_booking_core(base, orders=orders, calendar=calendar)
    billing = BillingPart(base, core, means)
    booking = BookingPart(base, core, billing, claims)
    oversight = OversightPart(base)
    return Areas(
        push=push,
        identity=IdentityPart(base, push),
        roster=RosterPart(base),
        core=core,
        billing=billing,
        booking=booking,
        care=CarePart(base, core),
        behaviour=Behaviour(units=base.units, log=base.behaviour, clock=base.clock),
        oversight=oversight,
        desk=DeskPart(base, booking=booking, billing=billing, oversight=oversight),
        overview=open_overview(base, oversight=oversight),
        rules=Rules(
            database=base.database, units=base.units, facts=base.facts, book=base.rulebook, merge=merge, show=show
        ),
    )
