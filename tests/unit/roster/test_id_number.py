"""Resident identity numbers: the standard's vectors and what must not pass."""
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.roster.id_number import BadIdNumber, check_character, mask_id_number, parse_id_number

TODAY = date(2026, 11, 22)


def numbered(first_17: str) -> str:
    return first_17 + check_character(first_17)


def test_the_vectors_of_the_standard_pass():
    woman = parse_id_number("11010519491231002X", today=TODAY)
    assert (woman.birth_date, woman.gender) == (date(1949, 12, 31), "female")
    assert parse_id_number("440524188001010014", today=TODAY).gender == "male"


def test_a_lower_case_x_is_the_same_number():
    assert parse_id_number("11010519491231002x", today=TODAY).number == "11010519491231002X"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "110105491231002",  # 15 digits
        "11010519491231002",
        "11010519491231002X ",
        "11010519491231002X\n",
        " 11010519491231002X",
        "11010519491231002Y",
        "1101051949123100２X",
        "110105194912310021",
        "110101199001011234",
        numbered("00000019491231002"),
        numbered("11010519900230002"),
        numbered("11010519901301002"),
        numbered("11010520261123002"),
        numbered("11010518001231002"),
    ],
)
def test_what_is_no_number_is_refused_with_a_chinese_reason(text):
    with pytest.raises(BadIdNumber, match="身份证号"):
        parse_id_number(text, today=TODAY)


def test_a_child_born_today_has_a_number():
    assert parse_id_number(numbered("11010520261122002"), today=TODAY).birth_date == TODAY


@given(
    region=st.sampled_from(["110105", "440524", "810000", "659001", "132421"]),
    born=st.dates(TODAY - timedelta(days=36_500), TODAY),
    serial=st.integers(0, 999),
    place=st.integers(0, 16),
    shift=st.integers(1, 9),
)
def test_one_wrong_digit_is_always_noticed(region, born, serial, place, shift):
    number = numbered(f"{region}{born:%Y%m%d}{serial:03d}")
    parsed = parse_id_number(number, today=TODAY)
    assert (parsed.birth_date, parsed.gender) == (born, "male" if serial % 2 else "female")
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    with pytest.raises(BadIdNumber):
        parse_id_number(wrong, today=TODAY)


def test_the_mask_keeps_three_and_four():
    assert mask_id_number("11010519491231002X") == "110***********002X"
