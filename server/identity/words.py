"""How accounts are shown, with the Chinese beside each code."""

from collections.abc import Mapping
from typing import Any

from server.core.clock import shanghai_text
from server.core.phone import mask_phone

USER_TYPE_TEXT = {"patient": "患者家属", "caregiver": "陪护人员", "admin": "管理员"}
VERIFICATION_STATUS_TEXT = {"unverified": "未认证", "pending": "审核中", "verified": "已认证", "rejected": "未通过"}
QUALIFICATION_STATUS_TEXT = {"unverified": "未提交", "pending": "审核中", "approved": "已通过", "rejected": "未通过"}


def user_answer(user: Mapping[str, Any]) -> dict[str, Any]:
    """`user` of contract.md §3."""
    return {
        "user_id": user["user_id"],
        "username": user["username"],
        "user_type": user["user_type"],
        "user_type_text": USER_TYPE_TEXT[user["user_type"]],
        "phone_masked": mask_phone(user["phone"]),
    }


def me_answer(user: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's own account; `user` is a row of `store.user_with_career`.

    The `user` of contract.md §3 stands there whole and its fields beside the others, as either is read there.
    """
    own = user_answer(user)
    answer = own | {
        "user": own,
        "registered_at": shanghai_text(user["registered_at"]),
        "verification_status": user["verification_status"],
        "verification_status_text": VERIFICATION_STATUS_TEXT[user["verification_status"]],
    }
    if user["user_type"] == "caregiver":
        status = user["qualification_status"] or "unverified"  # no profile yet
        answer["caregiver_id"] = user["caregiver_id"]
        answer["qualification_status"] = status
        answer["qualification_status_text"] = QUALIFICATION_STATUS_TEXT.get(status, status)
    return answer
