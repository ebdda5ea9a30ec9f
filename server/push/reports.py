"""What carriers tell later: it arrived, or it did not."""



from server.core.clock import server_now
from server.core.ids import looks_like_id
from server.push import store
from server.push.dispatcher import fall_back
from server.storage.outbox import Outbox
from server.storage.sql import Database
from server.storage.transaction import Transaction


class DeliveryReports:
    """Moves deliveries from sent to delivered or failed. A report counts once; who sends it is proven before."""

    def __init__(self, *, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def take_wechat(self, receipt: str, *, delivered: bool, reason: str) -> bool:
        """False when no delivery has this receipt (yet): WeChat may say it again."""

        async def body(tx: Transaction) -> bool:
            delivery = await store.find_sent(tx, "wechat", receipt=receipt)
            if delivery is None:
                return False
            status, code = ("delivered", None) if delivered else ("failed", reason[:64])
            at = server_now()
            moved = await store.report_delivery(tx, delivery["delivery_id"], status=status, failure_code=code, at=at)
            if moved and not delivered:
                await fall_back(tx, self._outbox, delivery)
            return True

        return await self._database.write(body)

    async def take_sms(self, delivery_id: str, *, delivered: bool, reason: str) -> None:
        """`delivery_id` is what we called it; those of one-time codes are no deliveries and pass by."""
        if not looks_like_id(delivery_id):
            return
        status, code = ("delivered", None) if delivered else ("failed", reason[:64])
        at = server_now()
        await self._database.write(
            lambda tx: store.report_delivery(tx, delivery_id, status=status, failure_code=code, at=at)
        )
