"""Bytes first, then the row; neither when refused."""
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from server.core.errors import Refused
from server.storage.files.disk import DiskFiles
from server.storage.files.shelf import FileShelf
from tests.stores import make_user


@dataclass(frozen=True)
class Bytes:
    content: bytes
    media_type: str = "image/jpeg"


@pytest.fixture
def shelf(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        yield FileShelf(store=DiskFiles(directory=tmp_path / "files", executor=executor))


def kept(tmp_path):
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


async def test_a_kept_file_is_found_and_read(shelf, database):
    user_id = await make_user(database)
    async with shelf.deposit([Bytes(b"picture")]) as (deposit,):
        file_id = await database.write(
            lambda tx: shelf.keep(tx, user_id=user_id, purpose="photo", encoded=deposit)
        )
    async with database.read() as tx:
        row = await shelf.find(tx, file_id)
        assert await shelf.find(tx, "1 or 1") is None
    assert (row["user_id"], row["purpose"], row["size_bytes"]) == (user_id, "photo", 7)
    assert await shelf.read(row) == b"picture"


async def test_a_refused_change_forgets_the_bytes(shelf, tmp_path):
    with pytest.raises(Refused):
        async with shelf.deposit([Bytes(b"one"), Bytes(b"two")]):
            assert len(kept(tmp_path)) == 2
            raise Refused("wrong_state")
    assert kept(tmp_path) == []


async def test_an_unknown_end_keeps_the_bytes(shelf, tmp_path):
    with pytest.raises(ConnectionError):
        async with shelf.deposit([Bytes(b"one")]):
            raise ConnectionError("during the commit")
    assert len(kept(tmp_path)) == 1


async def test_a_file_is_shown_in_one_order_by_its_owner(shelf, database):
    user_id, other_id = await make_user(database), await make_user(database)
    async with shelf.deposit([Bytes(b"picture")]) as (deposit,):
        file_id = await database.write(
            lambda tx: shelf.keep(tx, user_id=user_id, purpose="chat", encoded=deposit)
        )

    async def show(user_id, order_id, purpose="chat"):
        return await database.write(
            lambda tx: shelf.show_in_order(tx, file_id, user_id=user_id, purpose=purpose, order_id=order_id)
        )

    assert not await show(other_id, "order-1")
    assert not await show(user_id, "order-1", purpose="note")
    assert await show(user_id, "order-1") and await show(user_id, "order-1")
    assert not await show(user_id, "order-2")
