"""A composed product for what happens without a request."""
import pytest

from tests.stage import Stage


@pytest.fixture
def stage(io_loop, peopled, tmp_path):
    """Three caregivers listen; their store is new."""
    run = io_loop.asyncio_loop.run_until_complete
    stage = run(Stage.open(peopled(tmp_path / "stage")))
    run(stage.listen_only(stage.caregivers[:3]))
    yield stage
    run(stage.close())
