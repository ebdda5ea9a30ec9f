"""How an order is offered: until when, and to whom first.

contract.md §6, Offers. Pure rules; the clock, the candidates and the numbers are arguments, and every
ranking can be explained by its factors (the administrator's candidate list shows them).
"""
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from config.policy import OfferRules, RankingRules
from server.core.clock import age_on
from server.core.money import round_half_up

_OLDEST_BAND_FROM = 90  # so few are older that a narrower band would name them


class Candidate(Protocol):
    """An eligible caregiver, as far as ranking cares (`roster.eligibility.Eligible` is one)."""

    @property
    def caregiver_id(self) -> str: ...

    @property
    def rating_milli(self) -> int | None:
        """Mean of the visible reviews x 1000; None without reviews."""

    @property
    def review_count(self) -> int: ...

    @property
    def experience_years(self) -> int: ...

    @property
    def recent_offers(self) -> int:
        """Offers of the last `fair_share_window_h` hours."""


C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason for a rank: points won of points possible, with a Chinese sentence."""

    code: str  # "rating" | "experience" | "fair_share"
    text: str
    points: int
    of_points: int


@dataclass(frozen=True, slots=True)
class Ranked(Generic[C]):
    """A candidate with its score (the sum of its factors' points)."""

    candidate: C
    score: int
    factors: tuple[Factor, ...]

    def as_data(self) -> dict[str, Any]:
        """The reasons as JSON-able data, to be kept with the offer."""
        return {"score": self.score, "factors": [asdict(factor) for factor in self.factors]}


def offer_expires_at(opened_at: datetime, *, start_at: datetime, rules: OfferRules) -> datetime:
    """15 min after opening, or half of the remaining lead if that is shorter; to the millisecond."""
    lead_ms = max(0, (start_at - opened_at) // timedelta(milliseconds=1))
    share = timedelta(milliseconds=lead_ms * rules.life_share_bp // 10_000)
    return opened_at + min(timedelta(minutes=rules.life_min), share)


def give_up_at(waiting_since: datetime, *, start_at: datetime, rules: OfferRules) -> datetime:
    """When an order without a caregiver is cancelled and refunded.

    `waiting_since` is the payment; after a caregiver withdrew it is that instant, or an order paid long
    before would be given up at once.
    """
    return min(start_at, waiting_since + timedelta(hours=rules.give_up_after_h))


def rank(candidates: Iterable[C], *, rules: RankingRules) -> list[Ranked[C]]:
    """Best first. Ties go to fewer recent offers, then to the smaller id, so that it never flickers."""
    ranked = [_ranked(candidate, rules=rules) for candidate in candidates]
    ranked.sort(key=lambda one: (-one.score, one.candidate.recent_offers, one.candidate.caregiver_id))
    return ranked


def shrunk_mean_centi(rating_milli: int | None, review_count: int, *, rules: RankingRules) -> int:
    """The mean in hundredths of a star, drawn to the prior as long as reviews are few."""
    prior, known = rules.prior_mean_centi * 10 * rules.prior_reviews, (rating_milli or 0) * review_count
    return round_half_up(prior + known, 10 * (rules.prior_reviews + review_count))


def _ranked(candidate: C, *, rules: RankingRules) -> Ranked[C]:
    mean_centi = shrunk_mean_centi(candidate.rating_milli, candidate.review_count, rules=rules)
    years = max(0, min(candidate.experience_years, rules.experience_cap_years))
    factors = (
        Factor(
            "rating",
            f"综合评分{mean_centi // 100}.{mean_centi % 100:02d}（{candidate.review_count}条评价）",
            round_half_up(rules.rating_points * (mean_centi - 100), 400),
            rules.rating_points,
        ),
        Factor(
            "experience",
            f"从业{candidate.experience_years}年",
            round_half_up(rules.experience_points * years, rules.experience_cap_years),
            rules.experience_points,
        ),
        Factor(
            "fair_share",
            f"近{rules.fair_share_window_h}小时收到{candidate.recent_offers}次派单",
            round_half_up(rules.fair_share_points, 1 + candidate.recent_offers),
            rules.fair_share_points,
        ),
    )
    return Ranked(candidate, sum(factor.points for factor in factors), factors)


def age_band(birth_date: date, today: date) -> str:
    """The decade of an age, all that an offer tells before acceptance: `70-79岁`."""
    age = max(0, age_on(birth_date, today))
    if age >= _OLDEST_BAND_FROM:
        return f"{_OLDEST_BAND_FROM}岁以上"
    decade = age // 10 * 10
    return f"{decade}-{decade + 9}岁"
