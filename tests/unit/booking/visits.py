"""Orders brought into each state by the people who may."""
from datetime import timedelta
from typing import Any

from tests.cast import Person
from tests.stage import Stage

STATES = ("pending_payment", "paid", "awaiting_service", "in_service", "completed", "cancelled")


class Visit:
    """One order named to a caregiver, with everybody who has to do with it."""

    def __init__(self, stage: Stage, order_id: str, *, lead: timedelta) -> None:
        self.stage = stage
        self.order_id = order_id
        self.lead = lead
        self.booker, self.stranger = stage.families[:2]
        self.caregiver, self.other_caregiver = stage.caregivers[:2]
        self.payment_id = ""

    @classmethod
    async def book(cls, stage: Stage, *, lead: timedelta = timedelta(hours=3), **more: Any) -> "Visit":
        family, named = stage.families[0], stage.caregivers[0]
        made = await stage.create(family, stage.slot(lead=lead), named=named, **more)
        assert made.is_ok, made
        return cls(stage, made.data["order_id"], lead=lead)

    @classmethod
    async def in_state(cls, stage: Stage, state: str, **more: Any) -> "Visit":
        """A visit in one of STATES, on the usual way there; `cancelled` before it was paid."""
        visit = await cls.book(stage, **more)
        if state == "cancelled":
            await stage.must(visit.booker, "order.cancel", order_id=visit.order_id, reason="改期")
            return visit
        for step in (visit.pay, visit.accept, visit.start, visit.complete)[: STATES.index(state)]:
            await step()
        assert (await visit.row())["status"] == state
        return visit

    async def row(self) -> Any:
        return await self.stage.order(self.order_id)

    async def pay(self) -> None:
        self.payment_id = (await self.stage.pay(self.booker, self.order_id)).data["payment_id"]

    async def offer_id(self) -> str:
        [row] = await self.stage.offers(self.order_id)
        return row["offer_id"]

    async def accept(self) -> None:
        await self.stage.must(self.caregiver, "order.accept", offer_id=await self.offer_id())

    async def wait_for_start(self) -> None:
        """Business time moves to the agreed start."""
        wait_s = ((await self.row())["start_at"] - self.stage.clock.now()).total_seconds()
        await self.stage.advance(wait_s)

    async def start(self) -> None:
        await self.wait_for_start()
        code = (await self.row())["start_code"]
        await self.stage.must(self.caregiver, "order.start", order_id=self.order_id, start_code=code)

    async def finish(self) -> None:
        await self.stage.must(self.caregiver, "order.finish", order_id=self.order_id, summary="已完成检查")

    async def complete(self) -> None:
        await self.finish()
        await self.stage.must(self.booker, "order.confirm", order_id=self.order_id)

    async def join_relative(self) -> Person:
        """A third family's account becomes a viewer of the patient."""
        relative = self.stage.families[2]
        patient_id = (await self.row())["patient_id"]
        code = (await self.stage.must(self.booker, "patient.invite", patient_id=patient_id))["invite_code"]
        await self.stage.must(relative, "patient.join", invite_code=code)
        return relative
