"""Two instances of our own server over shared stores."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from bench.load.dialects import CentrifugeJson, Rejected
from bench.ours.api import Api
from bench.ours.companions import Companion, Companions
from bench.ours.server import Ours

CAREGIVERS, FAMILIES = 50, 100
SERVICE_TYPE = "escort_hourly"
_HOUR = timedelta(hours=1)
_APART = timedelta(hours=4)  # more than a visit with its buffers
_BOOKERS = 8  # clients that prepare orders at once
_OFFERED_WITHIN_S = 60.0


class OurCluster:
    """One instance a core; `environment` names the stores and the data directory that both share."""

    name = "Peihu"

    def __init__(self, directory: Path, *, cores: Sequence[int], environment: dict[str, str]) -> None:
        self.companions = Companions(environment, caregivers=CAREGIVERS, families=FAMILIES)
        self._directory, self._cores, self._environment = directory, cores, environment
        self._data_dir = Path(environment["PEIHU_DATA_DIR"])
        self._instances: list[Ours] = []
        self._next_slot = 0
        self.caregivers = [one.user_id for one in self.companions.caregivers]
        self.families = [one.user_id for one in self.companions.families]
        self._by_user = {one.user_id: one for one in (*self.companions.caregivers, *self.companions.families)}

    def start(self) -> None:
        for name, core in zip(("a", "b"), self._cores, strict=True):
            one = Ours(self._directory / name, core=core, settings=self._environment, data_dir=self._data_dir)
            self._instances.append(one)

    @property
    def ports(self) -> list[int]:
        return [one.port for one in self._instances]

    @property
    def settings(self) -> dict[str, str]:
        return {name: text for name, text in self._instances[0].settings.items() if not name.endswith("_URL")}

    def cpu_s(self) -> float:
        return sum(one.process.cpu_s() for one in self._instances)

    def receiver(self, user_id: str) -> CentrifugeJson:
        return CentrifugeJson(self._token(user_id))

    def events(self, payload: bytes) -> Iterator[dict[str, Any]]:
        """What a frame tells, of all channels."""
        for line in payload.split(b"\n"):
            yield from _published(line)

    def notice(self, user_id: str) -> tuple[str, dict[str, Any], str]:
        """Path, body and headers of a post that sends a notice."""
        body = {"user_id": user_id, "type": "system", "template": "order_completed", "params": {}}
        return "/api/message/send", body, f"X-Service-Key: {self.companions.service_key}\r\n"

    def acceptance(self, offer_id: str, user_id: str) -> tuple[str, dict[str, Any], str]:
        return "/api/order/accept", {"offer_id": offer_id}, f"Authorization: Bearer {self._token(user_id)}\r\n"

    def _token(self, user_id: str) -> str:
        return self.companions.token(self._by_user[user_id])

    def prepare(self, count: int) -> list[tuple[str, str, str]]:
        """Paid orders, each offered to one caregiver by name: (offer, its caregiver's account, the family's)."""
        hospital_id = self._hospital_id()
        jobs: Queue[tuple[Companion, Companion, datetime]] = Queue()
        for number in range(count):
            place, slot = number % CAREGIVERS, self._next_slot + number // CAREGIVERS
            start_at = _tomorrow() + slot * _APART
            jobs.put((self.companions.families[place], self.companions.caregivers[place], start_at))
        self._next_slot += -(-count // CAREGIVERS)
        booked: dict[str, str] = {}  # order to family
        problems: list[Exception] = []
        workers = [
            threading.Thread(target=self._book_all, args=(jobs, hospital_id, booked, problems)) for _ in range(_BOOKERS)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if problems:
            raise problems[0]
        return self._offers(booked)

    def _book_all(self, jobs: Any, hospital_id: str, booked: dict[str, str], problems: list[Exception]) -> None:
        api = Api(self.ports[0])
        try:
            while True:
                family, caregiver, start_at = jobs.get_nowait()
                order_id = self.book(api, family, hospital_id, start_at, caregiver_id=caregiver.role_id)
                booked[order_id] = family.user_id
        except Empty:
            return
        except Exception as problem:  # of a thread: told to whoever waits for it
            problems.append(problem)
        finally:
            api.close()

    def book(
        self, api: Api, family: Companion, hospital_id: str, start_at: datetime, *, caregiver_id: str | None
    ) -> str:
        """A paid order."""
        token = self.companions.token(family)
        times = {"start_at": start_at.isoformat(), "end_at": (start_at + _HOUR).isoformat()}
        body = {"patient_id": family.role_id, "caregiver_id": caregiver_id, "service_type": SERVICE_TYPE}
        order = api.post("/api/order/create", body | {"hospital_id": hospital_id} | times, token=token)
        payment = {"order_id": order["order_id"], "method": "sandbox", "amount_fen": order["amount_fen"]}
        api.post("/api/order/pay", payment, token=token)
        return str(order["order_id"])

    def offer_to_all(self) -> str:
        """A paid order of nobody in particular: its only wave asks everybody."""
        api = Api(self.ports[0])
        try:
            start_at = _tomorrow() + self._next_slot * _APART
            self._next_slot += 1
            return self.book(api, self.companions.families[0], self._hospital_id(), start_at, caregiver_id=None)
        finally:
            api.close()

    def _hospital_id(self) -> str:
        api = Api(self.ports[0])
        try:
            return hospital_near(api, self.companions)
        finally:
            api.close()

    def _offers(self, booked: dict[str, str]) -> list[tuple[str, str, str]]:
        """Wait until each order was offered."""
        api, found = Api(self.ports[0]), {}
        deadline = time.monotonic() + _OFFERED_WITHIN_S
        try:
            while len(found) < len(booked):
                for caregiver in self.companions.caregivers:
                    for offer in self._open_offers(api, caregiver):
                        if offer["order_id"] in booked:
                            found[offer["offer_id"]] = (caregiver.user_id, booked[offer["order_id"]])
                if time.monotonic() > deadline:
                    raise Rejected(f"{len(booked) - len(found)} of {len(booked)} orders were not offered in time")
        finally:
            api.close()
        return [(offer_id, *people) for offer_id, people in found.items()]

    def _open_offers(self, api: Api, caregiver: Companion) -> list[dict[str, Any]]:
        return list(api.get("/api/order/offers", token=self.companions.token(caregiver), limit=100)["items"])

    def stop(self) -> None:
        for one in self._instances:
            one.stop()


def hospital_near(api: Api, companions: Companions) -> str:
    """A hospital of the district in which all caregivers work."""
    family = companions.token(companions.families[0])
    caregiver_id = companions.caregivers[0].role_id
    district = api.get("/api/caregiver/detail", token=family, caregiver_id=caregiver_id)["districts"][0]
    hospitals = api.get("/api/catalog")["hospitals"]
    return str(next(one["hospital_id"] for one in hospitals if one["district"] == district))


def _tomorrow() -> datetime:
    """Noon of tomorrow, in Shanghai's words or any other's."""
    now = datetime.now().astimezone() + timedelta(days=1)
    return now.replace(hour=12, minute=0, second=0, microsecond=0)


def _published(line: bytes) -> Iterator[dict[str, Any]]:
    push = json.loads(line).get("push", {})
    if "pub" in push:
        yield {"channel": push["channel"], **push["pub"]["data"]}
