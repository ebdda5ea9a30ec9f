"""The catalogue: what the contract fixes, and that its data hold together."""
import pytest

from server.roster.catalog import DEFAULT_CATALOG, UNIT_TEXTS, Band


def test_the_contracts_service_types_have_their_lengths():
    assert {service.code: service.duration_min for service in DEFAULT_CATALOG.service_types} == {
        "escort_hourly": None,
        "escort_half_day": 240,
        "escort_full_day": 480,
        "inpatient_12h": 720,
        "inpatient_24h": 1_440,
        "errand": 120,
    }


@pytest.mark.parametrize("service", DEFAULT_CATALOG.service_types)
def test_a_caregiver_may_ask_the_base_price_and_its_double(service):
    assert service.allows_price(service.base_price_fen)
    assert service.allows_price(service.base_price_fen * 2)
    assert not service.allows_price(service.min_price_fen - 1)
    assert not service.allows_price(service.max_price_fen + 1)
    assert service.unit in UNIT_TEXTS
    assert service.scope
    assert service.forbidden


@pytest.mark.parametrize("entries", ["districts", "skills", "departments"])
def test_codes_and_names_are_unique(entries):
    named = getattr(DEFAULT_CATALOG, entries)
    assert len({entry.code for entry in named}) == len({entry.name for entry in named}) == len(named)


def test_beijing_has_sixteen_districts():
    assert len(DEFAULT_CATALOG.districts) == 16


def test_hospitals_lie_in_a_known_district_inside_beijing():
    hospitals = DEFAULT_CATALOG.hospitals
    assert len({hospital.hospital_id for hospital in hospitals}) == len(hospitals) >= 20
    for hospital in hospitals:
        assert DEFAULT_CATALOG.district_name(hospital.district)
        assert 39.4 < hospital.lat < 41.1
        assert 115.4 < hospital.lng < 117.6


def test_unknown_codes_are_found_nowhere():
    assert DEFAULT_CATALOG.service_type("massage") is None
    assert DEFAULT_CATALOG.hospital("bj-nowhere") is None
    assert DEFAULT_CATALOG.skill_name("magic") is None
    assert DEFAULT_CATALOG.department_name("") is None
    assert DEFAULT_CATALOG.hospital("bj-xiehe").name == "北京协和医院"


def test_bands_are_the_contracts():
    assert [band.value for band in Band] == ["day", "night", "holiday"]
