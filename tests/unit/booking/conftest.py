"""A composed product for the use cases of booking."""
import pytest

from tests.invariants import check_invariants
from tests.stage import Stage


@pytest.fixture
def stage(io_loop, peopled, tmp_path):
    """Three caregivers listen; the store is sound when the test ends."""
    run = io_loop.asyncio_loop.run_until_complete
    stage = run(Stage.open(peopled(tmp_path / "stage")))
    run(stage.listen_only(stage.caregivers[:3]))
    yield stage
    run(check_invariants(stage.database))
    run(stage.close())
