"""A first start that is cut short is begun anew."""
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fault.people import Site
from tests.fault.server_process import ServerProcess, free_port, until

_CAREGIVERS = 12
_ARRIVES_WITHIN_S = 60.0


def _said(server: ServerProcess, words: str) -> bool:
    return words in server.log.read_text(encoding="utf-8", errors="replace")


MOMENTS: dict[str, Callable[[ServerProcess], object]] = {
    "the first secret": lambda server: (server.data_dir / "jwt_secret").exists(),
    "the database file": lambda server: server.store.exists(),
    "the schema": lambda server: _said(server, "planting"),
    "a picture": lambda server: any((server.data_dir / "files").glob("*/*")),
}


@pytest.mark.slow
async def test_a_first_start_survives_a_death_after_every_step(tmp_path: Path):
    server = ServerProcess(tmp_path / "data", port=free_port(), log=tmp_path / "server.log")
    site = Site(server.url)
    try:
        for name, has_come in MOMENTS.items():
            server.start()
            await until(lambda come=has_come: come(server), within_s=_ARRIVES_WITHIN_S, what=name)
            server.kill()
        server.start()
        await server.ready(within_s=_ARRIVES_WITHIN_S)
        accounts = await site.data("GET", "/sandbox/accounts")
        family = next(account for account in accounts if account["user_type"] == "patient")
        login = {"phone": family["phone"], "password": family["password"]}
        token = (await site.data("POST", "/api/user/login", body=login))["token"]
        found = await site.data("GET", "/api/caregiver/query?limit=100", token=token)
    finally:
        server.put_away()
        site.close()
    assert sum(account["user_type"] == "caregiver" for account in accounts) >= _CAREGIVERS
    assert len(found["items"]) >= _CAREGIVERS
