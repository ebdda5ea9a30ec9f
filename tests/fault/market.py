"""Families and caregivers who do business with each other."""
import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fault.history import History
from tests.fault.live_client import LiveClient
from tests.fault.people import Outcome, Person, Site
from tests.fault.server_process import until

SERVICE_TYPE = "escort_hourly"
_LENGTH = timedelta(hours=1)
_APART = timedelta(hours=3)  # more than a visit with its buffers
_CAREGIVERS = 6
_ARRIVES_WITHIN_S = 30.0


@dataclass(slots=True)
class Family:
    """A booking account, one patient, and where the patient's next free time begins."""

    person: Person
    patient_id: str
    next_start_at: datetime


@dataclass(slots=True)
class Caregiver:
    person: Person
    caregiver_id: str


@dataclass(slots=True)
class Market:
    """Everybody logged in; `connections` are theirs and further ones, `close` ends them all."""

    site: Site
    history: History
    families: list[Family]
    caregivers: list[Caregiver]
    hospital_id: str
    connections: list[LiveClient] = field(default_factory=list)
    _running: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def people(self) -> list[Person]:
        return [each.person for each in (*self.families, *self.caregivers)]

    async def go_live(self) -> None:
        await self.connect(*(person.live for person in self.people))

    async def connect(self, *clients: LiveClient) -> None:
        """Let them run until `close`; each is connected then."""
        self.connections += clients
        self._running += [asyncio.create_task(client.run()) for client in clients]
        for client in clients:
            await client.connected()

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        ends = await asyncio.gather(*self._running, return_exceptions=True)
        self.site.close()
        assert not [end for end in ends if not isinstance(end, asyncio.CancelledError)], ends

    def order_body(self, family: Family, start_at: datetime, *, caregiver_id: str | None) -> dict[str, Any]:
        """One a family and start: by these a checker finds the order in the store."""
        return {
            "patient_id": family.patient_id,
            "caregiver_id": caregiver_id,
            "service_type": SERVICE_TYPE,
            "hospital_id": self.hospital_id,
            "start_at": start_at.isoformat(),
            "end_at": (start_at + _LENGTH).isoformat(),
        }

    def next_start(self, family: Family) -> datetime:
        start_at, family.next_start_at = family.next_start_at, family.next_start_at + _APART
        return start_at

    async def paid(self, family: Family, order_id: str) -> None:
        """Wait until the order has left `pending_payment`."""

        async def left() -> bool:
            status = await family.person.get("/api/order/status", order_id=order_id)
            return status["status"] != "pending_payment"

        await until(left, within_s=_ARRIVES_WITHIN_S, what=f"order {order_id} is not paid")

    async def offer_to(self, caregiver: Caregiver, order_id: str) -> str:
        """Wait for the caregiver's open offer of the order; its id."""
        found: list[str] = []

        async def offered() -> bool:
            offers = await caregiver.person.get("/api/order/offers")
            found.extend(each["offer_id"] for each in offers["items"] if each["order_id"] == order_id)
            return bool(found)

        await until(offered, within_s=_ARRIVES_WITHIN_S, what=f"no offer of {order_id} for {caregiver.person.name}")
        return found[0]

    async def start_visit(self, family: Family, caregiver: Caregiver, order_id: str) -> Outcome:
        order = await family.person.get("/api/order/detail", order_id=order_id)
        body = {"order_id": order_id, "start_code": order["start_code"]}
        return await caregiver.person.do("order.start", body)


async def open_market(site: Site, history: History) -> Market:
    """Log in the demo world's families and the caregivers of its busiest district."""
    accounts = await site.data("GET", "/sandbox/accounts")
    families = [
        Person(site, account, history=history) for account in accounts if account["user_type"] == "patient"
    ]
    await asyncio.gather(*(person.log_in() for person in families))
    hospital_id, sellers = await _busiest_place(site, families[0])
    caregivers = [
        Caregiver(Person(site, account, history=history), sellers[account["name"]])
        for account in accounts
        if account["user_type"] == "caregiver" and account["name"] in sellers
    ][:_CAREGIVERS]
    await asyncio.gather(*(each.person.log_in() for each in caregivers))
    tomorrow = quarter_after(await business_now(site), ahead=timedelta(hours=24))
    market = Market(site, history, [], caregivers, hospital_id)
    for person in families:
        patients = (await person.get("/api/patient/list"))["items"]
        market.families.append(Family(person, patients[0]["patient_id"], tomorrow))
    return market


async def _busiest_place(site: Site, person: Person) -> tuple[str, dict[str, str]]:
    """A hospital, and by name the caregivers of its district who may be offered an open request."""
    catalog = await site.data("GET", "/api/catalog")
    base_fen = next(t["base_price_fen"] for t in catalog["service_types"] if t["code"] == SERVICE_TYPE)
    found = await person.get("/api/caregiver/query", service_type=SERVICE_TYPE, sort="price", limit=100)
    fitting = [item for item in found["items"] if item["price_fen"] <= base_fen]
    busiest = Counter(code for item in fitting for code in item["districts"]).most_common(1)[0][0]
    hospital = next(h for h in catalog["hospitals"] if h["district"] == busiest)
    sellers = {item["name"]: item["caregiver_id"] for item in fitting if busiest in item["districts"]}
    return hospital["hospital_id"], sellers


async def business_now(site: Site, *, advance_s: int = 1) -> datetime:
    """Move business time on; all instances know it then."""
    first, *others = site.urls
    moved = await site.data("POST", "/sandbox/clock", body={"advance_s": advance_s}, at=first)
    for other in others:  # each takes over what is stored when it is asked
        moved = await site.data("POST", "/sandbox/clock", body={"advance_s": 1}, at=other)
    return datetime.fromisoformat(moved["now"])


def quarter_after(moment: datetime, *, ahead: timedelta) -> datetime:
    """The first quarter hour at least `ahead` of the moment."""
    target = moment + ahead
    return target.replace(minute=target.minute // 15 * 15, second=0, microsecond=0) + timedelta(minutes=15)
