"""Instances with different secrets find out about each other."""

import asyncio

from sqlalchemy import select

from server.storage.agreement import exchange, strange_secrets
from server.storage.tables.system import cluster_secret

_OURS = {"jwt_secret": "j" * 32, "field_key": "f" * 32}


async def test_the_first_instance_leaves_its_mark_and_equal_ones_agree(database):
    assert await strange_secrets(database, _OURS) == []
    assert await strange_secrets(database, _OURS) == []


async def test_another_secret_is_named(database):
    await strange_secrets(database, _OURS)
    assert await strange_secrets(database, _OURS | {"jwt_secret": "x" * 32}) == ["jwt_secret"]
    assert await strange_secrets(database, {name: "y" * 40 for name in _OURS}) == ["field_key", "jwt_secret"]


async def test_of_instances_that_start_together_the_odd_one_is_found(database):
    odd = _OURS | {"field_key": "o" * 32}
    found = await asyncio.gather(*(strange_secrets(database, one) for one in (_OURS, _OURS, odd)))
    assert sorted(found) in ([[], [], ["field_key"]], [[], ["field_key"], ["field_key"]])


async def test_a_secret_is_exchanged_on_purpose(database):
    await strange_secrets(database, _OURS)
    new = _OURS | {"jwt_secret": "n" * 32}
    await exchange(database, "jwt_secret", new["jwt_secret"])
    assert await strange_secrets(database, new) == []
    assert await strange_secrets(database, _OURS) == ["jwt_secret"]


async def test_a_secret_is_set_before_any_instance_ran(database):
    await exchange(database, "jwt_secret", "n" * 32)
    assert await strange_secrets(database, _OURS) == ["jwt_secret"]


async def test_no_secret_stands_in_the_database(database):
    await strange_secrets(database, _OURS)
    async with database.read() as tx:
        rows = await tx.all(select(cluster_secret))
    assert {row["name"] for row in rows} == set(_OURS)
    assert not any(secret in row["fingerprint"] for row in rows for secret in _OURS.values())
    assert len({row["fingerprint"] for row in rows}) == 2
