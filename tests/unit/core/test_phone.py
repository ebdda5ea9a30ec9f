"""Mobile numbers: every spelling of one number is one number."""
import pytest

from server.core.phone import mask_phone, mobile_number


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "+8613800138000",
        "+86 138 0013 8000",
        "008613800138000",
        "138-0013-8000",
        " 13800138000 ",
        "１３８００１３８０００",
        "＋86 １３８－００１３－８０００",
        "138\u30000013\u30008000",
    ],
)
def test_all_spellings_become_eleven_digits(text):
    assert mobile_number(text) == "13800138000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345678901",
        "1380013800",
        "138001380000",
        "010-62345678",
        "+1 13800138000",
        "8613800138000",
        "+86",
        "13800138000\n",
        "1380013800\u00b2",
        "1\ufe0f\u20e33800138000",
        "13800138OOO",
        "1" * 100_000,
    ],
)
def test_what_is_no_mobile_number_is_none(text):
    assert mobile_number(text) is None


def test_the_mask_hides_the_middle():
    assert mask_phone("13800138000") == "138****8000"
