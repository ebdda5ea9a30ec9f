"""A caregiver hands in papers."""

from server.core.operation import CAREGIVER, Operation
from server.handlers.http.uploads import Upload
from server.roster.caregivers.commands import ListQualifications, SubmitQualification
from server.roster.caregivers.paper_answers import FILES
from server.roster.caregivers.qualification import Qualifications


def qualification_operations(qualifications: Qualifications) -> list[Operation | Upload]:
    path = "/api/caregiver/qualification"
    return [
        Upload(
            path,
            SubmitQualification,
            qualifications.submit_qualification,
            CAREGIVER,
            "提交资质认证材料(首次四张照片齐全,之后可只传更换的)",
            optional_files=FILES,
            status=201,
            refusals=("wrong_state",),
        ),
        Operation("GET", path, ListQualifications, qualifications.list_own, CAREGIVER, "我的资质认证"),
    ]
