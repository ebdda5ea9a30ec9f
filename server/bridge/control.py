"""Facts that end access, told to every instance.

The order to close sockets goes through the outbox, so that it is committed with the change and reaches
all instances even if this one dies right after.
"""

from typing import Any

from server.booking.facts import OrderMoved
from server.booking.orders.queries import order_ids_of_patient, user_of_caregiver
from server.core.channels import order_channel
from server.core.facts import Facts
from server.identity.facts import LoginRevoked
from server.roster.facts import ViewerRemoved
from server.rulebook.facts import RulesChanged
from server.storage.outbox import Outbox
from server.storage.pubsub.port import Bus, ControlMessage
from server.storage.transaction import Transaction

TOPIC = "control"
_FORCE_DISCONNECT = 3503


class Control:
    """Turns revocations and changes of the party into control messages on the bus."""

    def __init__(self, *, outbox: Outbox, bus: Bus) -> None:
        self._outbox = outbox
        self._bus = bus
        outbox.deliver(TOPIC, self._broadcast)

    def listen(self, facts: Facts) -> None:
        facts.on(LoginRevoked, self._close_sockets)
        facts.on(ViewerRemoved, self._end_viewing)
        facts.on(OrderMoved, self._end_replaced)
        facts.on(RulesChanged, self._rules_changed)

    async def _close_sockets(self, tx: Transaction, fact: LoginRevoked) -> None:
        whose = {"user_id": fact.user_id, "login_id": fact.login_id}
        await self._tell(tx, "revoke", whose | {"code": _FORCE_DISCONNECT, "reason": "force disconnect"})

    async def _end_viewing(self, tx: Transaction, fact: ViewerRemoved) -> None:
        for order_id in await order_ids_of_patient(tx, fact.patient_id):
            await self._tell(tx, "access_ended", {"user_id": fact.user_id, "channel": order_channel(order_id)})

    async def _end_replaced(self, tx: Transaction, fact: OrderMoved) -> None:
        if fact.left_caregiver_id is None:
            return
        user_id = await user_of_caregiver(tx, fact.left_caregiver_id)
        await self._tell(tx, "access_ended", {"user_id": user_id, "channel": order_channel(fact.order_id)})

    async def _rules_changed(self, tx: Transaction, fact: RulesChanged) -> None:
        await self._tell(tx, "rules", {"number": fact.number})

    async def _tell(self, tx: Transaction, kind: str, body: dict[str, Any]) -> None:
        await self._outbox.put(tx, TOPIC, {"kind": kind, "body": body})

    async def _broadcast(self, payload: dict[str, Any], _enclosed: Any) -> None:
        await self._bus.broadcast(ControlMessage(payload["kind"], payload["body"]))
