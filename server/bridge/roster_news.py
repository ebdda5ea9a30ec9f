"""What others' facts mean to the roster, bans to orders."""

from server.booking.facts import OrderCompleted, ReviewSubmitted
from server.booking.offers.matching import Matching
from server.booking.offers.store import OfferStore, of_caregiver
from server.booking.orders.queries import assigned_orders, caregiver_of_user
from server.booking.orders.store import Mover
from server.booking.rules.states import SYSTEM
from server.booking.steps.endings import Endings
from server.core.clock import BusinessClock
from server.core.facts import Facts
from server.identity.facts import UserBanned, UserUnbanned
from server.roster.reactions import apply_review, count_completed, on_user_banned, on_user_unbanned
from server.storage.transaction import Transaction

_BANNED = "陪护人员账号已停用，正在为您重新安排"


class RosterNews:
    """Keeps ratings and counts, and frees what a banned caregiver held."""

    def __init__(self, *, endings: Endings, matching: Matching, offers: OfferStore, clock: BusinessClock) -> None:
        self._endings = endings
        self._matching = matching
        self._offers = offers
        self._clock = clock

    def listen(self, facts: Facts) -> None:
        facts.on(ReviewSubmitted, self._review_submitted)
        facts.on(OrderCompleted, self._order_completed)
        facts.on(UserBanned, self._user_banned)
        facts.on(UserUnbanned, self._user_unbanned)

    async def _review_submitted(self, tx: Transaction, fact: ReviewSubmitted) -> None:
        await apply_review(tx, fact.caregiver_id, fact.score)

    async def _order_completed(self, tx: Transaction, fact: OrderCompleted) -> None:
        await count_completed(tx, fact.caregiver_id)

    async def _user_banned(self, tx: Transaction, fact: UserBanned) -> None:
        """No new offers, and accepted visits that have not begun go to others (checklist C07)."""
        await on_user_banned(tx, fact.user_id)
        caregiver_id = await caregiver_of_user(tx, fact.user_id)
        if caregiver_id is None:
            return
        now = self._clock.now()
        for row in await self._offers.close(tx, "withdrawn", of_caregiver(caregiver_id), at=now):
            await self._matching.after_refusal(tx, row["order_id"], caregiver_id, at=now)
        for order in await assigned_orders(tx, caregiver_id):
            await self._endings.release(tx, order, actor=Mover(SYSTEM), reason=_BANNED, at=now)

    async def _user_unbanned(self, tx: Transaction, fact: UserUnbanned) -> None:
        await on_user_unbanned(tx, fact.user_id)
