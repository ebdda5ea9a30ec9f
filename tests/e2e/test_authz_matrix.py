"""Every operation, asked by everybody: nothing is open that is not written down as open.

Refusals are asked first, then what is allowed is done, the one who booked last.
"""
from urllib.parse import urlencode

import pytest

from tests.e2e.matrix import ROWS
from tests.e2e.people import Person, log_in
from tests.e2e.rpc_wire import RpcWire
from tests.e2e.targets import fingerprint
from tests.e2e.ward_round import ACTORS, STATES, gather

_PASSWORD = "peihu-demo-2026"
_DOES_LAST = ("named", "other", "anonymous", "stranger", "admin", "viewer", "assigned", "booker")


@pytest.fixture(scope="module")
def ward_round(people):
    return gather(people)


@pytest.fixture(scope="module")
def target_of(every_target):
    return {target.name: target for target in every_target}


def test_every_operation_has_a_row(every_target):
    rows = [row.target for row in ROWS]
    assert sorted(rows) == sorted({target.name for target in every_target}), "one row an operation"
    assert all(len(row.expected(state)) == len(ACTORS) for row in ROWS for state in STATES)


def _ask(caller, target, body, token):
    if target.method == "POST":
        return caller.ask("POST", target.path, body=body, token=token)
    path = target.path.replace("{file_id}", body.get("file_id", ""))
    query = {name: value for name, value in body.items() if f"{{{name}}}" not in target.path}
    return caller.ask("GET", f"{path}?{urlencode(query)}" if query else path, token=token)


def _cells(ward_round, state, *, allowed):
    """(row, actor, person, expected code) of one state."""
    place = ward_round.places[state]
    for row in ROWS:
        codes = dict(zip(ACTORS, row.expected(state), strict=True))
        for actor in _DOES_LAST:
            if (codes[actor] < 300) is allowed:
                yield row, actor, place.actors.get(actor), codes[actor]


def _token(person: Person | None) -> str:
    return person.token if person else ""


@pytest.mark.parametrize("state", STATES)
def test_1_who_may_not_is_refused_and_changes_nothing(caller, ward_round, target_of, world, state):
    wrong, place = [], ward_round.places[state]
    bodies = {row.target: row.body(ward_round, place) for row in ROWS}
    before = fingerprint(world)
    for row, actor, person, expected in _cells(ward_round, state, allowed=False):
        target = target_of[row.target]
        if target.has_http:
            reply = _ask(caller, target, bodies[row.target], _token(person))
            if reply.status != expected or reply.data is not None:
                wrong.append(f"{row.target} as {actor}: {reply.status} {reply.code} instead of {expected} {reply.data}")
    changed = {name for name, value in fingerprint(world).items() if before[name] != value}
    assert not wrong, "\n".join(wrong)
    assert changed == set()


@pytest.mark.parametrize("state", STATES)
def test_2_who_may_not_is_refused_by_a_call_too(served, ward_round, target_of, world, state):
    wrong, place, wires = [], ward_round.places[state], {}
    bodies = {row.target: row.body(ward_round, place) for row in ROWS}
    before = fingerprint(world)
    for row, actor, person, expected in _cells(ward_round, state, allowed=False):
        target = target_of[row.target]
        if target.rpc_name and person is not None:
            wire = wires.setdefault(actor, RpcWire(served.port, person.token))
            key = {"idempotency_key": f"{actor}-{state}"} if target.declared.keyed == "required" else {}
            with wire:
                told = wire.call(target.rpc_name, bodies[row.target] | key)
            wires.pop(actor)
            if told.get("error", {}).get("code") != expected:
                wrong.append(f"{target.rpc_name} as {actor}: {told} instead of {expected}")
    changed = {name for name, value in fingerprint(world).items() if before[name] != value}
    assert not wrong, "\n".join(wrong)
    assert changed == set()


def test_3_a_relative_sees_no_money_and_no_code(ward_round):
    for place in ward_round.places.values():
        own = place.actors["booker"].get("/api/order/detail", order_id=place.order_id)
        seen = place.actors["viewer"].get("/api/order/detail", order_id=place.order_id)
        assert own["amount_fen"] and own["lines"]
        assert (len(own["start_code"]) == 6) if place.state == "awaiting_service" else own.get("start_code") is None
        told = [seen, *place.actors["viewer"].get("/api/order/list")["items"]]
        told += [place.actors["assigned"].get("/api/order/detail", order_id=place.order_id)]
        assert all(one.get("start_code") is None for one in told), "only who booked reads the code"
        for one in told[:-1]:
            money = {name for name, value in one.items() if name.endswith("_fen") and value is not None}
            assert (money, one.get("lines"), one.get("refund"), one.get("pay_method")) == (set(), None, None, None)


def test_4_lists_show_what_one_has_to_do_with_and_no_more(ward_round):
    for place in ward_round.places.values():
        listed = {
            actor: {one["order_id"] for one in person.get("/api/order/list", limit=100)["items"]}
            for actor, person in place.actors.items() if actor != "admin"
        }
        seen_by = {actor for actor, orders in listed.items() if place.order_id in orders}
        assert seen_by == {"booker", "viewer", "assigned"}


def test_5_the_named_caregiver_has_the_offer_and_nothing_else(served, caller, ward_round):
    place = ward_round.offered
    named = place.actors["named"]
    offer = next(one for one in named.get("/api/order/offers")["items"] if one["order_id"] == place.order_id)
    order = place.actors["booker"].get("/api/order/detail", order_id=place.order_id)
    assert set(offer["patient"]) <= {"age_band", "gender", "gender_text", "condition"}
    for secret in (order["patient"]["name"], order["patient"]["contact_phone"], order["bed_no"]):
        assert secret and secret not in str(offer)
    for path in ("order/detail", "order/status", "order/cancel_quote", "chat/history", "note/list"):
        reply = named.ask("GET", f"/api/{path}?order_id={place.order_id}")
        assert (reply.status, reply.code) == (404, "not_found"), path
    reply = named.ask("POST", "/api/chat/send", body=ward_round.message(place))
    assert (reply.status, reply.code) == (404, "not_found")
    with RpcWire(served.port, named.token) as wire:
        told = wire.command(f'"subscribe":{{"channel":"order:{place.order_id}"}}')
        assert told["error"]["code"] == 103
    rival = ward_round.places["in_service"].actors["other"]
    reply = rival.ask("POST", "/api/order/accept", body={"offer_id": place.offer_id})
    assert (reply.status, reply.code) == (404, "not_found")


@pytest.mark.parametrize("state", STATES)
def test_6_the_channel_of_an_order_is_open_to_its_party(served, ward_round, state):
    place, open_to, looks = ward_round.places[state], set(), set()
    for actor, person in place.actors.items():
        with RpcWire(served.port, person.token) as wire:
            answers = [
                wire.command(f'"{what}":{{"channel":"order:{place.order_id}"}}')
                for what in ("history", "presence", "presence_stats", "subscribe", "publish")
            ]
        looks |= {actor} if any("error" not in answer for answer in answers[:3]) else set()
        open_to |= {actor} if "error" not in answers[3] else set()
        assert answers[4]["error"]["code"] == 103, "nobody publishes"
    assert open_to == looks == {"booker", "viewer", "assigned", "admin"}


@pytest.mark.parametrize("state", STATES)
def test_7_who_may_does_it(caller, ward_round, target_of, state):
    place, wrong = ward_round.places[state], []
    for row, actor, person, expected in _cells(ward_round, state, allowed=True):
        target = target_of[row.target]
        if target.has_http:
            if row.target == "POST /api/user/logout" and person is not None:
                person = log_in(caller, person.phone, _PASSWORD)
            reply = _ask(caller, target, row.body(ward_round, place), _token(person))
            if reply.status != expected:
                wrong.append(f"{row.target} as {actor}: {reply.status} {reply.code} {reply.fields}, not {expected}")
    assert not wrong, "\n".join(wrong)
