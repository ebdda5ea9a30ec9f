"""Turns untrusted plain values into an operation's command.

Both edges, REST and rpc, read through here, so that they accept, refuse and recognise alike.
"""
import hashlib
import json
from collections.abc import Iterable
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from config.fields import field_errors
from server.core.errors import FieldError, Refused


class HasCommand(Protocol):
    """An operation, as far as reading is concerned."""

    @property
    def command(self) -> type[Any]: ...


def read_command(operation: HasCommand, value: Any) -> Any:
    """The validated command in a parsed body.

    Raises Refused `unknown_field` when the value has a field too many, else `invalid`; its `errors` are
    never empty and tell unknown fields first.
    """
    return read_model(operation.command, value)


def read_model(model: type[BaseModel], value: Any) -> BaseModel:
    """An instance of `model` made of a plain dict; refuses as `read_command`."""
    if type(value) is not dict:
        raise Refused("invalid", errors=(FieldError("body", "wrong_type", "请求内容必须是一个 JSON 对象"),))
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _refusal(error) from None


def read_pairs(model: type[BaseModel], pairs: Iterable[tuple[str, str]]) -> BaseModel:
    """An instance of a `Query` made of text pairs: a query string or a form; refuses as `read_command`."""
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    return read_model(model, texts)


def fingerprint(value: Any) -> str:
    """SHA-256 in hex of a parsed body, the same for every order of its keys."""
    text = _sorted.encode(value)
    return hashlib.sha256(text.encode()).hexdigest()


_sorted = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _refusal(error: ValidationError) -> Refused:
    errors = [FieldError(*one) for one in field_errors(error)]
    errors.sort(key=lambda one: one.code != "unknown_field")
    return Refused("unknown_field" if errors[0].code == "unknown_field" else "invalid", errors=tuple(errors))
