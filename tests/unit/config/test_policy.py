"""The business numbers: the contract's defaults, and that they can be stored."""
from datetime import date

import pytest
from pydantic import ValidationError

from config.policy import Policy, PriceRules, TimeRules


def test_a_policy_passes_through_json_unchanged():
    policy = Policy()
    assert Policy.model_validate_json(policy.model_dump_json()) == policy
    assert Policy.model_validate(policy.model_dump(mode="json")) == policy


def test_the_defaults_are_the_contracts_numbers():
    time, price = TimeRules(), PriceRules()
    assert (time.grid_min, time.lead_min, time.horizon_days, time.pay_within_min) == (15, 60, 60, 15)
    assert (time.start_window_min, time.quote_valid_min, time.auto_confirm_after_h) == (30, 10, 24)
    assert (price.urgent_within_min, price.urgent_rate_bp, price.commission_rate_bp) == (240, 2_000, 2_000)
    assert (price.night_rate_bp, price.holiday_rate_bp) == (15_000, 20_000)


def test_the_holidays_of_2026_are_those_of_the_notice():
    in_2026 = {day for day in PriceRules().holidays if day.year == 2026}
    assert len(in_2026) == 33
    assert {date(2026, 1, 1), date(2026, 2, 15), date(2026, 2, 23), date(2026, 10, 7)} <= in_2026
    assert date(2026, 10, 8) not in in_2026


def test_unknown_names_and_numbers_out_of_bounds_are_refused():
    with pytest.raises(ValidationError):
        Policy.model_validate({"time": {"lead_minutes": 60}})
    with pytest.raises(ValidationError):
        TimeRules(grid_min=20)
    with pytest.raises(ValidationError):
        PriceRules(night_starts_at_min=1_321)
    with pytest.raises(ValidationError):
        Policy().time.lead_min = 0
