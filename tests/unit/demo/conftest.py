"""A small market for the demo's people to live in."""
from datetime import date

import pytest

from server.demo.market import Market, Named, Place, Tariff


@pytest.fixture
def market() -> Market:
    return Market(
        districts=(Named("d1", "东城"), Named("d2", "西城"), Named("d3", "南城"), Named("d4", "没有医院的区")),
        skills=tuple(Named(f"s{number}", f"技能{number}") for number in range(8)),
        departments=tuple(Named(f"k{number}", f"科室{number}") for number in range(5)),
        hospitals=(Place("h1", "一院", "d1"), Place("h2", "二院", "d2"), Place("h3", "三院", "d2"),
                   Place("h4", "四院", "d3")),
        tariffs=(
            Tariff("escort_hourly", None, 6_000, 3_000, 20_000),
            Tariff("escort_half_day", 240, 20_000, 10_000, 60_000),
            Tariff("escort_full_day", 480, 36_000, 20_000, 90_000),
            Tariff("inpatient_12h", 720, 26_000, 15_000, 80_000),
            Tariff("inpatient_24h", 1_440, 38_000, 20_000, 120_000),
            Tariff("errand", 120, 9_000, 5_000, 30_000),
        ),
    )


@pytest.fixture
def today() -> date:
    return date(2026, 11, 22)
