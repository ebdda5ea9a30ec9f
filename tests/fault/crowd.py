"""Traffic: families and caregivers who never stop asking."""
import asyncio
import random
import uuid
from collections import defaultdict
from datetime import timedelta
from typing import Any

from tests.fault.market import Caregiver, Family, Market, business_now, quarter_after
from tests.fault.people import Outcome, Person

_CANCELS = 0.3
_NAMES_A_CAREGIVER = 0.4
_TALK_PAUSE_S = 0.05
_NOTE_PAUSE_S = 0.2
_LOOK_PAUSE_S = 0.15
_READ_PAUSE_S = 0.05
_LOOKS_BACK = 5
_CHANNELS_FOLLOWED = 40  # of the 128 that a connection may have
_PAYMENT_WITHIN_S = 20.0


class Crowd:
    """A visit for each family, in which both talk, and beside it bookings that caregivers fight for.

    `gives_up`: so many of them do not ask again after a lost answer.
    """

    def __init__(self, market: Market, *, seed: int, gives_up: float = 0.15) -> None:
        self.market = market
        self._gives_up = gives_up
        self._random = random.Random(seed)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._followed = 0
        self.visits: list[tuple[Family, Caregiver, str]] = []
        self.orders: dict[str, list[str]] = defaultdict(list)  # by patient

    async def open_visits(self) -> None:
        """An order in service for each family; another family follows the first one's too."""
        market = self.market
        start_at = quarter_after(await business_now(market.site), ahead=timedelta(minutes=65))
        for family, caregiver in zip(market.families, market.caregivers, strict=False):
            order_id = await self._book(family, start_at=start_at, caregiver_id=caregiver.caregiver_id)
            assert order_id is not None
            offer_id = await market.offer_to(caregiver, order_id)
            assert (await caregiver.person.do("order.accept", {"offer_id": offer_id})).is_ok
            self.visits.append((family, caregiver, order_id))
        await business_now(market.site, advance_s=55 * 60)
        for family, caregiver, order_id in self.visits:
            assert (await market.start_visit(family, caregiver, order_id)).is_ok
            family.person.live.follow(f"order:{order_id}")
            caregiver.person.live.follow(f"order:{order_id}")
        await self._let_a_viewer_in()

    async def _let_a_viewer_in(self) -> None:
        family, _, order_id = self.visits[0]
        viewer = self.visits[-1][0].person
        invited = await family.person.post("/api/patient/invite", {"patient_id": family.patient_id})
        await viewer.post("/api/patient/join", {"invite_code": invited["invite_code"]})
        viewer.live.follow(f"order:{order_id}")

    def begin(self) -> None:
        for family, caregiver, order_id in self.visits:
            self._start(self._talk(family.person, order_id))
            self._start(self._talk(caregiver.person, order_id))
            self._start(self._note(caregiver.person, order_id))
        for family in self.market.families:
            self._start(self._book_on(family))
            self._start(self._look(family))
        for caregiver in self.market.caregivers:
            self._start(self._look_for_offers(caregiver))

    def _start(self, work: Any) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def end(self) -> None:
        """Let everybody finish the operation in hand. Raises what one of them ran into."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    async def close_visits(self) -> None:
        """Both sides read their chats; the visits end and are confirmed, so that their money is earned."""
        for family, caregiver, order_id in self.visits:
            await family.person.read_chat(order_id)
            await caregiver.person.read_chat(order_id)
            assert (await caregiver.person.do("order.finish", {"order_id": order_id, "summary": "一切顺利"})).is_ok
            assert (await family.person.do("order.confirm", {"order_id": order_id})).is_ok

    def _patience_s(self) -> float:
        return 0.0 if self._random.random() < self._gives_up else 60.0

    async def _ask(self, who: Person, name: str, body: dict[str, Any]) -> Outcome:
        over = self._random.choice(("http", "live"))
        return await who.do(name, body, over=over, patience_s=self._patience_s())

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(self._random.uniform(0.5, 1.5) * seconds)

    async def _talk(self, who: Person, order_id: str) -> None:
        while not self._stopping.is_set():
            body = {"order_id": order_id, "msg_id": uuid.uuid4().hex, "kind": "text", "text": "在门诊大厅等您"}
            await self._ask(who, "chat.send", body)
            await self._pause(_TALK_PAUSE_S)

    async def _note(self, who: Person, order_id: str) -> None:
        recorded_at = (await business_now(self.market.site)).isoformat()
        while not self._stopping.is_set():
            body = {"order_id": order_id, "msg_id": uuid.uuid4().hex, "kind": "measure", "text": "协助饮水"}
            await self._ask(who, "note.append", body | {"recorded_at": recorded_at})
            await self._pause(_NOTE_PAUSE_S)

    async def _look(self, family: Family) -> None:
        """Read orders on any instance: one that the family was just told of, else some other of its own."""
        news = family.person.live.places.news
        while not self._stopping.is_set():
            mine = self.orders[family.patient_id]
            if news or mine:
                await family.person.look(news.pop() if news else self._random.choice(mine[-_LOOKS_BACK:]))
            await self._pause(_READ_PAUSE_S)

    async def _book_on(self, family: Family) -> None:
        """Order after order; some are cancelled soon after they were paid."""
        while not self._stopping.is_set():
            named = None
            if self._random.random() < _NAMES_A_CAREGIVER:
                named = self._random.choice(self.market.caregivers).caregiver_id
            order_id = await self._book(family, start_at=self.market.next_start(family), caregiver_id=named)
            if order_id is not None and self._random.random() < _CANCELS:
                await self._pause(2 * _LOOK_PAUSE_S)
                await self._ask(family.person, "order.cancel", {"order_id": order_id, "reason": "行程有变"})

    async def _book(self, family: Family, *, start_at: Any, caregiver_id: str | None) -> str | None:
        """The id of a paid order; None when the order was refused or its answer is lost."""
        body = self.market.order_body(family, start_at, caregiver_id=caregiver_id)
        created = await family.person.do("order.create", body, patience_s=self._patience_s())
        if not created.is_ok:
            return None
        order_id = created.data["order_id"]
        self.orders[family.patient_id].append(order_id)
        if self._followed < _CHANNELS_FOLLOWED:
            self._followed += 1
            family.person.live.follow(f"order:{order_id}")
        paying = {"order_id": order_id, "method": "sandbox", "amount_fen": created.data["amount_fen"]}
        paid = await self._ask(family.person, "order.pay", paying)
        if not paid.is_ok:
            return None
        await self.market.paid(family, order_id)
        return order_id

    async def _look_for_offers(self, caregiver: Caregiver) -> None:
        """Accept whatever is offered, all of it at once though visits overlap, and some of it twice."""
        person = caregiver.person
        while not self._stopping.is_set():
            offers = (await person.get("/api/order/offers"))["items"]
            wanted = [offer["offer_id"] for offer in offers for _ in range(self._random.choice((1, 1, 2)))]
            await asyncio.gather(*(self._ask(person, "order.accept", {"offer_id": one}) for one in wanted))
            await self._pause(_LOOK_PAUSE_S)
