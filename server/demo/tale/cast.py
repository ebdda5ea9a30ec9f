"""Who plays and when: the cast and a free time.

Nothing is assumed of earlier runs: times are found among the slots that are really free, so that the story
can be told again and again on one server.
"""
import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from server.demo.tale.player import Player, Server, listed
from server.demo.tale.stage import Broken, Stage
from server.demo.tale.wire import Wire

SERVICE_TYPE = "escort_half_day"
_LEAD = timedelta(hours=2)  # "a few hours ahead": far enough for the waves, near enough to be urgent
_MOST_CANDIDATES = 8
_DAYS_SEARCHED = 4


@dataclass(slots=True)
class Tale:
    """What the acts share."""

    stage: Stage
    server: Server
    wire: Wire
    admin: Player
    family: Player
    relative: Player
    candidates: list[Player]  # caregivers of one district who may be offered the order
    hospital: dict[str, Any]
    patient: dict[str, Any]
    starts: list[datetime]  # free starts, the earliest first
    order_id: str = ""
    start_at: datetime | None = None
    amount_fen: int = 0
    winner: Player | None = None
    loser: Player | None = None
    accepted_at: float = 0.0
    notes_sent: list[str] = field(default_factory=list)

    @property
    def channel(self) -> str:
        return f"order:{self.order_id}"

    @property
    def carer(self) -> Player:
        """The caregiver who won."""
        if self.winner is None:
            raise Broken("还没有人接单")
        return self.winner


async def business_now(server: Server, *, advance_s: int = 1) -> datetime:
    """Move business time forward by at least a second and read it."""
    moved = await server.data("POST", "/sandbox/clock", body={"advance_s": advance_s})
    return datetime.fromisoformat(moved["now"])


async def gather_cast(server: Server, stage: Stage, *, wire: Wire) -> Tale:
    """Log everybody in and find a district, a hospital, a patient and free starts."""
    accounts = await server.data("GET", "/sandbox/accounts")
    by_type = {kind: [a for a in accounts if a["user_type"] == kind] for kind in ("admin", "patient", "caregiver")}
    stage.check(by_type["admin"] and len(by_type["patient"]) >= 2 and len(by_type["caregiver"]) >= 12,
                "演示世界里有管理员、两家以上的患者家属和十二位以上陪护")
    admin = Player(server, stage, title="管理员", account=by_type["admin"][0])
    family = Player(server, stage, title="家属", account=by_type["patient"][0])
    relative = Player(server, stage, title="亲戚", account=by_type["patient"][-1])
    await asyncio.gather(admin.log_in(), family.log_in(), relative.log_in())
    catalog = await server.data("GET", "/api/catalog")
    hospital, names = await _busiest_district(family, catalog)
    chosen = [a for a in by_type["caregiver"] if a["name"] in names][:_MOST_CANDIDATES]
    candidates = [Player(server, stage, title="陪护", account=account) for account in chosen]
    stage.check(len(candidates) >= 2, f"{hospital['name']}所在的区有两位以上演示陪护可接此单")
    await asyncio.gather(*(candidate.log_in() for candidate in candidates))
    starts = await _free_starts(server, candidates)
    stage.check(starts, "接下来几天里有两位陪护同时空闲的时段")
    patients = listed(await family.get("/api/patient/list"))
    stage.check(patients, f"{family.who}登记过就诊人")
    return Tale(stage=stage, server=server, wire=wire, admin=admin, family=family, relative=relative,
                candidates=candidates, hospital=hospital, patient=patients[0], starts=starts)


async def _busiest_district(family: Player, catalog: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """A hospital in the district where most caregivers sell the type at no more than the base price."""
    base_fen = next(t["base_price_fen"] for t in catalog["service_types"] if t["code"] == SERVICE_TYPE)
    found = await family.get("/api/caregiver/query", service_type=SERVICE_TYPE, sort="price", limit=100)
    fitting = [item for item in found["items"] if item["price_fen"] is not None and item["price_fen"] <= base_fen]
    districts = Counter(code for item in fitting for code in item["districts"])
    for district, _ in districts.most_common():
        hospital = next((h for h in catalog["hospitals"] if h["district"] == district), None)
        if hospital is not None:
            return hospital, {item["name"] for item in fitting if district in item["districts"]}
    raise Broken("没有一个有医院的区里有不高于基准价的陪护")


async def _free_starts(server: Server, candidates: list[Player]) -> list[datetime]:
    """Starts at which at least two candidates are free, at least the lead ahead, the earliest first."""
    now = await business_now(server)
    own = [(await candidate.get("/api/user/me"))["caregiver_id"] for candidate in candidates]
    days = [(now + timedelta(days=day)).date().isoformat() for day in range(_DAYS_SEARCHED)]
    answers = await asyncio.gather(*(
        candidates[0].get("/api/caregiver/slots", caregiver_id=caregiver_id, date=day, service_type=SERVICE_TYPE)
        for caregiver_id in own for day in days
    ))
    free = Counter(
        datetime.fromisoformat(slot["start_at"]) for answer in answers for slot in listed(answer)
    )
    return sorted(start for start, count in free.items() if count >= 2 and start >= now + _LEAD)
