"""The quote: lines in fen that sum exactly to the amount.

contract.md §6, Price. A line's amount is its unit price times its quantity, half up to the fen; the amount
of the order is the sum of the rounded lines. Quantities of hourly lines are hours: bookings begin on
quarter hours and bands change on them, so a quantity is a multiple of 0.25 and exact as a float.
"""
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from config.policy import PriceRules
from server.core.clock import SHANGHAI, shanghai_date
from server.core.errors import Refused
from server.core.money import round_half_up, share_of
from server.roster.catalog import BAND_TEXTS, UNIT_TEXTS, Band, ServiceType


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What a caregiver asks for a service type in a band, per unit."""

    service_type: str
    band: Band
    price_fen: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of an interval that lies in one band."""

    start_at: datetime
    end_at: datetime
    band: Band

    @property
    def minutes(self) -> int:
        return (self.end_at - self.start_at) // timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line as people read it. `band` is None for the urgent line, whose `kind` is "urgent"."""

    kind: str  # "base" | "urgent"
    band: Band | None
    label: str
    quantity: int | float
    unit: str
    unit_text: str
    unit_price_fen: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Price:
    """The whole price of an order, frozen when it is made; `commission_fen + income_fen == amount_fen`."""

    lines: tuple[QuoteLine, ...]
    amount_fen: int
    commission_fen: int
    income_fen: int
    is_urgent: bool


def quote(
    service: ServiceType,
    prices: Mapping[Band, int],
    *,
    start_at: datetime,
    end_at: datetime,
    created_at: datetime,
    rules: PriceRules,
) -> Price:
    """Price an interval with the unit prices of one service type.

    `prices` is a caregiver's (`prices_of`) or the platform's (`base_prices`). Raises Refused
    `not_offered` when there is no day price.
    """
    if Band.DAY not in prices:
        raise Refused("not_offered")
    is_urgent = is_urgent_start(start_at, created_at, rules=rules)
    lines = _base_lines(service, prices, start_at, end_at, rules=rules)
    if is_urgent:
        lines.append(_urgent_line(service, prices[Band.DAY], end_at - start_at, rate_bp=rules.urgent_rate_bp))
    amount_fen = sum(line.amount_fen for line in lines)
    commission_fen, income_fen = split_amount(amount_fen, commission_bp=rules.commission_rate_bp)
    return Price(tuple(lines), amount_fen, commission_fen, income_fen, is_urgent)


def prices_of(rows: Iterable[PriceRow], service_type: str) -> dict[Band, int]:
    """One service type's unit prices by band; empty when it is not sold."""
    return {row.band: row.price_fen for row in rows if row.service_type == service_type}


def base_prices(service: ServiceType) -> dict[Band, int]:
    """What an open request pays: the catalogue's day price, other bands by factor."""
    return {Band.DAY: service.base_price_fen}


def unit_price(prices: Mapping[Band, int], band: Band, *, rules: PriceRules) -> int:
    """The price of a band; a missing row is the day price times the factor, half up to the fen."""
    if band in prices:
        return prices[band]
    rate_bp = {Band.NIGHT: rules.night_rate_bp, Band.HOLIDAY: rules.holiday_rate_bp}[band]
    return share_of(prices[Band.DAY], basis_points=rate_bp)


def split_amount(amount_fen: int, *, commission_bp: int) -> tuple[int, int]:
    """(commission, income) in fen; the commission is half up, the income is the rest."""
    commission_fen = share_of(amount_fen, basis_points=commission_bp)
    return commission_fen, amount_fen - commission_fen


def is_urgent_start(start_at: datetime, created_at: datetime, *, rules: PriceRules) -> bool:
    """Starting within the threshold of creation, the border included."""
    return start_at - created_at <= timedelta(minutes=rules.urgent_within_min)


def band_at(instant: datetime, *, rules: PriceRules) -> Band:
    """The band of an instant on the Shanghai calendar; holiday beats night."""
    local = instant.astimezone(SHANGHAI)
    if local.date() in rules.holidays:
        return Band.HOLIDAY
    return Band.NIGHT if is_night_minute(local.hour * 60 + local.minute, rules=rules) else Band.DAY


def is_night_minute(minute: int, *, rules: PriceRules) -> bool:
    """Whether a minute of the day lies in the night, which may go over midnight."""
    starts, ends = rules.night_starts_at_min, rules.night_ends_at_min
    if starts <= ends:
        return starts <= minute < ends
    return minute >= starts or minute < ends


def band_segments(start_at: datetime, end_at: datetime, *, rules: PriceRules) -> list[Segment]:
    """The interval split where its band changes, in order; neighbours differ in band."""
    segments: list[Segment] = []
    borders = [start_at, *_borders_within(start_at, end_at, rules=rules), end_at]
    for begins, ends in zip(borders, borders[1:], strict=False):
        band = band_at(begins, rules=rules)
        if segments and segments[-1].band is band:
            segments[-1] = Segment(segments[-1].start_at, ends, band)
        else:
            segments.append(Segment(begins, ends, band))
    return segments


def _borders_within(start_at: datetime, end_at: datetime, *, rules: PriceRules) -> list[datetime]:
    """Where the band may change: midnights (holidays), the beginnings and ends of nights."""
    midnight = datetime.combine(shanghai_date(start_at), time(), SHANGHAI)
    minutes = sorted({0, rules.night_ends_at_min, rules.night_starts_at_min})
    borders = []
    while midnight < end_at:
        borders += [midnight + timedelta(minutes=minute) for minute in minutes]
        midnight += timedelta(days=1)
    return [border for border in borders if start_at < border < end_at]


def _base_lines(
    service: ServiceType, prices: Mapping[Band, int], start_at: datetime, end_at: datetime, *, rules: PriceRules
) -> list[QuoteLine]:
    if service.duration_min is not None:
        band = band_at(start_at, rules=rules)
        price_fen = unit_price(prices, band, rules=rules)
        return [_line("base", band, f"{service.name}（{BAND_TEXTS[band]}）", 1, service.unit, price_fen, price_fen)]
    lines = []
    for segment in band_segments(start_at, end_at, rules=rules):
        price_fen = unit_price(prices, segment.band, rules=rules)
        span = f"{_clock(segment.start_at)}-{_clock(segment.end_at)}"
        label = f"{service.name}（{BAND_TEXTS[segment.band]} {span}）"
        amount_fen = round_half_up(price_fen * segment.minutes, 60)
        hours = segment.minutes // 60 if segment.minutes % 60 == 0 else segment.minutes / 60
        lines.append(_line("base", segment.band, label, hours, service.unit, price_fen, amount_fen))
    return lines


def _urgent_line(service: ServiceType, day_price_fen: int, length: timedelta, *, rate_bp: int) -> QuoteLine:
    """A share of the whole interval at day price, whatever bands it lies in."""
    minutes = length // timedelta(minutes=1) if service.duration_min is None else 60
    amount_fen = round_half_up(day_price_fen * minutes * rate_bp, 60 * 10_000)
    label = f"紧急预约加收（日间价的{rate_bp / 100:g}%）"
    return _line("urgent", None, label, 1, "visit", amount_fen, amount_fen)


def _line(
    kind: str, band: Band | None, label: str, quantity: int | float, unit: str, price_fen: int, amount_fen: int
) -> QuoteLine:
    return QuoteLine(kind, band, label, quantity, unit, UNIT_TEXTS[unit], price_fen, amount_fen)


def _clock(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).strftime("%H:%M")
