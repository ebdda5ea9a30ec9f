"""What the strict parser takes, and the reason for what it refuses."""

import pytest

from server.core.strict_json import MAX_DEPTH, BadJson, dumps, parse

REFUSED = [
    (b'{"a":1,"a":1}', "duplicate_key"),
    (b'{"a":{"b":1,"b":2}}', "duplicate_key"),
    (b"[NaN]", "not_finite"),
    (b"[Infinity]", "not_finite"),
    (b"[-Infinity]", "not_finite"),
    (b"[1e999]", "not_finite"),
    (b"[18446744073709551616]", "number_too_large"),
    (b"[-9223372036854775809]", "number_too_large"),
    (b"[" + b"9" * 5000 + b"]", "number_too_large"),
    (rb'["\ud800"]', "lone_surrogate"),
    (rb'["\uDFFF\ud800"]', "lone_surrogate"),
    (rb'{"\ud83d":1}', "lone_surrogate"),
    ('["\ud800"]', "lone_surrogate"),
    (rb'["a\u0000b"]', "nul_character"),
    (rb'{"\u0000":1}', "nul_character"),
    (b'["\x00"]', "syntax"),
    (b"[" * 33 + b"]" * 33, "too_deep"),
    (b"[" * 900 + b"]" * 900, "too_deep"),
    (b"[" * 60_000, "too_deep"),
    (b'{"a":' * 40 + b"1" + b"}" * 40, "too_deep"),
    (b"\xef\xbb\xbf{}", "byte_order_mark"),
    (b'["\xff"]', "not_utf8"),
    (b'["\xed\xa0\x80"]', "not_utf8"),
    (b"", "syntax"),
    (b"{}{}", "syntax"),
    (b"{'a':1}", "syntax"),
    (b'{"a":1,}', "syntax"),
    (b'["a\nb"]', "syntax"),
    (b"01", "syntax"),
    ("[１]".encode(), "syntax"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=lambda value: repr(value)[:30])
def test_a_text_with_two_meanings_or_none_is_refused_with_its_reason(text, reason):
    with pytest.raises(BadJson) as refusal:
        parse(text)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":[1,2.5,true,null,"\xe9\x99\xaa"]}', {"a": [1, 2.5, True, None, "陪"]}),
        (rb'["\ud83d\ude00"]', ["😀"]),
        (rb'["\\u0000"]', ["\\u0000"]),
        (b"[18446744073709551615,-9223372036854775808]", [2**64 - 1, -(2**63)]),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b" [1] ", [1]),
        (b"[" + b"[]," * 100 + b"[]]", [[]] * 101),
    ],
    ids=range(7),
)
def test_plain_json_is_read_as_it_stands(text, value):
    assert parse(text) == value or value is None


def test_text_is_written_compact_with_its_own_characters():
    assert dumps({"名": ["陪护", 1]}) == '{"名":["陪护",1]}'
    with pytest.raises(ValueError, match="Out of range"):
        dumps(float("nan"))
