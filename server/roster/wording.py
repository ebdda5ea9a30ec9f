"""Codes of the roster with the Chinese words that people see."""

from typing import Literal

Gender = Literal["male", "female"]
Relation = Literal["self", "parent", "child", "spouse", "other"]

GENDER_TEXTS = {"male": "男", "female": "女"}
RELATION_TEXTS = {"self": "本人", "parent": "父母", "child": "子女", "spouse": "配偶", "other": "其他"}
QUALIFICATION_TEXTS = {"unverified": "未提交", "pending": "审核中", "approved": "已通过", "rejected": "未通过"}
# What administrators mostly say of papers; they may write something else.
QUICK_REASONS = [
    {"code": code, "decision": decision, "text": text}
    for code, decision, text in (
        ("all_fit", "approve", "材料齐全、清晰、有效，予以通过"),
        ("photo_unclear", "reject", "照片不清晰或不完整，请在光线充足处重新拍摄四角完整的照片"),
        ("wrong_document", "reject", "上传的证件与要求不符，请核对后重新上传"),
        ("name_differs", "reject", "证件姓名与个人资料不一致，请更正后重新提交"),
        ("number_differs", "reject", "证件号码与照片不一致，请核对后重新填写"),
        ("expired", "reject", "证件已过期或即将过期，请换证后重新提交"),
        ("not_accepted", "reject", "该证书不在平台认可的范围内"),
        ("suspected_fake", "reject", "材料真实性存疑，请联系客服并提供原件"),
    )
]
SERVICE_STATE_TEXTS = {"idle": "空闲", "busy": "服务中", "off": "休息中"}


def masked_name(name: str) -> str:
    """`李**`: how the author of a review is shown to strangers."""
    return f"{name[:1]}**"


def masked_number(number: str) -> str:
    """A certificate's number with only its ends left: `YL********23`."""
    shown = min(2, len(number) // 4)
    return f"{number[:shown]}{'*' * max(4, len(number) - 2 * shown)}{number[len(number) - shown :]}"
