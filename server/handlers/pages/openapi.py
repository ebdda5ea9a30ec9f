"""The API in OpenAPI 3.1, from what is declared and served."""
from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from server.core.operation import Operation
from server.handlers.http.downloads import Download
from server.handlers.http.edge import GUEST, SERVICE
from server.handlers.http.sentences import SENTENCES, status_of
from server.handlers.http.strictness import takes_key
from server.handlers.http.uploads import Upload
from server.handlers.routes import Declared

_REF = "#/components/schemas/{model}"
_EVERY_REFUSAL = ("malformed", "too_many_requests", "internal", "unavailable")
_BODY_REFUSALS = ("too_large", "unsupported_type", "invalid", "unknown_field")
_KEY_REFUSALS = ("idempotency_mismatch", "idempotency_in_progress")
_A_REQUEST = "01k6mreq0000000000000000e1"
_KEY_PATTERN = "^[\\x21-\\x7e]{1,255}$"

TITLES = {
    "user": "账户", "patient": "患者与家属", "caregiver": "陪护人员", "catalog": "服务目录", "order": "预约订单",
    "chat": "沟通", "note": "护理记录", "message": "消息通知", "file": "文件", "event": "行为统计",
    "payment": "支付", "admin": "管理后台", "sandbox": "沙箱",
}


def openapi_document(
    declared: Iterable[Declared], *, title: str = "陪护预约平台", version: str = "1.0"
) -> dict[str, Any]:
    """The document for these declarations, in their order; JSON-able."""
    every = [one for one in declared if not isinstance(one, Operation) or one.rest]
    schemas, definitions = models_json_schema(
        [(one.command, "validation") for one in _once(every)], ref_template=_REF
    )
    _drop_impossible_defaults(definitions.get("$defs", {}))
    paths: dict[str, dict[str, Any]] = {}
    for one in every:
        reference = schemas[(one.command, "validation")]
        schema = _resolved(reference, definitions)
        paths.setdefault(one.path, {})[_method(one).lower()] = _operation(one, schema, reference=reference)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "tags": [{"name": tag, "description": TITLES.get(tag, tag)} for tag in dict.fromkeys(map(_tag, every))],
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), **_ENVELOPES},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "service": {"type": "apiKey", "in": "header", "name": "X-Service-Key"},
            },
        },
    }


_ENVELOPES: dict[str, Any] = {
    "Success": {
        "type": "object",
        "required": ["code", "message", "data", "request_id"],
        "properties": {
            "code": {"const": "ok"}, "message": {"type": "string"}, "data": {}, "request_id": {"type": "string"},
        },
    },
    "FieldError": {
        "type": "object",
        "required": ["field", "code", "message"],
        "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
    },
    "Failure": {
        "type": "object",
        "required": ["code", "message", "data", "request_id"],
        "properties": {
            "code": {"type": "string"}, "message": {"type": "string"}, "data": {}, "request_id": {"type": "string"},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
        },
    },
}


def _once(every: list[Declared]) -> list[Declared]:
    return list({one.command: one for one in every}.values())


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema itself where pydantic gave a reference to it."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return definitions["$defs"][name] if name else schema


def _drop_impossible_defaults(models: dict[str, Any]) -> None:
    """A field that may be left out but never null is None inside; its schema must not promise that."""
    for model in models.values():
        for of_field in model.get("properties", {}).values():
            if of_field.get("default", ...) is None and "type" in of_field:
                del of_field["default"]


def _method(one: Declared) -> str:
    match one:
        case Upload():
            return "POST"
        case Download():
            return "GET"
    return one.method


def _tag(one: Declared) -> str:
    return one.path.removeprefix("/api").strip("/").split("/")[0]


def _operation(one: Declared, schema: dict[str, Any], *, reference: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{one.name}.{_method(one).lower()}",
        "summary": one.summary,
        "tags": [_tag(one)],
        "x-roles": sorted(one.roles),
        "parameters": _parameters(one, schema),
        "responses": _responses(one),
    }
    if isinstance(one, Operation) and one.about:
        described["description"] = one.about
    if one.roles:
        described["security"] = [{"service" if one.roles == SERVICE else "bearer": []}]
        described["security"] += [{}] if GUEST <= one.roles else []
    if isinstance(one, Operation) and one.rpc:
        described["x-rpc"] = one.name
    if isinstance(one, Upload):
        described["requestBody"] = _body("multipart/form-data", _form(one, schema))
    elif _method(one) == "POST":
        described["requestBody"] = _body("application/json", reference)
    return described


def _body(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {media_type: {"schema": schema}}}


def _form(one: Upload, schema: dict[str, Any]) -> dict[str, Any]:
    files = {name: {"type": "string", "format": "binary"} for name in one.required_files + one.optional_files}
    return {
        **schema,
        "properties": {**files, **schema.get("properties", {})},
        "required": [*one.required_files, *schema.get("required", [])],
    }


def _parameters(one: Declared, schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    if _method(one) == "GET":
        required = schema.get("required", [])
        for name, of_field in schema.get("properties", {}).items():
            in_path = f"{{{name}}}" in one.path
            found.append({
                "name": name, "in": "path" if in_path else "query",
                "required": in_path or name in required, "schema": of_field,
            })
    if isinstance(one, Operation) and takes_key(one):
        found.append({
            "name": "Idempotency-Key", "in": "header", "required": one.keyed == "required",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _KEY_PATTERN},
        })
    return found


def _names_a_thing(one: Declared) -> bool:
    return any(name.endswith("_id") for name in one.command.model_fields)


def _codes(one: Declared) -> list[str]:
    codes = [*_EVERY_REFUSAL]
    if one.roles:
        codes += ["unauthorized", "token_expired", "forbidden"]
    codes += ["not_found"] if _names_a_thing(one) else []
    codes += getattr(one, "refusals", ())
    codes += _BODY_REFUSALS if _method(one) == "POST" else _BODY_REFUSALS[2:]
    if isinstance(one, Operation) and takes_key(one):
        codes += [*_KEY_REFUSALS, *(["idempotency_key_required"] if one.keyed == "required" else [])]
    return list(dict.fromkeys(codes))


def _responses(one: Declared) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in _codes(one):
        by_status.setdefault(status_of(code), []).append(code)
    return {
        **_success(one),
        **{str(status): _failure(codes) for status, codes in sorted(by_status.items())},
    }


def _success(one: Declared) -> dict[str, Any]:
    if isinstance(one, Download):
        file = {"schema": {"type": "string", "format": "binary"}}
        return {"200": {"description": "文件内容", "content": {"*/*": file}}}
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Success"}}
    if isinstance(one, Operation) and one.example is not None:
        content["example"] = {"code": "ok", "message": SENTENCES["ok"], "data": one.example, "request_id": _A_REQUEST}
    return {str(one.status): {"description": SENTENCES["ok"], "content": {"application/json": content}}}


def _failure(codes: list[str]) -> dict[str, Any]:
    schema = {"allOf": [{"$ref": "#/components/schemas/Failure"}, {"properties": {"code": {"enum": codes}}}]}
    said = "；".join(f"{code}：{SENTENCES[code]}" for code in codes)
    return {"description": said, "content": {"application/json": {"schema": schema}}}
