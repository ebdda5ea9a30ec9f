"""Caregivers' papers for administrators (contract.md §5, §10)."""

from typing import Any

from server.core.operation import ADMIN, Operation
from server.roster.caregivers.auditing import QualificationAudit
from server.roster.caregivers.commands import (
    ClaimQualification,
    ListQualifications,
    QualificationById,
    ReviewQualification,
)
from server.roster.caregivers.paper_desk import PaperDesk

_ID = "01k6m3e1000000000000000001"
_PAPER: dict[str, Any] = {
    "certification_id": _ID,
    "certificate_name": "医疗护理员职业技能证书",
    "certificate_number": "YL1234567890",
    "certificate_expires_on": "2028-05-31",
    "health_certificate_number": "JK0987654321",
    "health_certificate_expires_on": "2027-03-31",
    "id_number_masked": "110***********0028",
    "status": "pending",
    "status_text": "审核中",
    "reason": None,
    "submitted_at": "2026-11-29T09:00:00.000+08:00",
    "reviewed_at": None,
    "id_card_front_url": "/api/file/01k6…?expires=1764381600&signature=…",
    "id_card_back_url": "/api/file/01k6…?expires=1764381600&signature=…",
    "certificate_url": "/api/file/01k6…?expires=1764381600&signature=…",
    "health_certificate_url": "/api/file/01k6…?expires=1764381600&signature=…",
    "caregiver_id": "01k6m2vaq8s4t7w1x3y5z6a8c1",
    "user_id": "01k6m2v9q8s4t7w1x3y5z6a8b9",
    "name": "王秀兰",
    "gender": "female",
    "gender_text": "女",
    "birth_date": "1985-03-07",
    "experience_years": 6,
    "reviewed_by": None,
    "claimed_by": None,
    "claimed_by_name": None,
    "claimed_until": None,
}
_DETAIL: dict[str, Any] = _PAPER | {
    "age": 41,
    "checks": [{"code": "certificate", "ok": True, "text": "资格证有效期至2028-05-31"}],
    "earlier": [
        {
            "certification_id": "01k6m3e0000000000000000001",
            "status": "rejected",
            "status_text": "未通过",
            "reason": "照片不清晰",
            "submitted_at": "2026-11-28T09:00:00.000+08:00",
            "reviewed_at": "2026-11-28T10:00:00.000+08:00",
        }
    ],
    "quick_reasons": [{"code": "all_fit", "decision": "approve", "text": "材料齐全、清晰、有效，予以通过"}],
}


def paper_operations(audit: QualificationAudit, desk: PaperDesk) -> list[Operation]:
    return [
        Operation(
            "GET",
            "/api/admin/qualification/list",
            ListQualifications,
            audit.list_qualifications,
            ADMIN,
            "资质审核列表",
            about="等待最久的在前。四个 *_url 是带签名的原图地址,5分钟内有效。claimed_by 为正在审核的管理员,"
            "无人领取或领取已过期时为 null。",
            example={"items": [_PAPER], "next_cursor": None},
        ),
        Operation(
            "GET",
            "/api/admin/qualification/detail",
            QualificationById,
            desk.qualification_detail,
            ADMIN,
            "资质材料详情",
            about="比列表多出:age 年龄、checks 系统核对结果(id_number 身份证号、unique 是否唯一、age 年龄、certificate 与 "
            "health_certificate 有效期)、earlier 此前提交的材料、quick_reasons 常用审核意见。查看会记入审计。",
            example=_DETAIL,
        ),
        Operation(
            "POST",
            "/api/admin/qualification/claim",
            ClaimQualification,
            desk.claim,
            ADMIN,
            "领取一份材料来审核,15分钟内他人不能审核",
            refusals=("wrong_state",),
            about="再次领取即延长15分钟;审核后或到期后自动释放。已由他人领取时回答 wrong_state,data 为 claimed_by、"
            "claimed_by_name、claimed_until。不领取也可以直接审核无人领取的材料。",
            example={"certification_id": _ID, "claimed_until": "2026-11-29T10:15:00.000+08:00"},
        ),
        Operation(
            "POST",
            "/api/admin/qualification/review",
            ReviewQualification,
            audit.review_qualification,
            ADMIN,
            "审核资质材料",
            refusals=("wrong_state",),
            about="approve 通过,reject 不通过;reason 会通知本人。已处理、正由他人审核、证件已过期或资料已变化时回答 wrong_state。",
            example={"certification_id": _ID, "status": "approved", "status_text": "已通过"},
        ),
    ]
