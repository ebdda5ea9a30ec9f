"""A cashier for every test of the area."""

import pytest

from tests.unit.billing.cashier import Cashier


@pytest.fixture
def cashier(io_loop, database, clock):
    """Waits for the payer's tap; no route and no courier until a test starts them."""
    cashier = Cashier(database, clock)
    yield cashier
    io_loop.asyncio_loop.run_until_complete(cashier.stop())
