"""What the pages know of the API by generation is the API as it is."""
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from config.load import load_settings, prepare_data_dir, with_secrets
from server.app import build_app

WEB = Path(__file__).resolve().parents[2] / "web"
MOBILE = WEB / "mobile"
BOUNDS = WEB / "admin" / "src" / "api" / "generated" / "bounds.json"
OUR_ROLES = {"patient", "caregiver", "guest"}


def requests_of(document: dict[str, Any]) -> dict[str, Any]:
    """The part of the document that the generated types are made of: web/mobile/scripts/api.mjs does the same."""
    paths: dict[str, Any] = {}
    sentences: dict[str, str] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    sentences.update(part.split("：", 1) for part in answer["description"].split("；"))
            if operation["x-roles"] and not OUR_ROLES & set(operation["x-roles"]):
                continue
            kept = {name: operation[name] for name in ("operationId", "parameters", "requestBody") if name in operation}
            paths.setdefault(path, {})[method] = kept
    return {"paths": paths, "schemas": reached(paths, document["components"]["schemas"]), "sentences": sentences}


def reached(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas that the paths name, and those that these name."""
    found: dict[str, Any] = {}
    waiting: list[Any] = [paths]
    while waiting:
        for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(waiting.pop())):
            if name not in found:
                found[name] = schemas[name]
                waiting.append(schemas[name])
    return found


def hash_of(requests: dict[str, Any]) -> str:
    text = json.dumps(requests, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


_LIMITS = ("minimum", "maximum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "minLength", "maxLength")


def bounds_of(schemas: dict[str, Any], schema: dict[str, Any], place: str, found: dict[str, Any]) -> dict[str, Any]:
    """How small and large each setting may be, by its place: web/admin/scripts/api.mjs does the same."""
    named = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    for one in named.get("anyOf", ()):
        bounds_of(schemas, one, place, found)
    limits = {name: named[name] for name in _LIMITS if name in named}
    if limits:
        found[place] = found.get(place, {}) | limits
    if "items" in named:
        bounds_of(schemas, named["items"], f"{place}[]", found)
    for name, part in named.get("properties", {}).items():
        bounds_of(schemas, part, f"{place}.{name}".lstrip("."), found)
    return found


async def document_of(tmp_path: Path) -> dict[str, Any]:
    settings = load_settings(None, {"PEIHU_DATA_DIR": str(tmp_path)})
    prepare_data_dir(settings)
    peihu = build_app(with_secrets(settings), base_url="http://127.0.0.1:0")
    try:
        return json.loads(json.dumps(peihu.document()))
    finally:
        await peihu.close()


async def test_the_generated_types_are_those_of_the_api(tmp_path: Path):
    current = hash_of(requests_of(await document_of(tmp_path)))
    for name in ("schema.ts", "sentences.ts"):
        first_line = (MOBILE / "src" / "api" / "generated" / name).read_text(encoding="utf-8").splitlines()[0]
        found = re.search(r"sha256 ([0-9a-f]{64})$", first_line)
        assert found and found[1] == current, f"{name} is older than the API: npm run api in web/mobile"


async def test_a_new_field_and_a_new_code_would_be_found(tmp_path: Path):
    document = await document_of(tmp_path)
    before = hash_of(requests_of(document))
    document["components"]["schemas"]["CreateOrder"]["properties"]["wheelchair"] = {"type": "boolean"}
    with_field = hash_of(requests_of(document))
    document["paths"]["/api/order/pay"]["post"]["responses"]["409"]["description"] += "；card_lost：卡丢了"
    assert len({before, with_field, hash_of(requests_of(document))}) == 3


async def test_the_bounds_of_the_settings_page_are_those_of_the_api(tmp_path: Path):
    schemas = (await document_of(tmp_path))["components"]["schemas"]
    current = bounds_of(schemas, schemas["ChangeSettings"], "", {})
    kept = json.loads(BOUNDS.read_text(encoding="utf-8"))
    assert kept == current, "bounds.json is older than the API: npm run api in web/admin"
    assert kept["time.lead_min"] == {"minimum": 0, "maximum": 1440}
