"""What every file store promises."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.core.ids import new_id
from server.storage.files.disk import DiskFiles
from server.storage.files.gridfs import GridFsFiles
from server.storage.files.port import MissingFile


def on_disk(request, executor):
    return DiskFiles(directory=request.getfixturevalue("tmp_path") / "files", executor=executor)


def in_gridfs(request, _executor):
    return GridFsFiles(mongo=request.getfixturevalue("mongo"))


@pytest.fixture(params=[on_disk, pytest.param(in_gridfs, marks=pytest.mark.services)])
def files(request):
    with ThreadPoolExecutor(2) as executor:
        yield request.param(request, executor)


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


async def test_what_was_kept_that_long_is_told_and_what_is_younger_is_not(files):
    keys = {await files.put(b"x") for _ in range(30)}
    assert {key async for some in files.aged(older_than_s=-1) for key in some} == keys
    assert [some async for some in files.aged(older_than_s=60)] == []


async def _given(*pieces):
    for piece in pieces:
        yield piece


async def test_bytes_come_in_pieces_too(files):
    content = bytes(range(256)) * 4_000
    pieces = [piece async for piece in files.pieces(await files.put(content))]
    assert b"".join(pieces) == content
    assert len(pieces) > 1
    for key in (new_id(), "../../etc/passwd"):
        with pytest.raises(MissingFile):
            [piece async for piece in files.pieces(key)]


async def test_bytes_are_kept_under_the_key_that_they_had(files):
    key = new_id()
    await files.keep(key, _given(b"from ", b"a backup"))
    await files.keep(key, _given(b"from ", b"a later one"))
    assert await files.open(key) == b"from a later one"
    with pytest.raises(ValueError, match="none of ours"):
        await files.keep("../../etc/passwd", _given(b"x"))


async def test_a_file_that_breaks_off_is_not_kept(files):
    async def broken():
        yield b"half"
        raise ConnectionError

    key = new_id()
    with pytest.raises(ConnectionError):
        await files.keep(key, broken())
    with pytest.raises(MissingFile):
        await files.open(key)
