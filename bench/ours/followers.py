"""Thousands of accounts with logins, planted before a start.

An order has at most 21 relatives, so what thousands follow together is followed by administrators. Accounts
and logins are rows as `run.py demo` writes them; the tokens are made by the server's own issuer with the
server's own key, and every connect checks them and reads the login like any other.
"""

import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from config.load import load_settings, prepare_data_dir, with_secrets
from config.settings import Settings
from server.app import build_app
from server.core.clock import server_now, shanghai_date
from server.core.ids import new_id
from server.demo.planting import Planter
from server.demo.rows import PeopleRows
from server.identity.tokens import AccessTokens, SigningKeys
from server.outside import database_url
from server.storage.migrate import migrate
from server.storage.tables.identity import login

_ROWS_AT_ONCE = 1_000
_LOGIN_LIVES = timedelta(days=30)
_NOWHERE = "http://127.0.0.1:0"


@dataclass(frozen=True, slots=True)
class Follower:
    """One account and its only login."""

    user_id: str
    login_id: str


class Followers:
    """Planted into a fresh data directory; afterwards `tokens()` are good for 15 minutes."""

    def __init__(self, data_dir: Path, *, count: int) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PEIHU_")}
        settings = load_settings(None, environment | {"PEIHU_DATA_DIR": str(data_dir)})
        prepare_data_dir(settings)
        self._settings = with_secrets(settings)
        self.all = asyncio.run(_plant(self._settings, count))

    def tokens(self) -> list[str]:
        """One for each, issued now."""
        issuer, now = AccessTokens(keys=SigningKeys(self._settings.jwt_secret)), server_now()
        return [
            issuer.issue(user_id=one.user_id, user_type="admin", login_id=one.login_id, now=now) for one in self.all
        ]

    @property
    def service_key(self) -> str:
        """What other services of the owner's show to send notices."""
        return self._settings.service_key


async def _plant(settings: Settings, count: int) -> list[Follower]:
    await asyncio.to_thread(migrate, database_url(settings))
    peihu = build_app(settings, base_url=_NOWHERE)
    database = peihu.base.database
    rows = PeopleRows(keys=database.keys, password_hash="!", world="bench")  # nobody logs in by password
    planted: list[Follower] = []
    try:
        await Planter(database=database, files=peihu.base.files).plant_small()
        for start in range(0, count, _ROWS_AT_ONCE):
            numbers = range(start, min(start + _ROWS_AT_ONCE, count))
            planted += await database.write(lambda tx, numbers=numbers: _write(tx, rows, numbers))
    finally:
        await peihu.close()
    return planted


async def _write(tx, rows: PeopleRows, numbers: range) -> list[Follower]:
    now = server_now()
    tables: dict[object, list[dict[str, object]]] = {}
    followers = []
    for number in numbers:
        phone, today = f"170{number:08d}", shanghai_date(now)
        for table, row in rows.account("admin", f"值班{number}", phone, today):
            tables.setdefault(table, []).append(row)
        follower = Follower(rows.user_id(phone, today), new_id())
        followers.append(follower)
        tables.setdefault(login, []).append({
            "login_id": follower.login_id, "user_id": follower.user_id, "refresh_hash": new_id(), "created_at": now,
            "expires_at": now + _LOGIN_LIVES,
        })  # fmt: skip
    for table, batch in tables.items():
        await tx.run(table.insert(), batch)
    return followers
