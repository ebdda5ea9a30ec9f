"""Handing in papers, and the administrators' review of them."""

from server.core.operation import ADMIN, CAREGIVER, Operation
from server.handlers.uploads import Upload
from server.roster.caregivers.auditing import QualificationAudit
from server.roster.caregivers.commands import ListQualifications, ReviewQualification, SubmitQualification
from server.roster.caregivers.paper_answers import FILES
from server.roster.caregivers.qualification import Qualifications


def qualification_operations(
    qualifications: Qualifications, audit: QualificationAudit
) -> list[Operation | Upload]:
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
        Operation(
            "GET",
            "/api/admin/qualification/list",
            ListQualifications,
            audit.list_qualifications,
            ADMIN,
            "资质审核列表",
        ),
        Operation(
            "POST",
            "/api/admin/qualification/review",
            ReviewQualification,
            audit.review_qualification,
            ADMIN,
            "审核资质材料",
            refusals=("wrong_state",),
        ),
    ]
