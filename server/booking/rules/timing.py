"""When a visit may be booked, paid for and started.

contract.md §6, Time. Intervals are half-open; instants are aware.
"""
from datetime import datetime, time, timedelta

from config.policy import PriceRules, TimeRules
from server.core.clock import SHANGHAI, shanghai_date
from server.core.errors import Refused
from server.roster.catalog import ServiceType
from server.roster.hours import overlaps


def check_interval(
    service: ServiceType, *, start_at: datetime, end_at: datetime, now: datetime, rules: TimeRules
) -> None:
    """Refuse what cannot be booked: `off_grid`, `invalid_duration`, `too_soon`, `too_far_ahead`.

    The shape of the interval is judged before its place in time, so that a client with a stopped clock
    learns first what it will have to change anyway.
    """
    grid = rules.grid_min
    if not (_on_grid(start_at, grid_min=grid) and _on_grid(end_at, grid_min=grid)):
        raise Refused("off_grid", f"开始和结束时间须为{grid}分钟的整数倍")
    if not service.allows_duration((end_at - start_at) // timedelta(minutes=1)):
        raise Refused("invalid_duration", _duration_message(service))
    if start_at < earliest_start(now, rules=rules):
        raise Refused("too_soon", f"最早只能预约{rules.lead_min}分钟以后的服务")
    if start_at > latest_start(now, rules=rules):
        raise Refused("too_far_ahead", f"最多只能提前{rules.horizon_days}天预约")


def earliest_start(now: datetime, *, rules: TimeRules) -> datetime:
    return now + timedelta(minutes=rules.lead_min)


def latest_start(now: datetime, *, rules: TimeRules) -> datetime:
    return now + timedelta(days=rules.horizon_days)


def pay_deadline(created_at: datetime, *, rules: TimeRules) -> datetime:
    return created_at + timedelta(minutes=rules.pay_within_min)


def in_start_window(now: datetime, *, start_at: datetime, end_at: datetime, rules: TimeRules) -> bool:
    """From 30 min before `start_at` until `end_at`; at `end_at` nothing is left to start."""
    return start_at - timedelta(minutes=rules.start_window_min) <= now < end_at


def touches_night(start_at: datetime, end_at: datetime, *, rules: PriceRules) -> bool:
    """Whether any part lies in the night, holiday or not: it is about sleep, not about money."""
    starts, ends = rules.night_starts_at_min, rules.night_ends_at_min
    if starts == ends:
        return False
    night_min = ends - starts if ends > starts else ends + 1_440 - starts
    first_midnight = datetime.combine(shanghai_date(start_at) - timedelta(days=1), time(), SHANGHAI)
    days = (end_at - first_midnight) // timedelta(days=1) + 1
    for day in range(days):
        night_starts = first_midnight + timedelta(days=day, minutes=starts)
        if overlaps((start_at, end_at), (night_starts, night_starts + timedelta(minutes=night_min))):
            return True
    return False


def _on_grid(instant: datetime, *, grid_min: int) -> bool:
    local = instant.astimezone(SHANGHAI)
    return local.minute % grid_min == 0 and local.second == 0 and local.microsecond == 0


def _duration_message(service: ServiceType) -> str:
    if service.duration_min is None:
        return f"{service.name}须为1至12个整小时"
    return f"{service.name}的时长固定为{service.duration_min}分钟"
