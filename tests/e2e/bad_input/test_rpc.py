"""Every call over the live channel with what it must not take, and frames that are none."""
import copy
import json
from contextlib import ExitStack

import pytest

from tests.e2e.rpc_wire import RpcWire
from tests.e2e.targets import fingerprint

_FRAME_BYTES = 65_536
_TWO_MEANINGS = {
    "NaN": '{"a": NaN}',
    "more than a float": '{"a": 1e999}',
    "a key twice": '{"order_id": "x", "order_id": "y"}',
    "a NUL": '{"a": "\\u0000"}',
    "a lone surrogate": '{"a": "\\ud800"}',
    "a number of 5,000 digits": '{"a": ' + "9" * 5_000 + "}",
    "arrays below the cap": '{"a": ' + "[" * 40 + "]" * 40 + "}",
    "arrays to the bottom": '{"a": ' + "[" * 20_000 + "]" * 20_000 + "}",
}
_NO_COMMANDS = (
    '"rpc":{"method":7,"data":{}}', '"rpc":{"method":null}', '"rpc":[]', '"rpc":{"method":{"$gt":""},"data":{}}',
    '"rpc":{"method":"order.accept","data":{}},"publish":{}', '"vanish":{}', '"subscribe":{"channel":7}',
    '"subscribe":{"channel":""}', '"subscribe":{"channel":"order:x","offset":-1}',
    '"subscribe":{"channel":"order:x","recover":"yes"}', '"history":{"channel":"order:x","limit":"1"}',
    '"subscribe":{"channel":"' + "c" * 300 + '"}', '"refresh":{"token":7}', '"presence":{"channel":["order:x"]}',
)
_NO_FRAMES = ("", " ", "\n", "[]", "null", "1", "not json", "{", '{"id":0,"rpc":{}}', '{"id":-1}', b"\x00\x01")


@pytest.fixture(scope="module")
def wires(served, people, crowd):
    """A connection for each role that may call something."""
    with ExitStack() as open_wires:
        yield {
            kind: open_wires.enter_context(RpcWire(served.port, people.one_of(kind, 0).token))
            for kind in ("patient", "caregiver", "admin")
        }


@pytest.fixture
def callable_targets(every_target):
    found = [target for target in every_target if target.rpc_name]
    assert len(found) >= 14
    return found


def _wire_for(wires, target):
    return next(wires[role] for role in ("caregiver", "patient", "admin") if role in target.roles)


def _mutations(target):
    """(field, data): wrong, missing or too many; an idempotency key goes with what requires one."""
    plain = target.shape.plain()
    key = {"idempotency_key": "k-1"} if target.declared.keyed == "required" else {}
    for place, shape, holder, name in target.shape.places(plain):
        kept = holder[name]
        for value in shape.wrong():
            holder[name] = value
            yield place, copy.deepcopy(plain) | key
        holder[name] = kept
    for name in target.shape.required:
        yield name, {key_: value for key_, value in plain.items() if key_ != name} | key
    yield "role", plain | key | {"role": "admin"}


def test_every_field_of_every_call_refuses_what_it_is_not(wires, callable_targets, world):
    wrong, before, sent = [], fingerprint(world), 0
    for target in callable_targets:
        for field, data in _mutations(target):
            reply = _wire_for(wires, target).call(target.rpc_name, data)
            sent += 1
            code = "unknown_field" if field == "role" else "invalid"
            error = reply.get("error", {})
            named = error.get("message", "").partition(":")[2]
            right = (error.get("code"), error.get("message", "").partition(":")[0]) == (422, code)
            if not right or not (named == field or named.startswith(f"{field}.")):
                wrong.append(f"{target.rpc_name} {field} {json.dumps(data)[:200]}: {reply}")
    assert not wrong, "\n".join(wrong)
    assert fingerprint(world) == before and sent > 500


@pytest.mark.parametrize("data", ["null", "[]", '"order_id"', "1", "true", '[{"order_id": "x"}]'])
def test_data_that_is_no_object_is_invalid(wires, callable_targets, data):
    wrong = []
    for target in callable_targets:
        error = _wire_for(wires, target).raw_call(target.rpc_name, data).get("error", {})
        first = "idempotency_key_required" if target.declared.keyed == "required" and data == "null" else "invalid"
        if error.get("code") not in (400, 422) or error["message"].partition(":")[0] not in (first, "invalid"):
            wrong.append(f"{target.rpc_name}: {error}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("what", _TWO_MEANINGS)
def test_json_with_two_meanings_is_a_bad_request(served, people, callable_targets, what):
    person, wrong = people.one_of("patient", 1), []
    for target in callable_targets:
        with RpcWire(served.port, person.token) as wire:
            reply = wire.raw_call(target.rpc_name, _TWO_MEANINGS[what])
        if reply.get("error", {}).get("code") != 107 and reply.get("closed") != 3501:
            wrong.append(f"{target.rpc_name}: {reply}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "钥", 7, None, True, ["k"], {"$gt": ""}])
def test_an_idempotency_key_that_is_none_is_malformed(wires, callable_targets, key, world):
    wrong, before = [], fingerprint(world)
    for target in callable_targets:
        if target.declared.keyed != "never":
            data = target.shape.plain() | {"idempotency_key": key}
            error = _wire_for(wires, target).call(target.rpc_name, data).get("error", {})
            if (error.get("code"), error.get("message")) != (400, "malformed"):
                wrong.append(f"{target.rpc_name}: {error}")
    assert not wrong, "\n".join(wrong)
    assert fingerprint(world) == before


def test_a_frame_over_64_kib_ends_the_connection_with_1009(served, people, callable_targets):
    for target in callable_targets[:3]:
        with RpcWire(served.port, people.one_of("patient", 1).token) as wire:
            assert wire.raw_call(target.rpc_name, json.dumps({"a": "x" * _FRAME_BYTES})) == {"closed": 1009}


@pytest.mark.parametrize("command", _NO_COMMANDS, ids=range(len(_NO_COMMANDS)))
def test_a_command_that_is_none_gets_an_error_and_no_more(served, people, command):
    with RpcWire(served.port, people.one_of("patient", 1).token) as wire:
        reply = wire.command(command)
    assert reply.get("error", {}).get("code") in (103, 104, 107) or reply.get("closed") in (3500, 3501), reply


@pytest.mark.parametrize("frame", _NO_FRAMES, ids=range(len(_NO_FRAMES)))
def test_a_frame_that_is_none_ends_the_connection_for_good(served, people, frame):
    with RpcWire(served.port, people.one_of("patient", 1).token) as wire:
        wire.say(frame)
        assert wire.closed_with() in (3501, 3506, 1003)


def test_every_call_is_open_to_its_roles_only(wires, callable_targets):
    wrong = []
    for target in callable_targets:
        for role, wire in wires.items():
            if role not in target.roles:
                error = wire.call(target.rpc_name, target.shape.plain()).get("error", {})
                if (error.get("code"), error.get("message")) != (403, "forbidden"):
                    wrong.append(f"{target.rpc_name} as {role}: {error}")
    assert not wrong, "\n".join(wrong)


def test_what_is_no_call_cannot_be_called(wires, every_target):
    for target in every_target:
        if not target.rpc_name:
            reply = wires["patient"].call(target.declared.name, target.shape.plain())
            assert reply.get("error", {}).get("code") == 104, target.name
            break
    names = [target.declared.name for target in every_target if not target.rpc_name]
    codes = {name: wires["admin"].call(name, {}).get("error", {}).get("code") for name in names[:10]}
    assert set(codes.values()) == {104}
