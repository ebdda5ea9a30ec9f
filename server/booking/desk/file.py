"""One order with everything that belongs to it.

What others keep (money, notices, talk, alarms, the audit) comes through callables, so that booking knows none of
them. A row of the audit is committed before anything is shown, because a condition is health data.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from server.booking.desk import queries_file as queries
from server.booking.desk.commands import ReadOrderFile
from server.booking.desk.wording import ACTOR_TEXTS, EVENT_TEXTS, OFFER_TEXTS
from server.booking.orders.store import OrderStore
from server.booking.orders.viewing import Viewing
from server.booking.rules.states import ADMIN, ORDER_STATE_TEXTS, OrderState, find_move
from server.core.call import Call
from server.core.clock import shanghai_text
from server.core.phone import mask_phone
from server.storage.audit import write_audit
from server.storage.sql import Database
from server.storage.transaction import Row, Transaction

Section = Callable[[Transaction, str], Awaitable[Any]]  # what somebody keeps of an order, JSON-able
Talk = Callable[..., Awaitable[dict[str, Any]]]  # (tx, order_id, with_content=...)


class OrderFile:
    """`sections` are shown under their names; `talk` with its contents only for a reason."""

    def __init__(
        self,
        *,
        database: Database,
        orders: OrderStore,
        viewing: Viewing,
        sections: Mapping[str, Section],
        talk: Talk,
    ) -> None:
        self._database = database
        self._orders = orders
        self._viewing = viewing
        self._sections = sections
        self._talk = talk

    async def read_file(self, call: Call, query: ReadOrderFile) -> dict[str, Any]:
        """The whole order, its history, offers, money, notices, talk, alarms and audit. Raises `not_found`."""

        await self._database.write(lambda tx: self._write_down(tx, call, query))
        async with self._database.read() as tx:
            row = await self._orders.require(tx, query.order_id)
            shown = {
                "order": await self._order(tx, call, row),
                "timeline": [_event(event) for event in await queries.history_of(tx, query.order_id)],
                "offers": [_offer(offer) for offer in await queries.offers_of(tx, query.order_id)],
                "talk": await self._talk(tx, query.order_id, with_content=query.reason is not None),
            }
            for name, section in self._sections.items():
                shown[name] = await section(tx, query.order_id)
        return shown

    async def _write_down(self, tx: Transaction, call: Call, query: ReadOrderFile) -> None:
        await self._orders.require(tx, query.order_id)
        await write_audit(
            tx,
            call,
            action="admin.order.detail",
            target=f"order:{query.order_id}",
            reason=query.reason,
            detail={"with_content": query.reason is not None},
        )

    async def _order(self, tx: Transaction, call: Call, row: Row) -> dict[str, Any]:
        booker = await queries.booker_of(tx, row["order_id"])
        state = OrderState(row["status"])
        return await self._viewing.present(tx, row["order_id"], call.user) | {
            "booker": {
                "user_id": booker["user_id"],
                "username": booker["username"],
                "phone_masked": mask_phone(booker["phone"]),
            },
            "named_caregiver_id": row["named_caregiver_id"],
            "income_fen": row["income_fen"],
            "commission_fen": row["commission_fen"],
            "policy_version": row["policy_version"],
            "wave": row["wave"],
            "next_wave_at": shanghai_text(row["next_wave_at"]),
            "search_until": shanghai_text(row["search_until"]),
            "confirm_due_at": shanghai_text(row["confirm_due_at"]),
            "finish_summary": row["finish_summary"],
            "cancelled_by": row["cancelled_by"],
            "cancelled_by_text": ACTOR_TEXTS.get(row["cancelled_by"]),
            "cancel_reason": row["cancel_reason"],
            "cancel_fee_fen": row["cancel_fee_fen"],
            "may_reassign": find_move(state, "reassign", actor=ADMIN) is not None,
            "may_cancel": find_move(state, "cancel", actor=ADMIN) is not None,
        }


def _event(row: Row) -> dict[str, Any]:
    statuses = {name: row[name] for name in ("from_status", "to_status")}
    return {
        "version": row["version"],
        "event": row["event"],
        "event_text": EVENT_TEXTS.get(row["event"], row["event"]),
        **statuses,
        "to_status_text": ORDER_STATE_TEXTS[OrderState(row["to_status"])],
        "actor_type": row["actor_type"],
        "actor_type_text": ACTOR_TEXTS.get(row["actor_type"], row["actor_type"]),
        "actor_id": row["actor_id"],
        "actor_name": row["actor_name"],
        "reason": row["reason"],
        "at": shanghai_text(row["at"]),
    }


def _offer(row: Row) -> dict[str, Any]:
    ranking = json.loads(row["ranking"]) if row["ranking"] else {}
    return {
        "offer_id": row["offer_id"],
        "caregiver_id": row["caregiver_id"],
        "caregiver_name": row["caregiver_name"],
        "wave": row["wave"],
        "state": row["state"],
        "state_text": OFFER_TEXTS[row["state"]],
        "opened_at": shanghai_text(row["opened_at"]),
        "expires_at": shanghai_text(row["expires_at"]),
        "closed_at": shanghai_text(row["closed_at"]),
        "reason": row["reason"],
        "income_fen": row["income_fen"],
        "named": bool(ranking.get("named")),
        "score": ranking.get("score"),
        "factors": ranking.get("factors", []),
    }
