"""What is sold and by which numbers: one edition of both."""

from dataclasses import dataclass

from config.policy import Policy
from server.roster.catalog import DEFAULT_CATALOG, Catalog


@dataclass(frozen=True, slots=True)
class Terms:
    """An order keeps the ones that it was booked under."""

    policy: Policy = Policy()
    catalog: Catalog = DEFAULT_CATALOG
