"""Which visit an order was, for lists about something else."""

from collections.abc import Collection
from typing import Any

from server.booking.orders import queries_naming
from server.core.clock import shanghai_text
from server.roster.catalog import Catalog
from server.storage.transaction import Row, Transaction


class Captions:
    """Names visits by what was done and when, never by whom for."""

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    async def captions(self, tx: Transaction, order_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """{"service_type", "service_type_text", "start_at"} of each of the orders."""
        if not order_ids:
            return {}
        rows = await queries_naming.services_of(tx, order_ids)
        return {row["order_id"]: self._caption(row) for row in rows}

    def _caption(self, order: Row) -> dict[str, Any]:
        service = self._catalog.service_type(order["service_type"])
        return {
            "service_type": order["service_type"],
            "service_type_text": service.name if service else order["service_type"],
            "start_at": shanghai_text(order["start_at"]),
        }
