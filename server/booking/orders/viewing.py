"""How an order is shown, whole and as a list."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from server.booking.commands import ListOffers, ListOrders, OrderById
from server.booking.orders import queries
from server.booking.orders.standing import Standings
from server.booking.rules.offering import age_band
from server.booking.rules.states import ORDER_STATE_TEXTS, OrderState
from server.core.call import Actor, Call
from server.core.clock import BusinessClock, age_on, shanghai_date, shanghai_text
from server.roster.catalog import Catalog
from server.roster.wording import GENDER_TEXTS
from server.storage.sql import Database
from server.storage.transaction import Row, Transaction

RefundView = Callable[[Transaction, str], Awaitable[dict[str, Any] | None]]
SignPhoto = Callable[[str | None], str | None]

_PAY_METHOD_TEXTS = {"wechat": "微信支付", "alipay": "支付宝", "sandbox": "模拟支付"}
_MONEY = ("amount_fen", "lines", "refund", "pay_method", "pay_method_text", "pay_deadline_at", "paid_at")
_INSTANTS = (
    "start_at",
    "end_at",
    "created_at",
    "pay_deadline_at",
    "paid_at",
    "accepted_at",
    "started_at",
    "finished_at",
    "completed_at",
    "cancelled_at",
)
_PLAIN = (
    "order_id",
    "patient_id",
    "caregiver_id",
    "service_type",
    "hospital_id",
    "district",
    "department",
    "bed_no",
    "address",
    "duration_minutes",
    "is_urgent",
    "requirements",
    "amount_fen",
    "status",
    "version",
    "pay_method",
)


class Viewing:
    """Answers what orders and offers look like to the caller."""

    def __init__(
        self,
        *,
        database: Database,
        standings: Standings,
        refund_of: RefundView,
        sign_photo: SignPhoto,
        catalog: Catalog,
        clock: BusinessClock,
    ) -> None:
        self._database = database
        self._standings = standings
        self._refund_of = refund_of
        self._sign_photo = sign_photo
        self._catalog = catalog
        self._clock = clock

    async def order_status(self, call: Call, query: OrderById) -> dict[str, Any]:
        """{"order_id", "status", "status_text", "version", "detail_url"}. Raises Refused `not_found`.

        The row that says who may ask says also how the order stands. It is never out of a cache, and nothing else
        is read: asking this again and again is as cheap as asking whether one may.
        """
        async with self._database.glance() as tx:
            standing = await self._standings.require(tx, query.order_id, call.user)
        return {
            "order_id": standing.order_id,
            "status": standing.status,
            "status_text": ORDER_STATE_TEXTS[OrderState(standing.status)],
            "version": standing.version,
            "detail_url": f"/api/order/detail?order_id={standing.order_id}",
        }

    async def order_detail(self, call: Call, query: OrderById) -> dict[str, Any]:
        """The whole order, for a relative without money. Raises Refused `not_found`."""
        async with self._database.read() as tx:
            return await self.present(tx, query.order_id, call.user)

    async def present(self, tx: Transaction, order_id: str, actor: Actor) -> dict[str, Any]:
        """The order as `actor` may see it. Raises Refused `not_found`."""
        standing = await self._standings.require(tx, order_id, actor)
        order = await queries.order_with_people(tx, order_id)
        assert order is not None
        return await self._shown(tx, order, relation=standing.relation)

    async def _shown(self, tx: Transaction, order: Row, *, relation: str) -> dict[str, Any]:
        shown = {name: order[name] for name in _PLAIN}
        shown["caregiver_id"] = order["caregiver_id"] or _asked_caregiver_id(order)
        shown |= {name: shanghai_text(order[name]) for name in _INSTANTS}
        shown |= self._texts(order)
        shown["patient"] = self._patient(order)
        shown["caregiver"] = self._caregiver(order)
        shown["lines"] = json.loads(order["lines"])
        shown["refund"] = await self._refund_of(tx, order["order_id"])
        shown["summary"] = order["service_record"]  # what the caregiver wrote at the end; None before
        shown["review"] = _review(order)
        if relation == "viewer":
            for name in _MONEY:
                del shown[name]
        if relation == "caregiver":
            shown["income_fen"] = order["income_fen"]
        if relation == "booker" and order["status"] == OrderState.AWAITING_SERVICE:
            shown["start_code"] = order["start_code"]
        return shown

    def _texts(self, order: Row) -> dict[str, Any]:
        service = self._catalog.service_type(order["service_type"])
        hospital = self._catalog.hospital(order["hospital_id"])
        method = order["pay_method"]
        return {
            "status_text": ORDER_STATE_TEXTS[OrderState(order["status"])],
            "service_type_text": service.name if service else order["service_type"],
            "hospital": hospital.name if hospital else order["hospital_id"],
            "district_text": self._catalog.district_name(order["district"]) or order["district"],
            "department_text": self._catalog.department_name(order["department"]) or order["department"],
            "pay_method_text": _PAY_METHOD_TEXTS.get(method, method) if method else None,
        }

    def _patient(self, order: Row) -> dict[str, Any]:
        return {
            "name": order["patient_name"],
            "age": age_on(order["patient_birth_date"], shanghai_date(self._clock.now())),
            "gender": order["patient_gender"],
            "gender_text": GENDER_TEXTS[order["patient_gender"]],
            "condition": order["patient_condition"],
            "contact_phone": order["contact_phone"],
        }

    def _caregiver(self, order: Row) -> dict[str, Any] | None:
        if order["caregiver_id"] is None:
            return None
        return {
            "name": order["caregiver_name"],
            "photo_url": self._sign_photo(order["caregiver_photo_file_id"]),
            "contact_phone": order["caregiver_phone"],
        }

    async def list_orders(self, call: Call, query: ListOrders) -> dict[str, Any]:
        """The caller's orders (an administrator's: all), newest first: {"items", "next_cursor"}."""
        async with self._database.read() as tx:
            rows, next_cursor = await queries.orders_page(
                tx, call.user, status=query.status, limit=query.limit, cursor=query.cursor
            )
            items = [await self._shown(tx, row, relation=_relation(row, call.user)) for row in rows]
        return {"items": items, "next_cursor": next_cursor}

    async def open_offers(self, call: Call, query: ListOffers) -> dict[str, Any]:
        """The caregiver's open offers as in the event `offer.opened`, oldest first: {"items", "next_cursor"}."""
        now = self._clock.now()
        async with self._database.read() as tx:
            offer_ids, next_cursor = await queries.open_offers_page(
                tx, call.user, at=now, limit=query.limit, cursor=query.cursor
            )
            items = await self.offer_cards(tx, offer_ids)
        return {"items": items, "next_cursor": next_cursor}

    async def offer_cards(self, tx: Transaction, offer_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Each as `offer.opened` tells it, in this order."""
        rows = await queries.offers_with_orders(tx, offer_ids)
        return [self._offer_card(rows[offer_id]) for offer_id in offer_ids]

    def _offer_card(self, row: Row) -> dict[str, Any]:
        """What a caregiver learns before accepting: no name, phone, bed or ID (contract.md §8)."""
        hospital = self._catalog.hospital(row["hospital_id"])
        service = self._catalog.service_type(row["service_type"])
        return {
            "offer_id": row["offer_id"],
            "order_id": row["order_id"],
            "expires_at": shanghai_text(row["expires_at"]),
            "service_type": row["service_type"],
            "service_type_text": service.name if service else row["service_type"],
            "start_at": shanghai_text(row["start_at"]),
            "end_at": shanghai_text(row["end_at"]),
            "is_urgent": row["is_urgent"],
            "income_fen": row["income_fen"],
            "district": row["district"],
            "district_text": self._catalog.district_name(row["district"]) or row["district"],
            "hospital": hospital.name if hospital else row["hospital_id"],
            "requirements": row["requirements"],
            "patient": {
                "age_band": age_band(row["birth_date"], shanghai_date(self._clock.now())),
                "gender": row["gender"],
                "gender_text": GENDER_TEXTS[row["gender"]],
                "condition": row["condition"],
            },
        }


def _asked_caregiver_id(order: Row) -> str | None:
    """Whom the family named, until that caregiver refuses or stays silent and others are asked."""
    return order["named_caregiver_id"] if order["wave"] == 0 else None


def _review(order: Row) -> dict[str, Any] | None:
    if order["review_score"] is None:
        return None
    return {
        "score": order["review_score"],
        "content": order["review_content"],
        "tags": json.loads(order["review_tags"]),
        "created_at": shanghai_text(order["reviewed_at"]),
    }


def _relation(order: Row, actor: Actor) -> str:
    if actor.user_type != "patient":
        return actor.user_type
    return "booker" if order["user_id"] == actor.user_id else "viewer"
