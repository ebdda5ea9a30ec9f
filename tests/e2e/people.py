"""Who acts: the demo world's accounts, logged in, and orders brought to a state.

Everything goes through the public contract, as a client would do it.
"""
import io
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from PIL import Image

from tests.e2e.caller import Caller, Reply, multipart
from tests.e2e.server import until

HALF_DAY = timedelta(minutes=240)
_QUARTER_S = 900


@dataclass
class Person:
    """One login; `caregiver_id` for caregivers only."""

    caller: Caller
    user_id: str
    user_type: str
    phone: str
    token: str
    refresh_token: str
    caregiver_id: str = ""

    def ask(self, method: str, path: str, **more: Any) -> Reply:
        return self.caller.ask(method, path, token=self.token, **more)

    def get(self, path: str, **query: Any) -> Any:
        return self.caller.get(path, token=self.token, **query)

    def post(self, path: str, body: Any = None) -> Any:
        return self.caller.post(path, body, token=self.token)

    def upload(self, path: str, fields: dict[str, str], **files: bytes) -> Reply:
        raw, headers = multipart(fields, files)
        return self.ask("POST", path, raw=raw, headers=headers)


class People:
    """The demo world: one administrator, three families, fourteen caregivers; logged in when first asked."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self._accounts = caller.get("/sandbox/accounts")
        self._known: dict[str, Person] = {}

    def all_of(self, user_type: str) -> list[Person]:
        return [self._person(one) for one in self._accounts if one["user_type"] == user_type]

    def one_of(self, user_type: str, place: int) -> Person:
        return self._person([one for one in self._accounts if one["user_type"] == user_type][place])

    def _person(self, account: dict[str, str]) -> Person:
        if account["phone"] not in self._known:
            self._known[account["phone"]] = log_in(self.caller, account["phone"], account["password"])
        return self._known[account["phone"]]


def log_in(caller: Caller, phone: str, password: str) -> Person:
    login = caller.post("/api/user/login", {"phone": phone, "password": password})
    user = login["user"]
    person = Person(
        caller, user["user_id"], user["user_type"], phone, login["token"], login["refresh_token"]
    )
    if person.user_type == "caregiver":
        person.caregiver_id = person.get("/api/user/me").get("caregiver_id") or ""
    return person


def register(
    caller: Caller, phone: str, *, user_type: str = "patient", username: str = "周明", password: str = "correct horse"
) -> Person:
    """A new account, through the text message that the sandbox kept."""
    caller.post("/api/user/sms_code", {"phone": phone, "purpose": "register"})
    code = until(lambda: caller.get("/sandbox/messages", phone=phone), what="a text message")[0]["code"]
    caller.post("/api/user/register", {
        "phone": phone, "sms_code": code, "username": username, "password": password, "user_type": user_type,
        "accept_terms": True,
    })
    return log_in(caller, phone, password)


class Visits:
    """Brings orders of one family to a state; half days in the district of the all-rounders."""

    def __init__(self, people: People, family: Person) -> None:
        self.people = people
        self.family = family
        self._caller = people.caller
        catalog = self._caller.get("/api/catalog")
        detail = family.get("/api/caregiver/detail", caregiver_id=people.one_of("caregiver", 0).caregiver_id)
        self.hospital = next(h for h in catalog["hospitals"] if h["district"] == detail["districts"][0])

    def now(self, *, advance_s: int = 1) -> datetime:
        return datetime.fromisoformat(self._caller.post("/sandbox/clock", {"advance_s": advance_s})["now"])

    def request(self, *, hours_ahead: float, caregiver_id: str | None = None, **more: Any) -> dict[str, Any]:
        """The body of an order that starts on the next quarter hour after so many hours."""
        at = self.now() + timedelta(hours=hours_ahead)
        start_at = datetime.fromtimestamp((at.timestamp() // _QUARTER_S + 1) * _QUARTER_S, tz=at.tzinfo)
        patients = self.family.get("/api/patient/list")["items"]
        return {
            "patient_id": patients[0]["patient_id"], "caregiver_id": caregiver_id, "service_type": "escort_half_day",
            "hospital_id": self.hospital["hospital_id"], "start_at": start_at.isoformat(),
            "end_at": (start_at + HALF_DAY).isoformat(), **more,
        }

    def book(self, *, hours_ahead: float, caregiver_id: str | None = None, **more: Any) -> dict[str, Any]:
        body = self.request(hours_ahead=hours_ahead, caregiver_id=caregiver_id, **more)
        return self.family.post("/api/order/create", body)

    def pay(self, order: dict[str, Any]) -> str:
        """Pays and waits until the order is `paid`; the payment's id."""
        payment = self.family.post("/api/order/pay", {
            "order_id": order["order_id"], "method": "sandbox", "amount_fen": order["amount_fen"],
        })
        self.await_status(order["order_id"], "paid")
        return payment["payment_id"]

    def await_status(self, order_id: str, status: str) -> None:
        def arrived() -> bool:
            return self.family.get("/api/order/status", order_id=order_id)["status"] == status

        until(arrived, what=f"{status}")

    def await_offer(self, order_id: str, among: list[Person]) -> tuple[Person, str]:
        """Whoever of these caregivers is offered the order first, and the offer's id."""
        def offered() -> tuple[Person, str] | None:
            for person in among:
                for offer in person.get("/api/order/offers")["items"]:
                    if offer["order_id"] == order_id:
                        return person, offer["offer_id"]
            return None

        return until(offered, within_s=15.0, what="an offer")

    def accepted(self, *, hours_ahead: float, among: list[Person], **more: Any) -> tuple[dict[str, Any], Person]:
        """A booked, paid and accepted open request, and who accepted it."""
        order = self.book(hours_ahead=hours_ahead, **more)
        self.pay(order)
        carer, offer_id = self.await_offer(order["order_id"], among)
        carer.post("/api/order/accept", {"offer_id": offer_id})
        return order, carer

    def start(self, order: dict[str, Any], carer: Person) -> None:
        """Moves business time to the start and begins the service with the family's code."""
        ahead_s = (datetime.fromisoformat(order["start_at"]) - self.now()).total_seconds()
        self.now(advance_s=max(1, int(ahead_s) + 1))
        code = self.family.get("/api/order/detail", order_id=order["order_id"])["start_code"]
        carer.post("/api/order/start", {"order_id": order["order_id"], "start_code": code})

    def running(self, carer: Person) -> dict[str, Any]:
        """An order whose visit has begun, with a note."""
        order = self.book(hours_ahead=2, caregiver_id=carer.caregiver_id)
        self.pay(order)
        _, offer_id = self.await_offer(order["order_id"], [carer])
        carer.post("/api/order/accept", {"offer_id": offer_id})
        self.start(order, carer)
        carer.post("/api/note/append", self.note(order, "喂水 100 毫升"))
        return order

    def note(self, order: dict[str, Any], text: str) -> dict[str, Any]:
        """The body of a service note of now."""
        return {
            "order_id": order["order_id"], "msg_id": uuid.uuid4().hex, "kind": "measure", "text": text,
            "recorded_at": self.now().isoformat(),
        }


def picture(*, size: tuple[int, int] = (320, 200), color: tuple[int, int, int] = (200, 220, 240)) -> bytes:
    """A PNG."""
    made = io.BytesIO()
    Image.new("RGB", size, color).save(made, "PNG")
    return made.getvalue()
