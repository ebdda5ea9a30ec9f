"""A family lives in WeChat: logs in there, is told there, and by text message where WeChat may not."""
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.e2e.caller import Caller
from tests.e2e.people import People, Person, Visits
from tests.e2e.server import Served, run, serving, until
from tests.fakes.sms import ACCESS_KEY, SECRET, SIGN_NAME, FakeAliyun
from tests.fakes.wechat import MINI, MINI_SECRET, FakeWeChat

BOOKED, CANCELLED = "tmplBooked", "tmplCancelled"
_REPORT_KEY = "k" * 32


def settings_for(wechat: FakeWeChat, sms: FakeAliyun) -> dict[str, str]:
    mini, text = "PEIHU_WECHAT__MINI_", "PEIHU_SMS__"
    booked, cancelled = f"{mini}TEMPLATES__BOOKING_SUCCEEDED__", f"{mini}TEMPLATES__ORDER_CANCELLED__"
    return {
        "PEIHU_WECHAT__API_URL": wechat.url,
        f"{mini}APP_ID": MINI,
        f"{mini}SECRET": MINI_SECRET,
        f"{booked}ID": BOOKED,
        f"{booked}PAGE": "pages/order/detail?id={order_id}",
        f"{booked}FIELDS__THING1": "service_name",
        f"{booked}FIELDS__TIME2": "period",
        f"{cancelled}ID": CANCELLED,
        f"{cancelled}FIELDS__THING1": "service_name",
        f"{text}API_URL": sms.url,
        f"{text}PROVIDER": "aliyun",
        f"{text}ACCESS_KEY": ACCESS_KEY,
        f"{text}SECRET": SECRET,
        f"{text}SIGN_NAME": SIGN_NAME,
        f"{text}REPORT_KEY": _REPORT_KEY,
        f"{text}TEMPLATES__BOOKING_SUCCEEDED": "SMS_10",
        f"{text}TEMPLATES__SMS_CODE_BIND": "SMS_11",
    }


@dataclass
class Town:
    """The server among its providers."""

    served: Served
    wechat: FakeWeChat
    sms: FakeAliyun
    caller: Caller
    people: People

    def log_in_by_wechat(self, openid: str) -> Person:
        code = self.wechat.person(MINI, openid)
        login = self.caller.post("/api/user/login", {"wechat_code": code, "wechat_app": "mini"})
        user = login["user"]
        return Person(self.caller, user["user_id"], user["user_type"], "", login["token"], login["refresh_token"])


@pytest.fixture(scope="module")
def town(world: Path) -> Iterator[Town]:
    with FakeWeChat() as wechat, FakeAliyun() as sms:
        wechat.template(MINI, BOOKED, "thing1", "time2")
        wechat.template(MINI, CANCELLED, "thing1")
        sms.templates |= {"SMS_10": ("patient_name", "service_name", "start_text"), "SMS_11": ("code",)}
        with serving(world, settings=settings_for(wechat, sms)) as served:
            caller = Caller(served.port)
            yield Town(served, wechat, sms, caller, People(caller))
            caller.close()


def deliveries(town: Town) -> list[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(town.served.data_dir / "peihu.db")) as store:
        return store.execute(
            "SELECT channel, status, failure_code FROM message_delivery WHERE attempts > 0 ORDER BY delivery_id"
        ).fetchall()


def bind(town: Town, openid: str, **proof: str) -> None:
    code = town.wechat.person(MINI, openid)
    unbound = town.caller.ask("POST", "/api/user/login", body={"wechat_code": code, "wechat_app": "mini"})
    assert (unbound.status, unbound.code) == (401, "wechat_unbound")
    town.caller.post("/api/user/wechat_bind", {"bind_token": unbound.data["bind_token"], **proof})


def test_a_booking_is_told_in_wechat_and_by_text_message_where_it_may_not(town: Town) -> None:
    phone = town.people.one_of("patient", 0).phone
    bind(town, "oFamily", phone_code=town.wechat.phone_code(phone))
    family = town.log_in_by_wechat("oFamily")
    visits = Visits(town.people, family)

    town.wechat.grants["oFamily", BOOKED] = 1  # one tap on 允许 is one message
    order = visits.book(hours_ahead=30)
    visits.pay(order)
    (message,) = until(lambda: town.wechat.messages, what="the subscribe message")
    assert message["touser"] == "oFamily" and message["template_id"] == BOOKED
    assert message["page"] == f"pages/order/detail?id={order['order_id']}"
    assert town.sms.to(phone) == []

    second = visits.book(hours_ahead=54)
    visits.pay(second)
    (text,) = until(lambda: town.sms.to(phone), what="the text message instead")
    assert text["template"] == "SMS_10" and text["sign"] == SIGN_NAME
    assert text["params"]["service_name"] == message["data"]["thing1"]["value"]
    assert len(town.wechat.messages) == 1

    with urlopen(f"{town.served.url}/api/sms/report/{_REPORT_KEY}", town.sms.reports()) as answer:
        assert answer.read() == b'{"code":0,"msg":"ok"}'
    assert deliveries(town) == [("wechat", "sent", None), ("wechat", "failed", "43101"), ("sms", "delivered", None)]
    notices = family.get("/api/message/list")["items"]
    assert [notice["template"] for notice in notices].count("booking_succeeded") == 2


def test_a_wechat_is_bound_by_a_code_from_the_sms_provider(town: Town) -> None:
    phone = town.people.one_of("patient", 1).phone
    town.caller.post("/api/user/sms_code", {"phone": phone, "purpose": "bind"})
    (text,) = until(lambda: town.sms.to(phone), what="the code")
    bind(town, "oSecond", phone=phone, sms_code=text["params"]["code"])
    assert town.log_in_by_wechat("oSecond").user_id == town.people.one_of("patient", 1).user_id


def test_a_used_code_and_a_foreign_one_are_told_alike(town: Town) -> None:
    code = town.wechat.person(MINI, "oNobody")
    login = {"wechat_code": code, "wechat_app": "mini"}
    assert town.caller.ask("POST", "/api/user/login", body=login).code == "wechat_unbound"
    for wrong in (login, login | {"wechat_code": "foreign"}):
        reply = town.caller.ask("POST", "/api/user/login", body=wrong)
        assert (reply.status, reply.code) == (401, "login_failed")


def test_a_wechat_that_is_away_takes_nothing_out_of_service(town: Town) -> None:
    login = {"wechat_code": "anything", "wechat_app": "mini"}
    town.wechat.trouble("/sns/jscode2session", "status", 503)
    reply = town.caller.ask("POST", "/api/user/login", body=login)
    assert (reply.status, reply.code) == (503, "unavailable") and int(reply.headers["retry-after"]) >= 1
    assert town.caller.ask("GET", "/readyz").status == 200


def test_nothing_secret_and_nobodys_number_is_in_the_log(town: Town) -> None:
    phone = town.people.one_of("patient", 0).phone
    printed = town.served.printed() + (town.served.data_dir / "logs" / "peihu.log").read_text(encoding="utf-8")
    told = (MINI_SECRET, SECRET, phone, *town.wechat.tokens.values(), *town.wechat.used)
    assert [secret for secret in told if secret in printed] == []


def test_production_says_at_start_what_is_missing_and_refuses_half_of_it(tmp_path: Path) -> None:
    secrets = {f"PEIHU_{name}": "s" * 40 for name in ("JWT_SECRET", "FIELD_KEY", "SERVICE_KEY")}
    production = secrets | {"PEIHU_ENVIRONMENT": "production"}
    checked = run("check", data_dir=tmp_path / "var", settings=production)
    for line in ("WeChat mini program: no credentials", "SMS: no credentials", "WeChat Pay"):
        assert line in checked.stdout
    half = run("check", data_dir=tmp_path / "var", settings=production | {"PEIHU_WECHAT__MINI_APP_ID": MINI})
    assert half.returncode == 1 and "wechat.mini_secret is empty" in half.stdout + half.stderr
    assert "Traceback" not in half.stdout + half.stderr
