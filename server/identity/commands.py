"""What may be asked of accounts and logins."""

import unicodedata
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from config import wire_text
from config.fields import Body, Name, PhoneText, Query, Secret, Token

_FULL_WIDTH_DIGITS = {ord("０") + digit: ord("0") + digit for digit in range(10)}  # of Chinese keyboards
# Names under which nobody may speak to families but the house itself.
_OFFICIAL = ("admin", "administrator", "root", "system", "peihu", "管理员", "客服", "官方", "系统消息", "平台")


def _read_sms_code(value: object) -> str:
    code = wire_text.require_text(value).translate(_FULL_WIDTH_DIGITS)
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        raise PydanticCustomError("invalid", "验证码应为 6 位数字")
    return code


def _read_username(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).casefold().replace(" ", "")
    if any(plain.startswith(word) or plain.endswith(word) for word in _OFFICIAL):
        raise PydanticCustomError("invalid", "用户名不能冒充平台或管理人员")
    return name


def _require_agreement(agrees: bool) -> bool:
    if not agrees:
        raise PydanticCustomError("invalid", "请先阅读并同意服务条款")
    return agrees


Agreement = Annotated[bool, AfterValidator(_require_agreement)]  # `Literal[True]` would take 1
SmsCode = Annotated[
    str, BeforeValidator(_read_sms_code), WithJsonSchema({"type": "string", "pattern": "^[0-9]{6}$"})
]
Username = Annotated[Name, AfterValidator(_read_username)]
# What is typed at a login may be shorter than a password can be: then it is wrong, not malformed.
TypedSecret = Annotated[
    str,
    BeforeValidator(partial(wire_text.read_opaque, shortest=1, longest=128)),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 128}),
]


class RequestSmsCode(Body):
    phone: PhoneText
    purpose: Literal["register", "login", "reset", "bind"]


class RegisterUser(Body):
    phone: PhoneText
    sms_code: SmsCode
    username: Username
    password: Secret
    user_type: Literal["patient", "caregiver"]
    accept_terms: Agreement


class CreateAdmin(Body):
    """Asked on the command line only."""

    username: Name
    phone: PhoneText
    password: Secret


class LogIn(Body):
    """One of three ways; `way` is None when the fields are not exactly those of one.

    `wechat_state` came back from WeChat beside the code, `wechat_proof` from `wechat_begin`.
    """

    phone: PhoneText | None = None
    password: TypedSecret | None = None
    sms_code: SmsCode | None = None
    wechat_code: Token | None = None
    wechat_app: Literal["mini", "oa"] | None = None
    wechat_state: Token | None = None
    wechat_proof: Token | None = None

    @property
    def way(self) -> Literal["password", "sms_code", "wechat"] | None:
        given = {name for name, value in self if value is not None}
        if given == {"phone", "password"}:
            return "password"
        if given == {"phone", "sms_code"}:
            return "sms_code"
        given -= {"wechat_state", "wechat_proof"}
        return "wechat" if given == {"wechat_code", "wechat_app"} else None


class BeginWeChat(Body):
    pass


class BindWeChat(Body):
    """The phone proven by a text message, or by WeChat itself (`phone_code`)."""

    bind_token: Token
    phone: PhoneText | None = None
    sms_code: SmsCode | None = None
    phone_code: Token | None = None

    @property
    def way(self) -> Literal["sms_code", "phone_code"] | None:
        given = {name for name, value in self if value is not None} - {"bind_token"}
        if given == {"phone", "sms_code"}:
            return "sms_code"
        return "phone_code" if given == {"phone_code"} else None


class RefreshLogin(Body):
    refresh_token: Token


class ResetPassword(Body):
    phone: PhoneText
    sms_code: SmsCode
    password: Secret


class LogOut(Body):
    pass


class ReadMe(Query):
    pass


class AnswerConsent(Body):
    """What the account agrees to beyond the terms: that its use of the pages is recorded."""

    purpose: Literal["behaviour"]
    agree: bool
