"""Business numbers: every default with its unit and reason.

These are what an administrator may change (contract.md §10, settings). The models are frozen and pass
through JSON unchanged, so that a version of the policy can be stored and an order can keep its own.
"""
from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from config.settings import Section

_DAY_MIN = 1_440

# Days on which the holiday band applies. 2026: all rest days of the State Council's notice of 4 November
# 2025. 2027: only the 13 days that the regulation on public holidays fixes (国务院令第795号, lunar dates
# computed), because the notice with the bridged days was not at hand; an administrator completes it.
_HOLIDAYS_2026 = (
    [date(2026, 1, day) for day in range(1, 4)]
    + [date(2026, 2, day) for day in range(15, 24)]
    + [date(2026, 4, day) for day in range(4, 7)]
    + [date(2026, 5, day) for day in range(1, 6)]
    + [date(2026, 6, day) for day in range(19, 22)]
    + [date(2026, 9, day) for day in range(25, 28)]
    + [date(2026, 10, day) for day in range(1, 8)]
)
_HOLIDAYS_2027 = (
    [date(2027, 1, 1)]
    + [date(2027, 2, day) for day in range(5, 9)]
    + [date(2027, 4, 5), date(2027, 5, 1), date(2027, 5, 2), date(2027, 6, 9), date(2027, 9, 15)]
    + [date(2027, 10, day) for day in range(1, 4)]
)


class TimeRules(Section):
    """When a visit may be booked, paid, started and closed (contract.md §6, Time)."""

    grid_min: Literal[15, 30, 60] = 15  # quarter hours keep hours exact in a quote's quantity
    lead_min: int = Field(60, ge=0, le=_DAY_MIN)  # a caregiver needs an hour to get to the hospital
    horizon_days: int = Field(60, ge=1, le=366)  # hospitals release appointments that far ahead at most
    start_window_min: int = Field(30, ge=0, le=240)  # queues open early; earlier is not this visit
    pay_within_min: int = Field(15, ge=1, le=120)  # the caregiver's time is held meanwhile
    quote_valid_min: int = Field(10, ge=1, le=60)  # long enough to read the fees to one's parent
    auto_confirm_after_h: int = Field(24, ge=1, le=168)  # a silent family must not hold the pay
    chat_open_after_completion_days: int = Field(7, ge=0, le=90)  # reports are often ready days later
    start_code_attempts: int = Field(5, ge=1, le=10)  # of a million codes; then a new one goes out
    # A caregiver changes hospital across Beijing in half an hour at best; inside one hospital visits may
    # follow each other directly. A patient's visits are planned by the family, so none is added.
    caregiver_travel_buffer_min: int = Field(30, ge=0, le=240)
    caregiver_buffer_min: int = Field(0, ge=0, le=240)
    patient_buffer_min: int = Field(0, ge=0, le=240)


class PriceRules(Section):
    """How a quote is made (contract.md §6, Price)."""

    night_starts_at_min: int = Field(1_320, ge=0, lt=_DAY_MIN, multiple_of=15)  # 22:00 in Shanghai
    night_ends_at_min: int = Field(360, ge=0, lt=_DAY_MIN, multiple_of=15)  # 06:00 in Shanghai
    night_rate_bp: int = Field(15_000, ge=10_000, le=50_000)  # day price x 1.5 where no row says else
    holiday_rate_bp: int = Field(20_000, ge=10_000, le=50_000)  # day price x 2.0 where no row says else
    urgent_within_min: int = Field(240, ge=0, le=_DAY_MIN)  # half a day's plan has to be changed
    urgent_rate_bp: int = Field(2_000, ge=0, le=10_000)  # 20 % of the whole interval at day price
    commission_rate_bp: int = Field(2_000, ge=0, le=5_000)  # the platform's 20 %
    holidays: frozenset[date] = frozenset(_HOLIDAYS_2026 + _HOLIDAYS_2027)  # Shanghai days


class Wave(Section):
    """One widening of an open request: so many more caregivers, so long after the first."""

    after_s: int = Field(ge=0, le=86_400)
    more: int | None = Field(ge=1, le=10_000)  # None: all who are eligible


class RankingRules(Section):
    """What makes a caregiver one of the best; the weights are points of 1,000 in sum."""

    rating_points: int = Field(600, ge=0, le=1_000)  # quality first
    experience_points: int = Field(200, ge=0, le=1_000)
    fair_share_points: int = Field(200, ge=0, le=1_000)  # else the same five would get every offer
    prior_reviews: int = Field(10, ge=1, le=1_000)  # one 5 does not beat forty of 4.8
    prior_mean_centi: int = Field(450, ge=100, le=500)  # 4.50 stars, what a newcomer counts as
    experience_cap_years: int = Field(10, ge=1, le=50)  # beyond that years tell nothing more
    fair_share_window_h: int = Field(24, ge=1, le=168)  # offers of this time count as recent


class OfferRules(Section):
    """How an order finds its caregiver (contract.md §6, Offers)."""

    waves: tuple[Wave, ...] = (
        Wave(after_s=0, more=5),  # enough that one is looking at the phone
        Wave(after_s=60, more=5),
        Wave(after_s=120, more=None),  # two minutes without an answer: everybody may
    )
    life_min: int = Field(15, ge=1, le=240)  # time to call home before promising
    life_share_bp: int = Field(5_000, ge=100, le=10_000)  # never more than half of what is left
    give_up_after_h: int = Field(24, ge=1, le=240)  # money is not kept longer without a caregiver
    ranking: RankingRules = RankingRules()

    @model_validator(mode="after")
    def _waves_widen(self) -> "OfferRules":
        delays = [wave.after_s for wave in self.waves]
        if not delays or delays[0] != 0 or delays != sorted(set(delays)):
            raise ValueError("waves start at 0 s and each comes later than the one before")
        if any(wave.more is None for wave in self.waves[:-1]):
            raise ValueError("only the last wave may be for all")
        return self


class CancellationTier(Section):
    """A fee that holds from so many minutes before the start on; the border belongs to this tier."""

    lead_at_least_min: int = Field(ge=0, le=10_080)
    fee_bp: int = Field(ge=0, le=10_000)  # of what was paid
    commission_bp: int = Field(ge=0, le=10_000)  # what the platform keeps of the fee
    text: str = Field(min_length=1, max_length=50)  # Chinese, shown beside the fee


class CancellationRules(Section):
    """The user's fee after acceptance (domain.md §6); everybody else's cancellation is free."""

    tiers: tuple[CancellationTier, ...] = (
        CancellationTier(lead_at_least_min=1_440, fee_bp=0, commission_bp=0, text="服务开始前24小时以上，全额退款"),
        CancellationTier(lead_at_least_min=240, fee_bp=1_000, commission_bp=2_000, text="服务开始前4至24小时，收取10%"),
        CancellationTier(lead_at_least_min=120, fee_bp=3_000, commission_bp=0, text="服务开始前2至4小时，收取30%"),
        CancellationTier(lead_at_least_min=0, fee_bp=5_000, commission_bp=0, text="服务开始前不足2小时，收取50%"),
    )

    @model_validator(mode="after")
    def _tiers_get_stricter(self) -> "CancellationRules":
        leads = [tier.lead_at_least_min for tier in self.tiers]
        fees = [tier.fee_bp for tier in self.tiers]
        if not leads or leads[-1] != 0 or leads != sorted(set(leads), reverse=True):
            raise ValueError("tiers go from the longest lead down to 0")
        if fees != sorted(fees):
            raise ValueError("a later cancellation never costs less")
        return self


class CaregiverRules(Section):
    """Who may serve (domain.md §12) and how long their work may be judged (domain.md §9)."""

    age_at_least: int = Field(18, ge=16, le=30)  # of full age
    age_at_most: int = Field(65, ge=50, le=80)  # lifting and nights; a setting, as the law gives no limit
    review_opens_for_days: int = Field(14, ge=1, le=90)  # after completion; later nobody remembers


class SettlementRules(Section):
    """When a caregiver's income is due (domain.md §8)."""

    due_after_days: int = Field(7, ge=0, le=60)  # Shanghai days after completion; disputes come before


class RefundRules(Section):
    """What an administrator may give back without a second one (domain.md T22)."""

    second_person_from_fen: int = Field(50_000, ge=1, le=1_000_000_000)  # in sum over an order: more than most visits


class AlarmRules(Section):
    """When an administrator is called to an order or a refund that stands still."""

    near_start_min: int = Field(120, ge=1, le=_DAY_MIN)  # nobody has accepted, and others must still get there
    not_started_min: int = Field(15, ge=0, le=_DAY_MIN)  # a queue at the gate is no alarm
    overrun_min: int = Field(60, ge=0, le=_DAY_MIN)  # examinations often take longer
    refund_slow_min: int = Field(30, ge=1, le=10_080)  # providers mostly answer in seconds


class Policy(Section):
    """All business numbers of one version."""

    time: TimeRules = TimeRules()
    price: PriceRules = PriceRules()
    offers: OfferRules = OfferRules()
    cancellation: CancellationRules = CancellationRules()
    caregiver: CaregiverRules = CaregiverRules()
    settlement: SettlementRules = SettlementRules()
    refunds: RefundRules = RefundRules()
    alarms: AlarmRules = AlarmRules()
