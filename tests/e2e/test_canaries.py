"""Nothing that is somebody's own lies readable on the disk or in a log.

Marked values go in through the API, by doors that open and by doors that refuse; then every byte of every file
in the data directory and of what was printed is searched for them, while the server runs and after it stopped.
"""
import json
import secrets
import uuid
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from server.core.clock import server_now
from server.demo.numbers import id_number
from tests.e2e.caller import Caller
from tests.e2e.people import People, Visits, log_in, picture, register
from tests.e2e.rpc_wire import RpcWire
from tests.e2e.server import serving

_BORN = date(1981, 3, 4)
_PAPERS = ("id_card_front", "id_card_back", "certificate", "health_certificate")


class Canaries:
    """Values that occur nowhere else, by what they are."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def text(self, what: str) -> str:
        return self.keep(what, f"金丝雀{what}{secrets.token_hex(8)}")

    def word(self, what: str) -> str:
        return self.keep(what, f"canary-{secrets.token_hex(12)}")

    def phone(self, what: str) -> str:
        return self.keep(what, f"139{secrets.randbelow(10**8):08d}")

    def keep(self, what: str, value: str) -> str:
        self.planted[what] = value
        return value

    def found_in(self, places: dict[str, bytes]) -> list[str]:
        """`what: place (spelling)` for every planted value that can be read somewhere."""
        return [
            f"{what}: {place} ({spelling})"
            for what, value in self.planted.items()
            for spelling, needle in _spellings(value).items()
            for place, content in places.items() if needle in content
        ]


def _spellings(value: str) -> dict[str, bytes]:
    escaped = json.dumps(value)[1:-1]
    return {
        "as it is": value.encode(), "escaped": escaped.encode(), "escaped twice": json.dumps(escaped)[1:-1].encode(),
        "quoted": quote(value).encode(), "utf-16": value.encode("utf-16-le"), "hex": value.encode().hex().encode(),
    }


def _places(data_dir: Path, *more: Path) -> dict[str, bytes]:
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    return {path.name: path.read_bytes() for path in (*files, *more)}


def _account(caller: Caller, canaries: Canaries, what: str, user_type: str):
    """A new account whose phone, password and tokens are marked."""
    person = register(
        caller, canaries.phone(f"phone of {what}"), user_type=user_type, password=canaries.word(f"password of {what}")
    )
    canaries.keep(f"token of {what}", person.token)
    canaries.keep(f"refresh token of {what}", person.refresh_token)
    return person


def _qualify(caller: Caller, people: People, canaries: Canaries) -> None:
    """Papers handed in, declined with a reason, handed in again and approved."""
    carer = _account(caller, canaries, "a caregiver", "caregiver")
    carer.post("/api/caregiver/profile", {
        "name": "公开姓名", "gender": "female", "birth_date": _BORN.isoformat(), "districts": ["chaoyang"],
        "skills": [], "contact_phone": canaries.phone("a caregiver's contact phone"),
        "experience_years": 3, "bio": "公开的自我介绍",
    })
    soon = (server_now() + timedelta(days=400)).date().isoformat()
    number = id_number(77, birth_date=_BORN, gender="female")
    fields = {
        "id_number": canaries.keep("a caregiver's ID number", number), "certificate_name": "养老护理员证",
        "certificate_number": canaries.word("certificate number"), "certificate_expires_on": soon,
        "health_certificate_number": canaries.word("health certificate number"),
        "health_certificate_expires_on": soon,
    }
    admin = people.one_of("admin", 0)
    for decision in ("reject", "approve"):
        pictures = {name: picture(size=(640, 400)) for name in _PAPERS}
        handed_in = carer.upload("/api/caregiver/qualification", fields, **pictures)
        assert handed_in.status == 201, (handed_in.code, handed_in.errors)
        admin.post("/api/admin/qualification/review", {
            "certification_id": handed_in.data["certification_id"], "decision": decision,
            "reason": canaries.text(f"审核意见{decision}"),
        })


def _serve_a_patient(people: People, family, canaries: Canaries, *, service_key: str) -> None:
    """One order with everything in it, one that is cancelled."""
    patient = family.post("/api/patient/create", {
        "name": canaries.text("患者姓名"), "birth_date": _BORN.isoformat(), "gender": "male", "relation": "parent",
        "id_number": canaries.keep("a patient's ID number", id_number(78, birth_date=_BORN, gender="male")),
        "contact_phone": canaries.phone("a patient's contact phone"), "condition": canaries.text("病情"),
        "health_consent": True,
    })
    canaries.keep("an invitation", family.post("/api/patient/invite", patient)["invite_code"])
    visits, carers = Visits(people, family), people.all_of("caregiver")
    own = {"contact_phone": canaries.phone("an order's contact phone"), "requirements": canaries.text("要求"),
           "address": canaries.text("地址")}
    order, carer = visits.accepted(hours_ahead=3, among=carers, **own)
    order_id = order["order_id"]
    said = {"order_id": order_id, "msg_id": uuid.uuid4().hex, "kind": "text"}
    family.post("/api/chat/send", said | {"text": canaries.text("聊天")})
    visits.start(order, carer)
    carer.post("/api/note/append", visits.note(order, canaries.text("记录")) | {"vitals": {"temperature_c": 38.625}})
    carer.post("/api/order/finish", {"order_id": order_id, "summary": canaries.text("小结")})
    family.post("/api/order/confirm", {"order_id": order_id})
    family.post("/api/order/review", {"order_id": order_id, "score": 5, "content": canaries.text("评价")})
    other = visits.book(hours_ahead=40)
    visits.pay(other)
    declining, offer_id = visits.await_offer(other["order_id"], carers)
    declining.post("/api/order/reject", {"offer_id": offer_id, "reason": canaries.text("拒单原因")})
    family.post("/api/order/cancel", {"order_id": other["order_id"], "reason": canaries.text("取消原因")})
    notice = {"user_id": family.user_id, "type": "system", "template": "announcement",
              "params": {"text": canaries.text("通知")}}
    people.caller.post("/api/message/send", notice, headers={"X-Service-Key": service_key})


def _refused(caller: Caller, family, canaries: Canaries, *, port: int) -> None:
    """What is refused leaves nothing either, least of all in a log."""
    guess = {"phone": family.phone, "password": canaries.word("a wrong password")}
    assert caller.ask("POST", "/api/user/login", body=guess).status == 401
    for raw in (json.dumps({"text": canaries.text("没人要的字段")}), '{"text": "' + canaries.text("坏掉的请求")):
        assert family.ask("POST", "/api/chat/send", raw=raw.encode()).status in (400, 422)
    asked = quote(canaries.text("地址栏里的词"))
    assert family.ask("GET", f"/api/order/list?status={asked}").status == 422
    assert caller.ask("GET", f"/connection/websocket?token={canaries.word('a token in an address')}").status == 400
    assert caller.ask("GET", "/api/user/me", token=canaries.word("a token that is none")).status == 401
    family.ask("GET", f"/api/caregiver/query?keyword={quote(canaries.text('搜索词'))}")
    with RpcWire(port, family.token) as wire:
        wire.call("chat.send", {"text": canaries.text("被拒的调用")})
        wire.raw_call("chat.send", '{"text": "' + canaries.text("坏掉的调用") + '", "text": "x"}')
    with RpcWire(port, canaries.word("a connection token that is none")) as wire:
        assert wire.connected == {"closed": 3500}


@pytest.fixture(scope="module")
def searched(world):
    """The canaries, what a search found while serving, and after the stop."""
    canaries = Canaries()
    with serving(world, settings={"PEIHU_LOG_LEVEL": "DEBUG"}) as served:
        caller = Caller(served.port)
        people = People(caller)
        service_key = (world / "service_key").read_text().strip()
        family = _account(caller, canaries, "a family", "patient")
        _serve_a_patient(people, family, canaries, service_key=service_key)
        _qualify(caller, people, canaries)
        _refused(caller, family, canaries, port=served.port)
        spare = register(caller, canaries.phone("a banned phone"))
        ban = {"user_id": spare.user_id, "reason": canaries.text("停用原因")}
        people.one_of("admin", 0).post("/api/admin/user/ban", ban)
        log_in(caller, family.phone, canaries.planted["password of a family"]).post("/api/user/logout")
        running = _places(world, served.log_file)
        caller.close()
    return canaries, running, _places(world, served.log_file)


def test_nothing_planted_is_readable_while_it_serves(searched):
    canaries, running, _ = searched
    assert len(canaries.planted) >= 35
    assert not (found := canaries.found_in(running)), "\n".join(found)


def test_nothing_planted_is_readable_after_it_stopped(searched):
    canaries, _, stopped = searched
    assert not (found := canaries.found_in(stopped)), "\n".join(found)


def test_the_search_finds_what_is_public(searched):
    _, running, stopped = searched
    public = Canaries()
    public.keep("a caregiver's name", "公开姓名")
    public.keep("a caregiver's bio", "公开的自我介绍")
    for places in (running, stopped):
        assert {line.split(":")[0] for line in public.found_in(places)} == set(public.planted)


def test_secrets_are_in_their_own_files_only(searched, world):
    _, running, stopped = searched
    own = Canaries()
    for name in ("jwt_secret", "field_key", "service_key"):
        own.keep(name, (world / name).read_text().strip())
        assert (world / name).stat().st_mode & 0o077 == 0, "readable to the owner alone"
    for places in (running, stopped):
        told = {tuple(line.split(" (")[0].split(": ")) for line in own.found_in(places)}
        assert told == {(name, name) for name in own.planted}


def test_nothing_of_it_was_a_bug(searched):
    _, running, stopped = searched
    for places in (running, stopped):
        assert b"Traceback" not in places["peihu.log"] and b'"level": "error"' not in places["peihu.log"]
        assert b"Traceback" not in places["var.log"]
