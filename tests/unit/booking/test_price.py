"""The quote: worked examples of the contract, and what holds for all."""
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy import PriceRules
from server.booking.rules.price import (
    PriceRow,
    band_at,
    band_segments,
    base_prices,
    is_urgent_start,
    prices_of,
    quote,
    split_amount,
)
from server.core.clock import SHANGHAI
from server.core.errors import Refused
from server.core.money import round_half_up
from server.roster.catalog import DEFAULT_CATALOG, Band

RULES = PriceRules()
HOURLY = DEFAULT_CATALOG.service_type("escort_hourly")
OVERNIGHT = DEFAULT_CATALOG.service_type("inpatient_12h")


def shanghai(day: int, hour: int, minute: int = 0, *, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def long_before(start_at: datetime) -> datetime:
    return start_at - timedelta(days=2)


def test_the_worked_example_of_the_domain_comes_to_55_200_fen():
    start_at = shanghai(24, 20)
    price = quote(
        HOURLY,
        {Band.DAY: 6_000},
        start_at=start_at,
        end_at=start_at + timedelta(hours=6),
        created_at=start_at - timedelta(hours=3),
        rules=RULES,
    )
    assert [(line.quantity, line.unit_price_fen, line.amount_fen) for line in price.lines] == [
        (2, 6_000, 12_000),
        (4, 9_000, 36_000),
        (1, 7_200, 7_200),
    ]
    assert price.amount_fen == 55_200
    assert price.is_urgent
    assert (price.commission_fen, price.income_fen) == (11_040, 44_160)


def test_an_own_night_price_beats_the_factor():
    start_at = shanghai(24, 22)
    price = quote(
        HOURLY,
        {Band.DAY: 6_000, Band.NIGHT: 7_001},
        start_at=start_at,
        end_at=start_at + timedelta(hours=1),
        created_at=long_before(start_at),
        rules=RULES,
    )
    assert price.amount_fen == 7_001
    assert not price.is_urgent


def test_a_booking_by_the_hour_is_split_on_quarter_hours():
    start_at = shanghai(24, 21, 45)
    price = quote(
        HOURLY,
        {Band.DAY: 6_001},
        start_at=start_at,
        end_at=start_at + timedelta(hours=1),
        created_at=long_before(start_at),
        rules=RULES,
    )
    # 6001 / 4 = 1500.25; the night's unit price is 9001.5, half up 9002, and 9002 * 3 / 4 = 6751.5.
    assert [(line.quantity, line.unit_price_fen, line.amount_fen) for line in price.lines] == [
        (0.25, 6_001, 1_500),
        (0.75, 9_002, 6_752),
    ]


def test_other_types_take_the_band_of_their_start_whole():
    start_at = shanghai(24, 21, 45)
    price = quote(
        OVERNIGHT,
        base_prices(OVERNIGHT),
        start_at=start_at,
        end_at=start_at + timedelta(hours=12),
        created_at=start_at - timedelta(hours=2),
        rules=RULES,
    )
    assert [(line.kind, line.band, line.quantity, line.amount_fen) for line in price.lines] == [
        ("base", Band.DAY, 1, 26_000),
        ("urgent", None, 1, 5_200),
    ]


def test_urgent_of_a_night_visit_is_reckoned_at_day_price():
    start_at = shanghai(24, 23)
    price = quote(
        OVERNIGHT,
        {Band.DAY: 20_000, Band.NIGHT: 50_000},
        start_at=start_at,
        end_at=start_at + timedelta(hours=12),
        created_at=start_at - timedelta(hours=1),
        rules=RULES,
    )
    assert [line.amount_fen for line in price.lines] == [50_000, 4_000]


def test_holiday_beats_night():
    assert band_at(shanghai(1, 23, month=10), rules=RULES) is Band.HOLIDAY
    assert band_at(shanghai(1, 3, month=10), rules=RULES) is Band.HOLIDAY
    assert band_at(shanghai(8, 3, month=10), rules=RULES) is Band.NIGHT


def test_a_holiday_begins_at_shanghai_midnight():
    segments = band_segments(shanghai(30, 21, month=9), shanghai(1, 8, month=10), rules=RULES)
    assert [(segment.band, segment.minutes) for segment in segments] == [
        (Band.DAY, 60),
        (Band.NIGHT, 120),
        (Band.HOLIDAY, 480),
    ]


def test_night_does_not_break_at_midnight():
    segments = band_segments(shanghai(24, 22), shanghai(25, 6), rules=RULES)
    assert [(segment.band, segment.minutes) for segment in segments] == [(Band.NIGHT, 480)]


@pytest.mark.parametrize(
    ("hour", "minute", "band"),
    [(21, 59, Band.DAY), (22, 0, Band.NIGHT), (5, 59, Band.NIGHT), (6, 0, Band.DAY), (12, 0, Band.DAY)],
)
def test_the_night_holds_from_22_until_6(hour, minute, band):
    assert band_at(shanghai(24, hour, minute), rules=RULES) is band


def test_bands_follow_shanghai_whatever_zone_an_instant_is_written_in():
    assert band_at(datetime(2026, 11, 24, 14, 0, tzinfo=UTC), rules=RULES) is Band.NIGHT


def test_a_type_without_a_day_price_is_not_offered():
    start_at = shanghai(24, 9)
    rows = [PriceRow("errand", Band.DAY, 8_000), PriceRow("escort_hourly", Band.NIGHT, 9_000)]
    with pytest.raises(Refused, match="not_offered"):
        quote(
            HOURLY,
            prices_of(rows, "escort_hourly"),
            start_at=start_at,
            end_at=start_at + timedelta(hours=1),
            created_at=long_before(start_at),
            rules=RULES,
        )


def test_four_hours_ahead_is_urgent_and_a_moment_more_is_not():
    start_at = shanghai(24, 9)
    four_hours = timedelta(hours=4)
    assert is_urgent_start(start_at, start_at - four_hours, rules=RULES)
    assert not is_urgent_start(start_at, start_at - four_hours - timedelta(milliseconds=1), rules=RULES)


def test_half_a_fen_of_commission_goes_to_the_platform():
    assert split_amount(5_003, commission_bp=2_000) == (1_001, 4_002)
    assert split_amount(2_502, commission_bp=2_500) == (626, 1_876)


quarter_hours = st.integers(min_value=0, max_value=4 * 24 * 500)
prices = st.fixed_dictionaries(
    {Band.DAY: st.integers(1, 500_000)},
    optional={Band.NIGHT: st.integers(1, 500_000), Band.HOLIDAY: st.integers(1, 500_000)},
)


@given(quarter=quarter_hours, hours=st.integers(1, 12), lead_min=st.integers(0, 600), prices=prices)
def test_lines_always_sum_to_the_amount_and_each_line_to_its_own_product(quarter, hours, lead_min, prices):
    start_at = datetime(2026, 1, 1, tzinfo=SHANGHAI) + timedelta(minutes=15 * quarter)
    price = quote(
        HOURLY,
        prices,
        start_at=start_at,
        end_at=start_at + timedelta(hours=hours),
        created_at=start_at - timedelta(minutes=lead_min),
        rules=RULES,
    )
    assert sum(line.amount_fen for line in price.lines) == price.amount_fen
    assert price.commission_fen + price.income_fen == price.amount_fen
    assert sum(line.quantity for line in price.lines if line.kind == "base") == hours
    for line in price.lines:
        assert line.amount_fen == round_half_up(line.unit_price_fen * int(line.quantity * 4), 4)
    assert [line.kind for line in price.lines].count("urgent") == (lead_min <= 240)


@given(
    start_min=st.integers(0, 60 * 24 * 400),
    length_min=st.integers(1, 60 * 60),
    night=st.tuples(st.integers(0, 95), st.integers(0, 95)),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2027, 2, 20)), max_size=60),
)
def test_segments_are_an_exact_partition_and_agree_with_every_minute(start_min, length_min, night, holidays):
    rules = PriceRules(night_starts_at_min=night[0] * 15, night_ends_at_min=night[1] * 15, holidays=holidays)
    start_at = datetime(2026, 1, 1, tzinfo=SHANGHAI) + timedelta(minutes=start_min)
    end_at = start_at + timedelta(minutes=length_min)
    segments = band_segments(start_at, end_at, rules=rules)
    assert segments[0].start_at == start_at
    assert segments[-1].end_at == end_at
    for one, following in zip(segments, segments[1:], strict=False):
        assert one.end_at == following.start_at
        assert one.band is not following.band
    for segment in segments:
        last_minute = segment.end_at - timedelta(minutes=1)
        for instant in (segment.start_at, segment.start_at + (last_minute - segment.start_at) / 2, last_minute):
            assert band_at(instant, rules=rules) is segment.band
    assert sum(segment.minutes for segment in segments) == length_min
