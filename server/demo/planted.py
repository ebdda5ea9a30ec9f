"""Which of the demo world's people are in a store."""

from dataclasses import asdict
from typing import Any

from server.core.clock import server_now, shanghai_date
from server.demo.world import describe_world
from server.identity.store import find_by_phone
from server.roster.catalog import Catalog
from server.storage.sql import Database


async def planted_accounts(database: Database, catalog: Catalog) -> list[dict[str, Any]]:
    """The accounts as `/sandbox/accounts` shows them; empty when the demo world was never planted."""
    accounts = describe_world(catalog, today=shanghai_date(server_now())).accounts()
    async with database.read() as tx:
        found = {account.phone: await find_by_phone(tx, account.phone) for account in accounts}
    return [
        {"user_id": row["user_id"], **asdict(account)}
        for account in accounts
        if (row := found[account.phone]) is not None
    ]
