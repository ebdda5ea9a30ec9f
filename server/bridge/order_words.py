"""An order in the words of notices."""

from datetime import datetime
from typing import Any

from server.booking.orders.queries import order_with_people
from server.core.clock import SHANGHAI
from server.roster.catalog import Catalog
from server.storage.transaction import Row, Transaction

_WEEKDAYS = "一二三四五六日"


class OrderWords:
    """Fills the variables that notices about orders share."""

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    async def params(self, tx: Transaction, order_id: str) -> dict[str, Any]:
        """`patient_name`, `service_name`, `caregiver_name`, `hospital_name`, `start_text`, `period`."""
        order = await order_with_people(tx, order_id)
        assert order is not None
        service = self._catalog.service_type(order["service_type"])
        hospital = self._catalog.hospital(order["hospital_id"])
        return {
            "patient_name": order["patient_name"],
            "service_name": service.name if service else order["service_type"],
            "caregiver_name": order["caregiver_name"] or "陪护人员",
            "hospital_name": hospital.name if hospital else order["hospital_id"],
            "start_text": _span(order),
            "period": _period(order),
        }


def moment(instant: datetime) -> str:
    local = instant.astimezone(SHANGHAI)
    return f"{local.month}月{local.day}日（周{_WEEKDAYS[local.weekday()]}）{local:%H:%M}"


def _period(order: Row) -> str:
    """As WeChat's fields for times want it; no sentence of ours uses it."""
    start, end = (order[name].astimezone(SHANGHAI) for name in ("start_at", "end_at"))
    return f"{start.year}年{start.month}月{start.day}日 {start:%H:%M}~{end.year}年{end.month}月{end.day}日 {end:%H:%M}"


def _span(order: Row) -> str:
    """The day is said once, unless the visit ends on another."""
    start, end = (order[name].astimezone(SHANGHAI) for name in ("start_at", "end_at"))
    return f"{moment(start)}至{f'{end:%H:%M}' if start.date() == end.date() else moment(end)}"
