"""Orders that stand still, for an alarm."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select

from config.policy import AlarmRules
from server.booking.rules.states import OrderState
from server.core.clock import SHANGHAI
from server.storage.tables.booking import t_order
from server.storage.transaction import Transaction

_AT_ONCE = 100
_order = t_order.c
Condition = Callable[[AlarmRules, datetime], tuple[ColumnElement[bool], ...]]


@dataclass(frozen=True, slots=True)
class Stuck:
    """An order in trouble, for `jobs.alarms`; the order is the subject."""

    subject: str
    order_id: str
    text: str


class StuckOrders:
    """One kind of trouble; `rules()` are the numbers in force."""

    def __init__(self, kind: str, condition: Condition, words: str, *, rules: Callable[[], AlarmRules]) -> None:
        self.kind = kind
        self._condition = condition
        self._words = words
        self._rules = rules

    async def begun(self, tx: Transaction, *, at: datetime, besides: Collection[str]) -> Iterable[Stuck]:
        """The earliest visits first, a hundred at most."""
        here = (*self._condition(self._rules(), at), _order.order_id.not_in(besides))
        wanted = select(_order.order_id, _order.start_at, _order.end_at).where(*here)
        rows = await tx.all(wanted.order_by(_order.start_at, _order.order_id).limit(_AT_ONCE))
        return [self._stuck(row) for row in rows]

    async def still(self, tx: Transaction, *, at: datetime, among: Collection[str]) -> set[str]:
        here = (*self._condition(self._rules(), at), _order.order_id.in_(among))
        return {row["order_id"] for row in await tx.all(select(_order.order_id).where(*here))}

    def _stuck(self, row: Any) -> Stuck:
        spoken = self._words.format(start=_moment(row["start_at"]), end=_moment(row["end_at"]))
        return Stuck(row["order_id"], row["order_id"], spoken)


def stuck_orders(*, rules: Callable[[], AlarmRules]) -> list[StuckOrders]:
    """Every kind."""
    return [
        StuckOrders("unaccepted_near_start", _unaccepted, "订单将于{start}开始，仍无人接单", rules=rules),
        StuckOrders("not_started", _not_started, "订单应于{start}开始，陪护人员尚未开始服务", rules=rules),
        StuckOrders("overrun", _overrun, "服务应于{end}结束，陪护人员尚未结束服务", rules=rules),
    ]


def _unaccepted(rules: AlarmRules, at: datetime) -> tuple[ColumnElement[bool], ...]:
    soon = at + timedelta(minutes=rules.near_start_min)
    return _order.status == OrderState.PAID.value, _order.start_at <= soon


def _not_started(rules: AlarmRules, at: datetime) -> tuple[ColumnElement[bool], ...]:
    late = at - timedelta(minutes=rules.not_started_min)
    return _order.status == OrderState.AWAITING_SERVICE.value, _order.start_at <= late


def _overrun(rules: AlarmRules, at: datetime) -> tuple[ColumnElement[bool], ...]:
    late = at - timedelta(minutes=rules.overrun_min)
    return _order.status == OrderState.IN_SERVICE.value, _order.finished_at.is_(None), _order.end_at <= late


def _moment(instant: datetime) -> str:
    local = instant.astimezone(SHANGHAI)
    return f"{local.month}月{local.day}日{local:%H:%M}"
