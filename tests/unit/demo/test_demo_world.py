"""The demo world keeps what contract.md promises of it."""
import re
from collections import Counter
from datetime import date

import pytest

from server.demo.market import hospitals_in, served_districts
from server.demo.world import describe_world
from server.roster.id_number import parse_id_number


@pytest.fixture
def world(market, today):
    return describe_world(market, today=today)


def test_the_accounts_are_one_administrator_three_families_and_fourteen_caregivers(world):
    assert Counter(account.user_type for account in world.accounts()) == {"admin": 1, "patient": 3, "caregiver": 14}
    phones = [account.phone for account in world.accounts()]
    phones += [family.phone for family in world.former_families]
    assert len(set(phones)) == len(phones)
    assert all(re.fullmatch(r"1[3-9]\d{9}", phone) for phone in phones)
    assert all(8 <= len(account.password) <= 128 for account in world.accounts())


def test_every_shown_family_has_two_patients(world):
    assert all(len(family.patients) == 2 for family in world.families)


def test_six_caregivers_of_one_district_sell_everything_always_at_the_base_price(world, market):
    def sells_everything(person):
        return all(
            (person.day_price_fen(tariff.code) or 10**9) <= tariff.base_price_fen for tariff in market.service_types
        )

    def always(person):
        return [(hours.weekday, hours.start, hours.end) for hours in person.weekly_hours] == [
            (weekday, "00:00", "24:00") for weekday in range(1, 8)
        ]

    able = [p for p in world.caregivers if sells_everything(p) and always(p) and p.accepts_night and p.accepts_urgent]
    district, count = Counter(code for person in able for code in person.districts).most_common(1)[0]
    assert count >= 6
    assert hospitals_in(market, district)


def test_the_others_differ_in_district_hours_and_price(world, market):
    assert len({code for person in world.caregivers for code in person.districts}) == len(served_districts(market))
    assert len({person.weekly_hours for person in world.caregivers}) >= 5
    assert len({person.day_price_fen("escort_hourly") for person in world.caregivers}) >= 4
    assert any(price.band == "holiday" for person in world.caregivers for price in person.prices)


def test_prices_lie_within_the_catalogues_bounds(world, market):
    for person in world.caregivers:
        for price in person.prices:
            tariff = market.service_type(price.service_type)
            assert tariff.min_price_fen <= price.price_fen <= tariff.max_price_fen


def test_papers_stay_valid_for_more_than_a_year_and_numbers_are_real_in_form(world, today):
    next_year = date(today.year + 1, today.month, today.day)
    people = [*world.caregivers, *(patient for family in world.families for patient in family.patients)]
    assert len({person.id_number for person in people}) == len(people)
    for person in people:
        parsed = parse_id_number(person.id_number, today=today)
        assert (parsed.birth_date, parsed.gender) == (person.birth_date, person.gender)
    for person in world.caregivers:
        assert min(person.papers.certificate_expires_on, person.papers.health_certificate_expires_on) > next_year


def test_the_history_overlaps_nowhere_and_gives_most_caregivers_reviews(world):
    spans = sorted((order.start_at, order.end_at) for order in world.history)
    assert all(end_at < start_at for (_, end_at), (start_at, _) in zip(spans, spans[1:], strict=False))
    reviewed = {order.caregiver_index for order in world.history if order.review}
    assert len(reviewed) >= 10
    assert any(order.case for order in world.history)
    for order in world.history:
        caregiver = world.caregivers[order.caregiver_index]
        assert order.hospital_id in caregiver.hospital_ids
        assert caregiver.day_price_fen(order.service_type) == order.unit_price_fen
        assert order.patient_index < len(world.former_families[order.family_index].patients)


def test_the_world_is_the_same_every_time_it_is_described(world, market, today):
    assert describe_world(market, today=today) == world


def test_every_code_is_one_of_the_catalogue(world, market):
    families = [*world.families, *world.former_families]
    assert all(market.skill_name(code) for person in world.caregivers for code in person.skills)
    assert all(market.department_name(patient.department) for family in families for patient in family.patients)
    assert all(market.hospital(order.hospital_id) for order in world.history)
