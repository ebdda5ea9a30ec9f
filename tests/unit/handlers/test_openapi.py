"""The document tells what the server does, and the page tells what the document tells."""
import json
import re
from html.parser import HTMLParser

import pytest
from pydantic import Field

from config.fields import Body, IdText, Name, Query
from server.core.errors import STATUS_OF_CODE
from server.core.operation import ANYONE, PATIENT, Operation
from server.handlers.http.downloads import Download
from server.handlers.http.uploads import Upload
from server.handlers.pages.docs_page import docs_page, docs_routes
from server.handlers.pages.openapi import openapi_document
from tests.unit.handlers.conftest import small_operations


class FileId(Query):
    file_id: IdText


class Purpose(Query):
    purpose: Name


class Inner(Body):
    weekday: int


class Nested(Body):
    hours: list[Inner]


class Told(Body):
    name: Name = Field(description="说明<一>")


class Partial(Body):
    thing_id: IdText
    name: Name = None  # may be left out, but is no null
    remark: Name | None = None


async def _nothing(*_):
    return None


@pytest.fixture
def declared(seen):
    return [
        *small_operations(seen),
        Upload("/api/file/upload", Purpose, _nothing, PATIENT, "上传<文件>", required_files=("file",), optional_files=("extra",)),
        Download("/api/file/{file_id}", FileId, _nothing, ANYONE, "下载"),
        Operation("POST", "/api/demo/nested", Nested, _nothing, PATIENT, "嵌套"),
        Operation("POST", "/api/demo/partial", Partial, _nothing, PATIENT, "部分更新"),
        Operation(
            "POST", "/api/demo/told", Told, _nothing, PATIENT, "说明",
            about="第一段<b>\n第二段", example={"thing_id": "t<1>", "count": 3},
        ),
    ]


@pytest.fixture
def document(declared):
    return openapi_document(declared)


def _references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_every_declaration_is_in_the_document_and_nothing_else(declared, document):
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert told == {(getattr(one, "method", "GET" if isinstance(one, Download) else "POST"), one.path) for one in declared}
    assert document["openapi"] == "3.1.0"
    json.dumps(document)


def test_every_reference_leads_somewhere(document):
    names = {reference.rpartition("/")[2] for reference in _references(document)}
    assert {"Pair", "Inner", "Success", "Failure"} <= names
    assert names <= set(document["components"]["schemas"])


def test_operation_ids_are_unique(document):
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


def test_a_body_forbids_what_it_does_not_know(document):
    schema = document["components"]["schemas"]["Pair"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name"]


def test_a_default_is_told_only_where_the_field_may_have_it(document):
    fields = document["components"]["schemas"]["Partial"]["properties"]
    assert "default" not in fields["name"]
    assert fields["remark"]["default"] is None


def test_whatever_is_named_by_an_id_may_not_be_found(document):
    told = {path: set(methods.get("post", {}).get("responses", {})) for path, methods in document["paths"].items()}
    assert "404" in told["/api/demo/partial"]
    assert "404" not in told["/api/demo/nested"]


def test_a_query_becomes_parameters(document):
    parameters = {p["name"]: p for p in document["paths"]["/api/demo/search"]["get"]["parameters"]}
    assert set(parameters) == {"keyword", "skill", "limit"}
    assert parameters["limit"]["schema"]["maximum"] == 100
    assert parameters["skill"]["schema"]["type"] == "array"
    assert not any(p["required"] for p in parameters.values())


@pytest.mark.parametrize(
    ("path", "required"),
    [("/api/demo/keyed", True), ("/api/demo/echo", False), ("/api/user/demo", None), ("/api/demo/unkeyed", None),
     ("/api/file/upload", None)],
)
def test_the_key_header_is_told_where_it_is_taken(document, path, required):
    keys = [p for p in document["paths"][path]["post"]["parameters"] if p["name"] == "Idempotency-Key"]
    assert [key["required"] for key in keys] == ([] if required is None else [required])
    for key in keys:
        assert re.fullmatch(key["schema"]["pattern"], "a" * 255)
        assert not re.fullmatch(key["schema"]["pattern"], "a b")


def test_roles_become_security(document):
    paths = document["paths"]
    assert paths["/api/demo/echo"]["post"]["security"] == [{"bearer": []}]
    assert paths["/api/demo/echo"]["post"]["x-roles"] == ["patient"]
    assert paths["/api/demo/echo"]["post"]["x-rpc"] == "demo.echo"
    assert paths["/api/demo/service"]["post"]["security"] == [{"service": []}]
    assert "security" not in paths["/api/demo/search"]["get"]


def test_every_answer_is_told_with_its_codes(document):
    responses = document["paths"]["/api/demo/keyed"]["post"]["responses"]
    assert {"201", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"} == set(responses)
    told = [code for status, answer in responses.items() if status != "201"
            for code in answer["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"]["enum"]]
    assert "idempotency_key_required" in told
    assert all(STATUS_OF_CODE.get(code, 500) for code in told)
    echo = document["paths"]["/api/demo/echo"]["post"]["responses"]
    assert "wrong_state" in echo["409"]["description"]


def test_an_upload_is_a_form_with_its_files(document):
    content = document["paths"]["/api/file/upload"]["post"]["requestBody"]["content"]
    schema = content["multipart/form-data"]["schema"]
    assert set(schema["properties"]) == {"file", "extra", "purpose"}
    assert schema["required"] == ["file", "purpose"]
    assert schema["properties"]["file"] == {"type": "string", "format": "binary"}


def test_a_download_has_its_id_in_the_path(document):
    operation = document["paths"]["/api/file/{file_id}"]["get"]
    assert [(p["name"], p["in"], p["required"]) for p in operation["parameters"]] == [("file_id", "path", True)]


def test_what_an_operation_tells_of_itself_is_in_document_and_page(document):
    told = document["paths"]["/api/demo/told"]["post"]
    assert told["description"] == "第一段<b>\n第二段"
    example = told["responses"]["200"]["content"]["application/json"]["example"]
    assert (example["code"], example["data"]) == ("ok", {"thing_id": "t<1>", "count": 3})
    assert "description" not in document["paths"]["/api/demo/echo"]["post"]
    html = docs_page(document)
    assert "第一段&lt;b&gt;\n第二段" in html and "t&lt;1&gt;" in html and "说明&lt;一&gt;" in html


def test_a_document_of_nothing_is_a_document():
    assert openapi_document([])["paths"] == {}


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("href", "src")]


def test_the_page_shows_every_operation_and_needs_no_other_host(document):
    html = docs_page(document)
    page = _Page()
    page.feed(html)
    operations = sum(len(methods) for methods in document["paths"].values())
    assert page.tags.count("details") == operations
    assert "script" not in page.tags
    assert all(link.startswith(("#", "/")) for link in page.links)
    assert "上传&lt;文件&gt;" in html and "上传<文件>" not in html


async def test_document_and_page_are_served(start, document):
    client = start(lambda edge: docs_routes(edge, lambda: document))
    answer = await client.get("/api/openapi.json")
    assert (answer.status, answer.json) == (200, document)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    page = await client.get("/api/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.body.decode() == docs_page(document)
    assert (await client.post("/api/docs")).status == 405


async def test_the_page_may_use_its_own_style_and_nothing_else(start, document):
    import base64
    import hashlib

    page = await start(lambda edge: docs_routes(edge, lambda: document)).get("/api/docs")
    style = re.search(r"<style>(.*?)</style>", page.body.decode(), re.DOTALL)[1]
    expected = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{expected}'" in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert " style=" not in page.body.decode()
