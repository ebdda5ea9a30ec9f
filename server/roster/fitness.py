"""Why a caregiver does not fit a visit, in words.

The same rules as `eligibility.py`, one by one, for the administrator who asks "why not this one?". A hard reason
nobody can overrule; the others say what the caregiver has not offered, and may be agreed on.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.policy import TimeRules
from server.core.clock import shanghai_date
from server.roster import queries_fitness
from server.roster.queries import Buffers, Visit, visit_terms
from server.storage.transaction import Row, Transaction


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One rule that is not met."""

    code: str
    text: str
    is_hard: bool


@dataclass(frozen=True, slots=True)
class Fitness:
    """A caregiver and what stands against a visit; `row` has the caregiver's columns."""

    caregiver_id: str
    row: Row
    obstacles: tuple[Obstacle, ...]


async def fitness_of(
    tx: Transaction,
    order: Row,
    *,
    rules: TimeRules,
    among: Collection[str] | None = None,
    besides: Collection[str] = (),
    limit: int,
) -> list[Fitness]:
    """What stands against an order's visit: of these caregivers, or of those of the district besides some."""
    visit = Visit(**visit_terms(order), buffers=Buffers.of(rules))
    rows = await queries_fitness.read_fitness(tx, visit, among=among, besides=besides, limit=limit)
    return [
        Fitness(row["caregiver_id"], row, obstacles(row, visit, max_day_price_fen=order["day_price_fen"]))
        for row in rows
    ]


def obstacles(row: Any, visit: Visit, *, max_day_price_fen: int) -> tuple[Obstacle, ...]:
    """The rules that are not met, the hard ones first."""
    price_fen = row["day_price_fen"]
    rules = (
        ("not_approved", "资质未通过审核", True, row["qualification_status"] == "approved"),
        ("banned", "账号已停用", True, row["banned_at"] is None),
        ("papers_end", "证件在服务结束前到期", True, _papers_last(row, visit.end_at)),
        ("busy", "该时段已有其他安排", True, not row["is_busy"]),
        ("not_in_district", "服务区域不含该医院所在区", False, row["in_district"]),
        ("not_sold", "未开通该服务类型", False, price_fen is not None),
        ("asks_more", "日间价高于订单的价格", False, price_fen is None or price_fen <= max_day_price_fen),
        ("outside_hours", "不在其服务时间内", False, row["hours_cover"]),
        ("no_night", "不接夜间服务", False, row["accepts_night"] or not visit.needs_night),
        ("no_urgent", "不接紧急订单", False, row["accepts_urgent"] or not visit.needs_urgent),
        ("not_listening", "未开启接单", False, row["listening"]),
    )
    return tuple(Obstacle(code, text, hard) for code, text, hard, is_met in rules if not is_met)


def _papers_last(row: Any, end_at: datetime) -> bool:
    until = row["papers_valid_until"]
    return until is not None and until >= shanghai_date(end_at)
