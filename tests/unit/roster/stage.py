"""The roster area on a test's store, and its people."""
import io
from dataclasses import dataclass
from datetime import UTC, datetime

from PIL import Image
from sqlalchemy import insert

from config.policy import Policy
from server.core.call import Actor, Call
from server.core.clock import BusinessClock
from server.core.ids import new_id
from server.core.in_force import Unchanging
from server.roster import facts as roster_facts
from server.roster.caregivers.auditing import QualificationAudit
from server.roster.caregivers.commands import ReviewQualification, SaveProfile, SaveService, SubmitQualification
from server.roster.caregivers.paper_desk import PaperDesk
from server.roster.caregivers.profiles import CaregiverProfiles
from server.roster.caregivers.qualification import Qualifications
from server.roster.caregivers.service import CaregiverService
from server.roster.catalog import DEFAULT_CATALOG
from server.roster.patients.patients import Patients
from server.roster.patients.viewers import Viewers
from server.roster.reactions import apply_review
from server.roster.showcase.cases import PastCases
from server.roster.showcase.page import CaregiverPage
from server.roster.showcase.search import CaregiverSearch
from server.roster.showcase.slots import Slots
from server.roster.terms import Terms
from server.storage.cache.in_process import InProcessCache
from server.storage.cache.reads import CachedReads
from server.storage.files.images import ImageWorkshop
from server.storage.files.links import FileLinks
from server.storage.files.shelf import FileShelf
from server.storage.tables.booking import engagement, t_order, t_order_detail
from server.storage.tables.roster import t_patient_info
from tests.property.roster_world import A_PATIENT, AN_ORDER
from tests.stores import make_user

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)  # a Monday, half past ten in Shanghai


class SetClock(BusinessClock):
    """Business time that a test sets."""

    def __init__(self):
        super().__init__()
        self.at = NOW

    def now(self):
        return self.at


@dataclass(frozen=True)
class Upload:
    """A file part of a form."""

    content: bytes


def picture(color="white"):
    written = io.BytesIO()
    Image.new("RGB", (32, 20), color).save(written, "PNG")
    return Upload(written.getvalue())


PAPER_NAMES = ("id_card_front", "id_card_back", "certificate", "health_certificate")
CAREGIVER_ID_NUMBER = "110105198503070027"  # a woman born on 1985-03-07

PROFILE = {
    "name": "李秀兰",
    "gender": "female",
    "birth_date": "1985-03-07",
    "contact_phone": "13800138000",
    "districts": ["haidian", "xicheng"],
    "hospital_ids": ["bj-beisan"],
    "skills": ["stroke", "dialysis"],
    "experience_years": 8,
    "work_history": [{"from": "2016-05", "to": None, "employer": "某医院", "role": "护理员"}],
    "bio": "细心,有耐心",
}
SERVICE = {
    "prices": [
        {"service_type": "escort_hourly", "band": "day", "price_fen": 6_000},
        {"service_type": "escort_hourly", "band": "night", "price_fen": 9_000},
        {"service_type": "errand", "band": "day", "price_fen": 7_000},
    ],
    "weekly_hours": [{"weekday": day, "start": "08:00", "end": "20:00"} for day in range(1, 8)],
    "accepts_urgent": True,
    "accepts_night": False,
}
PAPERS = {
    "id_number": CAREGIVER_ID_NUMBER,
    "certificate_name": "养老护理员证书",
    "certificate_number": "YLHL20240001",
    "certificate_expires_on": "2028-05-01",
    "health_certificate_number": "JK20260002",
    "health_certificate_expires_on": "2027-04-30",
}


class Roster:
    """Everything of the area, put together as the composition root does."""

    def __init__(self, database, units, facts, files, executor):
        self.database, self.clock, self.told = database, SetClock(), []
        for kind in vars(roster_facts).values():
            if isinstance(kind, type):
                facts.on(kind, self._tell)
        self.live_patients = set()
        self.links, self.shelf = FileLinks(secret="s" * 32), FileShelf(store=files)
        shared = {"database": database, "units": units, "clock": self.clock}
        told = shared | {"facts": facts}
        shown = {"database": database, "clock": self.clock, "catalog": DEFAULT_CATALOG}
        policy, terms = Policy(), Unchanging(Terms())
        self.patients = Patients(
            **told, catalog=DEFAULT_CATALOG, has_live_orders=self._has_live_orders, patients_per_account=3
        )
        self.viewers = Viewers(database=database, units=units, facts=facts, viewers_per_patient=2)
        self.profiles = CaregiverProfiles(
            **shared, catalog=DEFAULT_CATALOG, rules=lambda: policy.caregiver, links=self.links
        )
        self.service = CaregiverService(**shared, terms=terms)
        self.qualifications = Qualifications(
            **told, workshop=ImageWorkshop(executor=executor), shelf=self.shelf, links=self.links
        )
        self.audit = QualificationAudit(**told, links=self.links)
        self.desk = PaperDesk(units=units, clock=self.clock, links=self.links, rules=lambda: policy.caregiver)
        self.search = CaregiverSearch(**shown, rules=lambda: policy.time, links=self.links)
        self.cache = InProcessCache(lifetime_s=300.0, most_bytes=1_000_000)
        self.page = CaregiverPage(**shown, reads=CachedReads(cache=self.cache), links=self.links)
        self.slots = Slots(
            database=database,
            clock=self.clock,
            terms=terms,
            price_of=lambda service_type, prices, start_at, end_at: prices["day"] * (end_at - start_at).seconds // 3600,
            touches_night=lambda start_at, end_at: end_at.astimezone(UTC).hour >= 14,
        )
        self.cases = PastCases(**shared)

    async def _tell(self, tx, fact):
        self.told.append(fact)

    async def _has_live_orders(self, tx, patient_id):
        return patient_id in self.live_patients

    async def someone(self, user_type="patient", **how):
        """A call by a new account."""
        user_id = await make_user(self.database, user_type, **how)
        return Call(Actor(user_id, user_type, new_id()), new_id())

    async def caregiver(self, **changes):
        """A call by a new caregiver with a profile and service settings, and its id."""
        call = await self.someone("caregiver")
        saved = await self.profiles.save_profile(call, SaveProfile.model_validate(PROFILE | changes))
        await self.service.save_service(call, SaveService.model_validate(SERVICE))
        return call, saved["caregiver_id"]

    async def submit(self, call, names=PAPER_NAMES, **changes):
        command = SubmitQualification.model_validate(PAPERS | changes)
        return await self.qualifications.submit_qualification(call, command, {name: picture() for name in names})

    async def review(self, certification_id, decision="approve", reason="材料齐全", *, admin=None):
        admin = admin or await self.someone("admin")
        asked = {"certification_id": certification_id, "decision": decision, "reason": reason}
        return await self.audit.review_qualification(admin, ReviewQualification.model_validate(asked))

    async def approved(self, **changes):
        """An approved caregiver: the call and the id."""
        call, caregiver_id = await self.caregiver(**changes)
        submitted = await self.submit(call)
        await self.review(submitted["certification_id"])
        return call, caregiver_id


async def make_order(database, call, caregiver_id, **changes):
    """An order of the calling family with its patient; a completed one unless said."""
    patient_id, order_id = new_id(), new_id()
    patient = {**A_PATIENT, "name": "张桂芳", "patient_id": patient_id, "user_id": call.user.user_id}
    order = {**AN_ORDER, "order_id": order_id, "patient_id": patient_id, "user_id": call.user.user_id}
    order |= {"caregiver_id": caregiver_id, "completed_at": NOW, **changes}

    async def body(tx):
        await tx.run(insert(t_patient_info).values(patient))
        await tx.run(insert(t_order).values(order))

    await database.write(body)
    return order_id


async def make_busy(database, order_id, caregiver_id, start_at, end_at, *, hospital_id="bj-xiehe"):
    row = {
        "engagement_id": new_id(),
        "person_kind": "caregiver",
        "person_id": caregiver_id,
        "order_id": order_id,
        "hospital_id": hospital_id,
        "start_at": start_at,
        "end_at": end_at,
        "kind": "visit",
    }
    await database.write(lambda tx: tx.run(insert(engagement).values(row)))


async def make_review(database, roster, order_id, caregiver_id, score, *, at=NOW, content="很好"):
    """A review as booking stores it, counted as the bridge counts it."""
    row = {
        "detail_id": new_id(),
        "order_id": order_id,
        "review_id": new_id(),
        "review_content": content,
        "review_score": score,
        "review_tags": '["准时"]',
        "caregiver_id": caregiver_id,
        "reviewed_at": at,
    }

    async def body(tx):
        await tx.run(insert(t_order_detail).values(row))
        await apply_review(tx, caregiver_id, score)

    await database.write(body)
