"""SQLite without room undoes a group: nobody hears a false yes."""
import asyncio

import pytest
from sqlalchemy import insert, select, text

from server.core.clock import server_now
from server.core.errors import Unavailable
from server.storage.tables.system import ops_alarm

_SMALL, _LARGE = "x", "x" * 4_000_000


def _alarm(name: str, words: str):
    row = {"alarm_id": name, "kind": "test", "text": words, "once_key": name, "raised_at": server_now()}

    async def body(tx) -> str:
        await tx.run(insert(ops_alarm).values(**row))
        return name

    return body


async def _limit_pages(database, count: int) -> None:
    await database.write(lambda tx: tx.value(text(f"PRAGMA max_page_count = {count}")))


async def _write_together(database, sizes: dict[str, str]) -> set[str]:
    """The names that were acknowledged."""
    outcomes = await asyncio.gather(
        *(database.write(_alarm(name, words)) for name, words in sizes.items()), return_exceptions=True
    )
    assert all(isinstance(outcome, str | Unavailable) for outcome in outcomes), outcomes
    return {outcome for outcome in outcomes if isinstance(outcome, str)}


async def _stored(database) -> set[str]:
    async with database.read() as tx:
        return {row["alarm_id"] for row in await tx.all(select(ops_alarm.c.alarm_id))}


@pytest.mark.expects_warnings
async def test_what_was_written_together_with_too_much_is_acknowledged_only_if_it_is_there(database):
    await database.write(_alarm("first", _SMALL))
    await _limit_pages(database, 1)  # SQLite takes the present size for less
    together = {"before": _SMALL, "too much": _LARGE, "after": _SMALL, "last": _SMALL}
    told = await _write_together(database, together)
    assert "too much" not in told
    assert await _stored(database) == {"first"} | told


@pytest.mark.expects_warnings
async def test_a_store_takes_writes_again_when_there_is_room(database):
    await _limit_pages(database, 1)
    assert await _write_together(database, {"too much": _LARGE}) == set()
    await _limit_pages(database, 1_000_000)
    assert await _write_together(database, {"too much": _LARGE, "small": _SMALL}) == {"too much", "small"}
    assert await _stored(database) == {"too much", "small"}
