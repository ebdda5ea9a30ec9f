"""What travels between instances: everything of ours comes back, everything else is poison."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.storage.pubsub.envelope import MOST_BYTES, Poison, Sign, pack, unpack
from server.storage.pubsub.port import ChannelMessage, ControlMessage

EVENT = ChannelMessage("order:1", "epoch", 7, b'{"type":"chat.message"}')
NAMES = st.text(st.characters(codec="utf-8"), max_size=60)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
CONTENTS = st.one_of(
    st.builds(ChannelMessage, NAMES, NAMES, st.none() | st.integers(0, 2**63), st.binary(max_size=200)),
    st.builds(ControlMessage, NAMES, st.dictionaries(TEXTS, JSON, max_size=4)),
    st.builds(Sign, st.sampled_from(["beat", "gap"]), st.integers(0, 2**63)),
)


@given(NAMES, CONTENTS)
def test_what_was_packed_is_unpacked_as_it_was(sender, content):
    assert unpack(pack(sender, content)) == (sender, content)


@given(NAMES, CONTENTS, st.data())
def test_a_part_of_an_envelope_is_poison(sender, content, data):
    raw = pack(sender, content)
    cut = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(Poison):
        unpack(raw[:cut])
    with pytest.raises(Poison):
        unpack(raw + b"\xc0")


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail_otherwise(raw):
    try:
        unpack(raw)
    except Poison as poison:
        assert type(poison) is Poison


ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5) | st.binary(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(ITEMS, max_size=7))
def test_no_msgpack_makes_the_reader_fail_otherwise_and_what_it_takes_is_of_our_kinds(items):
    try:
        sender, content = unpack(msgpack.packb(items))
    except (Poison, UnicodeEncodeError, ValueError) as poison:
        assert type(poison) is Poison
    else:
        assert type(sender) is str and isinstance(content, ChannelMessage | ControlMessage | Sign)


def nested(depth):
    return b"\x91" * depth + b"\xc0"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"kind":"revoke"}',
        msgpack.packb(None),
        msgpack.packb([]),
        msgpack.packb([1, "a"]),
        msgpack.packb([2, "a", 0, "order:1", "e", 1, b"{}"]),  # of another version
        msgpack.packb([True, "a", 0, "order:1", "e", 1, b"{}"]),
        msgpack.packb([1, b"a", 0, "order:1", "e", 1, b"{}"]),
        msgpack.packb([1, "a", 9, "order:1", "e", 1, b"{}"]),
        msgpack.packb([1, "a", 0, "order:1", "e", 1]),
        msgpack.packb([1, "a", 0, "order:1", "e", 1, b"{}", None]),
        msgpack.packb([1, "a", 0, "order:1", "e", -1, b"{}"]),
        msgpack.packb([1, "a", 0, "order:1", "e", True, b"{}"]),
        msgpack.packb([1, "a", 0, "order:1", "e", 1.0, b"{}"]),
        msgpack.packb([1, "a", 0, "order:1", "e", 1, "{}"]),
        msgpack.packb([1, "a", 0, "x" * 2_000, "e", 1, b"{}"]),
        msgpack.packb([1, "a", 1, "revoke", {"user_id": "u1"}]),  # a map that is no text
        msgpack.packb([1, "a", 1, "revoke", {b"user_id": "u1"}]),
        msgpack.packb([1, "a", 1, "revoke", b"[]"]),
        msgpack.packb([1, "a", 1, "revoke", b"{"]),
        msgpack.packb([1, "a", 1, "revoke", b'{"a":NaN}']),
        msgpack.packb([1, "a", 1, "revoke", b'{"a":1,"a":2}']),
        msgpack.packb([1, "a", 1, "revoke", b'{"a":"\xff"}']),
        msgpack.packb([1, "a", 1, "revoke", b'{"a":' + b"[" * 40 + b"]" * 40 + b"}"]),
        msgpack.packb([1, "a", 2, "hello", 0]),
        msgpack.packb([1, "a", 2, "beat"]),
        msgpack.packb([1, "a", 2, "beat", False]),
        msgpack.packb([1, "a", 2, "beat", msgpack.ExtType(5, b"x")]),
        msgpack.packb([1, "a", 2, "beat", msgpack.Timestamp(1)]),
        b"\x95\x01\xa1a\x02\xa4\xff\xff\xff\xff\x00",  # text that is no UTF-8
        b"\xdd\xff\xff\xff\xff",  # a list of four thousand million
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xc1",  # a byte that msgpack never uses
        nested(8),
        nested(100_000),
        pack("a", EVENT) + b"\x00",
        b"\x00" * (MOST_BYTES + 1),
    ],
    ids=lambda raw: raw[:24].hex(),
)  # fmt: skip
def test_whatever_is_not_ours_is_poison(raw):
    with pytest.raises(Poison):
        unpack(raw)


@pytest.mark.parametrize(
    "content",
    [
        ChannelMessage("order:1", "e", 1, b"x" * MOST_BYTES),
        ControlMessage("revoke", {"at": object()}),
        ControlMessage("revoke", {"at": float("nan")}),
        ControlMessage("revoke", {"at": b"bytes"}),
        ControlMessage("revoke", {"name": "\x00"}),
        ControlMessage("revoke", {"name": "\ud800"}),
        ControlMessage("revoke", {"number": 2**70}),
    ],
)
def test_what_others_would_refuse_does_not_leave(content):
    with pytest.raises(ValueError, match="."):
        pack("a", content)
