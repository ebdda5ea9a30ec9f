"""A store with people and orders, what backs it up, and what restores it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy.engine import make_url

from server.core.progress import Silent
from server.demo.planting import Planter
from server.storage.agreement import fingerprint
from server.storage.files.disk import DiskFiles
from server.upkeep.archive.records import ArchiveReader
from server.upkeep.backing_up import Backup, Owner, Secret
from server.upkeep.restoring import Restore
from server.upkeep.sql.opening import SqlStore
from server.upkeep.sql.targets import target_for

AT = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def secret(keys):
    return Secret(key=b"k" * 32, called="field key")


@pytest.fixture
def files(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        yield DiskFiles(directory=tmp_path / "files", executor=executor)


@pytest.fixture
def store(store_url):
    return SqlStore(url=make_url(store_url))


@pytest.fixture
def other(tmp_path):
    """A place where nothing is yet."""
    return SqlStore(url=make_url(f"sqlite+aiosqlite:///{tmp_path / 'other' / 'peihu.db'}"))


@pytest.fixture
def plant(database, files):
    """Fills the store with people and orders."""

    async def plant(*, caregivers=4, orders=60):
        planter = Planter(database=database, files=files)
        await planter.plant_generated(caregivers=caregivers, orders=orders, seed=3, progress=Silent())

    return plant


@pytest.fixture
def back_up(store, files, secret, keys, tmp_path):
    """Writes an archive and gives what was made."""

    async def back_up(name="archive.peihu", *, of=None):
        owner = Owner(tool="test", sealed_with=keys.key_id, field_key_print=fingerprint("field_key", "k" * 32))
        backup = Backup(store=of or store, files=files, secret=secret, owner=owner, progress=Silent())
        return await backup.write(tmp_path / name, at=AT)

    return back_up


@pytest.fixture
def restore(files, secret, keys):
    async def restore(path, into, *, replace=False, key=None, sealed_with=None):
        archive = ArchiveReader(path, secret=key or secret.key)
        work = Restore(archive, name=path.name, sealed_with=sealed_with or keys.key_id, progress=Silent())
        return await work.into(target_for(into), files, replace=replace)

    return restore
