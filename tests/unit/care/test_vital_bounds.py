"""Impossible vital signs never become a record."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.reading import read_model
from server.care.commands import AppendNote, Vitals
from server.core.errors import Refused

# Written again on purpose: what a doctor would sign, not what the code says.
POSSIBLE = {
    "temperature_c": (25.0, 45.0),
    "pulse_bpm": (20, 300),
    "systolic_mmhg": (30, 300),
    "diastolic_mmhg": (10, 200),
    "spo2_percent": (30, 100),
    "glucose_mmol_l": (0.5, 60.0),
    "pain_0_10": (0, 10),
}
names = st.sampled_from(sorted(POSSIBLE))


def number_for(name, lowest, highest):
    if isinstance(POSSIBLE[name][0], int):
        return st.integers(lowest, highest)
    return st.floats(lowest, highest, allow_nan=False)


@given(names.flatmap(lambda name: st.tuples(st.just(name), number_for(name, *POSSIBLE[name]))))
def test_every_possible_value_is_taken_as_it_is(pair):
    name, value = pair
    assert getattr(read_model(Vitals, {name: value}), name) == value


@given(
    names.flatmap(
        lambda name: st.tuples(
            st.just(name),
            st.one_of(st.integers(-(10**9), 10**9), st.floats()).filter(
                lambda value: not POSSIBLE[name][0] <= value <= POSSIBLE[name][1]
            ),
        )
    )
)
def test_every_impossible_value_is_refused(pair):
    with pytest.raises(Refused) as caught:
        read_model(Vitals, dict([pair]))
    assert caught.value.errors[0].field == pair[0]


@pytest.mark.parametrize("value", [True, "36.5", [36.5], {"value": 36.5}])
@pytest.mark.parametrize("name", sorted(POSSIBLE))
def test_what_is_not_a_number_is_not_taken_for_one(name, value):
    with pytest.raises(Refused):
        read_model(Vitals, {name: value})


def test_a_sign_without_a_name_of_ours_is_refused():
    with pytest.raises(Refused) as caught:
        read_model(Vitals, {"temperature_f": 98})
    assert caught.value.code == "unknown_field"


@pytest.mark.parametrize("msg_id", ["", "a b", "é", "消息", "a\n", "x" * 129])
def test_a_msg_id_is_visible_ascii(msg_id):
    body = {
        "order_id": "o", "msg_id": msg_id, "kind": "measure", "text": "已服药",
        "recorded_at": "2026-01-01T08:00:00+08:00",
    }
    with pytest.raises(Refused) as caught:
        read_model(AppendNote, body)
    assert caught.value.errors[0].field == "msg_id"
    assert read_model(AppendNote, {**body, "msg_id": "~" * 128}).file_ids == []
    with pytest.raises(Refused):
        read_model(AppendNote, {**body, "msg_id": "m", "file_ids": [str(n) for n in range(10)]})
