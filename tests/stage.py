"""The composed product without a port, called directly.

Nothing runs by itself: time moves and jobs look only when a test says so, so every step is repeatable.
"""
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from config.reading import fingerprint, read_command
from config.settings import Settings
from server.app import Parts, Peihu, build_app
from server.core.call import Actor, Call, KeyedRequest
from server.core.clock import SHANGHAI, shanghai_text
from server.core.errors import Refused
from server.core.ids import new_id
from server.core.operation import Operation
from server.storage.tables.booking import offer, t_order
from server.storage.tables.roster import t_caregiver_info
from tests.cast import HOSPITAL, Cast, Person, find_cast
from tests.live import Reply

_MORNING = range(9, 12)  # a visit some hours or a day and some hours from now is by day


def _until_morning_s(now: datetime) -> float:
    """Business time moves on so far: prices depend on the hour of a visit, and no test shall on that of the build."""
    local = now.astimezone(SHANGHAI)
    if local.hour in _MORNING:
        return 0.0
    morning = local.replace(hour=_MORNING.start, minute=0, second=0, microsecond=0)
    return (morning - local).total_seconds() % timedelta(days=1).total_seconds()


class Stage:
    """One instance that was built and never started."""

    def __init__(self, product: Peihu, cast: Cast) -> None:
        self.product = product
        self.database = product.base.database
        self.clock = product.base.clock
        self.admin, self.families, self.caregivers = cast.admin, cast.families, cast.caregivers
        self._operations = {one.name: one for one in product.operations if isinstance(one, Operation)}
        product.means.courier._post = self._receive

    @classmethod
    async def open(cls, settings: Settings, *, parts: Parts | None = None) -> "Stage":
        """On a store that has the cast."""
        product = build_app(settings, base_url="http://127.0.0.1:0", parts=parts)
        await product.base.time.refresh()
        await product.base.time.advance(_until_morning_s(product.base.clock.now()))
        return cls(product, await find_cast(product.base.database))

    async def do(self, who: Person, verb: str, *, key: str | None = None, **body: Any) -> Reply:
        """One operation by its name (`order.accept`); a refusal is an answer, anything else an error."""
        operation = self._operations[verb]
        keyed = KeyedRequest(verb, key, fingerprint(body)) if key else None
        call = Call(Actor(who.user_id, who.user_type, who.login_id), new_id(), "127.0.0.1", operation.status, keyed)
        try:
            if who.user_type not in operation.roles:
                raise Refused("forbidden")
            return Reply(operation.status, "ok", await operation.run(call, read_command(operation, body)))
        except Refused as refused:
            return Reply(refused.status, refused.code, refused.data)

    async def must(self, who: Person, verb: str, **body: Any) -> Any:
        """The data of an operation that succeeds."""
        reply = await self.do(who, verb, **body)
        assert reply.is_ok, reply
        return reply.data

    async def listen_only(self, caregivers: tuple[Person, ...]) -> None:
        table, ids = t_caregiver_info, [one.caregiver_id for one in caregivers]
        await self.database.write(lambda tx: tx.run(update(table).values(listening=table.c.caregiver_id.in_(ids))))

    def slot(self, *, lead: timedelta) -> tuple[datetime, datetime]:
        """Two hours that begin at the first quarter hour at least `lead` from now."""
        quarter = timedelta(minutes=15)
        earliest = self.clock.now() + lead
        midnight = earliest.replace(hour=0, minute=0, second=0, microsecond=0)
        start_at = midnight - (midnight - earliest) // quarter * quarter
        return start_at, start_at + timedelta(hours=2)

    async def create(
        self,
        family: Person,
        slot: tuple[datetime, datetime],
        *,
        named: Person | None = None,
        patient: int = 0,
        hospital_id: str = HOSPITAL,
        **more: Any,
    ) -> Reply:
        wish = {
            "patient_id": family.patient_ids[patient],
            "caregiver_id": named.caregiver_id if named else None,
            "service_type": "errand",
            "hospital_id": hospital_id,
            "start_at": shanghai_text(slot[0]),
            "end_at": shanghai_text(slot[1]),
        }
        return await self.do(family, "order.create", **wish | more)

    async def pay(self, family: Person, order_id: str, *, result: str | None = "approve") -> Reply:
        """Open a payment; `result` is the payer's tap, None: nobody taps. We learn of it by asking."""
        amount_fen = (await self.order(order_id))["amount_fen"]
        opened = await self.do(family, "order.pay", order_id=order_id, method="wechat", amount_fen=amount_fen)
        if opened.is_ok and result is not None:
            await self.tap(opened.data["payment_id"], result)
        return opened

    async def tap(self, payment_id: str, result: str) -> None:
        """The payer says yes or no, and the provider's letters are carried here."""
        await self.product.means.till.tap(payment_id, result)
        await self.carry_letters()

    async def _receive(self, url: str, headers: Any, body: bytes) -> int:
        provider = url.rsplit("/", 1)[1]
        return (await self.product.billing.notifications.receive(provider, headers, body)).status

    async def carry_letters(self) -> None:
        """Every notification of the sandbox provider that is due, straight to its receiver."""
        await self.product.means.courier.run_once()

    async def advance(self, seconds: float) -> None:
        """Move business time and do everything that is due then."""
        await self.product.base.time.advance(seconds)
        await self.look()

    async def look(self) -> None:
        jobs = {job.name: job for job in self.product.jobs._jobs}
        for _ in range(3):
            for name in ("orders", "payments", "refunds", "settlement"):
                await jobs[name].run_once()
            await self.carry_letters()

    async def rows(self, statement: Any) -> list[Any]:
        async with self.database.read() as tx:
            return await tx.all(statement)

    async def order(self, order_id: str) -> Any:
        return (await self.rows(select(t_order).where(t_order.c.order_id == order_id)))[0]

    async def offers(self, order_id: str, *states: str) -> list[Any]:
        """The offers of an order, of these states or of all."""
        found = await self.rows(select(offer).where(offer.c.order_id == order_id).order_by(offer.c.offer_id))
        return [row for row in found if not states or row["state"] in states]

    def caregiver(self, caregiver_id: str) -> Person:
        return next(one for one in self.caregivers if one.caregiver_id == caregiver_id)

    async def close(self) -> None:
        await self.product.close()
