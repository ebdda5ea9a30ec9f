"""A store that has everything."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import make_url

from server.core.progress import Silent
from server.demo.planting import Planter
from server.storage.files.disk import DiskFiles
from server.upkeep.sql.opening import SqlStore
from tests.migration.fullness import fill_empty_tables


@pytest.fixture
def full(database, store_url, tmp_path, io_loop):
    """A store with a generated world, and a row wherever that has none."""

    async def fill():
        with ThreadPoolExecutor(1) as executor:
            planter = Planter(database=database, files=DiskFiles(directory=tmp_path / "files", executor=executor))
            await planter.plant_generated(caregivers=4, orders=60, seed=3, progress=Silent())
        await database.close()

    io_loop.asyncio_loop.run_until_complete(fill())
    store = SqlStore(url=make_url(store_url))
    with store.connected() as connection:
        assert fill_empty_tables(connection)
    return store
