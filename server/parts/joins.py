"""Where areas meet: which facts mean what elsewhere."""

from server.bridge.account_notices import AccountNotices
from server.bridge.alarm_news import AlarmNews
from server.bridge.behaviour_news import BehaviourNews
from server.bridge.control import Control
from server.bridge.desk_notices import DeskNotices
from server.bridge.events import ChannelEvents
from server.bridge.money import Money
from server.bridge.notices import OrderNotices
from server.bridge.order_words import OrderWords
from server.bridge.roster_news import RosterNews
from server.parts.areas import Areas
from server.parts.foundation import Foundation


def join_areas(base: Foundation, areas: Areas) -> None:
    """The bridge: which facts mean what elsewhere. Order matters: money before events before notices."""
    booking, billing, notices = areas.booking, areas.billing, areas.push.notices
    Money(paying=booking.core.paying, refunds=billing.refunds, ledger=billing.ledger).listen(base.facts)
    RosterNews(
        endings=booking.endings,
        matching=booking.core.matching,
        offers=booking.core.offers,
        clock=base.clock,
    ).listen(base.facts)
    AlarmNews(alarms=areas.oversight.alarms).listen(base.facts)
    ChannelEvents(log=base.log, viewing=booking.viewing, clock=base.clock).listen(base.facts)
    words = OrderWords(catalog=base.catalog)
    OrderNotices(notices=notices, words=words, clock=base.clock).listen(base.facts)
    DeskNotices(notices=notices, words=words, clock=base.clock).listen(base.facts)
    AccountNotices(notices=notices, clock=base.clock).listen(base.facts)
    Control(outbox=base.outbox, bus=base.bus).listen(base.facts)
    BehaviourNews(behaviour=areas.behaviour).listen(base.facts)
