"""Offers: how long they live, who gets them and when."""
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.policy import OfferRules, Wave
from server.booking.rules.offering import (
    age_band,
    give_up_at,
    offer_expires_at,
    rank,
    shrunk_mean_centi,
)
from server.core.clock import SHANGHAI

RULES = OfferRules()
OPENED_AT = datetime(2026, 11, 22, 9, 0, tzinfo=SHANGHAI)


@dataclass(frozen=True)
class Somebody:
    caregiver_id: str
    rating_milli: int | None = None
    review_count: int = 0
    experience_years: int = 0
    recent_offers: int = 0


def ids(ranked) -> list[str]:
    return [one.candidate.caregiver_id for one in ranked]


@pytest.mark.parametrize(
    ("lead_min", "life_min"), [(24 * 60, 15), (31, 15), (30, 15), (29, 14.5), (10, 5), (1, 0.5), (0, 0), (-5, 0)]
)
def test_an_offer_lives_15_minutes_or_half_of_what_is_left(lead_min, life_min):
    expires_at = offer_expires_at(OPENED_AT, start_at=OPENED_AT + timedelta(minutes=lead_min), rules=RULES)
    assert expires_at == OPENED_AT + timedelta(minutes=life_min)


def test_an_offer_expires_on_a_whole_millisecond():
    start_at = OPENED_AT + timedelta(milliseconds=1001)
    assert offer_expires_at(OPENED_AT, start_at=start_at, rules=RULES) == OPENED_AT + timedelta(milliseconds=500)


def test_the_search_ends_at_the_start_or_a_day_after_payment():
    assert give_up_at(OPENED_AT, start_at=OPENED_AT + timedelta(hours=5), rules=RULES) == OPENED_AT + timedelta(hours=5)
    assert give_up_at(OPENED_AT, start_at=OPENED_AT + timedelta(days=5), rules=RULES) == OPENED_AT + timedelta(days=1)


def test_waves_that_do_not_widen_are_refused():
    with pytest.raises(ValueError, match="each comes later"):
        OfferRules(waves=(Wave(after_s=0, more=5), Wave(after_s=0, more=5)))
    with pytest.raises(ValueError, match="only the last"):
        OfferRules(waves=(Wave(after_s=0, more=None), Wave(after_s=9, more=5)))


def test_one_five_star_review_does_not_beat_forty_of_four_eight():
    ranked = rank(
        [Somebody("one", rating_milli=5_000, review_count=1), Somebody("forty", rating_milli=4_800, review_count=40)],
        rules=RULES.ranking,
    )
    assert ids(ranked) == ["forty", "one"]


def test_a_newcomer_counts_as_the_prior_and_comes_before_the_badly_rated():
    assert shrunk_mean_centi(None, 0, rules=RULES.ranking) == 450
    ranked = rank([Somebody("bad", rating_milli=2_000, review_count=30), Somebody("new")], rules=RULES.ranking)
    assert ids(ranked) == ["new", "bad"]


def test_who_had_few_offers_lately_comes_first_among_equals():
    ranked = rank([Somebody("a", recent_offers=3), Somebody("b"), Somebody("c", recent_offers=1)], rules=RULES.ranking)
    assert ids(ranked) == ["b", "c", "a"]


def test_a_tie_goes_to_who_had_fewer_offers_then_to_the_smaller_id():
    unfair = RULES.ranking.model_copy(update={"fair_share_points": 0})
    ranked = rank([Somebody("c"), Somebody("a", recent_offers=2), Somebody("b")], rules=unfair)
    assert ids(ranked) == ["b", "c", "a"]


def test_more_experience_counts_up_to_its_cap():
    ranked = rank([Somebody(f"y{years:02d}", experience_years=years) for years in (1, 30, 10, 5)], rules=RULES.ranking)
    assert ids(ranked) == ["y10", "y30", "y05", "y01"]


def test_every_rank_can_be_explained():
    (only,) = rank([Somebody("a", rating_milli=4_900, review_count=10, experience_years=5)], rules=RULES.ranking)
    assert only.score == sum(factor.points for factor in only.factors)
    data = only.as_data()
    assert [factor["code"] for factor in data["factors"]] == ["rating", "experience", "fair_share"]
    assert data["factors"][0]["text"] == "综合评分4.70（10条评价）"
    assert all(0 <= factor["points"] <= factor["of_points"] for factor in data["factors"])


somebodies = st.lists(
    st.builds(
        Somebody,
        caregiver_id=st.text("abcdef", min_size=1, max_size=4),
        rating_milli=st.integers(1_000, 5_000),
        review_count=st.integers(0, 300),
        experience_years=st.integers(0, 50),
        recent_offers=st.integers(0, 30),
    ),
    unique_by=lambda somebody: somebody.caregiver_id,
    max_size=12,
)


@given(somebodies, st.randoms())
def test_ranking_does_not_depend_on_the_order_of_the_rows(candidates, random):
    shuffled = list(candidates)
    random.shuffle(shuffled)
    ranked = rank(candidates, rules=RULES.ranking)
    assert ids(ranked) == ids(rank(shuffled, rules=RULES.ranking))
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    assert all(0 <= factor.points <= factor.of_points for one in ranked for factor in one.factors)


@pytest.mark.parametrize(
    ("birth_date", "band"),
    [
        (date(1950, 11, 22), "70-79岁"),
        (date(1946, 11, 23), "70-79岁"),
        (date(1946, 11, 22), "80-89岁"),
        (date(2026, 11, 22), "0-9岁"),
        (date(1936, 11, 22), "90岁以上"),
        (date(1910, 1, 1), "90岁以上"),
    ],
)
def test_an_offer_tells_only_the_decade_of_an_age(birth_date, band):
    assert age_band(birth_date, date(2026, 11, 22)) == band
