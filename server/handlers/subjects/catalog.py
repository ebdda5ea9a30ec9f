"""What can be booked and where: GET /api/catalog."""

from functools import lru_cache
from typing import Any

from config.fields import Query
from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_text
from server.core.in_force import InForce
from server.core.operation import ANYONE, Operation
from server.roster.catalog import UNIT_TEXTS, Catalog, Named
from server.roster.terms import Terms


class ReadCatalog(Query):
    """No parameters."""


def catalog_operations(terms: InForce[Terms], *, clock: BusinessClock) -> list[Operation]:
    """`now` is business time: what pages set their countdowns by."""
    answer = lru_cache(4)(_answer)  # few editions, many who ask

    async def read_catalog(call: Call, command: ReadCatalog) -> dict[str, Any]:
        return {"now": shanghai_text(clock.now()), **answer(terms.now.catalog)}

    return [Operation("GET", "/api/catalog", ReadCatalog, read_catalog, ANYONE, "服务类型、城区、技能、科室和医院")]


def _answer(catalog: Catalog) -> dict[str, Any]:
    return {
        "service_types": [
            {
                "code": service.code,
                "name": service.name,
                "unit": service.unit,
                "unit_text": UNIT_TEXTS[service.unit],
                "duration_min": service.duration_min,
                "base_price_fen": service.base_price_fen,
                "min_price_fen": service.min_price_fen,
                "max_price_fen": service.max_price_fen,
                "scope": service.scope,
                "forbidden": list(service.forbidden),
            }
            for service in catalog.service_types
        ],
        "districts": _named(catalog.districts),
        "skills": _named(catalog.skills),
        "departments": _named(catalog.departments),
        "hospitals": [
            {
                "hospital_id": hospital.hospital_id,
                "name": hospital.name,
                "district": hospital.district,
                "district_text": catalog.district_name(hospital.district),
                "lat": hospital.lat,
                "lng": hospital.lng,
            }
            for hospital in catalog.hospitals
        ],
    }


def _named(entries: tuple[Named, ...]) -> list[dict[str, str]]:
    return [{"code": entry.code, "name": entry.name} for entry in entries]
