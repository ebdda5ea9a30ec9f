"""The roster's endpoints are the contract's."""
from datetime import datetime, timedelta

import pytest

from server.core.clock import BusinessClock
from server.core.in_force import Unchanging
from server.core.operation import ADMIN, ANYONE, CAREGIVER, EVERYONE, PATIENT
from server.handlers.subjects.admin.papers import paper_operations
from server.handlers.subjects.caregivers import caregiver_operations, showcase_operations
from server.handlers.subjects.catalog import catalog_operations
from server.handlers.subjects.patients import patient_operations
from server.handlers.subjects.qualification import qualification_operations
from server.roster.caregivers.auditing import QualificationAudit
from server.roster.caregivers.paper_desk import PaperDesk
from server.roster.caregivers.profiles import CaregiverProfiles
from server.roster.caregivers.qualification import Qualifications
from server.roster.caregivers.service import CaregiverService
from server.roster.patients.patients import Patients
from server.roster.patients.viewers import Viewers
from server.roster.showcase.cases import PastCases
from server.roster.showcase.page import CaregiverPage
from server.roster.showcase.search import CaregiverSearch
from server.roster.showcase.slots import Slots
from server.roster.terms import Terms

# The tables bind methods and call none, so the use cases' classes themselves serve.
DECLARED = [
    *patient_operations(Patients, Viewers),
    *caregiver_operations(CaregiverProfiles, CaregiverService),
    *showcase_operations(CaregiverSearch, CaregiverPage, Slots, PastCases),
    *catalog_operations(Unchanging(Terms()), clock=BusinessClock()),
    *qualification_operations(Qualifications),
    *paper_operations(QualificationAudit, PaperDesk),
]
CONTRACT = {
    ("POST", "patient/create"): PATIENT,
    ("GET", "patient/list"): PATIENT,
    ("GET", "patient/detail"): PATIENT,
    ("POST", "patient/update"): PATIENT,
    ("POST", "patient/delete"): PATIENT,
    ("POST", "patient/invite"): PATIENT,
    ("POST", "patient/join"): PATIENT,
    ("GET", "patient/viewers"): PATIENT,
    ("POST", "patient/viewer_remove"): PATIENT,
    ("POST", "caregiver/profile"): CAREGIVER,
    ("GET", "caregiver/profile"): CAREGIVER,
    ("POST", "caregiver/service"): CAREGIVER,
    ("GET", "caregiver/service"): CAREGIVER,
    ("POST", "caregiver/online"): CAREGIVER,
    ("POST", "caregiver/qualification"): CAREGIVER,
    ("GET", "caregiver/qualification"): CAREGIVER,
    ("GET", "caregiver/query"): EVERYONE,
    ("GET", "caregiver/detail"): EVERYONE,
    ("GET", "caregiver/slots"): EVERYONE,
    ("GET", "caregiver/reviews"): CAREGIVER,
    ("POST", "caregiver/case"): CAREGIVER,
    ("POST", "order/case_consent"): PATIENT,
    ("GET", "order/case"): PATIENT,
    ("GET", "catalog"): ANYONE,
    ("GET", "admin/qualification/list"): ADMIN,
    ("GET", "admin/qualification/detail"): ADMIN,
    ("POST", "admin/qualification/claim"): ADMIN,
    ("POST", "admin/qualification/review"): ADMIN,
}


def test_every_endpoint_is_there_for_its_role():
    declared = {(getattr(one, "method", "POST"), one.path.removeprefix("/api/")): one.roles for one in DECLARED}
    assert declared == CONTRACT
    assert len(DECLARED) == len(CONTRACT)


@pytest.mark.parametrize("one", DECLARED, ids=lambda one: one.name)
def test_its_input_has_a_schema_and_its_summary_is_chinese(one):
    schema = one.command.model_json_schema()
    assert schema["additionalProperties"] is False
    assert any("\u4e00" <= character <= "\u9fff" for character in one.summary)


async def test_the_catalogue_names_all_that_can_be_booked():
    (operation,) = catalog_operations(Unchanging(Terms()), clock=BusinessClock())
    answer = await operation.run(None, operation.command())
    assert {one["code"]: one["duration_min"] for one in answer["service_types"]} == {
        "escort_hourly": None,
        "escort_half_day": 240,
        "escort_full_day": 480,
        "inpatient_12h": 720,
        "inpatient_24h": 1_440,
        "errand": 120,
    }
    districts = {one["code"] for one in answer["districts"]}
    assert {place["district"] for place in answer["hospitals"]} <= districts
    assert set(answer["hospitals"][0]) >= {"hospital_id", "name", "district", "lat", "lng"}


async def test_the_catalogue_tells_business_time():
    clock = BusinessClock()
    (operation,) = catalog_operations(Unchanging(Terms()), clock=clock)
    before = datetime.fromisoformat((await operation.run(None, operation.command()))["now"])
    clock.move_to(3600.0)
    after = datetime.fromisoformat((await operation.run(None, operation.command()))["now"])
    assert timedelta(hours=1) <= after - before < timedelta(hours=1, seconds=30)
    assert after.utcoffset() == timedelta(hours=8)
