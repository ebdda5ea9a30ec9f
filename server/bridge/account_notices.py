"""What administrators decide about accounts, told to people."""

from datetime import datetime

from server.core.clock import BusinessClock
from server.core.facts import Facts
from server.identity.facts import UserBanned, UserUnbanned, UserVerified, UserWarned
from server.push.notices import Notices
from server.storage.transaction import Transaction


class AccountNotices:
    """Adds system notices; who is banned hears it by WeChat or SMS, because the app is closed to them."""

    def __init__(self, *, notices: Notices, clock: BusinessClock) -> None:
        self._notices = notices
        self._clock = clock

    def listen(self, facts: Facts) -> None:
        facts.on(UserWarned, self._warned)
        facts.on(UserBanned, self._banned)
        facts.on(UserUnbanned, self._unbanned)
        facts.on(UserVerified, self._verified)

    async def _warned(self, tx: Transaction, fact: UserWarned) -> None:
        await self._tell(tx, fact.user_id, "account_warned", {"reason": fact.reason}, about=fact.warning_id)

    async def _banned(self, tx: Transaction, fact: UserBanned) -> None:
        await self._tell(tx, fact.user_id, "account_banned", {"reason": fact.reason}, about=_moment(fact.at))

    async def _unbanned(self, tx: Transaction, fact: UserUnbanned) -> None:
        await self._tell(tx, fact.user_id, "account_unbanned", {"reason": fact.reason}, about=_moment(fact.at))

    async def _verified(self, tx: Transaction, fact: UserVerified) -> None:
        params = {"result_text": "已通过" if fact.verified else "未通过", "reason": fact.reason}
        await self._tell(tx, fact.user_id, "account_verified", params, about=_moment(fact.at))

    async def _tell(
        self, tx: Transaction, user_id: str, template: str, params: dict[str, str], *, about: str
    ) -> None:
        await self._notices.add(
            tx,
            user_id=user_id,
            type="system",
            template=template,
            params=params,
            order_id=None,
            once_key=f"{template}/{user_id}/{about}",
            at=self._clock.now(),
        )


def _moment(at: datetime) -> str:
    """Tells one ban of an account from the next; a decision has no id of its own."""
    return str(round(at.timestamp() * 1000))
