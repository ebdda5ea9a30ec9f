"""Which caregivers may be asked to do a visit.

The rule is contract.md §6, "Offers": approved, papers valid to the end, not banned, listening (unless
one is named), in the district, sells the type, hours cover the interval, takes night and urgent if
touched, free with buffers, and for an open request asks no more at day price than the base.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.policy import TimeRules
from server.core.clock import shanghai_date
from server.roster import queries
from server.roster.queries import Buffers
from server.storage.transaction import Transaction

_RULES = TimeRules()


@dataclass(frozen=True, slots=True)
class Eligible:
    """One who may be asked, with what a ranking needs; `rating_milli` is None without reviews."""

    caregiver_id: str
    user_id: str
    rating_milli: int | None
    review_count: int
    experience_years: int
    completed_count: int
    recent_offers: int  # opened to this caregiver in the last `recent_h` hours of business time


async def eligible_caregivers(
    tx: Transaction,
    *,
    district: str,
    service_type: str,
    start_at: datetime,
    end_at: datetime,
    needs_night: bool,
    needs_urgent: bool,
    max_day_price_fen: int | None,
    exclude: Collection[str],
    only: str | None,
    now: datetime,
    hospital_id: str | None = None,
    order_id: str | None = None,
    rules: TimeRules = _RULES,
    recent_h: int = 24,
) -> list[Eligible]:
    """All who fit, in the order of their ids; with `only` at most that one, listening or not.

    `max_day_price_fen` is the base price of an open request, None for a named one. `exclude` holds
    caregiver ids. An engagement for `order_id` keeps nobody away from that very order.
    Reads a snapshot: who accepts is still checked under the lock of the caregiver's calendar.
    """
    visit = queries.Visit(
        district=district,
        service_type=service_type,
        start_at=start_at,
        end_at=end_at,
        needs_night=needs_night,
        needs_urgent=needs_urgent,
        hospital_id=hospital_id,
        order_id=order_id,
        buffers=Buffers.of(rules),
    )
    rows = await queries.read_candidates(tx, visit, only=only, max_day_price_fen=max_day_price_fen)
    rows = [row for row in rows if row["caregiver_id"] not in exclude]
    ids, since = [row["caregiver_id"] for row in rows], now - timedelta(hours=recent_h)
    recent = await queries.count_offers(tx, ids, since=since)
    return [Eligible(**row, recent_offers=recent.get(row["caregiver_id"], 0)) for row in rows]


async def may_serve_until(tx: Transaction, caregiver_id: str, end_at: datetime) -> bool:
    """Whether a caregiver is approved, not banned, and has papers that are valid to the end of a visit."""
    return await queries.is_qualified(tx, caregiver_id, until=shanghai_date(end_at))
