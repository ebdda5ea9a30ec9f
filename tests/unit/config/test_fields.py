"""Field types of requests: what passes, what it becomes, what is refused with which code."""
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, field_validator

from config.fields import (
    LIMIT_DEFAULT,
    Body,
    ClientId,
    Fen,
    IdText,
    Instant,
    Limit,
    LocalDate,
    Name,
    PhoneText,
    Query,
    QueryBool,
    QueryInstant,
    Remark2000,
    Secret,
    ShortText,
    Text2000,
    TimeOfDay,
    field_errors,
    query_int,
)


class Row(Body):
    price_fen: Fen


class Everything(Body):
    name: Name | None = None
    line: ShortText | None = None
    text: Text2000 | None = None
    remark: Remark2000 | None = None
    thing_id: IdText | None = None
    msg_id: ClientId | None = None
    password: Secret | None = None
    phone: PhoneText | None = None
    amount_fen: Fen | None = None
    at: Instant | None = None
    day: LocalDate | None = None
    time: TimeOfDay | None = None
    flag: bool | None = None
    kind: Literal["a", "b"] | None = None
    rows: list[Row] | None = None


class Needed(Body):
    caregiver_id: IdText | None

    @field_validator("caregiver_id")
    @classmethod
    def _not_x(cls, value: str | None) -> str | None:
        if value == "x":
            raise ValueError("不能是 x")
        return value


class Bounded(Body):
    rows: list[Row] = Field(min_length=1, max_length=2)


class Search(Query):
    limit: Limit = LIMIT_DEFAULT
    age: query_int(0, 150) | None = None
    skill: list[Name] | None = None
    at: QueryInstant | None = None
    online: QueryBool | None = None
    keyword: ShortText | None = None


def errors_of(model: type, value: object) -> list[tuple[str, str, str]]:
    with pytest.raises(ValidationError) as refusal:
        model.model_validate(value)
    return field_errors(refusal.value)


def code_of(field: str, value: object) -> str:
    ((name, code, message),) = errors_of(Everything, {field: value})
    assert name == field
    assert message
    return code


def test_a_list_of_the_wrong_length_is_refused_in_chinese():
    row = {"price_fen": 1}
    assert errors_of(Bounded, {"rows": []}) == [("rows", "too_short", "至少1项")]
    assert errors_of(Bounded, {"rows": [row] * 3}) == [("rows", "too_long", "最多2项")]


def read(field: str, value: object) -> object:
    return getattr(Everything.model_validate({field: value}), field)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("  王小明 ", "王小明"),
        ("e\u0301", "\u00e9"),
        ("e\u200b\u0301", "\u00e9"),
        ("王\u202e小\u200b明\ufeff", "王小明"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
        ("<script>", "<script>"),
        ("' OR 1=1--", "' OR 1=1--"),
        ("名" * 50, "名" * 50),
    ],
)
def test_a_name_is_one_visible_line_in_one_spelling(given_name, kept):
    assert read("name", given_name) == kept


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("", "too_short"),
        ("   ", "too_short"),
        ("\u202e", "too_short"),
        ("\u200d", "invalid"),
        ("名" * 51, "too_long"),
        ("a\nb", "invalid"),
        ("a\u2028b", "invalid"),
        ("a\0b", "invalid"),
        ("a\x1bb", "invalid"),
        ("\ud800", "invalid"),
        (5, "wrong_type"),
        (True, "wrong_type"),
        ({"$gt": ""}, "wrong_type"),
        (["a"], "wrong_type"),
    ],
)
def test_what_is_no_name_is_refused(wrong, code):
    assert code_of("name", wrong) == code


def test_free_text_is_kept_as_it_was_typed():
    for text in ("  两行\n文字\t ", "{{7*7}} =1+1 %n", "\u202eabc", "字" * 2_000):
        assert read("text", text) == text
    assert read("remark", "") == ""
    assert read("line", " ") == ""


@pytest.mark.parametrize(
    ("wrong", "code"),
    [("字" * 2_001, "too_long"), (" \n", "too_short"), ("a\0", "invalid"), ("\udfff", "invalid"), (1, "wrong_type")],
)
def test_text_that_cannot_be_kept_is_refused(wrong, code):
    assert code_of("text", wrong) == code


def test_ids_are_taken_as_they_come_but_bounded():
    for text in ("", "1 or 1", "01HX ", "-1", "x" * 64):
        assert read("thing_id", text) == text
    assert code_of("thing_id", "x" * 65) == "too_long"
    assert code_of("thing_id", 7) == "wrong_type"
    assert code_of("thing_id", "\0") == "invalid"
    assert code_of("msg_id", "") == "too_short"
    assert read("password", " 8 zeichen") == " 8 zeichen"
    assert code_of("password", "1234567") == "too_short"


@pytest.mark.parametrize("right", [0, 1, 1_000_000_000])
def test_fen_are_whole_numbers_up_to_ten_million_yuan(right):
    assert read("amount_fen", right) == right


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (-1, "out_of_range"),
        (1_000_000_001, "out_of_range"),
        (2**63, "out_of_range"),
        (10**400, "out_of_range"),
        (True, "wrong_type"),
        (1.0, "wrong_type"),
        (-0.0, "wrong_type"),
        ("1", "wrong_type"),
        (float("nan"), "wrong_type"),
        (float("inf"), "wrong_type"),
        (None, None),
    ],
)
def test_what_is_no_whole_number_of_fen_is_refused(wrong, code):
    if code is None:
        assert read("amount_fen", wrong) is None
    else:
        assert code_of("amount_fen", wrong) == code


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-22T10:00:00+08:00", datetime(2026, 11, 22, 2, 0, tzinfo=UTC)),
        ("2026-11-22T02:00:00Z", datetime(2026, 11, 22, 2, 0, tzinfo=UTC)),
        ("2026-11-22T02:00:00.9999999z", datetime(2026, 11, 22, 2, 0, 0, 999_000, tzinfo=UTC)),
        ("2026-11-22T02:00:00.5-03:30", datetime(2026, 11, 22, 5, 30, 0, 500_000, tzinfo=UTC)),
        ("2028-02-29T00:00:00+00:00", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_an_instant_becomes_utc_to_the_millisecond(text, instant):
    assert read("at", text) == instant
    assert read("at", text).utcoffset().total_seconds() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-11-22T10:00+08:00",
        "2026-11-22 10:00:00+08:00",
        "20261122T100000+0800",
        "2026-W01-1T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-22T24:00:00+08:00",
        "2026-11-22T23:59:60+08:00",
        "2026-11-22T10:00:00+24:00",
        "2026-11-22T10:00:00+25:00",
        "2026-11-22T10:00:00+08:60",
        "2026-11-22T10:00:00+08:00\n",
        "２０２６-11-22T10:00:00+08:00",
        "0000-01-01T00:00:00Z",
        "1999-12-31T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "10000-01-01T00:00:00Z",
        "2026-11-22T10:00:00+08:00" + "0" * 100_000,
    ],
)
def test_an_instant_that_is_not_rfc_3339_with_an_offset_is_refused(wrong):
    assert code_of("at", wrong) in ("invalid", "out_of_range")


@pytest.mark.parametrize("wrong", [1_700_000_000, 1e18, None, True, datetime(2026, 1, 1, tzinfo=UTC)])
def test_an_instant_is_text(wrong):
    if wrong is None:
        assert read("at", wrong) is None
    else:
        assert code_of("at", wrong) == "wrong_type"


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30), timezones=offsets))
def test_every_instant_that_python_writes_is_read_back(moment):
    text = moment.isoformat(timespec="milliseconds")
    assert read("at", text) == datetime.fromisoformat(text)


@pytest.mark.parametrize("wrong", ["2026-2-3", "20260203", "2026-02-30", "2026-W01-1", "0001-01-01", "２０２６-01-01", ""])
def test_a_date_exists_and_is_written_in_full(wrong):
    assert read("day", "1949-12-31") == date(1949, 12, 31)
    assert code_of("day", wrong) in ("invalid", "out_of_range")


def test_a_time_of_day_becomes_minutes():
    assert [read("time", text) for text in ("00:00", "08:05", "23:59", "24:00")] == [0, 485, 1_439, 1_440]
    for wrong in ("24:01", "25:00", "08:60", "8:00", "08:00:00", "０８:00", ""):
        assert code_of("time", wrong) in ("invalid", "out_of_range")
    assert code_of("time", 480) == "wrong_type"


def test_a_phone_number_loses_its_spelling():
    assert read("phone", "+86 １３８-0013-8000") == "13800138000"
    assert code_of("phone", 13800138000) == "wrong_type"
    assert code_of("phone", "12345678901") == "invalid"


def test_truth_is_not_a_number_and_choices_are_closed():
    assert read("flag", True) is True
    assert code_of("flag", 1) == "wrong_type"
    assert code_of("flag", "true") == "wrong_type"
    assert code_of("kind", "c") == "not_allowed"
    assert code_of("kind", ["a"]) == "not_allowed"


def test_faults_name_their_place():
    errors = errors_of(Everything, {"rows": [{"price_fen": 1}, {"price_fen": "1"}, {}, 7], "extra": 1})
    assert [(field, code) for field, code, _ in errors] == [
        ("rows.1.price_fen", "wrong_type"),
        ("rows.2.price_fen", "required"),
        ("rows.3", "wrong_type"),
        ("extra", "unknown_field"),
    ]
    assert errors_of(Everything, [1])[0][:2] == ("", "wrong_type")


def test_a_strange_field_name_can_still_be_answered():
    for name in ("\ud800", "x" * 100_000, "a.b", "$where"):
        ((field, _, _),) = errors_of(Everything, {name: 1})
        field.encode()
        assert len(field) <= 100


def test_null_is_not_the_same_as_left_out_where_a_field_is_needed():
    assert Needed.model_validate({"caregiver_id": None}).caregiver_id is None
    assert errors_of(Needed, {}) == [("caregiver_id", "required", "必填")]


def test_a_validators_own_words_reach_the_client():
    assert errors_of(Needed, {"caregiver_id": "x"}) == [("caregiver_id", "invalid", "不能是 x")]


def test_a_command_cannot_be_changed():
    row = Row(price_fen=1)
    with pytest.raises(ValidationError):
        row.price_fen = 2


def test_a_query_reads_texts():
    search = Search.model_validate(
        {
            "limit": ["5"],
            "age": "70",
            "skill": ["a", "b"],
            "at": ["2026-11-22T10:00:00 08:00"],
            "online": ["false"],
            "keyword": [""],
        }
    )
    assert (search.limit, search.age, search.skill, search.online, search.keyword) == (5, 70, ["a", "b"], False, "")
    assert search.at == datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    assert Search.model_validate({"skill": "a"}).skill == ["a"]
    assert Search.model_validate({}).limit == 20


@pytest.mark.parametrize(
    ("given_query", "field", "code"),
    [
        ({"limit": ["0"]}, "limit", "out_of_range"),
        ({"limit": ["101"]}, "limit", "out_of_range"),
        ({"limit": ["-1"]}, "limit", "invalid"),
        ({"limit": [""]}, "limit", "invalid"),
        ({"limit": ["1_0"]}, "limit", "invalid"),
        ({"limit": [" 5"]}, "limit", "invalid"),
        ({"limit": ["１０"]}, "limit", "invalid"),
        ({"limit": ["²"]}, "limit", "invalid"),
        ({"limit": ["1e1"]}, "limit", "invalid"),
        ({"limit": ["9" * 5_000]}, "limit", "invalid"),
        ({"limit": ["5", "6"]}, "limit", "wrong_type"),
        ({"limit": [5]}, "limit", "wrong_type"),
        ({"online": ["1"]}, "online", "invalid"),
        ({"skill": ["a", ""]}, "skill.1", "too_short"),
        ({"sort": ["id desc; drop"]}, "sort", "unknown_field"),
    ],
)
def test_a_query_is_as_strict_as_a_body(given_query, field, code):
    ((found_field, found_code, _),) = errors_of(Search, given_query)
    assert (found_field, found_code) == (field, code)


def test_the_api_page_tells_the_bounds():
    shown = Search.model_json_schema()["properties"]
    assert (shown["limit"]["minimum"], shown["limit"]["maximum"]) == (1, 100)
    shown = Everything.model_json_schema()["properties"]
    assert {"type": "string", "minLength": 1, "maxLength": 50} in shown["name"]["anyOf"]
    assert {"type": "string", "format": "date-time"} in shown["at"]["anyOf"]


@given(st.text(max_size=60))
def test_whatever_name_passes_can_be_stored_and_passes_again(text):
    try:
        name = Everything(name=text).name
    except ValidationError:
        return
    name.encode()
    assert 1 <= len(name) <= 50
    assert read("name", name) == name
