"""What must hold of a store at rest: I1-I7 of reliability.md.

Each is one question to the database whose answer should be empty, so a store of any size is checked in bounded memory.
I8 is a figure of `maintain`; I9 and I10 speak of running processes. The tests have a checker of their own
(tests/invariants.py), which reads whole small stores in another way, so that neither hides the other's mistake.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.engine import Connection

from server.upkeep.checks import channels, money, orders

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Invariant:
    """`broken()` selects the ids of what breaks it."""

    number: str
    words: str
    broken: Callable[[], Select[Any]]


@dataclass(frozen=True, slots=True)
class Finding:
    """How often an invariant is broken, and some ids."""

    number: str
    words: str
    count: int
    examples: tuple[str, ...]


INVARIANTS: tuple[Invariant, ...] = (
    Invariant("I1", "an order has one winner at most", orders.two_winners),
    Invariant("I1", "exactly the assigned orders have a caregiver", orders.caregiver_without_right),
    Invariant("I1", "the caregiver of an order is the one who accepted", orders.winner_is_another),
    Invariant("I1", "offers are open only while their order waits for one", orders.open_offer_of_another_state),
    Invariant("I2", "nobody is in two places", orders.in_two_places),
    Invariant("I2", "a living order has its people's time", orders.time_not_taken),
    Invariant("I2", "time is taken only for people of living orders", orders.time_of_nobody),
    Invariant("I3", "every message and note has a position of its own", channels.two_in_one_place),
    Invariant("I3", "no message or note stands beyond its channel's head", channels.written_beyond_the_top),
    Invariant("I5", "channels have no gap up to their head", channels.gap_in_a_channel),
    Invariant("I6", "every posting sums to zero", money.posting_without_balance),
    Invariant("I6", "no order has given more than it got", money.more_out_than_in),
    Invariant("I6", "nothing is held for an order that is over", money.funds_kept_after_the_end),
    Invariant("I6", "money comes from payments", money.money_from_nowhere),
    Invariant("I6", "refunds fit what was paid", money.refunds_do_not_fit),
    Invariant("I6", "a payment gives back no more than it brought", money.payment_gave_back_too_much),
    Invariant("I6", "settlements add up", money.settlement_does_not_add_up),
    Invariant("I7", "every change is an allowed move", orders.strange_move),
    Invariant("I7", "every change begins where the one before ended", orders.broken_chain),
    Invariant("I7", "every order stands where its changes led, one version each", orders.versions_do_not_add_up),
    Invariant("–", "ratings and visits are counted right", channels.miscounted_caregiver),
)


def findings(connection: Connection) -> Iterator[Finding]:
    """One for each invariant, also when it holds (count 0), as soon as it is known."""
    for one in INVARIANTS:
        broken = one.broken().subquery()
        count = connection.scalar(select(func.count()).select_from(broken)) or 0
        shown = connection.execute(select(broken).distinct().limit(_EXAMPLES)) if count else []
        yield Finding(one.number, one.words, int(count), tuple(str(row[0]) for row in shown))
