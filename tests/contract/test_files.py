"""What every file store promises."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.core.ids import new_id
from server.storage.files.disk import DiskFiles
from server.storage.files.port import MissingFile


@pytest.fixture(params=["disk"])
def files(request, tmp_path):
    with ThreadPoolExecutor(2) as executor:
        yield DiskFiles(directory=tmp_path / "files", executor=executor)


async def test_bytes_come_back_as_they_were_put(files):
    content = bytes(range(256)) * 1_000
    assert await files.open(await files.put(content)) == content


async def test_the_same_bytes_put_twice_have_lives_of_their_own(files):
    first, second = await files.put(b"x"), await files.put(b"x")
    await files.delete(first)
    assert first != second
    assert await files.open(second) == b"x"


async def test_a_deleted_file_is_missing(files):
    key = await files.put(b"x")
    await files.delete(key)
    with pytest.raises(MissingFile):
        await files.open(key)


async def test_deleting_twice_is_no_error(files):
    key = await files.put(b"x")
    await files.delete(key)
    await files.delete(key)


@pytest.mark.parametrize("key", ["", ".", "..", "../../etc/passwd", "/etc/passwd", "con\x00", "０" * 26])
async def test_a_key_that_no_store_made_is_missing(files, key):
    with pytest.raises(MissingFile):
        await files.open(key)
    await files.delete(key)


async def test_an_unknown_key_is_missing(files):
    with pytest.raises(MissingFile):
        await files.open(new_id())


async def test_a_sweep_leaves_whole_files_alone(files):
    key = await files.put(b"x")
    assert await files.sweep(older_than_s=-1) == 0
    assert await files.open(key) == b"x"
