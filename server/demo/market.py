"""Questions that the demo asks of the catalogue.

People are drawn from it, so that they live in districts with hospitals, have skills that can be searched
and ask prices within the bounds.
"""
from server.roster.catalog import Catalog, Hospital, Named, ServiceType


def hospitals_in(market: Catalog, district: str) -> tuple[Hospital, ...]:
    """The hospitals of a district, in the catalogue's order."""
    return tuple(hospital for hospital in market.hospitals if hospital.district == district)


def served_districts(market: Catalog) -> tuple[Named, ...]:
    """Districts that have a hospital at all, in the catalogue's order."""
    served = {hospital.district for hospital in market.hospitals}
    return tuple(district for district in market.districts if district.code in served)


def service_named(market: Catalog, code: str) -> ServiceType:
    """A service type that is known to exist."""
    service = market.service_type(code)
    if service is None:
        raise ValueError(f"the catalogue has no service type {code}")
    return service
