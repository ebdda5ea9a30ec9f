"""Field types of requests: strict, bounded, never coerced.

An area's commands are `Body` (JSON of a POST or an rpc) or `Query` (parameters of a GET) with fields of
these types. A text is never taken for a number, `true` never for 1, and what is not declared is refused.
"""
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from config import wire_text
from server.core.phone import mobile_number

LIMIT_DEFAULT = 20


class Body(BaseModel):
    """The JSON object of a request. Arrays are declared as `list[...]`, nested objects as `Body`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """The parameters of a GET: every value arrives as text, or as a list of texts.

    Only a field declared `list[...]` may be repeated. Numbers need the query types below.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _one_text_a_field(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {name: cls._value(name, value) for name, value in given.items()}

    @classmethod
    def _value(cls, name: str, value: Any) -> Any:
        field = cls.model_fields.get(name)
        if field is not None and _is_list(field.annotation):
            return [value] if isinstance(value, str) else value
        return value[0] if isinstance(value, list) and len(value) == 1 else value


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))


def _text_type(read: Any, *, shortest: int, longest: int) -> Any:
    schema = {"type": "string", "minLength": shortest, "maxLength": longest}
    reader = partial(read, shortest=shortest, longest=longest)
    return Annotated[str, BeforeValidator(reader), WithJsonSchema(schema)]


def query_int(lowest: int, highest: int) -> Any:
    """A whole number of a query between two bounds, both allowed."""
    return Annotated[int, Field(ge=lowest, le=highest), BeforeValidator(wire_text.read_digits)]


def _read_mobile(value: object) -> str:
    number = mobile_number(wire_text.require_text(value))
    if number is None:
        raise PydanticCustomError("invalid", "手机号不正确")
    return number


# Texts. Lengths are code points (contract.md §2).
Name = _text_type(wire_text.read_line, shortest=1, longest=50)  # one visible line, NFC
ShortText = _text_type(wire_text.read_line, shortest=0, longest=200)  # one line; may be empty
Text2000 = _text_type(wire_text.read_prose, shortest=1, longest=2000)  # not blank
Remark2000 = _text_type(wire_text.read_prose, shortest=0, longest=2000)  # may be empty
IdText = _text_type(wire_text.read_opaque, shortest=0, longest=64)  # unknown ones are not found later
ClientId = _text_type(wire_text.read_opaque, shortest=1, longest=64)  # made by the client: `msg_id`
Secret = _text_type(wire_text.read_opaque, shortest=8, longest=128)  # a password, as it was typed
Token = _text_type(wire_text.read_opaque, shortest=1, longest=4096)  # given out by us or a provider
Cursor = _text_type(wire_text.read_opaque, shortest=1, longest=512)
PhoneText = Annotated[  # the 11 digits, whatever spelling came (domain.md §12)
    str, BeforeValidator(_read_mobile), WithJsonSchema({"type": "string", "example": "13800138000"})
]

# Numbers and instants of bodies.
Fen = Annotated[int, Field(ge=0, le=1_000_000_000)]
Instant = Annotated[datetime, BeforeValidator(wire_text.read_instant)]  # aware UTC, milliseconds
LocalDate = Annotated[date, BeforeValidator(wire_text.read_date)]
TimeOfDay = Annotated[  # minutes since midnight, 0-1440
    int,
    BeforeValidator(wire_text.read_time_of_day),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}$", "example": "08:00"}),
]

# Query variants. Bounds are given by `query_int`; on top of `QueryInt` they would miss the API page.
QueryInt = Annotated[int, BeforeValidator(wire_text.read_digits)]
QueryFen = query_int(0, 1_000_000_000)
QueryBool = Annotated[bool, BeforeValidator(wire_text.read_truth)]
QueryInstant = Annotated[datetime, BeforeValidator(wire_text.read_query_instant)]
Limit = query_int(1, 100)  # declare as `limit: Limit = LIMIT_DEFAULT`

_OWN_CODES = frozenset({"wrong_type", "invalid", "too_long", "too_short", "out_of_range", "unknown_field"})
_CODE_OF_KIND = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "literal_error": "not_allowed",
    "enum": "not_allowed",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "multiple_of": "out_of_range",
}
_MESSAGES = {
    "required": "必填",
    "unknown_field": "没有这个字段",
    "wrong_type": "类型不正确",
    "too_long": "过长",
    "too_short": "过短",
    "out_of_range": "超出允许范围",
    "not_allowed": "不是允许的取值",
    "invalid": "不正确",
}


def field_errors(refusal: ValidationError) -> list[tuple[str, str, str]]:
    """(dotted field, code, Chinese message) for each fault, in the order of the model's fields.

    Codes: `required`, `unknown_field`, `wrong_type`, `too_long`, `too_short`, `out_of_range`,
    `not_allowed`, `invalid`. A validator's ValueError is `invalid` with the error's own message.
    """
    found = []
    for fault in refusal.errors(include_url=False, include_input=False):
        code = _code_of(fault["type"])
        found.append((_dotted(fault["loc"]), code, _message_of(fault, code)))
    return found


def _message_of(fault: Mapping[str, Any], code: str) -> str:
    ctx = fault.get("ctx", {})
    if "actual_length" in ctx:  # pydantic's own, in English; its codes for lists are spelled like ours
        return f"至少{ctx['min_length']}项" if code == "too_short" else f"最多{ctx['max_length']}项"
    if fault["type"] in _OWN_CODES:
        return str(fault["msg"])
    return str(ctx["error"]) if fault["type"] in ("value_error", "assertion_error") else _MESSAGES[code]


def _code_of(kind: str) -> str:
    """Our code for a fault of pydantic's kind (https://docs.pydantic.dev/latest/errors/validation_errors/)."""
    if kind in _OWN_CODES:
        return kind
    if kind in _CODE_OF_KIND:
        return _CODE_OF_KIND[kind]
    for code in ("too_long", "too_short"):
        if kind.endswith(code):
            return code
    return "wrong_type" if kind.endswith("_type") else "invalid"


def _dotted(location: tuple[int | str, ...]) -> str:
    """Names of unknown fields come from the client: bounded, and free of what UTF-8 cannot carry."""
    text = ".".join(str(part) for part in location)
    return text[:100].encode("utf-8", "replace").decode()
