"""Codes of the roster with the Chinese words that people see."""

from typing import Literal

Gender = Literal["male", "female"]
Relation = Literal["self", "parent", "child", "spouse", "other"]

GENDER_TEXTS = {"male": "男", "female": "女"}
RELATION_TEXTS = {"self": "本人", "parent": "父母", "child": "子女", "spouse": "配偶", "other": "其他"}
QUALIFICATION_TEXTS = {"unverified": "未提交", "pending": "审核中", "approved": "已通过", "rejected": "未通过"}
SERVICE_STATE_TEXTS = {"idle": "空闲", "busy": "服务中", "off": "休息中"}


def masked_name(name: str) -> str:
    """`李**`: how the author of a review is shown to strangers."""
    return f"{name[:1]}**"


def masked_number(number: str) -> str:
    """A certificate's number with only its ends left: `YL********23`."""
    shown = min(2, len(number) // 4)
    return f"{number[:shown]}{'*' * max(4, len(number) - 2 * shown)}{number[len(number) - shown :]}"
