"""All orders for administrators, found by whatever one knows."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any

from server.booking.desk import queries_list as queries
from server.booking.desk.commands import SearchOrders
from server.booking.rules.states import ORDER_STATE_TEXTS, OrderState
from server.core.call import Call
from server.core.clock import shanghai_text
from server.core.cursor import Pages
from server.core.days import span_of_days
from server.core.errors import invalid
from server.core.ids import looks_like_id
from server.core.phone import mask_phone
from server.roster.catalog import Catalog
from server.roster.wording import masked_name
from server.storage.sql import Database
from server.storage.transaction import Row, Transaction

_PAGES = Pages("desk_orders", created_at=datetime, order_id=str)
RefundsOf = Callable[[Transaction, Iterable[str]], Awaitable[dict[str, dict[str, Any]]]]


class OrderList:
    """Reads only. Names and phones are masked: who looks at a whole order leaves a row in the audit."""

    def __init__(self, *, database: Database, catalog: Catalog, refunds_of: RefundsOf) -> None:
        self._database = database
        self._catalog = catalog
        self._refunds_of = refunds_of

    async def search_orders(self, call: Call, query: SearchOrders) -> dict[str, Any]:
        """{"items", "next_cursor"}, the newest first. Raises Refused `invalid`."""
        wanted, after = self._filter(query), _PAGES.after(query.cursor)
        async with self._database.read() as tx:
            rows = await queries.orders_page(tx, wanted, after=after, limit=query.limit + 1)
            shown, cursor = _PAGES.cut(rows, query.limit)
            ids = [row["order_id"] for row in shown]
            alarms, refunds = await queries.open_alarms_of(tx, ids), await self._refunds_of(tx, ids)
        items = [self._item(row, alarms.get(row["order_id"], 0), refunds.get(row["order_id"])) for row in shown]
        return {"items": items, "next_cursor": cursor}

    def _filter(self, query: SearchOrders) -> queries.OrderFilter:
        self._require_known(query)
        start_since, start_until = span_of_days(query.start_from, query.start_to, field="start_to")
        created_since, created_until = span_of_days(query.created_from, query.created_to, field="created_to")
        return queries.OrderFilter(
            status=query.status,
            hospital_id=query.hospital_id,
            district=query.district,
            service_type=query.service_type,
            caregiver_id=query.caregiver_id,
            start_since=start_since,
            start_until=start_until,
            created_since=created_since,
            created_until=created_until,
            keyword=query.keyword,
            stuck=bool(query.stuck),
        )

    def _require_known(self, query: SearchOrders) -> None:
        for field, known in (
            ("hospital_id", self._catalog.hospital),
            ("district", self._catalog.district_name),
            ("service_type", self._catalog.service_type),
        ):
            code = getattr(query, field)
            if code is not None and known(code) is None:
                raise invalid(field, "没有这个选项")
        if query.caregiver_id is not None and not looks_like_id(query.caregiver_id):
            raise invalid("caregiver_id", "不是有效的陪护人员编号")

    def _item(self, row: Row, alarms: int, refund: dict[str, Any] | None) -> dict[str, Any]:
        service, hospital = (
            self._catalog.service_type(row["service_type"]),
            self._catalog.hospital(row["hospital_id"]),
        )
        caregiver = {"caregiver_id": row["caregiver_id"], "name": row["caregiver_name"]}
        return {
            "order_id": row["order_id"],
            "status": row["status"],
            "status_text": ORDER_STATE_TEXTS[OrderState(row["status"])],
            "version": row["version"],
            "created_at": shanghai_text(row["created_at"]),
            "start_at": shanghai_text(row["start_at"]),
            "end_at": shanghai_text(row["end_at"]),
            "finished_at": shanghai_text(row["finished_at"]),
            "service_type": row["service_type"],
            "service_type_text": service.name if service else row["service_type"],
            "hospital_id": row["hospital_id"],
            "hospital": hospital.name if hospital else row["hospital_id"],
            "district": row["district"],
            "district_text": self._catalog.district_name(row["district"]) or row["district"],
            "is_urgent": row["is_urgent"],
            "amount_fen": row["amount_fen"],
            "patient_name_masked": masked_name(row["patient_name"]),
            "booker": {"user_id": row["user_id"], "phone_masked": mask_phone(row["booker_phone"])},
            "caregiver": caregiver if row["caregiver_id"] is not None else None,
            "refund": refund,
            "open_alarms": alarms,
        }
