"""People of the demo: valid, unique, repeatable."""
import re
from datetime import date
from itertools import islice

import pytest

from server.demo.market import served_districts
from server.demo.numbers import PEOPLE_PER_KIND, id_number, phone_number
from server.demo.people import generate_caregiver, generate_caregivers, generate_families
from server.roster.id_number import parse_id_number


def test_an_id_number_tells_birth_date_and_gender():
    woman = id_number(7, birth_date=date(1980, 2, 29), gender="female")
    man = id_number(7, birth_date=date(1980, 2, 29), gender="male")
    assert woman[6:14] == man[6:14] == "19800229"
    assert int(woman[16]) % 2 == 0
    assert int(man[16]) % 2 == 1


def test_thousands_of_people_have_valid_and_different_numbers(market, today):
    people = list(generate_caregivers(3_000, seed=5, today=today, market=market))
    assert len({person.id_number for person in people}) == len(people)
    assert len({person.phone for person in people}) == len(people)
    for person in people:
        assert re.fullmatch(r"1[3-9]\d{9}", person.phone)
        parsed = parse_id_number(person.id_number, today=today)
        assert (parsed.birth_date, parsed.gender) == (person.birth_date, person.gender)


def test_the_same_seed_gives_the_same_people_and_another_seed_others(market, today):
    first = list(generate_caregivers(50, seed=1, today=today, market=market))
    again = list(generate_caregivers(50, seed=1, today=today, market=market))
    other = list(generate_caregivers(50, seed=2, today=today, market=market))
    assert first == again
    assert first != other
    assert not {person.phone for person in first} & {person.phone for person in other}


def test_a_stream_can_be_entered_anywhere(market, today):
    person = next(islice(generate_caregivers(20, seed=3, today=today, market=market), 17, None))
    assert person == generate_caregiver(17, seed=3, today=today, market=market)


def test_caregivers_fit_the_catalogue(market, today):
    served = {district.code for district in served_districts(market)}
    for person in generate_caregivers(400, seed=9, today=today, market=market):
        assert set(person.districts) <= served
        assert person.prices[0].service_type == market.service_types[0].code
        for price in person.prices:
            tariff = market.service_type(price.service_type)
            assert tariff.min_price_fen <= price.price_fen <= tariff.max_price_fen
        assert 22 <= (today - person.birth_date).days / 365.25 <= 58.01
        assert person.papers.certificate_expires_on > date(today.year + 1, today.month, today.day)
        assert person.papers.health_certificate_expires_on > date(today.year + 1, today.month, today.day)
        assert len(person.bio) <= 2_000


def test_a_work_history_is_without_gaps_and_as_long_as_the_experience(market, today):
    for person in generate_caregivers(300, seed=4, today=today, market=market):
        newer_begin = None
        for period in person.work_history:
            assert period.to == newer_begin
            assert newer_begin is None or period.since < newer_begin
            newer_begin = period.since
        assert (today - newer_begin).days / 365.25 == pytest.approx(person.experience_years, abs=0.6)


def test_families_have_patients_of_fitting_age_and_one_account(today):
    relations = set()
    for family in generate_families(500, seed=8, today=today):
        assert 1 <= len(family.patients) <= 2
        assert len({patient.id_number for patient in family.patients}) == len(family.patients)
        for patient in family.patients:
            relations.add(patient.relation)
            age = (today - patient.birth_date).days / 365.25
            booker_age = (today - family.birth_date).days / 365.25
            assert 1 <= age <= 95
            parsed = parse_id_number(patient.id_number, today=today)
            assert (parsed.birth_date, parsed.gender) == (patient.birth_date, patient.gender)
            if patient.relation == "parent":
                assert age > booker_age + 20
            if patient.relation == "child":
                assert age < 18
            if patient.relation == "self":
                assert (patient.name, patient.birth_date) == (family.name, family.birth_date)
            assert patient.gender == "female" or "孕" not in patient.condition
    assert relations == {"self", "parent", "child", "spouse"}


def test_more_people_than_there_are_phones_are_refused():
    with pytest.raises(ValueError, match="beyond"):
        phone_number(PEOPLE_PER_KIND, kind="family", seed=1)
