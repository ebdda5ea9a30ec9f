"""The catalogue and the day on which the demo's people live."""
from datetime import date

import pytest

from server.roster.catalog import DEFAULT_CATALOG, Catalog


@pytest.fixture
def market() -> Catalog:
    return DEFAULT_CATALOG


@pytest.fixture
def today() -> date:
    return date(2026, 11, 22)
