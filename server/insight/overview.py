"""The administrators' first page, and what its numbers mean.

Today, what waits, and the last days; days are Shanghai's. The API page tells the same to who reads it there.
- Orders of a day: created in it, counted by how they stand now. Live orders: all that are not over.
- Income of a day, from the ledger: gross is the money that arrived at the providers, refunds the money that went
  back from there, commission what the platform earned less what it gave up. Unpaid orders count nowhere.
- Caregivers: approved are those who may serve today (papers approved and valid, not banned); listening are those of
  them who take offers; connected are the accounts of caregivers that hold a socket, summed over the instances.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.core.call import Call
from server.core.clock import BusinessClock, shanghai_date, shanghai_midnight, shanghai_text
from server.insight import queries_overview as queries
from server.insight.commands import ReadOverview
from server.insight.crowd import connected_caregivers
from server.storage.sql import Database
from server.storage.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The Chinese beside codes, from the areas that own them; names answer None for unknown codes."""

    order_states: Mapping[str, str]
    user_types: Mapping[str, str]
    service_name: Callable[[str], str | None]
    district_name: Callable[[str], str | None]


class Overview:
    """Reads one snapshot.

    `open_alarms(tx)` are how many stand open and the latest of them; the accounts are the ledger's.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: BusinessClock,
        words: Words,
        cash_account: str,
        commission_account: str,
        open_alarms: Callable[[Transaction], Awaitable[dict[str, Any]]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._words = words
        self._accounts = (cash_account, commission_account)
        self._open_alarms = open_alarms

    async def read_overview(self, call: Call, query: ReadOverview) -> dict[str, Any]:
        """Today's figures and those of the last `days` days, today included."""
        now = self._clock.now()
        borders = _borders(now, days=query.days)
        async with self._database.read() as tx:
            orders = await queries.orders_a_day(tx, borders)
            cash, commission = await self._money(tx, borders)
            return {
                "at": shanghai_text(now),
                "day": shanghai_date(now).isoformat(),
                "orders": {
                    "created": sum(row["orders"] for row in orders if row["day"] == query.days - 1),
                    "by_status": self._by_status(orders, day=query.days - 1),
                    "live": self._live(await queries.live_orders(tx)),
                },
                "income": _income(cash[-1], commission[-1]),
                "users": await self._users(tx, since=borders[-2]),
                "caregivers": await self._caregivers(tx, now),
                "alarms": await self._open_alarms(tx),
                "waiting": await queries.waiting_work(tx),
                "series": {
                    "days": query.days,
                    "daily": _daily(borders, orders, cash, commission),
                    "by_service_type": await self._by(tx, "service_type", self._words.service_name, borders),
                    "by_district": await self._by(tx, "district", self._words.district_name, borders),
                },
            }

    async def _money(self, tx: Transaction, borders: list[datetime]) -> tuple[list[Any], list[Any]]:
        """For each day (in, out) of the cash account and of the commission."""
        found = []
        for account in self._accounts:
            by_day = {row["day"]: row for row in await queries.money_a_day(tx, account, borders)}
            days = [by_day.get(number) for number in range(len(borders) - 1)]
            found.append([(int(row["plus_fen"]), int(row["minus_fen"])) if row else (0, 0) for row in days])
        return found[0], found[1]

    def _by_status(self, orders: list[Any], *, day: int) -> list[dict[str, Any]]:
        counts = {row["status"]: row["orders"] for row in orders if row["day"] == day}
        return [
            {"status": status, "status_text": text, "count": counts.get(status, 0)}
            for status, text in self._words.order_states.items()
        ]

    def _live(self, counts: dict[str, int]) -> list[dict[str, Any]]:
        texts = self._words.order_states
        return [
            {"status": status, "status_text": texts[status], "count": counts.get(status, 0)}
            for status in texts
            if status not in ("completed", "cancelled")
        ]

    async def _users(self, tx: Transaction, *, since: datetime) -> dict[str, Any]:
        rows = await queries.accounts_by_type(tx, since=since)
        by_type = [
            {
                "user_type": row["user_type"],
                "user_type_text": self._words.user_types[row["user_type"]],
                "total": row["total"],
                "new_today": int(row["new"]),
            }
            for row in rows
        ]
        totals = {name: sum(one[name] for one in by_type) for name in ("total", "new_today")}
        return totals | {"by_type": by_type}

    async def _caregivers(self, tx: Transaction, now: datetime) -> dict[str, int]:
        row = await queries.caregivers(tx, today=shanghai_date(now))
        return {
            "approved": row["approved"],
            "listening": int(row["listening"]),
            "connected": await connected_caregivers(tx),
        }

    async def _by(
        self, tx: Transaction, name: str, word: Callable[[str], str | None], borders: list[datetime]
    ) -> list[dict[str, Any]]:
        return [
            {
                "code": row["code"],
                "name": word(row["code"]) or row["code"],
                "orders": row["orders"],
                "cancelled": int(row["cancelled"]),
            }
            for row in await queries.orders_by(tx, name, borders)
        ]


def _borders(now: datetime, *, days: int) -> list[datetime]:
    """The first instants of the last days, today's last, and of tomorrow."""
    today = shanghai_date(now)
    return [shanghai_midnight(today + timedelta(days=number)) for number in range(1 - days, 2)]


def _income(cash: tuple[int, int], commission: tuple[int, int]) -> dict[str, int]:
    """Commission stands in the ledger as what we owe nobody: earned is its minus side."""
    (gross_fen, refunds_fen), (given_up_fen, earned_fen) = cash, commission
    return {
        "gross_fen": gross_fen,
        "refunds_fen": refunds_fen,
        "net_fen": gross_fen - refunds_fen,
        "commission_fen": earned_fen - given_up_fen,
    }


def _daily(borders: list[datetime], orders: list[Any], cash: list[Any], commission: list[Any]) -> list[dict[str, Any]]:
    days = []
    for number, first in enumerate(borders[:-1]):
        counts = {row["status"]: row["orders"] for row in orders if row["day"] == number}
        day = {
            "day": shanghai_date(first).isoformat(),
            "orders": sum(counts.values()),
            "completed": counts.get("completed", 0),
            "cancelled": counts.get("cancelled", 0),
        }
        days.append(day | _income(cash[number], commission[number]))
    return days
