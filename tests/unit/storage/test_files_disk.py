"""Files in a directory: nothing half, nothing outside."""
import errno
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.core.errors import Unavailable
from server.storage.files import disk
from server.storage.files.disk import DiskFiles


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "files"


@pytest.fixture
def files(directory):
    with ThreadPoolExecutor(1) as executor:
        yield DiskFiles(directory=directory, executor=executor)


def _every_file(directory):
    return sorted(path for path in directory.rglob("*") if path.is_file())


async def test_a_store_that_was_only_made_has_touched_nothing(files, directory):
    assert not directory.exists()


async def test_a_file_is_readable_by_its_owner_only(files, directory):
    await files.put(b"secret")
    [path] = _every_file(directory)
    assert path.stat().st_mode & 0o077 == 0


async def test_a_full_disk_is_unavailable_and_leaves_nothing(files, directory, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(Unavailable):
        await files.put(b"x")
    assert _every_file(directory) == []


async def test_what_an_interrupted_put_left_is_swept_when_it_is_old(files, directory):
    key = await files.put(b"x")
    left = directory / "incoming" / "abandoned"
    left.write_bytes(b"half")
    assert await files.sweep(older_than_s=3_600) == 0
    os.utime(left, (0, 0))
    assert await files.sweep(older_than_s=3_600) == 1
    assert [path.name for path in _every_file(directory)] == [key]


async def test_a_sweep_before_the_first_file_finds_nothing(files):
    assert await files.sweep(older_than_s=0) == 0
