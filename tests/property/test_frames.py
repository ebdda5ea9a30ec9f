"""Whatever a stranger sends: commands or the codec's own refusal, and the same meaning in every encoding."""

import json
import math
from collections.abc import Callable

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.ws.wire.answers import Publication, Reply, Result
from server.ws.wire.commands import BadFrame, Command, Rpc
from tests.wires import MOST_COMMANDS, WIRES, delimited, payload, varint, wire_name

JSON, PROTOBUF, MSGPACK = WIRES
MANY = settings(max_examples=400, deadline=None)

# What strict JSON can say: no NUL, no lone surrogate, 64 bits, finite.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))
# What only msgpack can say.
STRANGE = (
    SCALARS | st.binary(max_size=8) | st.floats()
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=8))
    | st.builds(msgpack.Timestamp, st.integers(-(2**63), 2**63 - 1), st.integers(0, 999_999_999))
)  # fmt: skip
KEYS = st.sampled_from(["id", "rpc", "data", "method", "channel", "subscribe", "offset"]) | TEXTS | st.binary(
    max_size=4
) | st.integers(-5, 5)  # fmt: skip
STRANGE_VALUES = st.recursive(
    STRANGE, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)
COMMANDS = st.fixed_dictionaries(
    {"id": st.integers(1, 2**32 - 1)},
    optional={
        "rpc": st.fixed_dictionaries({"method": TEXTS, "data": VALUES}),
        "subscribe": st.fixed_dictionaries(
            {"channel": TEXTS, "recover": st.booleans(), "offset": st.integers(0, 2**64 - 1), "epoch": TEXTS}
        ),
        "history": st.fixed_dictionaries({"channel": TEXTS, "limit": st.integers(-(2**31), 2**31 - 1)}),
        "connect": st.fixed_dictionaries({"token": TEXTS, "data": VALUES}),
        "ping": st.just({}),
    },
)


def read(wire, message: str | bytes) -> list[Command] | None:
    """The commands, or None for a refusal; anything else fails the test."""
    try:
        found = wire.codec.decode(message)
    except BadFrame:
        return None
    assert 0 < len(found) <= MOST_COMMANDS
    return found


@pytest.mark.parametrize("wire", WIRES, ids=wire_name)
@MANY
@given(message=st.binary(max_size=200) | st.text(max_size=200))
@example(message="\ud800")
@example(message="{}\n\n{}")
@example(message=b"\x91" * 1_500)
def test_anything_is_read_or_refused(wire, message):
    read(wire, message)


@pytest.mark.parametrize("wire", WIRES, ids=wire_name)
@MANY
@given(data=st.data())
def test_a_damaged_frame_is_read_or_refused(wire, data):
    """Cut, with bytes changed, put in or taken out, wherever that hurts most."""
    said = wire.say(*data.draw(st.lists(COMMANDS, min_size=1, max_size=3)))
    raw = bytearray(said.encode() if isinstance(said, str) else said)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.sampled_from([at, at + 1, len(raw)]))
        raw[at:end] = data.draw(st.sampled_from([b"", b"\xff", b"\x80", b"\x00"]) | st.binary(max_size=6))
    read(wire, raw.decode("utf-8", "replace") if wire.codec.is_text else bytes(raw))


@MANY
@given(values=st.lists(STRANGE_VALUES, max_size=4) | STRANGE_VALUES)
def test_any_msgpack_is_read_or_refused_and_nothing_strange_comes_through(values):
    for command in read(MSGPACK, msgpack.packb(values)) or []:
        if isinstance(command, Rpc):
            json.dumps(command.data, allow_nan=False)


def fields() -> st.SearchStrategy[bytes]:
    """Fields of any number and wire type, nested as far as anybody likes."""
    numbers = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 13, 15]) | st.integers(0, 2**29 - 1)
    endless = st.binary(min_size=1, max_size=3).map(lambda tail: b"\xff" * 9 + tail)

    def tagged(kind: int) -> Callable[[tuple[int, bytes]], bytes]:
        return lambda pair: varint(pair[0] << 3 | kind) + pair[1]

    leaf = (
        st.tuples(numbers, st.integers(0, 2**64 - 1).map(varint) | endless).map(tagged(0))
        | st.tuples(numbers, st.binary(max_size=8)).map(tagged(1))
        | st.tuples(numbers, st.binary(max_size=4)).map(tagged(5))
        | st.tuples(numbers, st.sampled_from([3, 4, 6, 7])).map(lambda pair: varint(pair[0] << 3 | pair[1]))
        | st.tuples(numbers, st.binary(max_size=20).map(delimited) | st.binary(max_size=6)).map(tagged(2))
    )  # fmt: skip
    return st.recursive(
        leaf, lambda inner: st.tuples(numbers, st.lists(inner, max_size=4).map(b"".join).map(delimited)).map(tagged(2))
    )


@MANY
@given(messages=st.lists(st.lists(fields(), max_size=4).map(b"".join), min_size=1, max_size=3))
def test_any_protobuf_is_read_or_refused(messages):
    read(PROTOBUF, b"".join(map(delimited, messages)))


@MANY
@given(said=COMMANDS)
def test_a_command_means_the_same_in_every_encoding(said):
    [meant] = JSON.codec.decode(JSON.say(said))
    for wire in (PROTOBUF, MSGPACK):
        assert alike(wire.codec.decode(wire.say(said)), [meant]), wire_name(wire)


@MANY
@given(channel=TEXTS, offset=st.none() | st.integers(1, 2**53 - 1), data=VALUES)
def test_an_event_is_told_the_same_in_every_encoding(channel, offset, data):
    publication = Publication(offset, json.dumps(data, ensure_ascii=False).encode())
    told = {"data": data} if offset is None else {"data": data, "offset": offset}
    for wire in WIRES:
        frame = wire.codec.encode_publication(channel, publication)
        [heard] = wire.hear(payload(frame, is_text=wire.codec.is_text))
        assert alike(heard["push"]["pub"], told) and heard["push"].get("channel", "") == channel
        [heard] = wire.hear(payload(wire.codec.encode_reply(Reply(1, Result("rpc", {"data": data}))),
                                    is_text=wire.codec.is_text))  # fmt: skip
        assert alike(heard["rpc"]["data"], data)


def alike(one: object, other: object) -> bool:
    """Equal, and of equal types: `True == 1` is not what a client would say."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, Rpc) and isinstance(other, Rpc):
        return (one.id, one.method) == (other.id, other.method) and alike(one.data, other.data)
    return type(one) is type(other) and one == other
