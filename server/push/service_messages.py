"""Notices that the owner's other services ask for.

The caller is a service, known by its key at the edge, never a user. Nothing outside is waited for: the
notice is in the app when the answer is given, and what leaves the app is told with its state.
"""

from typing import Any

from server.core.call import Call
from server.core.clock import BusinessClock
from server.core.errors import Refused, invalid
from server.core.ids import looks_like_id, new_id
from server.push import store
from server.push.commands import SendNotice
from server.push.notices import Notices
from server.storage.transaction import Transaction
from server.storage.unit_of_work import UnitOfWork


class ServiceMessages:
    """The use case behind `/api/message/send`."""

    def __init__(self, *, units: UnitOfWork, notices: Notices, clock: BusinessClock) -> None:
        self._units = units
        self._notices = notices
        self._clock = clock

    async def send_notice(self, call: Call, command: SendNotice) -> dict[str, Any]:
        """{"message_id", "status", "deliveries": [{"channel", "status"}]}.

        `status` is that of the notice in the app. Raises `not_found` (the user), `invalid` (the template).
        """
        if not self._notices.knows(command.template):
            raise invalid("template", "没有这个消息模板")
        params = {name: value for name, value in command.params.items() if value not in (None, "")}
        order_id = params.get("order_id")

        async def body(tx: Transaction) -> dict[str, Any]:
            if not looks_like_id(command.user_id) or not await store.user_exists(tx, command.user_id):
                raise Refused("not_found")
            about = {
                "user_id": command.user_id,
                "type": command.type,
                "template": command.template,
                "order_id": order_id if looks_like_id(order_id) else None,
                "once_key": f"service/{new_id()}",
                "sent_at": self._clock.now(),
            }
            message_id = await self._notices.add_from_outside(tx, params=params, about=about)
            assert message_id is not None  # the key is fresh
            in_app = {"channel": "in_app", "status": "sent"}
            deliveries = [in_app, *await store.deliveries_of(tx, message_id)]
            return {"message_id": message_id, "status": in_app["status"], "deliveries": deliveries}

        return await self._units.run(call, body)
