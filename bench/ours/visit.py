"""An accepted order of the demo world, and the people in it."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench.ours.api import Api, Refusal

_QUARTER_S = 900
_HALF_DAY = timedelta(minutes=240)
_HAPPENS_WITHIN_S = 30.0
_STARTS_TRIED = 20


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the demo world with its token (which lives 15 minutes)."""

    user_id: str
    user_type: str
    token: str


@dataclass(frozen=True, slots=True)
class Visit:
    """An order in `awaiting_service`: its chat is open."""

    order_id: str
    booker: Person
    carer: Person
    admin: Person

    @property
    def channel(self) -> str:
        return f"order:{self.order_id}"


class People:
    """The demo accounts, logged in by their passwords when first asked."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._accounts = api.get("/sandbox/accounts")
        self._known: dict[str, Person] = {}

    def all_of(self, user_type: str) -> list[Person]:
        return [self._person(account) for account in self._accounts if account["user_type"] == user_type]

    def _person(self, account: dict[str, str]) -> Person:
        phone = account["phone"]
        if phone not in self._known:
            login = self.api.post("/api/user/login", {"phone": phone, "password": account["password"]})
            user = login["user"]
            self._known[phone] = Person(user["user_id"], user["user_type"], login["token"])
        return self._known[phone]


def accepted_visit(api: Api) -> Visit:
    """Book, pay and accept an open request; everything over the public API."""
    people = People(api)
    booker, admin = people.all_of("patient")[0], people.all_of("admin")[0]
    carers = people.all_of("caregiver")
    order = _book(api, booker, _request(api, booker, carers[0]))
    payment = {"order_id": order["order_id"], "method": "sandbox", "amount_fen": order["amount_fen"]}
    api.post("/api/order/pay", payment, token=booker.token)
    carer, offer_id = _await_offer(api, order["order_id"], carers)
    api.post("/api/order/accept", {"offer_id": offer_id}, token=carer.token)
    return Visit(order["order_id"], booker, carer, admin)


def _request(api: Api, booker: Person, carer: Person) -> dict[str, Any]:
    """The body without its times: in the district of the first caregiver, who sells everything."""
    caregiver_id = api.get("/api/user/me", token=carer.token)["caregiver_id"]
    district = api.get("/api/caregiver/detail", token=booker.token, caregiver_id=caregiver_id)["districts"][0]
    hospital = next(one for one in api.get("/api/catalog")["hospitals"] if one["district"] == district)
    patient = api.get("/api/patient/list", token=booker.token)["items"][0]
    return {
        "patient_id": patient["patient_id"], "caregiver_id": None, "service_type": "escort_half_day",
        "hospital_id": hospital["hospital_id"],
    }  # fmt: skip


def _book(api: Api, booker: Person, request: dict[str, Any]) -> Any:
    now = datetime.fromisoformat(api.post("/sandbox/clock", {"advance_s": 1})["now"])
    for quarter in range(8, 8 + _STARTS_TRIED):  # from two hours ahead on, while the patient is busy
        at_s = (now.timestamp() // _QUARTER_S + 1 + quarter) * _QUARTER_S
        start_at = datetime.fromtimestamp(at_s, tz=now.tzinfo)
        times = {"start_at": start_at.isoformat(), "end_at": (start_at + _HALF_DAY).isoformat()}
        try:
            return api.post("/api/order/create", request | times, token=booker.token)
        except Refusal as refusal:
            if "patient_busy" not in str(refusal):
                raise
    raise Refusal("the demo patient has no free half day")


def _await_offer(api: Api, order_id: str, carers: list[Person]) -> tuple[Person, str]:
    deadline = time.monotonic() + _HAPPENS_WITHIN_S
    while time.monotonic() < deadline:
        for carer in carers:
            for offer in api.get("/api/order/offers", token=carer.token)["items"]:
                if offer["order_id"] == order_id:
                    return carer, offer["offer_id"]
        time.sleep(0.1)
    raise Refusal(f"nobody was offered the order within {_HAPPENS_WITHIN_S:g} s")
